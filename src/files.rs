//! Directories of this machine: read as snapshots, and watched.

mod directories;
mod walk;
mod watch;

pub(crate) use directories::{Directories, Root, Settings};
pub(crate) use walk::{read, walk};
pub(crate) use watch::{Watched, Watcher, watch};
