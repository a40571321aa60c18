use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    thread,
};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::Snapshot;
use git2::Repository;
use tokio::sync::{mpsc, oneshot};

use super::{Location, Settings, mirror, objects, refs, work_tree};
use crate::look::{Blobs, Fetch, LookError, Modified, Query, Refs, Target, Version, View};

/// A question and where its answer goes.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) query: Query,
    pub(super) reply: oneshot::Sender<Result<View, LookError>>,
}

/// The only place where libgit2 is called, once the thread runs.
pub(super) struct Worker {
    settings: Settings,
    repository: Option<Repository>,
    blobs: Blobs,
    /// Snapshots that somebody still holds.
    snapshots: HashMap<CommitId, Weak<Snapshot>>,
}

impl Worker {
    /// Starts a thread that answers until the last sender is gone.
    pub(super) fn spawn(
        settings: Settings,
        queue: usize,
        alive: Arc<()>,
    ) -> std::io::Result<mpsc::Sender<Command>> {
        let (sender, mut commands) = mpsc::channel::<Command>(queue);
        let worker = Self {
            settings,
            repository: None,
            blobs: Blobs::default(),
            snapshots: HashMap::new(),
        };
        thread::Builder::new().name("git".into()).spawn(move || {
            let (mut worker, _alive) = (worker, alive);
            while let Some(Command { query, reply }) = commands.blocking_recv() {
                if reply.is_closed() {
                    continue;
                }
                // The receiver is gone when it stopped waiting.
                _ = reply.send(worker.look(&query));
            }
        })?;
        Ok(sender)
    }

    fn look(&mut self, query: &Query) -> Result<View, LookError> {
        let fetched = match query.fetch {
            Fetch::No => None,
            Fetch::Refs(_) | Fetch::All => {
                Some(mirror::fetch(&self.settings, &mut self.repository))
            }
        };
        let repository = match self.repository.take() {
            Some(repository) => repository,
            None => mirror::open(&self.settings)
                .map_err(|missing| fetched.clone().and_then(Result::err).unwrap_or(missing))?,
        };
        let refs = Arc::new(refs::read(&repository)?);
        let labels = query
            .labels
            .iter()
            .map(|label| (label.clone(), self.version_of(&repository, &refs, label)))
            .collect();
        let commits = query
            .commits
            .iter()
            .filter_map(|id| self.version(&repository, *id).ok())
            .collect();
        self.snapshots
            .retain(|_, snapshot| snapshot.strong_count() > 0);
        self.blobs.forget_unused();
        if !matches!(self.settings.address.location, Location::Remote(_))
            && !repository.path().exists()
        {
            return Err(LookError::NoRepository("the directory is gone".into()));
        }
        self.repository = Some(repository);
        Ok(View {
            news: true,
            listed: true,
            refs,
            labels,
            commits,
            fetched,
        })
    }

    fn version_of(
        &mut self,
        repository: &Repository,
        refs: &Refs,
        label: &Label,
    ) -> Result<Version, LookError> {
        let target = refs
            .resolve(label)
            .or_else(|| objects::reachable_commit(repository, refs, label))
            .ok_or(LookError::NoSuchLabel)?;
        match target {
            Target::CheckedOut(commit)
                if matches!(self.settings.address.location, Location::WorkTree(_)) =>
            {
                let modified = Modified::Together(objects::committed(repository, commit)?);
                let snapshot = work_tree::snapshot(
                    repository,
                    commit,
                    self.settings.reach.limits,
                    &mut self.blobs,
                )?;
                Ok(Version {
                    snapshot: Arc::new(snapshot),
                    modified,
                })
            }
            Target::CheckedOut(commit) | Target::Commit(commit) => self.version(repository, commit),
        }
    }

    fn version(&mut self, repository: &Repository, commit: CommitId) -> Result<Version, LookError> {
        let modified = Modified::Together(objects::committed(repository, commit)?);
        if let Some(snapshot) = self.snapshots.get(&commit).and_then(Weak::upgrade) {
            return Ok(Version { snapshot, modified });
        }
        let snapshot = Arc::new(objects::snapshot(
            repository,
            commit,
            self.settings.reach.limits,
            &mut self.blobs,
        )?);
        self.snapshots.insert(commit, Arc::downgrade(&snapshot));
        Ok(Version { snapshot, modified })
    }
}
