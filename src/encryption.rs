//! Encrypted values: `{cipher}…` in what is served, and texts that `/encrypt` and `/decrypt` are given.
//!
//! Keys are loaded and checked once, at start; afterwards everything here is a function without I/O. The formats are those
//! of Spring Security's text encryptors, so that either server reads what the other one wrote.

mod aes;
mod cache;
mod der;
mod environment;
mod error;
mod jks;
mod key_store;
mod pem;
mod prefix;
mod rsa;
mod symmetric;
#[cfg(test)]
mod testing;

use std::{fmt, sync::Arc};

use cache::Cache;
pub(crate) use environment::encrypted_keys;
pub(crate) use error::{CipherError, KeyError};
pub(crate) use key_store::{KeyStore, StoreAccess};
pub(crate) use pem::{Pem, private_key};
pub(crate) use prefix::{Prefix, without_prefix};
pub(crate) use rsa::{Algorithm, RsaKey, Scheme};
pub(crate) use symmetric::SymmetricKey;

/// Encrypts and decrypts with the keys of this server; cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Encryption {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    keys: Keys,
    values: Values,
    cache: Cache,
}

/// What there is to encrypt and decrypt with.
#[derive(Default)]
pub(crate) enum Keys {
    /// Nothing: every use fails.
    #[default]
    None,
    /// Nothing, and encrypted values are served without their marker: what Spring does without a key in its bootstrap mode.
    PassThrough,
    /// One pass phrase.
    Symmetric(SymmetricKey),
    /// One RSA key.
    Rsa(Box<RsaKey>),
    /// RSA keys by alias.
    Store(KeyStore),
}

/// What becomes of encrypted values in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Values {
    /// They are decrypted; one that cannot be becomes `invalid.<key>` with the value `<n/a>`.
    #[default]
    Decrypted,
    /// They are decrypted; one that cannot be stays under its key, without its marker.
    DecryptedOrBare,
    /// They are served as they are, for clients to decrypt.
    Kept,
}

impl Encryption {
    pub(crate) fn new(keys: Keys, values: Values) -> Self {
        Self {
            inner: Arc::new(Inner {
                keys,
                values,
                cache: Cache::default(),
            }),
        }
    }

    /// Whether texts can be encrypted at all.
    ///
    /// # Errors
    /// [`CipherError::NoKey`] or [`CipherError::TooWeak`].
    pub(crate) fn check(&self) -> Result<(), CipherError> {
        match self.inner.keys {
            Keys::None => Err(CipherError::NoKey),
            Keys::PassThrough => Err(CipherError::TooWeak),
            Keys::Symmetric(_) | Keys::Rsa(_) | Keys::Store(_) => Ok(()),
        }
    }

    /// The default key's public half as OpenSSH writes it; `None` without an RSA key.
    pub(crate) fn public_key(&self) -> Option<String> {
        match &self.inner.keys {
            Keys::None | Keys::PassThrough | Keys::Symmetric(_) => None,
            Keys::Rsa(key) => Some(key.public_key().to_owned()),
            Keys::Store(store) => Some(store.default_key().public_key().to_owned()),
        }
    }

    /// Encrypts what stands behind the prefix of a text, and repeats the prefix before it.
    ///
    /// # Errors
    /// Those of [`Self::check`], and those of the key store when the prefix asks for a key that is not there.
    pub(crate) fn encrypt(&self, text: &str) -> Result<String, CipherError> {
        self.check()?;
        let prefix = Prefix::of(text);
        let plain = without_prefix(text);
        let cipher = match &self.inner.keys {
            Keys::None => return Err(CipherError::NoKey),
            Keys::PassThrough => plain.to_owned(),
            Keys::Symmetric(key) => key.encrypt(plain)?,
            Keys::Rsa(key) => key.encrypt(plain)?,
            Keys::Store(store) => store.select(&prefix)?.encrypt(plain)?,
        };
        Ok(format!("{prefix}{cipher}"))
    }

    /// Decrypts a text that has lost its prefix.
    ///
    /// # Errors
    /// [`CipherError`] when there is no such key, or when it is not the one that the text was encrypted with.
    pub(crate) fn decrypt_with(
        &self,
        prefix: &Prefix,
        cipher: &str,
    ) -> Result<String, CipherError> {
        match &self.inner.keys {
            Keys::None => Err(CipherError::NoKey),
            Keys::PassThrough => Ok(cipher.to_owned()),
            Keys::Symmetric(key) => key.decrypt(cipher),
            Keys::Rsa(key) => key.decrypt(cipher),
            Keys::Store(store) => store.select(prefix)?.decrypt(cipher),
        }
    }

    /// Decrypts a text with its prefix, as it stands behind `{cipher}`.
    ///
    /// # Errors
    /// As [`Self::decrypt_with`].
    pub(crate) fn decrypt_text(&self, text: &str) -> Result<String, CipherError> {
        self.decrypt_with(&Prefix::of(text), without_prefix(text))
    }
}

/// Keys are secrets, so only their kind is shown.
impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = match self.inner.keys {
            Keys::None => "None",
            Keys::PassThrough => "PassThrough",
            Keys::Symmetric(_) => "Symmetric(…)",
            Keys::Rsa(_) => "Rsa(…)",
            Keys::Store(_) => "Store(…)",
        };
        write!(
            f,
            "Encryption {{ keys: {keys}, values: {:?} }}",
            self.inner.values
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symmetric(key: &str, salt: &str) -> Encryption {
        let key = SymmetricKey::new(key, &crate::hex::decoded(salt).unwrap());
        Encryption::new(Keys::Symmetric(key), Values::default())
    }

    #[test]
    fn prefixes_of_a_single_key_are_kept_and_mean_nothing() {
        let encryption = symmetric("foo", "deadbeef");
        for (text, prefix, decrypted) in [
            ("mysecret", "", "mysecret"),
            ("{key:k}sec", "{key:k}", "sec"),
            ("{plain}{a:b}", "", "{a:b}"),
            ("{foo}bar", "{foo:}", "{foo}bar"),
            ("", "", ""),
        ] {
            let cipher = encryption.encrypt(text).unwrap();
            assert!(cipher.starts_with(prefix), "{text}: {cipher}");
            assert_eq!(encryption.decrypt_text(&cipher).as_deref(), Ok(decrypted));
        }
    }

    #[test]
    fn without_a_key_nothing_works_or_everything_passes() {
        let none = Encryption::default();
        assert_eq!(none.check(), Err(CipherError::NoKey));
        assert_eq!(none.encrypt("x"), Err(CipherError::NoKey));
        assert_eq!(none.decrypt_text("x"), Err(CipherError::NoKey));
        let pass = Encryption::new(Keys::PassThrough, Values::default());
        assert_eq!(pass.check(), Err(CipherError::TooWeak));
        assert_eq!(pass.encrypt("x"), Err(CipherError::TooWeak));
        assert_eq!(pass.decrypt_text("{key:a}x").as_deref(), Ok("x"));
    }

    #[test]
    fn nothing_secret_is_shown() {
        let shown = format!("{:?}", symmetric("a pass phrase", "deadbeef"));
        assert_eq!(
            shown,
            "Encryption { keys: Symmetric(…), values: Decrypted }"
        );
    }
}
