use std::{ffi::OsStr, path::Path, time::Instant};

use git2::{
    AutotagOption, FetchOptions, ProxyOptions, RemoteCallbacks, RemoteRedirect, RemoteUpdateFlags,
    Repository, RepositoryOpenFlags,
};

use super::{Location, Settings, credentials};
use crate::look::LookError;

/// Only heads and tags: other refs of a host (pull requests, hidden refs) are nobody's configuration.
const REFSPECS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// Opens what is already here.
pub(super) fn open(settings: &Settings) -> Result<Repository, LookError> {
    let missing = |what: &str| LookError::NoRepository(what.to_owned());
    match &settings.address.location {
        Location::Local(path) | Location::WorkTree(path) => {
            open_exactly(path).map_err(|_| missing("the path is not a Git repository"))
        }
        Location::Remote(_) => {
            let mirror = open_exactly(settings.mirror.path()).ok().filter(has_labels);
            mirror.ok_or_else(|| missing("it was never cloned"))
        }
    }
}

/// Only this very directory: a search upwards could find somebody else's repository.
fn open_exactly(path: &Path) -> Result<Repository, git2::Error> {
    Repository::open_ext(
        path,
        RepositoryOpenFlags::NO_SEARCH,
        std::iter::empty::<&OsStr>(),
    )
}

/// A clone that was cut off has none; it must not look like a repository in which nothing is configured.
fn has_labels(mirror: &Repository) -> bool {
    mirror
        .references()
        .is_ok_and(|mut references| references.next().is_some())
}

/// Brings the mirror up to date, cloning it first if need be. A local repository needs no fetch.
pub(super) fn fetch(
    settings: &Settings,
    repository: &mut Option<Repository>,
) -> Result<(), LookError> {
    let Location::Remote(url) = &settings.address.location else {
        *repository = None;
        return Ok(());
    };
    let before = repository
        .take()
        .or_else(|| open_exactly(settings.mirror.path()).ok());
    let is_new = before.is_none();
    let mirror = match before {
        Some(mirror) => mirror,
        None => create(settings)?,
    };
    let fetched = fetch_into(&mirror, url, settings);
    *repository = has_labels(&mirror).then_some(mirror);
    if is_new && repository.is_none() {
        // Nothing came of it, and whoever asks may name many addresses that do not exist.
        _ = std::fs::remove_dir_all(settings.mirror.path());
    }
    fetched
}

fn create(settings: &Settings) -> Result<Repository, LookError> {
    let unusable = |error: &dyn std::fmt::Display| {
        LookError::NoRepository(format!("the directory for clones cannot be used: {error}"))
    };
    std::fs::create_dir_all(settings.mirror.path()).map_err(|error| unusable(&error.kind()))?;
    let mirror = Repository::init_bare(settings.mirror.path())
        .map_err(|error| unusable(&error.message()))?;
    // What was fetched survives a power cut.
    let durable = mirror
        .config()
        .and_then(|mut config| config.set_bool("core.fsyncObjectFiles", true));
    durable.map_err(|error| unusable(&error.message()))?;
    Ok(mirror)
}

/// Refs that are gone go first: one in the way (`feature/x` before `feature`) would keep all others from moving.
fn fetch_into(mirror: &Repository, url: &str, settings: &Settings) -> Result<(), LookError> {
    let unreachable = |error: git2::Error| {
        LookError::Unreachable(credentials::redact(
            error.message(),
            url,
            &settings.reach.access,
        ))
    };
    let mut remote = mirror.remote_anonymous(url).map_err(unreachable)?;
    let mut options = fetch_options(url, settings);
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

fn fetch_options<'a>(url: &'a str, settings: &'a Settings) -> FetchOptions<'a> {
    // Before whoever waits for us gives us up.
    let until = Instant::now() + settings.reach.deadline.mul_f64(0.9);
    let mut callbacks = RemoteCallbacks::new();
    callbacks.credentials(credentials::offer(url, &settings.reach.access));
    callbacks.certificate_check(credentials::check_host(&settings.reach.access));
    // libgit2's own limit is per read, so a remote that dribbles would hold the thread for ever.
    callbacks.transfer_progress(move |_| Instant::now() < until);
    callbacks.sideband_progress(move |_| Instant::now() < until);
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
