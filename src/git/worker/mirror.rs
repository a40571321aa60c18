//! The bare clone of a remote: its refs as they were listed last, and its objects on disk.
//!
//! The first look at an empty mirror brings single commits, so that there is something to serve; the history comes
//! aside. Refs live in memory and are written down after whoever asked has the answer.

mod deepening;
mod disk;
mod libgit2;
mod packing;
mod question;
mod transfer;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use confbus_protocol::{CommitId, Label};
use git2::Repository;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    lease::{Lease, Tell},
    objects::unreadable,
    refs::{Peeled, Table},
    smart_http::{Names, SmartHttp, Trouble},
};
use crate::{
    git::wire::Assignment,
    look::{Fetch, LookError, Refs},
};
use deepening::Deepening;
pub(super) use deepening::{Ask, Outcome};
use disk::Entrance;
pub(super) use disk::{Disk, folders_of_packs, open_exactly};
use packing::Packing;
use question::{haves, names, wanted};
use transfer::{Transfer, is_there};

/// What stands in the names of directories beside a mirror: one that is to take its place, and one that it took.
const NEW: &str = "new";
const DAMAGED: &str = "damaged";
/// Doubtful failures in a row after which a clone is made anew.
const DOUBTS: u32 = 2;
/// How long a remote of an older version is not asked for ours again.
const OLDER: Duration = Duration::from_secs(3600);

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

    /// Asks the remote, and brings what is new: at first and as long as there is more to come, only what `labels` need.
    pub(super) fn fetch(
        &mut self,
        fetch: &Fetch,
        labels: &[Label],
        tell: Box<Tell>,
    ) -> Result<(), LookError> {
        // Before whoever waits for us gives us up.
        let reach = &self.assignment.reach;
        let (window, longest) = (reach.deadline.mul_f64(0.9), reach.clone_deadline);
        self.listed = false;
        if self.damaged {
            let lease = Lease::of_clone(window, longest, tell);
            return self.fetch_anew(labels, &lease);
        }
        self.load();
        let lease = if self.table.is_none() {
            Lease::of_clone(window, longest, tell)
        } else {
            Lease::of_look(window)
        };
        self.fetch_new(fetch, labels, &lease)
    }

    /// Clones beside what is here, which stays until that has succeeded.
    fn fetch_anew(&mut self, labels: &[Label], lease: &Lease) -> Result<(), LookError> {
        warn!(repository = %self.assignment.address.display_uri, "the clone is damaged; it is made anew");
        let fresh = self.disk.beside(NEW);
        fresh.remove();
        let mut aside = Self {
            disk: fresh,
            ..Self::new(self.assignment.clone(), self.address.clone())
        };
        let fetched = aside
            .fetch_new(&Fetch::All, labels, lease)
            .and_then(|()| aside.write_down())
            .and_then(|()| aside.disk.take_the_place_of(&self.disk, DAMAGED));
        if fetched.is_err() {
            aside.disk.remove();
            return fetched;
        }
        *self = Self {
            disk: self.disk.clone(),
            unsettled: false,
            unreadable: self.unreadable,
            ..aside
        };
        Ok(())
    }

    fn fetch_new(
        &mut self,
        fetch: &Fetch,
        labels: &[Label],
        lease: &Lease,
    ) -> Result<(), LookError> {
        let is_new = !self.disk.exists();
        let is_older = self.older_until.is_some_and(|until| Instant::now() < until);
        let fetched = if SmartHttp::reaches(self.address.expose_secret()) && !is_older {
            match self.fetch_over_http(fetch, labels, lease) {
                Err(Trouble::OtherVersion) => self.fetch_of_older(lease),
                fetched => {
                    self.doubt(matches!(fetched, Err(Trouble::Pack(_))));
                    fetched.map_err(|trouble| {
                        trouble
                            .in_words(self.address.expose_secret(), &self.assignment.reach.access)
                    })
                }
            }
        } else {
            self.fetch_with_libgit2(lease)
        };
        self.doubt(matches!(fetched, Err(LookError::Unreadable(_))));
        self.fetched = true;
        if fetched.is_ok() {
            self.doubts = 0;
        }
        if is_new && self.table.is_none() {
            // Nothing came of it, and whoever asks may name many addresses that do not exist.
            self.disk.remove();
        }
        fetched
    }

    /// The clone may be to blame; when that is likely, it is made anew.
    fn doubt(&mut self, is_doubtful: bool) {
        self.doubts += u32::from(is_doubtful);
        self.damaged |= self.doubts >= DOUBTS;
    }

    fn fetch_over_http(
        &mut self,
        fetch: &Fetch,
        labels: &[Label],
        lease: &Lease,
    ) -> Result<(), Trouble> {
        let mut http = match self.http.take() {
            Some(http) => http,
            None => SmartHttp::new(
                self.address.expose_secret(),
                &self.assignment.reach,
                CancellationToken::new(),
            )?,
        };
        let fetched = self.fetch_through(&mut http, fetch, labels, lease);
        self.http = Some(http);
        fetched
    }

    fn fetch_through(
        &mut self,
        http: &mut SmartHttp,
        fetch: &Fetch,
        labels: &[Label],
        lease: &Lease,
    ) -> Result<(), Trouble> {
        let before = self.table.clone().unwrap_or_default();
        let names = if before.is_empty() {
            Names::All
        } else {
            names(fetch)
        };
        let listing = http.list(&names, lease)?;
        let (mut after, new) = before.after(listing, &names);
        if !new.is_empty() || self.partial {
            let only_labels = self.partial || before.is_empty() && http.can_be_shallow();
            let wanted = if only_labels {
                wanted(&after, &new, &names, labels)
            } else {
                new.iter().map(|listed| listed.id).collect()
            };
            let repository = self.open_or_create()?;
            let odb = repository.odb().map_err(unreadable)?;
            let wants: Vec<_> = wanted
                .into_iter()
                .filter(|id| !is_there(&odb, *id))
                .collect();
            if !wants.is_empty() {
                let haves = haves(&before, &new);
                let mut transfer = Transfer {
                    http,
                    disk: &self.disk,
                    repository: &repository,
                    entrance: Entrance::Looks,
                    lease,
                };
                let left_out = transfer.bring(&wants, &haves, only_labels.then_some(1))?;
                self.unsettled = true;
                self.disk.add_shallow(left_out)?;
            }
            after.leave_out_others(&new, &odb);
            self.partial = only_labels
                && (self.deepening.needs(&self.disk.shallow())
                    || after.ids().any(|id| !is_there(&odb, id)));
        }
        self.listed = names == Names::All;
        self.unsettled |= !Arc::ptr_eq(&after.refs, &before.refs);
        self.table = Some(after);
        Ok(())
    }

    /// A directory that is there and is no repository is a clone that was cut off.
    fn open_or_create(&self) -> Result<Repository, LookError> {
        if !self.disk.exists() || self.disk.is_no_repository() {
            self.disk.remove();
            self.disk.create()?;
        }
        self.disk.open_for_looks()
    }

    /// Through libgit2, and if that works, from now on.
    fn fetch_of_older(&mut self, lease: &Lease) -> Result<(), LookError> {
        self.fetch_with_libgit2(lease)?;
        info!(repository = %self.assignment.address.display_uri, "the remote speaks an older version of Git's protocol");
        self.older_until = Some(Instant::now() + OLDER);
        Ok(())
    }

    fn fetch_with_libgit2(&mut self, lease: &Lease) -> Result<(), LookError> {
        self.disk.remove_locks();
        let repository = self.open_or_create()?;
        let reach = &self.assignment.reach;
        let fetched = libgit2::fetch(&repository, self.address.expose_secret(), reach, lease);
        // Even a fetch that failed may have moved some.
        let table = Table::read(&repository, &mut self.peeled)?;
        self.listed = fetched.is_ok();
        self.table = (!table.is_empty()).then_some(table);
        fetched
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
