//! Waiting for a condition.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// For JVMs on a machine that compiles meanwhile: Boot 2.3 starts a second application for each refresh, and Boot 4.0 waits
/// 7 s before it gives up on an event.
const DEADLINE: Duration = Duration::from_secs(120);

const POLL: Duration = Duration::from_millis(50);

/// Looks until it succeeds; the last failure when the deadline passes.
pub(super) fn eventually<T>(
    what: &str,
    look: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    within(DEADLINE, what, look)
}

/// The same with a deadline of one's own.
pub(in crate::interop) fn within<T>(
    deadline: Duration,
    what: &str,
    mut look: impl FnMut() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let end = Instant::now() + deadline;
    loop {
        match look() {
            Ok(seen) => return Ok(seen),
            Err(error) if Instant::now() > end => {
                return Err(error)
                    .with_context(|| format!("{what}, after {} s", deadline.as_secs()));
            }
            Err(_) => thread::sleep(POLL),
        }
    }
}
