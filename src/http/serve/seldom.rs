use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// How often the same is said.
const PAUSE: Duration = Duration::from_secs(60);

/// Says of something that may happen thousands of times a second when it is to be told again.
#[derive(Debug, Default)]
pub(super) struct Seldom(Cell<Option<Instant>>);

impl Seldom {
    pub(super) fn is_due(&self) -> bool {
        let now = Instant::now();
        let is_due = self
            .0
            .get()
            .is_none_or(|last| now.duration_since(last) >= PAUSE);
        if is_due {
            self.0.set(Some(now));
        }
        is_due
    }
}
