use std::{env, path::PathBuf, time::Duration};

use super::{GIT, SECOND};
use crate::{
    git::{Access, Limits, Location, Settings},
    settings::reader::Reader,
};

const DEADLINE: &str = "confbus.git.deadline";

/// Where the repository is and how it is reached.
pub(super) fn git(reader: &mut Reader) -> Option<Settings> {
    let uri_key = format!("{GIT}.uri");
    let Some(uri) = reader.text(&uri_key) else {
        let hint = "set spring.cloud.config.server.git.uri (or SPRING_CLOUD_CONFIG_SERVER_GIT_URI); just looking? confbus demo";
        reader.refuse(&uri_key, "no repository is configured", Some(hint));
        return None;
    };
    if uri.contains('{') {
        reader.refuse(
            &uri_key,
            "placeholders in the repository's address are not supported",
            None,
        );
        return None;
    }
    let location = location(reader, &uri_key, &uri)?;
    let display_uri = display_uri(&uri);
    let timeout_key = format!("{GIT}.timeout");
    let timeout = reader.duration(&timeout_key, SECOND, Duration::from_secs(5));
    let deadline = reader.duration(DEADLINE, SECOND, Duration::from_secs(120));
    for (key, duration) in [(timeout_key.as_str(), timeout), (DEADLINE, deadline)] {
        if duration.is_zero() {
            reader.refuse(
                key,
                format!("`{key}` is not a duration that anything could be done in"),
                None,
            );
        }
    }
    let strict = reader.flag(&format!("{GIT}.strict-host-key-checking"), true);
    Some(Settings {
        mirror: base_directory(reader).join(format!("{}.git", directory_name(&display_uri))),
        location,
        display_uri,
        access: Access {
            username: reader.text(&format!("{GIT}.username")),
            password: reader.text(&format!("{GIT}.password")),
            private_key: reader.text(&format!("{GIT}.private-key")),
            passphrase: reader.text(&format!("{GIT}.passphrase")),
            key_files: key_files(),
            skip_ssl_validation: reader.flag(&format!("{GIT}.skip-ssl-validation"), false),
            accept_any_host_key: !strict,
        },
        timeout,
        deadline,
        limits: Limits {
            files: reader.number("confbus.limits.files", 100_000),
            file_bytes: reader.number("confbus.limits.file-bytes", 8 << 20),
            total_bytes: reader.number("confbus.limits.total-bytes", 256 << 20),
        },
    })
}

/// A plain path is a repository whose commits are served; `file:` may be a work tree that is served as it lies there.
fn location(reader: &mut Reader, key: &str, uri: &str) -> Option<Location> {
    if let Some(rest) = uri.strip_prefix("file:") {
        let path = PathBuf::from(rest.strip_prefix("//").unwrap_or(rest));
        let has_work_tree = path.join(".git").exists();
        return Some(if has_work_tree {
            Location::WorkTree(path)
        } else {
            Location::Local(path)
        });
    }
    let supported = ["https://", "http://", "ssh://", "git://"];
    if supported.iter().any(|scheme| uri.starts_with(scheme)) {
        // What cannot be taken apart cannot be shown without its password either.
        if url::Url::parse(uri).is_err() {
            let hint = "write special characters of user and password percent-encoded, or use username and password";
            reader.refuse(key, "the repository's address is not a URL", Some(hint));
            return None;
        }
        return Some(Location::Remote(uri.to_owned()));
    }
    if is_scp_like(uri) {
        return Some(Location::Remote(uri.to_owned()));
    }
    if uri.contains("://") {
        reader.refuse(
            key,
            "the repository's address has an unknown scheme",
            Some("https://, ssh://, file:// or a path"),
        );
        return None;
    }
    Some(Location::Local(home_expanded(uri)))
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

/// `git@host:path`: a colon before the first slash.
fn is_scp_like(uri: &str) -> bool {
    uri.find(':')
        .is_some_and(|colon| !uri[..colon].contains('/') && colon > 1)
}

fn home_expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// The address without credentials and trailing slashes, as it stands in names of sources.
fn display_uri(uri: &str) -> String {
    let shown = match url::Url::parse(uri) {
        Ok(url) if url.has_host() && (url.password().is_some() || !url.username().is_empty()) => {
            without_credentials(url)
        }
        _ => uri.to_owned(),
    };
    shown.trim_end_matches('/').to_owned()
}

/// The user of ssh is part of the address; any other may be a token.
fn without_credentials(mut url: url::Url) -> String {
    let user = if url.scheme() == "ssh" {
        url.username().to_owned()
    } else {
        String::new()
    };
    let cleared = url
        .set_password(None)
        .and_then(|()| url.set_username(&user));
    cleared.map_or_else(|()| String::new(), |()| url.to_string())
}

/// Where clones live: as configured, else where the system keeps state of services, else in the user's cache.
pub(super) fn base_directory(reader: &Reader) -> PathBuf {
    let configured = reader.text(&format!("{GIT}.basedir")).map(|path| {
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

/// A name that people recognise and that no other repository has.
fn directory_name(uri: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, uri.as_bytes());
    let hash: String = digest.as_ref()[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let last = uri
        .rsplit(['/', ':'])
        .next()
        .unwrap_or_default()
        .trim_end_matches(".git");
    let name: String = last
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .take(40)
        .collect();
    format!("{name}-{hash}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        let cases = [
            ("https://u:p@host/x.git/", "https://host/x.git"),
            ("https://token@host/x", "https://host/x"),
            ("ssh://git:pw@host/x", "ssh://git@host/x"),
            ("ssh://git@host/x", "ssh://git@host/x"),
            ("git@host:x/y", "git@host:x/y"),
            ("/srv/config/", "/srv/config"),
        ];
        for (uri, shown) in cases {
            assert_eq!(display_uri(uri), shown);
        }
    }

    #[test]
    fn scp_like_addresses_are_remote() {
        assert!(is_scp_like("git@host:path"));
        assert!(is_scp_like("host:path"));
        assert!(!is_scp_like("/srv/a:b"));
        assert!(!is_scp_like("./a"));
    }
}
