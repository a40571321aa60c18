//! RSA keys by alias, from a Java key store.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use p12_keystore::{KeyStore as Pkcs12, KeyStoreEntry};
use secrecy::{ExposeSecret as _, SecretString};

use super::{CipherError, KeyError, Prefix, RsaKey, Scheme, jks};

/// What opens a store, and which of its keys is the default: `encrypt.key-store.*`.
pub(crate) struct StoreAccess {
    pub(crate) password: SecretString,
    pub(crate) alias: String,
    /// Opens the key; with PKCS#12 it is the password.
    pub(crate) secret: SecretString,
}

/// The keys of a store.
pub(crate) struct KeyStore {
    entries: HashMap<String, Entry>,
    default: Arc<RsaKey>,
    default_alias: String,
    secret: SecretString,
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
                Arc::new(RsaKey::new(
                    &sealed.open(access.secret.expose_secret())?,
                    &scheme,
                )?)
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
        let own = self.secret.expose_secret();
        let secret = prefix.secret().unwrap_or(own);
        if is_same(secret, own) {
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
    let sealed = jks::read(bytes, access.password.expose_secret())?;
    let entry = |(alias, sealed): (String, jks::Sealed)| {
        let opened = sealed.open(access.secret.expose_secret()).ok();
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
    let password = access.password.expose_secret();
    let store = Pkcs12::from_pkcs12(bytes, password).map_err(|error| not_opened(&error))?;
    if !is_same(access.secret.expose_secret(), password) {
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

#[cfg(test)]
mod tests {
    use super::{
        super::{Algorithm, testing, without_prefix},
        *,
    };

    fn open(bytes: &[u8], alias: &str, secret: &str, scheme: Scheme) -> Result<KeyStore, KeyError> {
        let access = StoreAccess {
            password: "storepass".into(),
            alias: alias.into(),
            secret: secret.into(),
        };
        KeyStore::open(bytes, access, scheme)
    }

    fn oaep(strong: bool, salt: &[u8]) -> Scheme {
        Scheme {
            algorithm: Algorithm::Oaep,
            strong,
            salt: salt.into(),
        }
    }

    fn decrypt(store: &KeyStore, text: &str) -> Result<String, CipherError> {
        store
            .select(&Prefix::of(text))?
            .decrypt(without_prefix(text))
    }

    #[test]
    fn recorded_texts_are_read_with_every_type_and_alias() {
        let default = Scheme::default;
        for (bytes, secret, scheme, name) in [
            (testing::JKS, "one-secret", default(), "jks-one"),
            (testing::JKS, "one-secret", default(), "jks-two"),
            (
                testing::PKCS12,
                "storepass",
                oaep(true, b"pepper"),
                "p12-oaep-strong",
            ),
            (
                testing::PKCS12,
                "storepass",
                oaep(true, b"pepper"),
                "p12-oaep-strong-two",
            ),
            (
                testing::LEGACY,
                "storepass",
                oaep(false, &default().salt),
                "legacy-oaep",
            ),
        ] {
            let store = open(bytes, "ONE", secret, scheme)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let cipher = testing::recorded(name);
            assert_eq!(
                decrypt(&store, cipher).as_deref(),
                Ok(testing::PLAIN),
                "{name}"
            );
        }
        let store = open(testing::JKS, "one", "one-secret", default()).unwrap();
        assert_eq!(
            store.default_key().public_key(),
            testing::recorded("jks-public")
        );
    }

    #[test]
    fn aliases_and_secrets_that_do_not_fit_are_told_apart() {
        let jks = open(testing::JKS, "one", "one-secret", Scheme::default()).unwrap();
        let p12 = open(testing::PKCS12, "one", "storepass", Scheme::default()).unwrap();
        for (store, prefix, expected) in [
            (&jks, "", Ok(())),
            (&jks, "{key:none}", Err(CipherError::UnknownAlias)),
            (&jks, "{key:two}", Err(CipherError::WrongSecret)),
            (&jks, "{key:two}{secret:two-secret}", Ok(())),
            (&jks, "{secret:two-secret}", Err(CipherError::WrongSecret)),
            (&p12, "{key:two}", Ok(())),
            (&p12, "{key:Two}{secret:storepass}", Ok(())),
            (
                &p12,
                "{key:two}{secret:other}",
                Err(CipherError::WrongSecret),
            ),
            (&p12, "{key:curve}", Err(CipherError::WrongSecret)),
            (&p12, "{key}", Err(CipherError::UnknownAlias)),
        ] {
            let selected = store.select(&Prefix::of(prefix)).map(|_| ());
            assert_eq!(selected, expected, "{prefix}");
        }
    }

    #[test]
    fn what_does_not_open_says_why() {
        let aliases = || vec!["one".to_owned(), "two".to_owned()];
        let cut = &testing::PKCS12[..1000];
        let mut changed = testing::JKS.to_vec();
        changed[100] ^= 1;
        for (bytes, alias, secret, error) in [
            (
                testing::JKS,
                "none",
                "one-secret",
                KeyError::NoSuchAlias { aliases: aliases() },
            ),
            (testing::JKS, "two", "one-secret", KeyError::WrongSecret),
            (testing::PKCS12, "one", "one-secret", KeyError::WrongSecret),
            (testing::PKCS12, "curve", "storepass", KeyError::NotRsa),
            (cut, "one", "storepass", KeyError::NotAStore),
            (b"", "one", "storepass", KeyError::NotAStore),
            (&changed, "one", "one-secret", KeyError::WrongPassword),
            (&testing::JKS[..10], "one", "one-secret", KeyError::Damaged),
            (b"\xce\xce\xce\xce", "one", "storepass", KeyError::Jceks),
        ] {
            let opened = open(bytes, alias, secret, Scheme::default()).err();
            assert_eq!(opened, Some(error), "{alias} {secret}");
        }
        for bytes in [testing::JKS, testing::PKCS12, testing::LEGACY] {
            let access = StoreAccess {
                password: "wrong".into(),
                alias: "one".into(),
                secret: "wrong".into(),
            };
            let opened = KeyStore::open(bytes, access, Scheme::default()).err();
            assert_eq!(opened, Some(KeyError::WrongPassword));
        }
    }
}
