//! The client against servers that answer, stall, lie and go away.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[cfg(feature = "axum")]
mod actuator;
#[cfg(feature = "blocking")]
mod blocking;
mod discovery;
mod events;
mod fetching;
mod keys;
mod lagging;
mod last_good;
#[cfg(feature = "metrics")]
mod metrics;
mod probes;
mod reports;
mod servers;
mod support;
mod together;
mod torn;
mod traces;
mod trial;
