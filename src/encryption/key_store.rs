//! RSA keys by alias, from a Java key store.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use p12_keystore::{KeyStore as Pkcs12, KeyStoreEntry};

use super::{CipherError, KeyError, Prefix, RsaKey, Scheme, jks};

/// What opens a store, and which of its keys is the default: `encrypt.key-store.*`.
pub(crate) struct StoreAccess {
    pub(crate) password: String,
    pub(crate) alias: String,
    /// Opens the key; with PKCS#12 it is the password.
    pub(crate) secret: String,
}

/// The keys of a store.
pub(crate) struct KeyStore {
    entries: HashMap<String, Entry>,
    default: Arc<RsaKey>,
    default_alias: String,
    secret: String,
    scheme: Scheme,
}

struct Entry {
    /// The key, when the default secret opens it.
    key: Option<Arc<RsaKey>>,
    /// What another secret may open.
    sealed: Option<jks::Sealed>,
}

impl KeyStore {
    /// Opens a store of type JKS or PKCS#12; which of them it is, its first bytes say.
    ///
    /// # Errors
    /// [`KeyError`] when it is none, or does not open, or has no usable key under the default alias.
    pub(crate) fn open(
        bytes: &[u8],
        access: StoreAccess,
        scheme: Scheme,
    ) -> Result<Self, KeyError> {
        let alias = access.alias.to_lowercase();
        let mut entries = if jks::is_one(bytes) {
            from_jks(bytes, &access, &scheme)?
        } else {
            from_pkcs12(bytes, &access, &scheme)?
        };
        let default = match entries.get_mut(&alias) {
            None => {
                let mut aliases: Vec<_> = entries.into_keys().collect();
                aliases.sort();
                return Err(KeyError::NoSuchAlias { aliases });
            }
            Some(Entry { key: Some(key), .. }) => Arc::clone(key),
            Some(Entry {
                sealed: Some(sealed),
                ..
            }) => {
                // Says what is wrong with it: the secret, or the key itself.
                Arc::new(RsaKey::new(&sealed.open(&access.secret)?, &scheme)?)
            }
            Some(Entry {
                key: None,
                sealed: None,
            }) => return Err(KeyError::NotRsa),
        };
        Ok(Self {
            entries,
            default,
            default_alias: alias,
            secret: access.secret,
            scheme,
        })
    }

    pub(super) fn default_key(&self) -> &RsaKey {
        &self.default
    }

    /// The key that a prefix asks for. Java does not tell upper from lower case in aliases.
    pub(super) fn select(&self, prefix: &Prefix) -> Result<Arc<RsaKey>, CipherError> {
        let alias = prefix
            .key()
            .map_or_else(|| self.default_alias.clone(), str::to_lowercase);
        let entry = self.entries.get(&alias).ok_or(CipherError::UnknownAlias)?;
        let secret = prefix.secret().unwrap_or(&self.secret);
        if is_same(secret, &self.secret) {
            return entry.key.clone().ok_or(CipherError::WrongSecret);
        }
        let sealed = entry.sealed.as_ref().ok_or(CipherError::WrongSecret)?;
        let opened = sealed.open(secret).map_err(|_| CipherError::WrongSecret)?;
        RsaKey::new(&opened, &self.scheme)
            .map(Arc::new)
            .map_err(|_| CipherError::WrongSecret)
    }
}

/// Takes as long whatever the two have in common.
fn is_same(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

fn from_jks(
    bytes: &[u8],
    access: &StoreAccess,
    scheme: &Scheme,
) -> Result<HashMap<String, Entry>, KeyError> {
    let sealed = jks::read(bytes, &access.password)?;
    let entry = |(alias, sealed): (String, jks::Sealed)| {
        let opened = sealed.open(&access.secret).ok();
        let key = opened.and_then(|pkcs8| RsaKey::new(&pkcs8, scheme).ok());
        let entry = Entry {
            key: key.map(Arc::new),
            sealed: Some(sealed),
        };
        (alias.to_lowercase(), entry)
    };
    Ok(sealed.into_iter().map(entry).collect())
}

fn from_pkcs12(
    bytes: &[u8],
    access: &StoreAccess,
    scheme: &Scheme,
) -> Result<HashMap<String, Entry>, KeyError> {
    let store = Pkcs12::from_pkcs12(bytes, &access.password).map_err(|error| not_opened(&error))?;
    if !is_same(&access.secret, &access.password) {
        return Err(KeyError::WrongSecret);
    }
    let entry = |(alias, entry): (&String, &KeyStoreEntry)| match entry {
        KeyStoreEntry::PrivateKeyChain(chain) => {
            let key = RsaKey::new(chain.key(), scheme).ok().map(Arc::new);
            Some((alias.to_lowercase(), Entry { key, sealed: None }))
        }
        KeyStoreEntry::Certificate(_) | KeyStoreEntry::Secret(_) => None,
    };
    Ok(store.entries().filter_map(entry).collect())
}

fn not_opened(error: &p12_keystore::error::Error) -> KeyError {
    use p12_keystore::error::Error;
    match error {
        Error::MacError(_) | Error::Pkcs5Error(_) | Error::UnpadError => KeyError::WrongPassword,
        Error::DerError(_) => KeyError::NotAStore,
        _ => KeyError::Damaged,
    }
}
