//! Spring's keys for ssh. Unlike there, they count whether or not `ignore-local-ssh-settings` is on: a key that was pinned and
//! then not looked at would be believed to protect.

use std::{env, path::PathBuf};

use crate::{
    git::{ALGORITHMS, Access, HostKey, KnownHosts, Login, Ssh, ssh_host},
    settings::{code, reader::Reader},
};

/// How ssh is spoken with the repository whose settings stand below `at`; what its parent says holds where this one says
/// nothing, but for a pinned key of another host.
pub(super) fn ssh(
    reader: &mut Reader,
    at: &str,
    uri_key: &str,
    access: &Access,
    uri: &str,
    parent: Option<(&Ssh, &str)>,
) -> Ssh {
    let key = format!("{at}.ignore-local-ssh-settings");
    let usual = parent.is_some_and(|(parent, _)| parent.ignores_user);
    let ignores_user = reader.flag(&key, usual);
    let logins = logins(reader, at, parent.map(|(parent, _)| parent));
    let host = ssh_host(uri);
    let may_login = access.private_key.is_some()
        || (access.password.is_some() && logins.contains(&Login::Password))
        || has_password(uri);
    if host.is_some() && ignores_user && !may_login {
        let problem = format!("`{key}` keeps the user's own keys out, and there is no other one");
        let hint = format!("set {at}.private-key");
        reader.refuse(uri_key, problem, Some(&hint));
    }
    Ssh {
        key_files: key_files(),
        ignores_user,
        logins,
        hosts: own_hosts(reader, at)
            .or_else(|| of_parent(reader, at, parent?, host))
            .unwrap_or(if ignores_user {
                KnownHosts::Nobody
            } else {
                KnownHosts::OfUser
            }),
    }
}

/// Whether a password stands in the address, which libgit2 offers by itself.
fn has_password(uri: &str) -> bool {
    let url = url::Url::parse(uri);
    url.is_ok_and(|url| url.scheme() == "ssh" && url.password().is_some())
}

/// What the parent says, where nothing is said here.
fn of_parent(
    reader: &mut Reader,
    at: &str,
    (parent, uri): (&Ssh, &str),
    host: Option<&str>,
) -> Option<KnownHosts> {
    match &parent.hosts {
        KnownHosts::Pinned(_) if !is_same_host(ssh_host(uri), host) => {
            if host.is_some() {
                reader.warn(code::NO_EFFECT, format!(
                    "{at}: the `host-key` of the repository above is of another host and does not count here; set {at}.host-key"
                ));
            }
            None
        }
        // Somebody says here that hosts are to be known.
        KnownHosts::Anybody if reader.has(&checks(at)) => None,
        // Whose own they are is decided here.
        KnownHosts::Nobody | KnownHosts::OfUser => None,
        hosts => Some(hosts.clone()),
    }
}

fn is_same_host(one: Option<&str>, other: Option<&str>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one.eq_ignore_ascii_case(other))
}

fn checks(at: &str) -> String {
    format!("{at}.strict-host-key-checking")
}

/// What is said here; `None` when nothing is.
fn own_hosts(reader: &mut Reader, at: &str) -> Option<KnownHosts> {
    let checks = checks(at);
    let file_key = format!("{at}.known-hosts-file");
    let pinned = pinned(reader, at);
    let file = reader.file(&file_key).flatten();
    let what = "whoever answers is taken for the Git host";
    if !reader.switch(&checks, true, what) {
        if pinned.is_some() || file.is_some() {
            let problem =
                format!("`{checks}` lets every host pass, and there are keys to know it by");
            reader.refuse(&checks, problem, Some("leave out one of the two"));
        }
        return Some(KnownHosts::Anybody);
    }
    if pinned.is_some() {
        reader.has_no_effect(&file_key, "there is a `host-key`, which counts alone");
    }
    pinned
        .map(KnownHosts::Pinned)
        .or_else(|| file.map(KnownHosts::File))
}

fn pinned(reader: &mut Reader, at: &str) -> Option<HostKey> {
    let (key, of) = (format!("{at}.host-key"), format!("{at}.host-key-algorithm"));
    let (text, algorithm) = match (reader.text(&key), reader.text(&of)) {
        (Some(text), Some(algorithm)) => (text, algorithm),
        (None, None) => return None,
        (Some(_), None) => {
            let hint = format!("set {of}, which stands before the key in known_hosts");
            reader.refuse(&key, format!("`{key}` without `{of}`"), Some(&hint));
            return None;
        }
        (None, Some(_)) => {
            let hint = format!("set {key}, or leave this out");
            reader.refuse(&of, format!("`{of}` without `{key}`"), Some(&hint));
            return None;
        }
    };
    if !ALGORITHMS.contains(&algorithm.as_str()) {
        let hint = format!("one of {}", ALGORITHMS.join(", "));
        reader.refuse(&of, format!("`{of}` is not known"), Some(&hint));
        return None;
    }
    let parsed = HostKey::parse(&algorithm, &text);
    let refuse = |error| {
        let hint = "write what ssh-keyscan shows behind the algorithm";
        reader.refuse(&key, format!("`{key}` {error}"), Some(hint));
    };
    parsed.map_err(refuse).ok()
}

/// Spring's list, in which unknown ways are passed over.
fn logins(reader: &mut Reader, at: &str, parent: Option<&Ssh>) -> Vec<Login> {
    let key = format!("{at}.preferred-authentications");
    if !reader.has(&key) {
        return parent.map_or_else(|| Ssh::default().logins, |parent| parent.logins.clone());
    }
    let said = reader.list(&key);
    let logins: Vec<_> = said.iter().filter_map(|name| Login::named(name)).collect();
    if logins.is_empty() {
        let problem = format!("`{key}` names no way to log in");
        reader.refuse(&key, problem, Some("write publickey, password or both"));
    }
    logins
}

/// Where ssh itself looks.
fn key_files() -> Vec<PathBuf> {
    let folder = env::home_dir().unwrap_or_default().join(".ssh");
    let names = ["id_ed25519", "id_ecdsa", "id_rsa"];
    names
        .iter()
        .map(|name| folder.join(name))
        .filter(|file| file.exists())
        .collect()
}

#[cfg(test)]
mod tests;
