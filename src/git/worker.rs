//! The side that calls libgit2 and asks remotes, and may hang: a process of its own, or a thread where there is no program
//! to start. It keeps no files: it answers with what differs from commits that whoever asks has.

mod checkout;
mod credentials;
mod durable;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod host_key;
mod intake;
mod lease;
mod links;
mod mirror;
mod objects;
mod options;
mod pack_index;
mod refs;
mod sizes;
mod smart_http;
mod source;
mod trees;
mod work_tree;

use std::{collections::HashMap, io, os::unix::net::UnixStream, sync::Arc, thread};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::{BlobId, RepoPath};
use tokio::sync::mpsc;
use tracing::warn;

use super::wire::{
    self, Answer, Assignment, Base, Begin, End, Id, Looked, Named, RefsNews, Request,
};
use crate::look::{Fetch, Limits, LookError, Pieces, Refs, Target};
pub(crate) use checkout::Checkout;
use mirror::{Ask, Outcome};
use objects::{Commit, Reader, reachable_commit};
use refs::oid;
use source::{Lazy, Source};

/// Requests that may wait.
const QUEUE: usize = 16;

/// What the worker is told.
#[derive(Debug)]
enum Command {
    Asked(Request),
    /// The history came, or failed to.
    Deepened(Outcome),
}

struct Worker {
    source: Source,
    limits: Limits,
    /// To whoever asks.
    out: UnixStream,
    /// The refs as they were told last.
    told: Arc<Refs>,
    /// The files of the work tree as they were answered last; nothing when that failed.
    work_tree: Option<HashMap<RepoPath, BlobId>>,
}

/// Works for whoever has the other end of the stream, and calls `left` when nobody has it any more: that may be amid work
/// that does not end.
pub(super) fn run(stream: UnixStream, left: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let out = stream.try_clone()?;
    let mut input = stream;
    let assignment: Assignment = wire::read(&mut input)?;
    options::apply(assignment.reach.timeout);
    let (sender, commands) = mpsc::channel(QUEUE);
    let ask = sender.downgrade();
    thread::Builder::new()
        .name("git-requests".into())
        .spawn(move || {
            while let Ok(request) = wire::read(&mut input) {
                if sender.blocking_send(Command::Asked(request)).is_err() {
                    break;
                }
            }
            left();
        })?;
    let worker = Worker {
        limits: assignment.reach.limits,
        source: Source::new(assignment),
        out,
        told: Arc::default(),
        work_tree: None,
    };
    worker.work(commands, &ask);
    Ok(())
}

