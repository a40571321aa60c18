use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretBox};

/// What the last good file holds of values that look secret, by their keys or as addresses with credentials.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Secrets {
    /// Nothing. After a start from the file, whatever needs such a value is refused with its key until a server answers.
    #[default]
    LeaveOut,
    /// Everything, in a file that is encrypted as a whole with AES-256-GCM.
    Encrypt(LastGoodKey),
    /// Everything, in clear text.
    Keep,
}

/// The key of an encrypted last good file. `Debug` does not show it.
#[derive(Debug, Clone)]
pub struct LastGoodKey(Arc<SecretBox<[u8; LENGTH]>>);

/// There is no key in a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct InvalidKey {
    path: String,
    problem: String,
}

/// Of a key of AES-256, in bytes.
const LENGTH: usize = 32;

/// No form of a key is longer.
const LONGEST_FILE: u64 = 1024;

impl InvalidKey {
    /// Without the path, which may be a key that was put in its place.
    pub(crate) fn problem(&self) -> &str {
        &self.problem
    }
}

impl LastGoodKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub fn new(key: [u8; LENGTH]) -> Self {
        Self(Arc::new(SecretBox::new(Box::new(key))))
    }

    /// Reads a key from a file: 32 bytes, or 64 hexadecimal digits, or as Base64, as `openssl rand -hex 32` and
    /// `openssl rand -base64 32` write them.
    ///
    /// # Errors
    /// [`InvalidKey`] when the file cannot be read or holds something else.
    pub fn from_file(path: impl Into<PathBuf>) -> Result<Self, InvalidKey> {
        let path = path.into();
        let problem = |problem: String| InvalidKey {
            path: path.display().to_string(),
            problem,
        };
        let content = read(&path).map_err(|error| problem(error.to_string()))?;
        parse(&content).map(Self::new).ok_or_else(|| {
            problem("expected a key of 32 bytes, in hexadecimal digits or as Base64".to_owned())
        })
    }

    /// The nonce, and what only the key opens.
    pub(super) fn seal(&self, aad: &[u8], mut content: Vec<u8>) -> io::Result<Vec<u8>> {
        let unspecified = |_| io::Error::other("it cannot be encrypted");
        let key =
            RandomizedNonceKey::new(&AES_256_GCM, self.0.expose_secret()).map_err(unspecified)?;
        let nonce = key
            .seal_in_place_append_tag(Aad::from(aad), &mut content)
            .map_err(unspecified)?;
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut content);
        Ok(sealed)
    }

    /// `None` when it was sealed with another key, or changed since.
    pub(super) fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, self.0.expose_secret()).ok()?;
        let mut content = sealed.to_vec();
        let length = key
            .open_in_place(nonce, Aad::from(aad), &mut content)
            .ok()?
            .len();
        content.truncate(length);
        Some(content)
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?
        .take(LONGEST_FILE)
        .read_to_end(&mut content)?;
    Ok(content)
}

fn parse(content: &[u8]) -> Option<[u8; LENGTH]> {
    if let Ok(key) = content.try_into() {
        return Some(key);
    }
    let text = std::str::from_utf8(content).ok()?.trim();
    let bytes = match text.len() {
        64 => hexadecimal(text)?,
        _ => STANDARD.decode(text).ok()?,
    };
    bytes.try_into().ok()
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks_exact(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    pairs.map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_in_three_forms() {
        let key = [7; LENGTH];
        assert_eq!(parse(&key), Some(key));
        assert_eq!(
            parse(format!("{}\n", "07".repeat(LENGTH)).as_bytes()),
            Some(key)
        );
        assert_eq!(
            parse(format!("{}\n", STANDARD.encode(key)).as_bytes()),
            Some(key)
        );
        for wrong in ["", "short", &"zz".repeat(LENGTH), &"07".repeat(15)] {
            assert_eq!(parse(wrong.as_bytes()), None, "{wrong}");
        }
        assert!(!format!("{:?}", LastGoodKey::new(key)).contains('7'));
    }

    #[test]
    fn only_the_key_opens_what_it_sealed() {
        let (key, other) = (LastGoodKey::new([1; LENGTH]), LastGoodKey::new([2; LENGTH]));
        let sealed = key.seal(b"head", b"content".to_vec()).unwrap();
        assert_ne!(key.seal(b"head", b"content".to_vec()).unwrap(), sealed);
        assert_eq!(key.open(b"head", &sealed).unwrap(), b"content");
        assert_eq!(other.open(b"head", &sealed), None);
        assert_eq!(key.open(b"other", &sealed), None);
        for index in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[index] ^= 1;
            assert_eq!(key.open(b"head", &changed), None, "changed at {index}");
            assert_eq!(key.open(b"head", &sealed[..index]), None, "cut at {index}");
        }
    }
}
