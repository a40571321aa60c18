use std::time::Instant;

use git2::{FetchOptions, FetchPrune, ProxyOptions, RemoteCallbacks, Repository};

use super::{Location, LookError, Settings, credentials};

/// Only heads and tags: other refs of a host (pull requests, hidden refs) are nobody's configuration.
const REFSPECS: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/// Opens what is already here.
pub(super) fn open(settings: &Settings) -> Result<Repository, LookError> {
    let (path, missing) = match &settings.location {
        Location::Remote(_) => (&settings.mirror, "it was never cloned"),
        Location::Local(path) | Location::WorkTree(path) => {
            (path, "the path is not a Git repository")
        }
    };
    // Only the very directory: a search upwards could find somebody else's repository.
    Repository::open_ext(
        path,
        git2::RepositoryOpenFlags::NO_SEARCH,
        std::iter::empty::<&std::ffi::OsStr>(),
    )
    .map_err(|_| LookError::NoRepository(missing.into()))
}

/// Brings the mirror up to date, cloning it first if need be. A local repository needs no fetch.
pub(super) fn fetch(
    settings: &Settings,
    repository: &mut Option<Repository>,
) -> Result<(), LookError> {
    let Location::Remote(url) = &settings.location else {
        *repository = None;
        return Ok(());
    };
    let mirror = match repository.take() {
        Some(mirror) => mirror,
        None => open(settings).or_else(|_| create(settings))?,
    };
    let fetched = fetch_into(&mirror, url, settings);
    let usable = fetched.is_ok()
        || mirror
            .references()
            .is_ok_and(|mut refs| refs.next().is_some());
    *repository = usable.then_some(mirror);
    if !usable {
        // An empty mirror would look like a repository without labels.
        _ = std::fs::remove_dir_all(&settings.mirror);
    }
    fetched
}

fn create(settings: &Settings) -> Result<Repository, LookError> {
    let unusable = |error: &dyn std::fmt::Display| {
        LookError::NoRepository(format!("the directory for clones cannot be used: {error}"))
    };
    std::fs::create_dir_all(&settings.mirror).map_err(|error| unusable(&error.kind()))?;
    Repository::init_bare(&settings.mirror).map_err(|error| unusable(&error.message()))
}

fn fetch_into(mirror: &Repository, url: &str, settings: &Settings) -> Result<(), LookError> {
    let unreachable = |error: git2::Error| {
        LookError::Unreachable(credentials::redact(error.message(), url, &settings.access))
    };
    let mut remote = mirror.remote_anonymous(url).map_err(unreachable)?;
    let mut options = fetch_options(url, settings);
    remote
        .fetch(&REFSPECS, Some(&mut options), None)
        .map_err(unreachable)?;
    follow_head(mirror, &remote);
    Ok(())
}

fn fetch_options<'a>(url: &'a str, settings: &'a Settings) -> FetchOptions<'a> {
    let until = Instant::now() + settings.deadline;
    let mut callbacks = RemoteCallbacks::new();
    callbacks.credentials(credentials::offer(url, &settings.access));
    callbacks.certificate_check(credentials::check_host(&settings.access));
    // libgit2's own limit is per read, so a remote that dribbles would hold the thread for ever.
    callbacks.transfer_progress(move |_| Instant::now() < until);
    callbacks.sideband_progress(move |_| Instant::now() < until);
    let mut proxy = ProxyOptions::new();
    proxy.auto();
    let mut options = FetchOptions::new();
    options
        .remote_callbacks(callbacks)
        .proxy_options(proxy)
        .download_tags(git2::AutotagOption::None);
    options.prune(if settings.delete_untracked {
        FetchPrune::On
    } else {
        FetchPrune::Off
    });
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
