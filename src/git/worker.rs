use std::{sync::Arc, thread, time::Instant};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::Snapshot;
use git2::Repository;
use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use super::{
    Settings,
    checkpoint::Checkpoint,
    mirror::{Ask, Outcome},
    objects::{Commit, reachable_commit},
    refs::oid,
    seen::Seen,
    snapshots::Snapshots,
    source::{Lazy, Source},
    work_tree,
};
use crate::look::{Limits, LookError, Modified, Query, Refs, Target, Version, View};

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Command {
    /// A question and where its answer goes.
    Look {
        query: Query,
        reply: oneshot::Sender<Result<View, LookError>>,
    },
    /// The history came, or failed to.
    Deepened(Outcome),
}

/// The place where libgit2 is called, once the thread runs.
pub(super) struct Worker {
    source: Source,
    limits: Limits,
    snapshots: Snapshots,
    /// What was found last.
    last: Option<Seen>,
    /// The labels that were asked for first, which are what a start serves.
    first: Vec<Label>,
    /// Nothing for repositories of this machine, whose files are read where they are.
    checkpoint: Option<Checkpoint>,
}

/// What a look found for labels.
type Found = Vec<(Label, Result<Version, LookError>)>;

impl Worker {
    /// Starts a thread that answers until the last sender is gone.
    pub(super) fn spawn(
        settings: Settings,
        queue: usize,
        alive: Arc<()>,
    ) -> std::io::Result<mpsc::Sender<Command>> {
        let (sender, commands) = mpsc::channel::<Command>(queue);
        let ask = sender.downgrade();
        let limits = settings.reach.limits;
        let source = Source::new(settings);
        let worker = Self {
            limits,
            checkpoint: source.mirror().map(Checkpoint::of),
            source,
            snapshots: Snapshots::default(),
            last: None,
            first: Vec::new(),
        };
        thread::Builder::new().name("git".into()).spawn(move || {
            let _alive = alive;
            worker.work(commands, &ask);
        })?;
        Ok(sender)
    }

    fn work(mut self, mut commands: mpsc::Receiver<Command>, ask: &Ask) {
        while let Some(command) = commands.blocking_recv() {
            match command {
                Command::Look { reply, .. } if reply.is_closed() => continue,
                Command::Look { query, reply } => {
                    let view = self.timed_look(&query);
                    let is_left_behind = reply.send(view).is_err() && ask.strong_count() == 0;
                    // Another thread has the mirror now; nothing may be written there beside it.
                    if is_left_behind {
                        return;
                    }
                }
                Command::Deepened(outcome) => {
                    if let Source::Mirror(mirror) = &mut self.source {
                        mirror.deepened(outcome);
                    }
                }
            }
            if let Source::Mirror(mirror) = &mut self.source {
                mirror.settle(ask);
            }
            self.save();
        }
    }

    /// What nobody waits for either: lets the next start be a quick one.
    fn save(&mut self) {
        let last = self.last.as_ref();
        let snapshot =
            last.and_then(|last| self.first.iter().find_map(|label| last.snapshot(label)));
        if let (Some(snapshot), Some(checkpoint)) = (snapshot, &mut self.checkpoint)
            && self.source.is_settled()
            && checkpoint.wants(snapshot.version())
        {
            self.snapshots.save(snapshot.version(), checkpoint);
        }
    }

    fn timed_look(&mut self, query: &Query) -> Result<View, LookError> {
        let begin = Instant::now();
        let view = self.look(query);
        let duration_us = begin.elapsed().as_micros();
        let news = view.as_ref().is_ok_and(|view| view.news);
        debug!(fetch = ?query.fetch, labels = query.labels.len(), news, duration_us, "looked");
        view
    }

    fn look(&mut self, query: &Query) -> Result<View, LookError> {
        let fetched = self.source.fetch(query);
        // Held until this look has taken up what is still wanted of it.
        let _restored = self.restore(query);
        let refs = self
            .source
            .refs()
            .map_err(|missing| fetched.clone().and_then(Result::err).unwrap_or(missing))?;
        let repository = self.source.repository();
        let labels: Found = query
            .labels
            .iter()
            .map(|label| (label.clone(), self.version_of(&repository, &refs, label)))
            .collect();
        let commits = query
            .commits
            .iter()
            .filter_map(|id| self.version(&repository, *id).ok())
            .collect();
        self.snapshots.forget_unused();
        let seen = Seen::new(&refs, &labels);
        let news = self.last.as_ref().is_none_or(|last| !last.covers(&seen));
        self.last = Some(seen);
        Ok(View {
            news,
            listed: self.source.listed(),
            refs,
            labels,
            commits,
            fetched,
        })
    }

    /// What an earlier server saved, at the first look.
    fn restore(&mut self, query: &Query) -> Option<Arc<Snapshot>> {
        if !self.first.is_empty() || query.labels.is_empty() {
            return None;
        }
        self.first.clone_from(&query.labels);
        self.snapshots
            .restore(self.checkpoint.as_mut()?, self.limits)
    }

    fn version_of(
        &mut self,
        repository: &Lazy,
        refs: &Refs,
        label: &Label,
    ) -> Result<Version, LookError> {
        let target = match refs.resolve(label) {
            Some(target) => target,
            None => self.commit_of(repository, refs, label)?,
        };
        match target {
            Target::CheckedOut(commit) if self.source.has_work_tree() => {
                self.work_tree(repository.get()?, commit, label)
            }
            Target::CheckedOut(commit) | Target::Commit(commit) => self.version(repository, commit),
        }
    }

    /// What a label names that is no ref. Only the whole history tells that a commit is not there.
    fn commit_of(
        &self,
        repository: &Lazy,
        refs: &Refs,
        label: &Label,
    ) -> Result<Target, LookError> {
        if !Refs::may_be_commit(label) {
            return Err(LookError::NoSuchLabel);
        }
        let missing = if self.source.is_partial() {
            LookError::NotYet
        } else {
            LookError::NoSuchLabel
        };
        reachable_commit(repository.get()?, refs, label).ok_or(missing)
    }

    fn version(&mut self, repository: &Lazy, commit: CommitId) -> Result<Version, LookError> {
        if let Some(version) = self.snapshots.known(commit) {
            return Ok(version);
        }
        let repository = repository.get()?;
        if self.source.is_partial() && repository.find_commit(oid(commit)).is_err() {
            return Err(LookError::NotYet);
        }
        let made = self.snapshots.make(repository, commit, self.limits);
        if let (Err(LookError::Unreadable(_)), Source::Mirror(mirror)) = (&made, &mut self.source) {
            mirror.suspect(commit);
        }
        made
    }

    fn work_tree(
        &mut self,
        repository: &Repository,
        commit: CommitId,
        label: &Label,
    ) -> Result<Version, LookError> {
        let time = Commit::read(repository, commit)?.time;
        let blobs = self.snapshots.blobs();
        let snapshot = Arc::new(work_tree::snapshot(repository, commit, self.limits, blobs)?);
        let last = self.last.as_ref().and_then(|last| last.snapshot(label));
        let same = last.filter(|last| {
            last.version() == commit && last.files().changes(snapshot.files()).is_empty()
        });
        Ok(Version {
            snapshot: same.unwrap_or(snapshot),
            modified: Modified::Together(time),
        })
    }
}
