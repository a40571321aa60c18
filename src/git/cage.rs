//! A worker that can be ended, whatever it does: a process is killed, and a thread is left behind.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::CommandExt as _},
    },
    process::{Child, Command, Stdio},
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use confbus_resolution::Snapshot;
use serde::Serialize;
use tracing::{error, warn};

use super::{
    Settings, home,
    wire::{self, Answer, Assignment},
    worker,
};
use crate::look::{LookError, Refs};

/// Workers that were ended and may still be there; with more of them we stop asking.
const MAX_LEFT_BEHIND: usize = 4;
/// Until the next worker after one that failed; doubled for each more in a row.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Where the worker of one repository is kept.
#[derive(Debug)]
pub(super) struct Cage {
    settings: Arc<Settings>,
    worker: Option<Caged>,
    /// Held by what was ended and may still be there.
    left_behind: Arc<()>,
    /// Workers in a row that came to nothing.
    failures: u32,
    not_before: Option<Instant>,
    /// The last one was ended amid its work, perhaps because of what is on disk.
    suspect: bool,
}

/// A worker, and what it told last.
#[derive(Debug)]
pub(super) struct Caged {
    stream: UnixStream,
    /// Where it is no thread of ours.
    process: Option<Child>,
    /// Held by a thread.
    left_behind: Arc<()>,
    pub(super) refs: Arc<Refs>,
    /// The work tree as it answered it last.
    pub(super) work_tree: Weak<Snapshot>,
}

impl Cage {
    pub(super) fn new(settings: Arc<Settings>) -> Self {
        Self {
            settings,
            worker: None,
            left_behind: Arc::default(),
            failures: 0,
            not_before: None,
            suspect: false,
        }
    }

    /// Held by the cage, and by every worker that is there.
    pub(super) fn workers(&self) -> Weak<()> {
        Arc::downgrade(&self.left_behind)
    }

    /// The worker, started if need be.
    ///
    /// # Errors
    /// When none can be started, or the last ones failed just now.
    pub(super) fn worker(&mut self) -> Result<&mut Caged, LookError> {
        // One that ended while it had nothing to do takes nothing with it.
        if self.worker.as_mut().is_some_and(Caged::has_ended) {
            self.worker = None;
        }
        if self.worker.is_none() {
            if self.not_before.is_some_and(|at| Instant::now() < at) {
                return Err(LookError::Ended);
            }
            // Ourselves not counted.
            let left = Arc::strong_count(&self.left_behind) - 1;
            if left > MAX_LEFT_BEHIND {
                error!(
                    workers = left,
                    "Git workers do not end; no further one is started, and reads go on from memory"
                );
                return Err(LookError::Ended);
            }
        }
        match self.worker.take() {
            Some(worker) => Ok(self.worker.insert(worker)),
            None => match Caged::start(&self.settings, &self.left_behind, self.suspect) {
                Ok(worker) => Ok(self.worker.insert(worker)),
                Err(cause) => {
                    error!(error = %cause, "no Git worker could be started");
                    self.pause();
                    Err(LookError::Ended)
                }
            },
        }
    }

    /// Notes that all that was asked for was answered.
    pub(super) fn answered(&mut self) {
        self.failures = 0;
        self.suspect = false;
    }

    /// Ends the worker; another one is started when it is needed, after a pause.
    pub(super) fn end(&mut self, what: &str) {
        self.worker = None;
        self.suspect = true;
        self.pause();
        let repository = &self.settings.address.display_uri;
        warn!(event = "git.worker_replaced", %repository, failures = self.failures, "the Git worker {what}; it is replaced");
    }

    fn pause(&mut self) {
        let pause = PAUSE.saturating_mul(1 << self.failures.min(16));
        self.not_before = Some(Instant::now() + pause.min(LONGEST_PAUSE));
        self.failures += 1;
    }
}

impl Caged {
    fn start(settings: &Settings, left_behind: &Arc<()>, suspect: bool) -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let home = home::make(settings)?;
        let process = match &settings.program {
            Some(program) => {
                let mut command = Command::new(&program.path);
                command
                    .args(&program.arguments)
                    .stdin(Stdio::from(OwnedFd::from(theirs)))
                    .stdout(Stdio::null())
                    // What a terminal sends to us is not for it: it ends when we do.
                    .process_group(0);
                if let Some(home) = home {
                    command.env("HOME", home);
                }
                Some(command.spawn()?)
            }
            // All threads have the same home.
            None if home.is_some() => {
                return Err(io::Error::other(
                    "host keys of a repository's own need a process of its own",
                ));
            }
            None => {
                let (claim, held) = (settings.mirror.clone(), Arc::clone(left_behind));
                thread::Builder::new().name("git".into()).spawn(move || {
                    let (_claim, _held) = (claim, held);
                    if let Err(error) = worker::run(theirs, || {}) {
                        warn!(%error, "a Git worker could not begin");
                    }
                })?;
                None
            }
        };
        let mut caged = Self {
            stream: ours,
            process,
            left_behind: Arc::clone(left_behind),
            refs: Arc::default(),
            work_tree: Weak::new(),
        };
        let assignment = Assignment {
            address: settings.address.clone(),
            mirror: settings.mirror.path().to_owned(),
            reach: settings.reach.clone(),
            suspect,
        };
        caged.send(&assignment, Instant::now() + settings.reach.deadline)?;
        Ok(caged)
    }

    fn has_ended(&mut self) -> bool {
        let process = self.process.as_mut();
        process.is_some_and(|process| matches!(process.try_wait(), Ok(Some(_))))
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When that has not succeeded at a time, or nobody is there.
    pub(super) fn send(&mut self, message: &impl Serialize, until: Instant) -> io::Result<()> {
        let stream = &self.stream;
        wire::write(&mut Timed { stream, until }, message)
    }

    /// Waits for the next answer.
    ///
    /// # Errors
    /// When there is none at a time, or will be none.
    pub(super) fn answer(&mut self, until: Instant) -> io::Result<Answer> {
        let stream = &self.stream;
        wire::read(&mut Timed { stream, until })
    }
}

impl Drop for Caged {
    fn drop(&mut self) {
        _ = self.stream.shutdown(Shutdown::Both);
        let Some(mut process) = self.process.take() else {
            return;
        };
        _ = process.kill();
        let held = Arc::clone(&self.left_behind);
        // A process that hangs in the kernel does not even end then.
        _ = thread::Builder::new()
            .name("git-ended".into())
            .spawn(move || {
                _ = process.wait();
                drop(held);
            });
    }
}

/// A stream on which every call ends at a time.
struct Timed<'s> {
    stream: &'s UnixStream,
    until: Instant,
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.until)?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Read for Timed<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.until)?))?;
        self.stream.read(bytes)
    }
}

fn left(until: Instant) -> io::Result<Duration> {
    let left = until.checked_duration_since(Instant::now());
    let left = left.filter(|left| !left.is_zero());
    left.ok_or_else(|| io::ErrorKind::TimedOut.into())
}
