use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use confbus_protocol::Label;
use confbus_resolution::Snapshot;

use crate::look::{LookError, Refs, Version};

/// What a look found, as far as the next one must know it to tell whether it has news.
#[derive(Debug)]
pub(super) struct Seen {
    refs: Arc<Refs>,
    labels: HashMap<Label, OfLabel>,
}

#[derive(Debug)]
enum OfLabel {
    /// Not kept alive by us.
    Snapshot(Weak<Snapshot>),
    Nothing,
    /// Always news.
    Failure,
}

impl Seen {
    pub(super) fn new(refs: &Arc<Refs>, labels: &[(Label, Result<Version, LookError>)]) -> Self {
        let labels = labels.iter().map(|(label, found)| {
            let found = match found {
                Ok(version) => OfLabel::Snapshot(Arc::downgrade(&version.snapshot)),
                Err(LookError::NoSuchLabel) => OfLabel::Nothing,
                Err(_) => OfLabel::Failure,
            };
            (label.clone(), found)
        });
        Self {
            refs: Arc::clone(refs),
            labels: labels.collect(),
        }
    }

    /// Whether nothing in `next` is new to whoever saw this.
    pub(super) fn covers(&self, next: &Self) -> bool {
        let same_refs = Arc::ptr_eq(&self.refs, &next.refs) || self.refs == next.refs;
        let mut labels = next.labels.iter();
        same_refs
            && labels.all(|(label, next)| self.labels.get(label).is_some_and(|last| last.is(next)))
    }

    /// What a label named, if somebody still holds it.
    pub(super) fn snapshot(&self, label: &Label) -> Option<Arc<Snapshot>> {
        match self.labels.get(label)? {
            OfLabel::Snapshot(snapshot) => snapshot.upgrade(),
            OfLabel::Nothing | OfLabel::Failure => None,
        }
    }
}

impl OfLabel {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Snapshot(one), Self::Snapshot(other)) => Weak::ptr_eq(one, other),
            (Self::Nothing, Self::Nothing) => true,
            _ => false,
        }
    }
}
