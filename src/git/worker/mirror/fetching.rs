//! What a look brings: over HTTP by ourselves where that is possible, else through libgit2; everything anew where the clone is
//! damaged.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use confbus_protocol::Label;
use git2::Repository;
use secrecy::ExposeSecret as _;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    DAMAGED, Mirror, NEW,
    disk::Entrance,
    libgit2,
    question::{haves, names, wanted},
    transfer::{Transfer, is_there},
};
use crate::{
    git::worker::{
        lease::{Lease, Tell},
        objects::unreadable,
        refs::Table,
        smart_http::{Names, SmartHttp, Trouble},
    },
    look::{Fetch, LookError},
};

/// Doubtful failures in a row after which a clone is made anew.
const DOUBTS: u32 = 2;
/// How long a remote of an older version is not asked for ours again.
const OLDER: Duration = Duration::from_secs(3600);

impl Mirror {
    /// Asks the remote, and brings what is new: at first and as long as there is more to come, only what `labels` need.
    pub(in crate::git::worker) fn fetch(
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
}
