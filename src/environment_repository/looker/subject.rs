//! What a look is about: which refs are asked for, and for which labels and commits snapshots are wanted.

use std::collections::HashSet;

use confbus_protocol::Label;
use indexmap::IndexSet;

use super::{
    super::served::{MAX_LABELS, Served},
    Looker,
};
use crate::look::{Fetch, Refs};

/// More refs than these are listed instead of being asked for by name.
const MAX_REFS: usize = 64;

impl Looker {
    /// What a look is to find snapshots for: without asking the remote what is asked for, with all its refs all, and
    /// otherwise also what these refs decide.
    pub(super) fn labels(&self, served: &Served, fetch: &Fetch, asked: &[Label]) -> Vec<Label> {
        let asked = asked.iter();
        let labels: IndexSet<_> = match fetch {
            Fetch::No => asked.cloned().collect(),
            Fetch::All => asked.cloned().chain(self.all_labels(served)).collect(),
            Fetch::Refs(refs) => {
                let names = refs.iter().map(|name| Refs::plain(name)).collect();
                let known = served.refs.clone().unwrap_or_default();
                let defaults = self.settings.default_labels();
                let all = defaults.iter().chain(served.labels.keys());
                let all = all.chain(served.refused.keys());
                let concerned = all.filter(|label| known.decide(&names, label));
                asked.chain(concerned).cloned().collect()
            }
        };
        labels.into_iter().take(MAX_LABELS).collect()
    }

    /// The default labels, and those that were ever asked for.
    fn all_labels(&self, served: &Served) -> Vec<Label> {
        let in_service = served.labels.iter();
        let moving = in_service.filter(|(_, history)| !history.is_pinned());
        let moving = moving.map(|(label, _)| label);
        let mut labels = self.settings.default_labels();
        labels.extend(moving.chain(served.refused.keys()).cloned());
        labels
    }

    /// Few refs are asked for by name; what lies on this machine is read as a whole.
    pub(super) fn fetch_of(&self, refs: IndexSet<String>) -> Fetch {
        if refs.len() <= MAX_REFS && self.upstream.is_remote() {
            Fetch::Refs(refs.into_iter().collect())
        } else {
            Fetch::All
        }
    }

    /// Whether a look asks for the refs of all labels in service.
    pub(super) fn is_for_all(&self, fetch: &Fetch) -> bool {
        match fetch {
            Fetch::No => false,
            Fetch::Refs(refs) => {
                let asked: HashSet<&String> = refs.iter().collect();
                let in_service = self.refs_in_service();
                in_service.iter().all(|name| asked.contains(name))
            }
            Fetch::All => true,
        }
    }

    /// Nothing before the remote has told its refs.
    pub(super) fn refs_in_service(&self) -> IndexSet<String> {
        let served = self.outcome.served.load();
        let Some(refs) = &served.refs else {
            return IndexSet::new();
        };
        let labels = self.all_labels(&served);
        let behind = labels.iter().filter_map(|label| refs.behind(label));
        behind.collect()
    }
}
