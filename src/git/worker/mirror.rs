//! The bare clone of a remote: its refs as they were listed last, and its objects on disk.
//!
//! The first look at an empty mirror brings single commits, so that there is something to serve; the history comes
//! aside. Refs live in memory and are written down after whoever asked has the answer.

mod deepening;
mod disk;
mod fetching;
mod libgit2;
mod packing;
mod question;
mod transfer;

use std::{sync::Arc, time::Instant};

use confbus_protocol::CommitId;
use secrecy::SecretString;
use tracing::{info, warn};

use super::{
    objects::unreadable,
    refs::{Peeled, Table},
    smart_http::SmartHttp,
};
use crate::{
    git::wire::Assignment,
    look::{LookError, Refs},
};
use deepening::Deepening;
pub(super) use deepening::{Ask, Outcome};
use disk::Entrance;
pub(super) use disk::{Disk, folders_of_packs, open_exactly};
use packing::Packing;
use transfer::is_there;

/// What stands in the names of directories beside a mirror: one that is to take its place, and one that it took.
const NEW: &str = "new";
const DAMAGED: &str = "damaged";

/// The mirror of one remote.
#[derive(Debug)]
pub(super) struct Mirror {
    assignment: Assignment,
    /// It may hold credentials.
    address: SecretString,
    disk: Disk,
    http: Option<SmartHttp>,
    /// Until then the remote is asked through libgit2.
    older_until: Option<Instant>,
    table: Option<Table>,
    peeled: Peeled,
    /// Whether the last fetch was a complete listing.
    pub(super) listed: bool,
    /// Some objects are still at the remote only: history, or what other labels need.
    partial: bool,
    /// Packs or refs are not on disk for good.
    unsettled: bool,
    /// A fetch came since packs were joined last.
    fetched: bool,
    deepening: Deepening,
    packing: Packing,
    /// What is on disk cannot be read, or an earlier worker came to an end over it.
    damaged: bool,
    /// Fetches in a row that failed because of objects and not of the way to the remote.
    doubts: u32,
    /// The last commit that could not be read, for which everything was brought again.
    unreadable: Option<CommitId>,
}

impl Mirror {
    /// A mirror as a worker finds it; what others left half done goes.
    pub(super) fn found(assignment: Assignment, address: SecretString) -> Self {
        let damaged = assignment.suspect;
        let mirror = Self {
            damaged,
            ..Self::new(assignment, address)
        };
        mirror.disk.clear_all();
        for left in [NEW, DAMAGED] {
            mirror.disk.beside(left).remove();
        }
        mirror
    }

    fn new(assignment: Assignment, address: SecretString) -> Self {
        let disk = Disk::new(&assignment.mirror);
        Self {
            assignment,
            address,
            disk,
            http: None,
            older_until: None,
            table: None,
            peeled: Peeled::new(),
            listed: false,
            partial: false,
            unsettled: false,
            fetched: false,
            deepening: Deepening::default(),
            packing: Packing::default(),
            damaged: false,
            doubts: 0,
            unreadable: None,
        }
    }

    /// All branches and tags as they are known.
    pub(super) fn refs(&mut self) -> Result<Arc<Refs>, LookError> {
        self.load();
        let table = self.table.as_ref().filter(|table| !table.is_empty());
        let refs = table.map(|table| Arc::clone(&table.refs));
        refs.ok_or_else(|| LookError::NoRepository("it was never cloned".into()))
    }

    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Whether what is missing here may still be at the remote.
    pub(super) fn is_partial(&self) -> bool {
        self.partial
    }

    /// Notes that a commit is here but cannot be read; the next fetch brings everything again.
    pub(super) fn suspect(&mut self, commit: CommitId) {
        // Once for each: it may be as unreadable at the remote.
        self.damaged |= self.unreadable.replace(commit) != Some(commit);
    }

    /// Reads the refs from disk, once.
    fn load(&mut self) {
        if self.table.is_some() || self.damaged {
            return;
        }
        let Ok(repository) = open_exactly(self.disk.path()) else {
            return;
        };
        // A clone that was cut off has none; it must not look like a repository in which nothing is configured.
        let read = Table::read(&repository, &mut self.peeled).ok();
        self.table = read.filter(|table| !table.is_empty());
        self.partial = self.deepening.needs(&self.disk.shallow());
    }

    /// Whether a thread hangs that brings the history.
    pub(super) fn hangs(&self) -> bool {
        self.deepening.hangs()
    }

    /// What nobody waits for: has everything on disk for good, and fetches the history.
    pub(super) fn settle(&mut self, ask: &Ask) {
        if self.unsettled {
            match self.write_down() {
                Ok(()) => self.unsettled = false,
                Err(error) => {
                    warn!(%error, "what was fetched is not on disk, and is fetched again after a restart");
                }
            }
        }
        // Once for each listing: a remote that refuses is not asked without end.
        if self.partial && !self.unsettled && std::mem::take(&mut self.listed) {
            self.deepening
                .begin(&self.assignment, &self.address, &self.disk, ask);
        }
    }

    /// Joins the packs that fetches left behind, when nobody waits for anything.
    pub(super) fn tidy(&mut self) {
        // The thread that brings the history writes there, too.
        if self.unsettled || self.deepening.is_running() || !std::mem::take(&mut self.fetched) {
            return;
        }
        if let Err(error) = self.packing.join(&self.disk) {
            warn!(repository = %self.assignment.address.display_uri, %error, "the packs of the clone could not be joined");
        }
    }

    fn write_down(&self) -> Result<(), LookError> {
        let Some(table) = &self.table else {
            return Ok(());
        };
        let failed = |error: std::io::Error| LookError::Unreadable(error.kind().to_string());
        self.disk.settle(Entrance::Looks).map_err(failed)?;
        let repository = self.disk.open_for_looks()?;
        let odb = repository.odb().map_err(unreadable)?;
        table
            .write(self.disk.path(), |id| is_there(&odb, id))
            .map_err(failed)
    }

    /// The history came, or failed to.
    pub(super) fn deepened(&mut self, outcome: Outcome) {
        let Some(fetched) = self.deepening.end(outcome) else {
            return;
        };
        let ended = fetched.and_then(|()| self.end_shallow());
        match ended {
            Ok(()) => {
                info!(repository = %self.assignment.address.display_uri, "the history is here");
            }
            Err(error) => {
                warn!(repository = %self.assignment.address.display_uri, %error, "the history could not be fetched");
            }
        }
    }

    fn end_shallow(&mut self) -> Result<(), LookError> {
        let repository = self.disk.open_for_looks()?;
        let odb = repository.odb().map_err(unreadable)?;
        let left = self.disk.drop_shallow(&odb)?;
        let mut ids = self.table.iter().flat_map(Table::ids);
        self.partial = self.deepening.needs(&left) || ids.any(|id| !is_there(&odb, id));
        self.unsettled = true;
        Ok(())
    }
}