impl Worker {
    fn work(mut self, mut commands: mpsc::Receiver<Command>, ask: &Ask) {
        while let Some(command) = commands.blocking_recv() {
            // A look is followed by one that somebody waits for.
            let is_idle = !matches!(command, Command::Asked(Request::Look { .. }));
            match command {
                Command::Asked(request) => {
                    if self.answer(request).is_err() {
                        // Another worker has the mirror now; nothing may be written there beside it.
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
                if is_idle && commands.is_empty() {
                    mirror.tidy();
                }
                if mirror.hangs() {
                    warn!("the history does not come to an end; this worker does");
                    return;
                }
            }
        }
    }

    /// Fails when nobody is there to take the answer.
    fn answer(&mut self, request: Request) -> io::Result<()> {
        match request {
            Request::Look { fetch, labels } => {
                let answer = match self.look(&fetch, &labels) {
                    Ok(looked) => Answer::Looked(looked),
                    Err(error) => Answer::Failed(error),
                };
                self.say(&answer)
            }
            Request::Read { commit, bases } => self.read(CommitId::from_bytes(commit), &bases),
            Request::ReadWorkTree { commit, since_last } => {
                self.read_work_tree(CommitId::from_bytes(commit), since_last)
            }
        }
    }

    fn say(&mut self, answer: &Answer) -> io::Result<()> {
        wire::write(&mut self.out, answer)
    }

    fn look(&mut self, fetch: &Fetch, labels: &[String]) -> Result<Looked, LookError> {
        let labels: Vec<_> = labels.iter().map(|label| Label::parse(label)).collect();
        let wanted: Vec<_> = labels.iter().flatten().cloned().collect();
        let out = self.out.try_clone();
        let tell = move |progress| {
            let told = out
                .as_ref()
                .map(|mut out| wire::write(&mut out, &Answer::Cloning(progress)));
            matches!(told, Ok(Ok(())))
        };
        let fetched = self.source.fetch(fetch, &wanted, Box::new(tell));
        let refs = self
            .source
            .refs()
            .map_err(|missing| fetched.clone().and_then(Result::err).unwrap_or(missing))?;
        let repository = self.source.repository();
        let named = |label: &Result<Label, _>| match label {
            Ok(label) => self.target(&repository, &refs, label),
            Err(_) => Err(LookError::NoSuchLabel),
        };
        let targets = labels.iter().map(named).collect();
        let news = RefsNews::between(&self.told, &refs);
        self.told = refs;
        Ok(Looked {
            fetched,
            listed: self.source.listed(),
            refs: news,
            targets,
        })
    }

    fn target(&self, repository: &Lazy, refs: &Refs, label: &Label) -> Result<Named, LookError> {
        let target = match refs.resolve(label) {
            Some(target) => target,
            None => self.commit_of(repository, refs, label)?,
        };
        Ok(match target {
            Target::CheckedOut(commit) if self.source.has_work_tree() => {
                Named::WorkTree(*commit.as_bytes())
            }
            Target::CheckedOut(commit) | Target::Commit(commit) => {
                Named::Commit(*commit.as_bytes())
            }
        })
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

    fn read(&mut self, id: CommitId, bases: &[Id]) -> io::Result<()> {
        let repository = self.source.repository();
        let read = || -> Result<_, LookError> {
            let repository = repository.get()?;
            if self.source.is_partial() && repository.find_commit(oid(id)).is_err() {
                return Err(LookError::NotYet);
            }
            let commit = Commit::read(repository, id)?;
            let base = commit.base(repository, bases);
            let reader = Reader::new(repository, self.limits)?;
            let plan = reader.plan(commit.tree, base.map(|(_, tree)| tree))?;
            Ok((commit, base, reader, plan))
        };
        let (commit, base, reader, plan) = match read() {
            Ok(read) => read,
            Err(error) => return self.cannot_read(id, error),
        };
        let base = base.filter(|_| plan.is_difference);
        let begin = Begin {
            time: commit.time,
            authorship: commit.authorship,
            base: base.map_or(Base::Nothing, |(base, _)| Base::Commit(base)),
        };
        let sent = send_files(&mut self.out, begin, |pieces| reader.send(plan, pieces))?;
        self.suspect(id, sent.as_ref().err());
        Ok(())
    }

    fn cannot_read(&mut self, commit: CommitId, error: LookError) -> io::Result<()> {
        self.suspect(commit, Some(&error));
        self.say(&Answer::Failed(error))
    }

    fn suspect(&mut self, commit: CommitId, error: Option<&LookError>) {
        if let (Some(LookError::Unreadable(_)), Source::Mirror(mirror)) = (error, &mut self.source)
        {
            mirror.suspect(commit);
        }
    }

    fn read_work_tree(&mut self, id: CommitId, since_last: bool) -> io::Result<()> {
        let before = self.work_tree.take().filter(|_| since_last);
        let repository = self.source.repository();
        let commit = repository
            .get()
            .and_then(|repository| Commit::read(repository, id));
        let (commit, repository) = match (commit, repository.get()) {
            (Ok(commit), Ok(repository)) => (commit, repository),
            (Err(error), _) | (_, Err(error)) => return self.say(&Answer::Failed(error)),
        };
        let begin = Begin {
            time: commit.time,
            authorship: commit.authorship,
            base: if before.is_some() {
                Base::LastWorkTree
            } else {
                Base::Nothing
            },
        };
        let (mut files, before) = (None, before.unwrap_or_default());
        // Without files the next answer is a whole one.
        _ = send_files(&mut self.out, begin, |pieces| {
            let root = repository
                .workdir()
                .ok_or_else(|| LookError::NoRepository("it has no work tree".into()))?;
            files = Some(work_tree::send(root, self.limits, &before, pieces)?);
            Ok(End { has_links: false })
        })?;
        self.work_tree = files;
        Ok(())
    }
}

/// Sends files between their beginning and their end, or why they are not complete.
fn send_files(
    out: &mut UnixStream,
    begin: Begin,
    send: impl FnOnce(&mut Pieces<'_>) -> Result<End, LookError>,
) -> io::Result<Result<End, LookError>> {
    wire::write(out, &Answer::Begin(begin))?;
    let mut sink = |files| wire::write(out, &Answer::Files(files));
    let mut pieces = Pieces::new(&mut sink);
    let end = send(&mut pieces);
    pieces.end()?;
    let last = match &end {
        Ok(end) => Answer::End(*end),
        Err(error) => Answer::Failed(error.clone()),
    };
    wire::write(out, &last)?;
    Ok(end)
}
