//! The history of a mirror, fetched aside by a thread that nobody waits for.

use std::{
    collections::BTreeSet,
    io,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Instant,
};

use git2::Oid;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::warn;

use super::{
    disk::{Disk, Entrance},
    transfer::{Transfer, is_there},
};
use crate::{
    git::{
        wire::Assignment,
        worker::{
            Command,
            lease::Lease,
            objects::unreadable,
            smart_http::{Names, SmartHttp, Trouble},
        },
    },
    look::LookError,
};

/// How much longer than a look it may take.
const PATIENCE: u32 = 10;
/// As Git writes "all of them".
const ALL: u32 = 0x7fff_ffff;

/// Counts all of this process, so that none takes another's outcome or folder for its own: one that belongs to a clone or
/// to a Git thread that is gone may still be running.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// Where the thread of a mirror takes questions.
pub(in crate::git::worker) type Ask = mpsc::WeakSender<Command>;

/// What became of fetching the history.
#[derive(Debug)]
pub(in crate::git::worker) struct Outcome {
    number: u64,
    fetched: Result<BTreeSet<Oid>, LookError>,
}

/// Whether the history is being fetched.
#[derive(Debug, Default)]
pub(super) struct Deepening {
    number: u64,
    running: Option<Running>,
    /// Commits without parents for which that has been done; some of them no ref leads to any more.
    deepened: BTreeSet<Oid>,
}

#[derive(Debug)]
struct Running {
    /// Dropped, the thread stops, unless it hangs.
    _stop: DropGuard,
    until: Instant,
}

impl Deepening {
    /// Whether the thread goes on though its time is over: it hangs.
    pub(super) fn hangs(&self) -> bool {
        let running = self.running.as_ref();
        running.is_some_and(|running| Instant::now() > running.until)
    }

    /// Whether the thread is at work.
    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Whether there are commits whose parents are worth asking for.
    pub(super) fn needs(&self, shallow: &[Oid]) -> bool {
        shallow.iter().any(|commit| !self.deepened.contains(commit))
    }

    /// Starts the thread, unless it runs already.
    pub(super) fn begin(
        &mut self,
        assignment: &Assignment,
        address: &SecretString,
        disk: &Disk,
        ask: &Ask,
    ) {
        if self.is_running() {
            return;
        }
        self.number = STARTED.fetch_add(1, Ordering::Relaxed) + 1;
        let stop = CancellationToken::new();
        let job = Job {
            assignment: assignment.clone(),
            address: address.clone(),
            disk: disk.clone(),
            entrance: Entrance::Deepening(self.number),
            stop: stop.clone(),
        };
        let (number, ask) = (self.number, ask.clone());
        let started = thread::Builder::new()
            .name("git-history".into())
            .spawn(move || {
                let fetched = job.fetch().map_err(|trouble| {
                    trouble.in_words(job.address.expose_secret(), &job.assignment.reach.access)
                });
                job.disk.clear(job.entrance);
                if let Some(ask) = ask.upgrade() {
                    // Nobody is there any more when the server ends.
                    _ = ask.blocking_send(Command::Deepened(Outcome { number, fetched }));
                }
            });
        match started {
            Ok(_) => {
                self.running = Some(Running {
                    _stop: stop.drop_guard(),
                    // It should have ended long before.
                    until: Instant::now() + assignment.reach.deadline * PATIENCE * 2,
                });
            }
            Err(error) => warn!(%error, "no thread could be started for the history"),
        }
    }

    /// Takes note of an outcome; `None` when it belongs to a clone that is gone.
    pub(super) fn end(&mut self, outcome: Outcome) -> Option<Result<(), LookError>> {
        if outcome.number != self.number || self.running.take().is_none() {
            return None;
        }
        Some(outcome.fetched.map(|deepened| self.deepened = deepened))
    }
}

struct Job {
    assignment: Assignment,
    address: SecretString,
    disk: Disk,
    entrance: Entrance,
    stop: CancellationToken,
}

impl Job {
    /// Brings all that is not here, and gives the commits whose parents were asked for.
    fn fetch(&self) -> Result<BTreeSet<Oid>, Trouble> {
        let reach = &self.assignment.reach;
        let lease = Lease::of_history(reach.deadline * PATIENCE);
        let mut http = SmartHttp::new(self.address.expose_secret(), reach, self.stop.clone())?;
        let listing = http.list(&Names::All, &lease)?;
        let repository = self.disk.open(self.entrance)?;
        let odb = repository.odb().map_err(unreadable)?;
        let ids: BTreeSet<Oid> = listing.refs.iter().map(|listed| listed.id).collect();
        let (here, missing): (Vec<_>, Vec<_>) = ids.into_iter().partition(|id| is_there(&odb, *id));
        let haves = here.clone();
        let shallow = self.disk.shallow();
        let (wants, depth) = if shallow.is_empty() {
            (missing, None)
        } else {
            // Deepened is what the wants lead to, so they begin with what is here.
            ([here, missing].concat(), Some(ALL))
        };
        let mut transfer = Transfer {
            http: &mut http,
            disk: &self.disk,
            repository: &repository,
            entrance: self.entrance,
            lease: &lease,
        };
        transfer.bring(&wants, &haves, depth)?;
        self.disk.settle(self.entrance).map_err(in_words)?;
        Ok(shallow.into_iter().collect())
    }
}

fn in_words(error: io::Error) -> LookError {
    LookError::Unreadable(error.kind().to_string())
}
