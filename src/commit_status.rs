//! Tells the host of a repository how a commit is: served, or held back because of a file, a line and a column; and once
//! what those made of it who were told.
//!
//! A courtesy for whoever pushed, that nothing waits for: what is too much is left out, what fails is tried again for some
//! minutes, and what a stop interrupts is not told any more.

mod client;
mod host;
mod pause;
mod project;
mod queue;
mod reporter;
mod status;
mod trouble;

use std::path::PathBuf;

pub(crate) use host::{Host, Kind};
pub(crate) use reporter::Reporter;

/// Whom to tell, and how.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The host's API.
    pub(crate) host: Host,
    /// Holds the token; read again for each status, so that it may change at any time.
    pub(crate) token_file: PathBuf,
    /// What the status is called at the host.
    pub(crate) context: String,
    /// Where the status leads who clicks on it.
    pub(crate) target_url: Option<String>,
}

/// Events that may wait on their way here.
pub(crate) const QUEUE: usize = 256;
