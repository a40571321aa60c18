//! How ssh is spoken with a host, and by which keys hosts are known.

use std::{fmt, path::PathBuf};

use base64::{
    Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::STANDARD_NO_PAD,
};
use serde::{Deserialize, Serialize};

/// The kinds of host keys, by the names that OpenSSH gives them. `ssh-dss` is broken, and no host is left that has no other.
pub(crate) const ALGORITHMS: [&str; 5] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
];

/// A point of the curve of ed25519, in bytes.
const ED25519_POINT: usize = 32;

/// How we log in and whom we believe.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Ssh {
    /// Key files that are tried after the agent.
    pub(crate) key_files: Vec<PathBuf>,
    /// Nothing of the user's own counts: no agent, no key files, no `~/.ssh/known_hosts`.
    pub(crate) ignores_user: bool,
    /// The ways to log in, the preferred one first.
    pub(crate) logins: Vec<Login>,
    /// Which hosts are believed.
    pub(crate) hosts: KnownHosts,
}

impl Default for Ssh {
    fn default() -> Self {
        Self {
            key_files: Vec::new(),
            ignores_user: false,
            logins: vec![Login::PublicKey, Login::Password],
            hosts: KnownHosts::default(),
        }
    }
}

/// A way to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Login {
    PublicKey,
    Password,
}

impl Login {
    /// By its name in the protocol; `None` for one that we do not speak.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "publickey" => Some(Self::PublicKey),
            "password" => Some(Self::Password),
            _ => None,
        }
    }
}

/// By which keys hosts are known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum KnownHosts {
    /// Those of `~/.ssh/known_hosts`.
    #[default]
    OfUser,
    /// Those of this file.
    File(PathBuf),
    /// This key or none.
    Pinned(HostKey),
    /// No host is known.
    Nobody,
    /// Whoever answers is believed.
    Anybody,
}

/// The public key of a host, as it goes over the wire and stands in `known_hosts`, there in base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HostKey(Vec<u8>);

/// Why a text is no host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HostKeyError {
    #[error("is not base64")]
    NotBase64,
    #[error("is no key of that algorithm")]
    OtherAlgorithm,
    #[error("is cut off, or has something behind its end")]
    NotAKey,
}

impl HostKey {
    /// A key in base64 that has to be of an algorithm.
    pub(crate) fn parse(algorithm: &str, text: &str) -> Result<Self, HostKeyError> {
        let blob = STANDARD
            .decode(text.trim())
            .map_err(|_| HostKeyError::NotBase64)?;
        let parts = parts(&blob).ok_or(HostKeyError::NotAKey)?;
        if parts.first() != Some(&algorithm.as_bytes()) {
            return Err(HostKeyError::OtherAlgorithm);
        }
        let is_whole = match &parts[1..] {
            [point] if algorithm == "ssh-ed25519" => point.len() == ED25519_POINT,
            [exponent, modulus] if algorithm == "ssh-rsa" => {
                !exponent.is_empty() && !modulus.is_empty()
            }
            [curve, point] => {
                algorithm.as_bytes().ends_with(curve)
                    && curve.starts_with(b"nistp")
                    && !point.is_empty()
            }
            _ => false,
        };
        if is_whole {
            Ok(Self(blob))
        } else {
            Err(HostKeyError::NotAKey)
        }
    }

    /// What a host showed.
    pub(super) fn shown(blob: &[u8]) -> Self {
        Self(blob.to_vec())
    }

    /// What the key calls itself; it may come from anybody.
    pub(super) fn algorithm(&self) -> &str {
        let parts = parts(&self.0).unwrap_or_default();
        let name = parts.first().and_then(|name| str::from_utf8(name).ok());
        name.filter(|name| ALGORITHMS.contains(name))
            .unwrap_or("an unknown algorithm")
    }

    /// The line of `known_hosts` that makes a host known by it.
    pub(super) fn line(&self, host: &str) -> String {
        format!("{host} {} {}\n", self.algorithm(), STANDARD.encode(&self.0))
    }
}

/// Algorithm and fingerprint, as `ssh-keygen -l` shows it.
impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &self.0);
        let fingerprint = STANDARD_NO_PAD.encode(digest);
        write!(f, "{} SHA256:{fingerprint}", self.algorithm())
    }
}

impl fmt::Debug for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostKey({self})")
    }
}

/// The parts of a key, each of which begins with its length.
fn parts(mut blob: &[u8]) -> Option<Vec<&[u8]>> {
    let mut parts = Vec::new();
    while !blob.is_empty() {
        let (length, rest) = blob.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (part, rest) = rest.split_at_checked(length)?;
        parts.push(part);
        blob = rest;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys of github.com, which are public.
    const ED25519: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    const ECDSA: &str = "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBEmKSENjQEezOmxkZMy7opKgwFB9nkt5YRrYMjNuG5N87uRgg6CLrbo5wAdT/y6v0mKV0U2w0WZ2YB/++Tpockg=";

    #[test]
    fn a_key_has_the_fingerprint_that_everybody_else_shows() {
        let key = HostKey::parse("ssh-ed25519", &format!(" {ED25519}\n")).unwrap();
        let shown = "ssh-ed25519 SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU";
        assert_eq!(key.to_string(), shown);
        let line = format!("github.com ssh-ed25519 {ED25519}\n");
        assert_eq!(key.line("github.com"), line);
        assert!(HostKey::parse("ecdsa-sha2-nistp256", ECDSA).is_ok());
    }

    #[test]
    fn what_is_no_key_of_its_algorithm_is_none() {
        let cut = &ED25519[..ED25519.len() - 4];
        let longer = format!("{ED25519}AAAA");
        let without_point = STANDARD.encode(b"\0\0\0\x0bssh-ed25519\0\0\0\0");
        for (algorithm, text, expected) in [
            ("ssh-ed25519", "not base64!", HostKeyError::NotBase64),
            ("ssh-ed25519", ECDSA, HostKeyError::OtherAlgorithm),
            ("ssh-rsa", ED25519, HostKeyError::OtherAlgorithm),
            ("ssh-ed25519", "", HostKeyError::OtherAlgorithm),
            ("ssh-ed25519", cut, HostKeyError::NotAKey),
            ("ssh-ed25519", &longer, HostKeyError::NotAKey),
            ("ssh-ed25519", &without_point, HostKeyError::NotAKey),
        ] {
            let parsed = HostKey::parse(algorithm, text);
            assert_eq!(parsed, Err(expected), "{algorithm} {text}");
        }
    }

    #[test]
    fn a_host_cannot_write_into_our_lines() {
        let key = HostKey::shown(b"\0\0\0\x07evil\n\x1b[");
        let shown = key.to_string();
        assert!(shown.starts_with("an unknown algorithm SHA256:"), "{shown}");
    }
}
