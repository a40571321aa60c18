//! The one place that calls `unsafe` functions of `git2`: process-wide options of libgit2.
#![expect(
    unsafe_code,
    reason = "libgit2's options are global variables, which git2 marks unsafe to set"
)]

use std::{sync::Once, time::Duration};

use git2::ObjectType;
use tracing::warn;

static APPLIED: Once = Once::new();

/// Bytes of commits and trees that libgit2 remembers: what we need twice, we remember ourselves.
const CACHE: isize = 1 << 20;
/// Bytes of packs that are in memory at once, and of each piece of them.
const MAPPED: usize = 16 << 20;
const WINDOW: usize = 1 << 20;
/// Packs that are open at once; each fetch makes one.
const OPEN_PACKS: usize = 64;

/// Whether what is read is hashed again. It was when it came in, and what a disk damages does not inflate: its checksum is wrong.
const HASHED_AGAIN: bool = false;

/// Sets how long a remote may stay silent, bounds what libgit2 keeps in memory, and shuts
/// out the configuration of whoever started us.
///
/// The first call counts: libgit2 has one value for the whole process.
pub(super) fn apply(timeout: Duration) {
    APPLIED.call_once(|| {
        git2::opts::strict_hash_verification(HASHED_AGAIN);
        let milliseconds = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: libgit2 reads these without a lock, so they must be set before it is used from another thread;
        // `Once` makes us the only writer, and the first Git thread starts after this call.
        let applied = unsafe {
            git2::opts::set_server_connect_timeout_in_milliseconds(milliseconds)
                .and_then(|()| git2::opts::set_server_timeout_in_milliseconds(milliseconds))
                .and_then(|()| git2::opts::set_cache_max_size(CACHE))
                .and_then(|()| git2::opts::set_cache_object_limit(ObjectType::Tree, 0))
                .and_then(|()| git2::opts::set_mwindow_size(WINDOW))
                .and_then(|()| git2::opts::set_mwindow_mapped_limit(MAPPED))
                .and_then(|()| git2::opts::set_mwindow_file_limit(OPEN_PACKS))
                .and_then(|()| git2::opts::set_verify_owner_validation(false))
        };
        if let Err(cause) = applied {
            warn!(error = cause.message(), "libgit2 did not take an option");
        }
    });
}
