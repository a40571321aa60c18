use std::{
    io,
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::Snapshot;
use tokio::sync::{mpsc, oneshot};
use tracing::debug;

use super::{
    Settings,
    cage::Cage,
    cloning::{IsWanted, Time, Watched},
    seen::Seen,
    snapshots::Snapshots,
    wire::{Answer, Base, Looked, Named, Request},
};
use crate::look::{Assembly, Limits, LookError, Modified, Query, Refs, Version, View};

/// What the supervisor is told.
#[derive(Debug)]
pub(super) enum Command {
    /// A question and where its answer goes.
    Look {
        query: Query,
        reply: oneshot::Sender<Result<View, LookError>>,
    },
    /// What others need not be read for, as long as somebody holds it.
    Adopt(Vec<Version>),
}

/// Asks the worker of one repository, ends it when it does not answer in time, and makes snapshots of what it answers.
pub(super) struct Supervisor {
    cage: Cage,
    snapshots: Snapshots,
    /// All branches and tags as they were told last.
    refs: Arc<Refs>,
    /// What was found last.
    last: Option<Seen>,
    limits: Limits,
    cloning: Watched,
    deadline: Duration,
    /// For a first clone, as long as it tells how far it is.
    clone_deadline: Duration,
}

/// Why there is no answer.
#[derive(Debug)]
enum Failure {
    /// The worker says so, or its answer cannot be used.
    Look(LookError),
    /// Nothing more is to be expected of it.
    Worker(io::Error),
}

impl Supervisor {
    /// Starts a thread that answers until the last sender is gone. Nobody holds the other thing any more once the thread and
    /// all its workers have ended.
    pub(super) fn spawn(
        settings: Arc<Settings>,
        cloning: Watched,
        queue: usize,
    ) -> io::Result<(mpsc::Sender<Command>, Weak<()>)> {
        let (sender, mut commands) = mpsc::channel(queue);
        let mut supervisor = Self {
            limits: settings.reach.limits,
            deadline: settings.reach.deadline,
            clone_deadline: settings.reach.clone_deadline,
            cloning,
            cage: Cage::new(settings),
            snapshots: Snapshots::default(),
            refs: Arc::default(),
            last: None,
        };
        let workers = supervisor.cage.workers();
        let work = move || {
            while let Some(command) = commands.blocking_recv() {
                match command {
                    Command::Look { reply, .. } if reply.is_closed() => {}
                    // Whoever asked may have gone.
                    Command::Look { query, reply } => {
                        let view = supervisor.timed_look(&query, &|| !reply.is_closed());
                        _ = reply.send(view);
                    }
                    Command::Adopt(versions) => versions
                        .iter()
                        .for_each(|version| supervisor.snapshots.adopt(version)),
                }
            }
        };
        thread::Builder::new().name("git".into()).spawn(work)?;
        Ok((sender, workers))
    }

    fn timed_look(&mut self, query: &Query, is_wanted: &IsWanted<'_>) -> Result<View, LookError> {
        let begin = Instant::now();
        let view = self.look(query, is_wanted);
        self.cloning.end();
        let duration_us = begin.elapsed().as_micros();
        let news = view.as_ref().is_ok_and(|view| view.news);
        debug!(fetch = ?query.fetch, labels = query.labels.len(), news, duration_us, "looked");
        view
    }

    fn look(&mut self, query: &Query, is_wanted: &IsWanted<'_>) -> Result<View, LookError> {
        let (looked, until) = self.ask(query, is_wanted)?;
        let mut labels = Vec::new();
        let mut has_failed = false;
        for (label, named) in query.labels.iter().zip(looked.targets) {
            let found = match named {
                // What was read until then stays; the rest is asked for again, once there is another worker.
                _ if has_failed => Err(LookError::NotYet),
                Ok(named) => self.version(named, label, until),
                Err(error) => Err(error),
            };
            has_failed |= matches!(found, Err(LookError::Ended | LookError::Late(_)));
            labels.push((label.clone(), found));
        }
        if !has_failed {
            self.cage.answered();
        }
        self.snapshots.forget_unused();
        let seen = Seen::new(&self.refs, &labels);
        let news = self.last.as_ref().is_none_or(|last| !last.covers(&seen));
        self.last = Some(seen);
        Ok(View {
            news,
            listed: looked.listed,
            refs: Arc::clone(&self.refs),
            labels,
            fetched: looked.fetched,
        })
    }

    /// What a look tells, and until when there is time to read what it names.
    fn ask(
        &mut self,
        query: &Query,
        is_wanted: &IsWanted<'_>,
    ) -> Result<(LookedAt, Instant), LookError> {
        let mut time = Time::new(self.deadline, self.clone_deadline);
        let labels = query.labels.iter().map(|label| label.as_str().to_owned());
        let request = Request::Look {
            fetch: query.fetch.clone(),
            labels: labels.collect(),
        };
        let worker = self.cage.worker()?;
        let answer = worker
            .send(&request, time.until)
            .and_then(|()| self.cloning.answer(worker, &mut time, is_wanted));
        let looked = match answer {
            Ok(Answer::Looked(looked)) if looked.targets.len() == query.labels.len() => looked,
            Ok(Answer::Failed(error)) => return Err(error),
            Ok(_) => return Err(self.failed(Failure::Worker(io::ErrorKind::InvalidData.into()))),
            Err(error) => return Err(self.failed(Failure::Worker(error))),
        };
        let Looked {
            fetched,
            listed,
            refs,
            targets,
        } = looked;
        worker.refs = refs.after(&worker.refs);
        // A new worker tells all of them again.
        if *worker.refs != *self.refs {
            self.refs = Arc::clone(&worker.refs);
        }
        let looked = LookedAt {
            fetched,
            listed,
            targets,
        };
        Ok((looked, time.until))
    }

    fn version(
        &mut self,
        named: Named,
        label: &Label,
        until: Instant,
    ) -> Result<Version, LookError> {
        let likely = self.last.as_ref().and_then(|last| last.snapshot(label));
        match named {
            Named::Commit(id) => self.commit(CommitId::from_bytes(id), likely, until),
            Named::WorkTree(id) => self.work_tree(CommitId::from_bytes(id), until),
        }
    }

    fn commit(
        &mut self,
        id: CommitId,
        likely: Option<Arc<Snapshot>>,
        until: Instant,
    ) -> Result<Version, LookError> {
        if let Some(version) = self.snapshots.known(id) {
            return Ok(version);
        }
        let bases = self.snapshots.bases(likely);
        let request = Request::Read {
            commit: *id.as_bytes(),
            bases: bases
                .iter()
                .map(|base| *base.version().as_bytes())
                .collect(),
        };
        let base = |base: Base| match base {
            Base::Nothing => Some(None),
            Base::Commit(id) => {
                let mut bases = bases.iter();
                let base = bases.find(|base| *base.version().as_bytes() == id)?;
                Some(Some(Arc::clone(base)))
            }
            Base::LastWorkTree => None,
        };
        let version = match self.read(id, &request, base, until) {
            Ok(version) => version,
            // What is in service is good without its author.
            Err(Failure::Look(error)) => return self.snapshots.known(id).ok_or(error),
            Err(failure) => return Err(self.failed(failure)),
        };
        self.snapshots.keep(&version);
        Ok(version)
    }

    fn work_tree(&mut self, id: CommitId, until: Instant) -> Result<Version, LookError> {
        let last = self.cage.worker()?.work_tree.upgrade();
        let request = Request::ReadWorkTree {
            commit: *id.as_bytes(),
            since_last: last.is_some(),
        };
        let base = |base: Base| match base {
            Base::Nothing => Some(None),
            Base::LastWorkTree => last.clone().map(Some),
            Base::Commit(_) => None,
        };
        let read = self.read(id, &request, base, until);
        let version = read.map_err(|failure| self.failed(failure))?;
        let same = last.filter(|last| {
            let files = version.snapshot.files();
            last.version() == id && last.files().changes(files).is_empty()
        });
        let snapshot = same.unwrap_or_else(|| Arc::clone(&version.snapshot));
        self.cage.worker()?.work_tree = Arc::downgrade(&snapshot);
        Ok(Version {
            snapshot,
            ..version
        })
    }

    /// Puts together what the worker answers.
    fn read(
        &mut self,
        id: CommitId,
        request: &Request,
        base: impl Fn(Base) -> Option<Option<Arc<Snapshot>>>,
        until: Instant,
    ) -> Result<Version, Failure> {
        let worker = self.cage.worker().map_err(Failure::Look)?;
        let nonsense = || Failure::Worker(io::ErrorKind::InvalidData.into());
        worker.send(request, until).map_err(Failure::Worker)?;
        let begin = match worker.answer(until).map_err(Failure::Worker)? {
            Answer::Begin(begin) => begin,
            Answer::Failed(error) => return Err(Failure::Look(error)),
            _ => return Err(nonsense()),
        };
        let base = base(begin.base).ok_or_else(nonsense)?;
        let mut assembly = Assembly::new(base, self.limits);
        // The answer is read to its end whatever is wrong with it.
        let mut problem = None;
        let end = loop {
            match worker.answer(until).map_err(Failure::Worker)? {
                Answer::Files(_) if problem.is_some() => {}
                Answer::Files(files) => {
                    problem = assembly.take(files, self.snapshots.blobs()).err();
                }
                Answer::End(end) => break end,
                Answer::Failed(error) => return Err(Failure::Look(error)),
                _ => return Err(nonsense()),
            }
        };
        if let Some(problem) = problem {
            return Err(Failure::Look(problem));
        }
        let files = assembly.files(end.has_links).map_err(Failure::Look)?;
        Ok(Version {
            snapshot: Arc::new(Snapshot::new(id, files)),
            modified: Modified::Together(begin.time),
            has_links: end.has_links,
            authorship: Some(Arc::new(begin.authorship)),
        })
    }

    fn failed(&mut self, failure: Failure) -> LookError {
        match failure {
            Failure::Look(error) => error,
            Failure::Worker(error) if is_late(&error) => {
                self.cage.end("missed its deadline");
                LookError::Late(self.deadline)
            }
            Failure::Worker(error) => {
                debug!(%error, "no answer of the Git worker");
                self.cage.end("ended");
                LookError::Ended
            }
        }
    }
}

/// What a look told, besides the refs.
struct LookedAt {
    fetched: Option<Result<(), LookError>>,
    listed: bool,
    targets: Vec<Result<Named, LookError>>,
}

fn is_late(error: &io::Error) -> bool {
    // A read that waited too long "would block".
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
    )
}
