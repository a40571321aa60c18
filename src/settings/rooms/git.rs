mod ssh;

use std::{env, path::PathBuf, time::Duration};

use confbus_protocol::Label;

use super::{
    SECOND, SERVER,
    backends::{Common, USUAL_INTERVAL},
};
use crate::{
    environment_repository::{GitRepositorySettings, GitSettings, Pattern, Template},
    git::{Access, Address, Reach, Ssh},
    settings::{code, reader::Reader},
};

/// A refresh rate beyond a year is as good as a year, in seconds.
const LONGEST_INTERVAL: u64 = 366 * 24 * 3600;

/// The repositories of a Git backend whose settings stand below `at`.
pub(super) fn git(reader: &mut Reader, at: &str, common: &Common) -> Option<GitSettings> {
    let uri_key = format!("{at}.uri");
    let default = match reader.text(&uri_key) {
        Some(uri) => repository(reader, at, &uri_key, &uri, common, None),
        None => {
            let hint = format!(
                "set {uri_key} (or SPRING_CLOUD_CONFIG_SERVER_GIT_URI); just looking? confbus demo"
            );
            reader.refuse_as(
                code::NO_REPOSITORY,
                &uri_key,
                "no repository is configured",
                Some(&hint),
            );
            None
        }
    };
    let candidates = candidates(reader, at, common, default.as_ref());
    Some(GitSettings {
        candidates: candidates?,
        default: default?,
    })
}

/// What stands below `repos`: addresses, or settings of their own.
fn candidates(
    reader: &mut Reader,
    at: &str,
    common: &Common,
    default: Option<&GitRepositorySettings>,
) -> Option<Vec<(Vec<Pattern>, GitRepositorySettings)>> {
    let mut candidates = Vec::new();
    let mut complete = true;
    for name in reader.children(&format!("{at}.repos")) {
        let at = format!("{at}.repos.{name}");
        let uri_key = if reader.has(&at) {
            at.clone()
        } else {
            format!("{at}.uri")
        };
        let Some(uri) = reader.text(&uri_key) else {
            reader.refuse(
                &uri_key,
                format!("the repository `{name}` has no address"),
                Some(&format!("set {uri_key}")),
            );
            complete = false;
            continue;
        };
        let mut patterns = reader.list(&format!("{at}.pattern"));
        if patterns.is_empty() {
            patterns.push(name);
        }
        let patterns = patterns.iter().flat_map(|p| Pattern::expand(p)).collect();
        match repository(reader, &at, &uri_key, &uri, common, default) {
            Some(settings) => candidates.push((patterns, settings)),
            None => complete = false,
        }
    }
    complete.then_some(candidates)
}

/// One repository; what `parent` says about logins and waits holds where this one says nothing.
fn repository(
    reader: &mut Reader,
    at: &str,
    uri_key: &str,
    uri: &str,
    common: &Common,
    parent: Option<&GitRepositorySettings>,
) -> Option<GitRepositorySettings> {
    let uri = Template::new(uri).only(common.placeholder_values.clone());
    if uri.lets_requests_choose_host() {
        reader.warn(code::UNUSABLE, format!(
            "{uri_key}: a placeholder in the host of the repository's address would let requests choose where our login goes; this repository answers nothing"
        ));
    } else if !uri.has_placeholders()
        && let Err(error) = Address::parse(uri.as_str())
    {
        reader.refuse(uri_key, error.to_string(), Some(error.hint()));
        return None;
    }
    // As in Spring, the label that the server names is not for what stands below `repos`.
    let default_label = reader
        .text(&format!("{SERVER}.default-label"))
        .filter(|_| parent.is_none())
        .or_else(|| reader.text(&format!("{at}.default-label")))
        .unwrap_or_else(|| "main".into());
    let Ok(default_label) = Label::parse(&default_label) else {
        reader.refuse(
            &format!("{at}.default-label"),
            "the default label is not a branch, tag or commit",
            None,
        );
        return None;
    };
    let mut reach = reach(reader, at, common, parent.map(|parent| &parent.reach));
    let parents = parent.map(|parent| (&parent.reach.access.ssh, parent.uri.as_str()));
    reach.access.ssh = ssh::ssh(reader, at, uri_key, &reach.access, uri.as_str(), parents);
    let freshness = common.freshness(reader, at, reach.timeout);
    let refresh_rate = reader.number::<i64>(&format!("{at}.refresh-rate"), 0);
    Some(GitRepositorySettings {
        uri,
        reach,
        search_paths: reader.list(&format!("{at}.search-paths")),
        default_label,
        try_master_branch: reader.flag(&format!("{at}.try-master-branch"), true),
        forget_deleted: reader.flag(&format!("{at}.delete-untracked-branches"), false),
        continue_on_label_failure: reader
            .flag(&format!("{at}.continue-on-multiple-label-failure"), false),
        reverse_location_order: common.reverse_location_order,
        freshness,
        interval: match refresh_rate {
            0 => Some(USUAL_INTERVAL),
            rate => u64::try_from(rate)
                .ok()
                .map(|seconds| Duration::from_secs(seconds.min(LONGEST_INTERVAL))),
        },
        // Whoever says how often does not want it more often.
        watches: refresh_rate == 0,
    })
}

