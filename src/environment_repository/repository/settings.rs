use std::time::Duration;

use confbus_protocol::Label;
use confbus_resolution::Layout;

/// How the labels of one upstream are looked up, and how fresh answers are.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Names and search locations.
    pub(crate) layout: Layout,
    /// The label of a request that has none.
    pub(crate) default_label: Label,
    /// When the default label is `main` and names nothing, `master` is tried.
    pub(crate) try_master_branch: bool,
    /// A label that is gone from the repository is forgotten instead of served on.
    pub(crate) forget_deleted: bool,
    /// Whether a read makes sure of the repository first.
    pub(crate) freshness: Freshness,
    /// Between two looks that nobody asks for; `None` looks only when told.
    pub(crate) interval: Option<Duration>,
    /// Files of this machine are looked at as soon as they change.
    pub(crate) watches: bool,
}

/// Whether a read makes sure of the repository first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Never: the snapshots in service answer.
    Polled,
    /// Yes, together with all other reads that wait; then the snapshots in service answer.
    Strict {
        /// The longest wait.
        within: Duration,
        /// Not if that was done so short a time ago; `None` once it was done at all.
        at_most_every: Option<Duration>,
    },
}

impl Settings {
    /// What may answer a request without a label: `main`, and where there is none `master`.
    pub(in crate::environment_repository) fn default_labels(&self) -> Vec<Label> {
        let has_fallback = self.try_master_branch && self.default_label.as_str() == "main";
        let fallback =
            has_fallback.then(|| Label::parse("master").expect("`master` is a plain name"));
        std::iter::once(self.default_label.clone())
            .chain(fallback)
            .collect()
    }
}
