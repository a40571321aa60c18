use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often the same is said.
const PAUSE: Duration = Duration::from_secs(60);

/// Says of something that may happen thousands of times a second when it is to be told again.
#[derive(Debug)]
pub(in crate::http) struct Seldom(Mutex<Option<Instant>>);

impl Seldom {
    pub(in crate::http) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    pub(in crate::http) fn is_due(&self) -> bool {
        let now = Instant::now();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.duration_since(last) >= PAUSE);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_just_said_is_not_said_again() {
        let seldom = Seldom::new();
        assert!(seldom.is_due() && !seldom.is_due());
    }
}