fn reach(reader: &mut Reader, at: &str, common: &Common, parent: Option<&Reach>) -> Reach {
    let timeout_key = format!("{at}.timeout");
    let usual = parent.map_or(Duration::from_secs(5), |parent| parent.timeout);
    let timeout = reader.duration(&timeout_key, SECOND, usual);
    if timeout.is_zero() {
        let text = format!("`{timeout_key}` is not a duration that anything could be done in");
        reader.refuse(&timeout_key, text, None);
    }
    let base_directory = match parent {
        Some(parent) if !reader.has(&format!("{at}.basedir")) => parent.base_directory.clone(),
        _ => base_directory(reader, at),
    };
    Reach {
        base_directory,
        access: access(reader, at, parent.map(|parent| &parent.access)),
        timeout,
        deadline: common.deadline,
        clone_deadline: common.clone_deadline,
        limits: common.limits,
    }
}

/// A repository with a user of its own has a password of its own, too.
fn access(reader: &mut Reader, at: &str, parent: Option<&Access>) -> Access {
    let own = Access {
        username: reader.secret(&format!("{at}.username")),
        password: reader.secret(&format!("{at}.password")),
        private_key: reader.secret(&format!("{at}.private-key")),
        passphrase: reader.secret(&format!("{at}.passphrase")),
        ssh: Ssh::default(),
        skip_ssl_validation: reader.switch(
            &format!("{at}.skip-ssl-validation"),
            false,
            "whoever answers is taken for the Git host, and told the password",
        ),
    };
    let Some(parent) = parent.cloned() else {
        return own;
    };
    let (username, password) = match own.username {
        Some(username) => (Some(username), own.password),
        None => (parent.username, parent.password),
    };
    let says_how = reader.has(&format!("{at}.skip-ssl-validation"));
    Access {
        username,
        password,
        private_key: own.private_key.or(parent.private_key),
        passphrase: own.passphrase.or(parent.passphrase),
        skip_ssl_validation: if says_how {
            own.skip_ssl_validation
        } else {
            parent.skip_ssl_validation
        },
        ..own
    }
}

/// Where clones live: as configured, else where the system keeps state of services, else in the user's cache.
pub(super) fn base_directory(reader: &Reader, at: &str) -> PathBuf {
    let configured = reader.text(&format!("{at}.basedir")).map(|path| {
        PathBuf::from(
            path.trim_start_matches("file://")
                .trim_start_matches("file:"),
        )
    });
    let state = || env::var_os("STATE_DIRECTORY").map(PathBuf::from);
    let cache = || {
        env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| env::home_dir().map(|home| home.join(".cache")))
    };
    configured
        .or_else(state)
        .or_else(|| cache().map(|cache| cache.join("confbus")))
        .unwrap_or_else(|| env::temp_dir().join("confbus"))
}
