//! The client against servers that answer, stall, lie and go away.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod events;
mod fetching;
mod keys;
mod last_good;
mod probes;
mod reports;
mod servers;
mod support;
mod together;
mod traces;
