//! What is shown in place of a secret: the same for the same secret, and of no use for finding it.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use aws_lc_rs::{hmac, rand};
use serde::Serialize;
use tracing::warn;

use crate::{hex, json_file};

/// Bytes of the key.
const KEY: usize = 32;
/// Bytes that are shown: enough to tell two secrets apart, too few to try guesses against.
const SHOWN: usize = 2;

/// Where the key survives a restart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Beside the ledger; without it, fingerprints are others after a restart.
    pub(crate) key_file: Option<PathBuf>,
}

/// Makes fingerprints with a key that nobody else has.
pub(crate) struct Fingerprints(hmac::Key);

/// Four hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Fingerprint(String);

impl Fingerprints {
    /// With the key of an earlier start, or else with a new one.
    pub(super) fn open(settings: &Settings) -> Self {
        let key = match &settings.key_file {
            None => random(),
            Some(file) => saved(file).unwrap_or_else(|| {
                let key = random();
                let write = |writer: &mut dyn io::Write| writer.write_all(&key);
                if let Err(cause) = json_file::replace(file, write) {
                    warn!(file = %file.display(), error = %cause, "fingerprints of secrets will be others after a restart");
                }
                key
            }),
        };
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    /// Equal secrets have the same.
    pub(crate) fn of(&self, secret: &str) -> Fingerprint {
        let tag = hmac::sign(&self.0, secret.as_bytes());
        let shown = tag.as_ref().get(..SHOWN).unwrap_or_default();
        Fingerprint(hex::encoded(shown))
    }
}

fn saved(file: &Path) -> Option<Vec<u8>> {
    fs::read(file).ok().filter(|key| key.len() == KEY)
}

fn random() -> Vec<u8> {
    let mut key = vec![0; KEY];
    rand::fill(&mut key).expect("the system has random bytes");
    key
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fingerprints(…)")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_kept_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("below/fingerprints.key");
        let settings = |key_file| Settings { key_file };
        let first = Fingerprints::open(&settings(Some(file.clone())));
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let again = Fingerprints::open(&settings(Some(file.clone())));
        let digits: Vec<_> = (0..64).map(|n: u32| first.of(&n.to_string())).collect();
        let same: Vec<_> = (0..64).map(|n: u32| again.of(&n.to_string())).collect();
        assert_eq!(digits, same);
        assert_eq!(digits[0].to_string().len(), 4);
        fs::write(&file, "short").unwrap();
        let another = Fingerprints::open(&settings(Some(file)));
        assert!((0..64).any(|n: u32| another.of(&n.to_string()) != digits[n as usize]));
    }
}
