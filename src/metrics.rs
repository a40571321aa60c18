//! What is counted, for Prometheus: each room has a small handle of its own counters; what a room knows anyway is asked when
//! somebody scrapes, and kept nowhere else.
//!
//! Names, types, labels and bounds are [`description::ALL`]. Labels are words of ours, or names that were seen in a repository or
//! the ledger and have an end; never a key, a value, a path of a request or the name of an instance.

mod bounded;
mod buckets;
mod bus;
mod commits;
pub(crate) mod description;
mod family;
mod fetches;
mod fleet;
mod lagging;
mod page;
mod process;
mod refreshes;
mod registries;
mod replicas;
mod requests;
mod spans;
mod text;
mod webhooks;

pub(crate) use bounded::OTHER;
pub(crate) use bus::{Bus, Direction, bus_name};
pub(crate) use commits::{Commits, Verdict};
pub(crate) use fetches::Fetches;
pub(crate) use fleet::{Answer, Fleet};
pub(crate) use lagging::{Lagging, Waiting as WaitingRead};
pub(crate) use page::Page;
use process::Process;
pub(crate) use refreshes::{Cause, Phase, Refreshes};
pub(crate) use registries::Registries;
pub(crate) use replicas::Replicas;
pub(crate) use requests::{Asked, CoreRequests, Denied, Requests, Route, Unmatched};
pub(crate) use spans::Spans;
pub(crate) use text::Form;
pub(crate) use webhooks::{Delivery, Webhooks};

/// A handle for each room.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    pub(crate) requests: Requests,
    pub(crate) lagging: Lagging,
    pub(crate) fetches: Fetches,
    pub(crate) commits: Commits,
    pub(crate) webhooks: Webhooks,
    pub(crate) refreshes: Refreshes,
    pub(crate) bus: Bus,
    pub(crate) fleet: Fleet,
    pub(crate) spans: Spans,
    pub(crate) registries: Registries,
    pub(crate) replicas: Replicas,
    pub(crate) process: Process,
}

impl Metrics {
    /// Everything that was counted since the start, on a page that rooms may add to.
    pub(crate) fn page(&self) -> Page {
        let mut page = Page::default();
        self.requests.write(&mut page);
        self.lagging.write(&mut page);
        self.fetches.write(&mut page);
        self.commits.write(&mut page);
        self.webhooks.write(&mut page);
        self.refreshes.write(&mut page);
        self.bus.write(&mut page);
        self.fleet.write(&mut page);
        self.spans.write(&mut page);
        self.registries.write(&mut page);
        self.replicas.write(&mut page);
        page
    }
}
