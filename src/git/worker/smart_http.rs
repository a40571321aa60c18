//! Git over HTTP, protocol version 2: as much of it as a mirror needs.
//!
//! Everything has an end: connecting and silence after [`Reach::timeout`], a call with its lease. Nothing is
//! left behind then, because no call is made outside of a runtime that only runs as long as somebody waits.

mod listing;
mod login;
mod pack;
mod pkt_line;
mod session;
mod trouble;

use std::{future::Future, pin::pin};

use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::lease::Lease;
use crate::git::Reach;
pub(super) use listing::{Advertised, Listing, Names};
pub(super) use pack::{Received, Wish};
use session::Session;
pub(super) use trouble::Trouble;

/// One remote repository, and the connection to it.
#[derive(Debug)]
pub(super) struct SmartHttp {
    runtime: Runtime,
    session: Session,
    stop: CancellationToken,
}

impl SmartHttp {
    /// Whether this is how the address is reached.
    pub(super) fn reaches(address: &str) -> bool {
        address.starts_with("http://") || address.starts_with("https://")
    }

    /// Calls nobody yet; with `stop`, every call ends.
    pub(super) fn new(
        address: &str,
        reach: &Reach,
        stop: CancellationToken,
    ) -> Result<Self, Trouble> {
        let runtime = Builder::new_current_thread().enable_all().build();
        Ok(Self {
            runtime: runtime.map_err(|error| Trouble::Unusable(error.to_string()))?,
            session: Session::new(address, reach)?,
            stop,
        })
    }

    /// Whether less than the whole history can be asked for; known once something was listed.
    pub(super) fn can_be_shallow(&self) -> bool {
        self.session.can_be_shallow()
    }

    /// What the names stand for at the remote.
    pub(super) fn list(&mut self, names: &Names, lease: &Lease) -> Result<Listing, Trouble> {
        let Self {
            runtime,
            session,
            stop,
        } = self;
        let listed = run(runtime, stop, lease, session.list(names));
        self.noted(listed)
    }

    /// Has the remote send objects, and gives the pack to `take` as it comes.
    pub(super) fn fetch(
        &mut self,
        wish: &Wish<'_>,
        lease: &Lease,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Trouble>,
    ) -> Result<Received, Trouble> {
        let Self {
            runtime,
            session,
            stop,
        } = self;
        let received = run(runtime, stop, lease, session.fetch(wish, take));
        self.noted(received)
    }

    /// After an error the remote may be another one than before.
    fn noted<T>(&mut self, result: Result<T, Trouble>) -> Result<T, Trouble> {
        if result.is_err() {
            self.session.forget();
        }
        result
    }
}

fn run<T>(
    runtime: &Runtime,
    stop: &CancellationToken,
    lease: &Lease,
    call: impl Future<Output = Result<T, Trouble>>,
) -> Result<T, Trouble> {
    runtime.block_on(async {
        let mut call = pin!(call);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Trouble::Stopped),
                done = &mut call => return done,
                () = tokio::time::sleep_until(lease.next_check().into()) => {
                    if !lease.goes_on() {
                        return Err(Trouble::Here(lease.in_words()));
                    }
                }
            }
        }
    })
}
