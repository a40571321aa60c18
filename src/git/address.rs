use std::{env, path::PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::wire;

/// Where a repository is, and how that is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Address {
    /// Where the repository is.
    pub(crate) location: Location,
    /// Without credentials, for names, logs and health.
    pub(crate) display_uri: String,
}

/// Where a repository is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Location {
    /// Cloned into a bare mirror and fetched. The address may hold credentials.
    Remote(#[serde(with = "wire::secret")] SecretString),
    /// Opened where it is; only its commits are served.
    Local(PathBuf),
    /// Opened where it is; the branch that is checked out is served from the files, edits included.
    WorkTree(PathBuf),
}

/// Why a text is no address of a repository. The text may hold a password, so it is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    /// It cannot be taken apart, and so not be shown without its password either.
    #[error("the repository's address is not a URL")]
    NotAUrl,
    /// A scheme that Git does not know.
    #[error("the repository's address has an unknown scheme")]
    UnknownScheme,
}

impl AddressError {
    /// What to write instead.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::NotAUrl => {
                "write special characters of user and password percent-encoded, or use username and password"
            }
            Self::UnknownScheme => "https://, ssh://, file:// or a path",
        }
    }
}

impl Address {
    /// Takes an address apart.
    ///
    /// A plain path is a repository whose commits are served; `file:` may be a work tree that is served as it lies there.
    pub(crate) fn parse(uri: &str) -> Result<Self, AddressError> {
        Ok(Self {
            location: location(uri)?,
            display_uri: display_uri(uri),
        })
    }

    /// The host of an address that is reached by ssh.
    pub(super) fn ssh_host(&self) -> Option<&str> {
        match &self.location {
            Location::Remote(uri) => ssh_host(uri.expose_secret()),
            Location::Local(_) | Location::WorkTree(_) => None,
        }
    }

    /// A name that people recognise and that no other repository has.
    pub(super) fn directory_name(&self) -> String {
        let uri = self.display_uri.trim_end_matches('/');
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, uri.as_bytes());
        let hash = crate::hex::encoded(&digest.as_ref()[..12]);
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
}

fn location(uri: &str) -> Result<Location, AddressError> {
    if let Some(rest) = uri.strip_prefix("file:") {
        let path = PathBuf::from(rest.strip_prefix("//").unwrap_or(rest));
        let has_work_tree = path.join(".git").exists();
        return Ok(if has_work_tree {
            Location::WorkTree(path)
        } else {
            Location::Local(path)
        });
    }
    let supported = ["https://", "http://", "ssh://", "git://"];
    if supported.iter().any(|scheme| uri.starts_with(scheme)) {
        url::Url::parse(uri).map_err(|_| AddressError::NotAUrl)?;
        return Ok(Location::Remote(uri.into()));
    }
    if uri.contains("://") || names_a_program(uri) {
        return Err(AddressError::UnknownScheme);
    }
    if is_scp_like(uri) {
        return Ok(Location::Remote(uri.into()));
    }
    Ok(Location::Local(home_expanded(uri)))
}

/// The host of `ssh://git@host:22/path` or `git@host:path`; `None` for what is not reached by ssh.
pub(crate) fn ssh_host(uri: &str) -> Option<&str> {
    let place = match uri.split_once("://") {
        Some(("ssh", rest)) => rest.split('/').next()?,
        None if is_scp_like(uri) && !names_a_program(uri) => uri.split('/').next()?,
        _ => return None,
    };
    let host = place.rsplit_once('@').map_or(place, |(_, host)| host);
    match host.strip_prefix('[') {
        Some(host) => host.split(']').next(),
        None => host.split(':').next(),
    }
}

/// `git@host:path`: a colon before the first slash.
fn is_scp_like(uri: &str) -> bool {
    uri.find(':')
        .is_some_and(|colon| !uri[..colon].contains('/') && colon > 1)
}

/// `ext::command`: Git would run `git-remote-ext`.
fn names_a_program(uri: &str) -> bool {
    uri.split_once("::").is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

fn home_expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// The address without credentials, as it stands in names of sources; slashes at its end stay, as in Spring.
fn display_uri(uri: &str) -> String {
    match url::Url::parse(uri) {
        Ok(url) if url.has_host() && (url.password().is_some() || !url.username().is_empty()) => {
            without_credentials(url)
        }
        _ => uri.to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        let cases = [
            ("https://u:p@host/x.git", "https://host/x.git"),
            ("https://token@host/x", "https://host/x"),
            ("ssh://git:pw@host/x", "ssh://git@host/x"),
            ("ssh://git@host/x", "ssh://git@host/x"),
            ("git@host:x/y", "git@host:x/y"),
            ("/srv/config/", "/srv/config/"),
        ];
        for (uri, shown) in cases {
            assert_eq!(display_uri(uri), shown);
        }
    }

    #[test]
    fn what_git_would_run_or_does_not_know_is_no_address() {
        for uri in ["ext::sh -c x", "fd::17", "gopher://host/x", "ftp://host/x"] {
            assert_eq!(
                location(uri).err(),
                Some(AddressError::UnknownScheme),
                "{uri}"
            );
        }
        for uri in ["git@[::1]:x/y", "git@host:x::y", "ssh://host/x"] {
            assert!(matches!(location(uri), Ok(Location::Remote(_))), "{uri}");
        }
        assert!(matches!(location("/srv/a::b"), Ok(Location::Local(_))));
    }

    #[test]
    fn the_host_of_ssh_is_found() {
        for (uri, host) in [
            ("ssh://git@git.example:2222/acme/x.git", Some("git.example")),
            ("ssh://git.example/x", Some("git.example")),
            ("ssh://git:p%40w@[::1]:22/x@y", Some("::1")),
            ("git@git.example:acme/x@y", Some("git.example")),
            ("git@[::1]:x/y", Some("::1")),
            ("https://git.example/x", None),
            ("git://git.example/x", None),
            ("/srv/x:y", None),
        ] {
            assert_eq!(ssh_host(uri), host, "{uri}");
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
