use std::sync::Arc;

use confbus_protocol::Label;
use confbus_resolution::Snapshot;

use crate::look::Authorship;
use crate::traces::TraceContext;

/// A label that names another commit than before.
#[derive(Debug, Clone)]
pub(crate) struct Moved {
    /// The repository without credentials.
    pub(crate) repository: Arc<str>,
    pub(crate) label: Label,
    pub(crate) old: Arc<Snapshot>,
    pub(crate) new: Arc<Snapshot>,
    /// That of the new commit, as far as it is known.
    pub(crate) authorship: Option<Arc<Authorship>>,
    /// How often the label has moved since there are files of the repository here.
    pub(crate) generation: u64,
    /// The look that found it.
    pub(crate) trace: TraceContext,
}

impl Moved {
    /// Where what follows belongs: to the first of the looks that found these.
    pub(crate) fn trace_of(steps: &[Self]) -> TraceContext {
        let mut traces = steps.iter().map(|step| &step.trace);
        let first = traces.find(|trace| !trace.is_nowhere());
        first.cloned().unwrap_or_default()
    }

    pub(crate) fn is_of_same_label(&self, other: &Self) -> bool {
        self.repository == other.repository && self.label == other.label
    }

    /// Goes on to where a later step of the same label ends.
    pub(crate) fn extend_to(&mut self, later: Self) {
        *self = Self {
            old: Arc::clone(&self.old),
            ..later
        };
    }

    /// The steps of each label as one, from where the first began to where the last ended.
    pub(crate) fn as_one_of_each_label(steps: &[Self]) -> Vec<Self> {
        let mut whole: Vec<Self> = Vec::new();
        for step in steps {
            match whole
                .iter_mut()
                .find(|earlier| earlier.is_of_same_label(step))
            {
                Some(earlier) => earlier.extend_to(step.clone()),
                None => whole.push(step.clone()),
            }
        }
        whole
    }
}
