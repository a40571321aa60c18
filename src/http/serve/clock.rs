//! A clock that is read often and moves seldom.

use std::{cell::Cell, time::Instant};

/// The time, to the tick. Reading it asks nobody.
#[derive(Debug)]
pub(in crate::http) struct Clock(Cell<Instant>);

impl Clock {
    pub(super) fn new() -> Self {
        Self(Cell::new(Instant::now()))
    }

    pub(in crate::http) fn now(&self) -> Instant {
        self.0.get()
    }

    pub(super) fn tick(&self) {
        self.0.set(Instant::now());
    }
}
