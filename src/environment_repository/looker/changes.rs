//! What follows from a look, for readers and for whoever is told.

use std::{
    sync::Arc,
    time::{Instant, SystemTime},
};

use super::{
    super::served::{Asked, Next, Served},
    Looker,
    told::Look,
};
use crate::look::{Fetch, LookError, View};
use confbus_protocol::Label;

impl Looker {
    /// Swaps in what follows from a look.
    pub(super) async fn put_in_service(
        &mut self,
        mut view: View,
        fetch: &Fetch,
        asked: &[Label],
        mut look: Look,
    ) -> Result<(), LookError> {
        let began = Instant::now();
        let since = SystemTime::now();
        self.leave_out_fallback(&mut view, asked);
        let fetched = view.fetched.clone();
        self.leave_out_hearsay(&mut view);
        let asked = Asked {
            labels: asked,
            for_all: self.is_for_all(fetch),
        };
        let before = self.outcome.served.load_full();
        let Next {
            served,
            mut moved,
            changed,
            answers_change,
        } = before.after(view, asked, &self.settings, &self.name);
        self.hurries |= *fetch == Fetch::No && changed && self.is_old(&served);
        self.is_unsaved |= changed || served.confirmed != before.confirmed;
        // First on disk, so that a start never goes back behind what somebody was given.
        if !Arc::ptr_eq(&before.labels, &served.labels) {
            self.note_on_disk(served.standing()).await;
        }
        self.outcome.swap(served, answers_change);
        if !moved.is_empty() {
            self.count_swap(began.elapsed());
            self.tell_moved(&mut look, &mut moved, since);
        }
        self.note_moved(&moved);
        self.outcome.unannounced.add(moved);
        fetched.unwrap_or(Ok(()))
    }

    /// Whether what is known of refs that are not in service is older than that of others.
    fn is_old(&self, served: &Served) -> bool {
        let interval = self.settings.interval;
        let listed = served.listed;
        listed.is_some_and(|at| interval.is_some_and(|interval| at.elapsed() > interval))
    }

    /// `master` only stands in for a missing `main`, and is nobody's business otherwise.
    fn leave_out_fallback(&self, view: &mut View, asked: &[Label]) {
        let defaults = self.settings.default_labels();
        if !view.refs.knows(&defaults[0]) {
            return;
        }
        let served = self.outcome.served.load();
        let is_restored = served.refs.is_some();
        let wanted = |label: &Label| {
            (is_restored && asked.contains(label)) || served.labels.contains_key(label)
        };
        view.labels
            .retain(|(label, _)| !defaults[1..].contains(label) || wanted(label));
    }

    /// A label in service moves when the remote says so, and not because of what a clone says that may be old.
    fn leave_out_hearsay(&self, view: &mut View) {
        if !matches!(view.fetched, Some(Ok(()))) {
            let served = self.outcome.served.load();
            view.labels
                .retain(|(label, _)| !served.labels.contains_key(label));
        }
    }

    pub(super) fn note_failure(&self, error: &LookError) {
        let after = self.outcome.served.load().after_failure(error.clone());
        self.outcome.swap(after, false);
    }
}
