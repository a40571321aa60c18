//! Remotes that our own transport does not reach: ssh, `git://`, and old versions of the protocol.

use git2::{
    AutotagOption, ErrorClass, FetchOptions, ProxyOptions, RemoteCallbacks, RemoteRedirect,
    RemoteUpdateFlags, Repository,
};

use crate::{
    git::{
        Reach,
        worker::{credentials, host_key, lease::Lease},
    },
    look::LookError,
};

/// Only heads and tags: other refs of a host (pull requests, hidden refs) are nobody's configuration.
const REFSPECS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// Refs that are gone go first: one in the way (`feature/x` before `feature`) would keep all others from moving.
pub(super) fn fetch(
    mirror: &Repository,
    url: &str,
    reach: &Reach,
    lease: &Lease,
) -> Result<(), LookError> {
    let shown = host_key::Shown::default();
    let unreachable = |error: git2::Error| {
        if lease.is_over() {
            return lease.in_words();
        }
        if let Some(reason) = shown.reason(&error, url, &reach.access) {
            return LookError::Unreachable(reason);
        }
        let message = credentials::redact(error.message(), url, &reach.access);
        if is_of_objects(error.class()) {
            LookError::Unreadable(message)
        } else {
            LookError::Unreachable(message)
        }
    };
    let mut remote = mirror.remote_anonymous(url).map_err(unreachable)?;
    let mut options = options(url, reach, lease, &shown);
    remote
        .download(&REFSPECS, Some(&mut options))
        .map_err(unreachable)?;
    remote.prune(None).map_err(unreachable)?;
    remote
        .update_tips(None, RemoteUpdateFlags::empty(), AutotagOption::None, None)
        .map_err(unreachable)?;
    follow_head(mirror, &remote);
    Ok(())
}

/// Whether it has to do with what is here, and not with the way to the remote.
fn is_of_objects(class: ErrorClass) -> bool {
    use ErrorClass::{Config, Indexer, Object, Odb, Reference, Repository, Tag, Tree, Zlib};
    matches!(
        class,
        Config | Indexer | Object | Odb | Reference | Repository | Tag | Tree | Zlib
    )
}

fn options<'a>(
    url: &'a str,
    reach: &'a Reach,
    lease: &'a Lease,
    shown: &'a host_key::Shown,
) -> FetchOptions<'a> {
    let mut callbacks = RemoteCallbacks::new();
    callbacks.credentials(credentials::offer(url, &reach.access));
    callbacks.certificate_check(host_key::check(&reach.access, shown));
    // libgit2's own limit is per read, so a remote that dribbles would hold the thread for ever.
    callbacks.transfer_progress(|progress| {
        lease.set_bytes(progress.received_bytes());
        lease.note_objects(&progress);
        lease.goes_on()
    });
    callbacks.sideband_progress(|_| lease.goes_on());
    let mut proxy = ProxyOptions::new();
    proxy.auto();
    let mut options = FetchOptions::new();
    options
        .remote_callbacks(callbacks)
        .proxy_options(proxy)
        .download_tags(AutotagOption::None);
    // A redirect to another host would get our login there.
    options.follow_redirects(RemoteRedirect::None);
    options
}

/// `HEAD` of the mirror names the branch that the remote names.
fn follow_head(mirror: &Repository, remote: &git2::Remote<'_>) {
    let Ok(branch) = remote.default_branch() else {
        return;
    };
    if let Ok(name) = str::from_utf8(&branch) {
        // Only a convenience for the label `HEAD`: without it that label is unknown.
        _ = mirror.set_head(name);
    }
}
