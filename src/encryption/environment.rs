//! Encrypted values of an answer.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use confbus_protocol::{Environment, Position, Properties, PropertySource, PropertyValue};
use tracing::warn;

use super::{CipherError, Encryption, Values};

/// What an encrypted value begins with.
const MARKER: &str = "{cipher}";
/// The settings' own source, which is added to an answer after the values of files were decrypted.
const OVERRIDES: &str = "overrides";

impl Encryption {
    /// Decrypts the values of an answer. A decrypted key moves to the end of its source and has no origin any more;
    /// sources without encrypted values are left as they are, shared.
    pub(crate) fn decrypt(&self, mut environment: Environment) -> Environment {
        if self.inner.values == Values::Kept {
            return environment;
        }
        for source in &mut environment.property_sources {
            if source.name != OVERRIDES
                && let Some(decrypted) = self.decrypted(source)
            {
                source.source = Arc::new(decrypted);
            }
        }
        environment
    }

    /// Why a value cannot be decrypted here, if it is encrypted and values are decrypted at all.
    pub(crate) fn trouble_with(&self, value: &PropertyValue) -> Option<CipherError> {
        let cipher = cipher_in(value).filter(|_| self.inner.values != Values::Kept)?;
        let decrypted = self
            .inner
            .cache
            .get(cipher, || self.decrypt_text(cipher).map(Arc::from));
        decrypted.err()
    }

    /// Whether two values are one to whoever is given them: what is encrypted is what it says, where that is answered.
    pub(crate) fn are_same(&self, one: &PropertyValue, other: &PropertyValue) -> bool {
        if one == other || self.inner.values == Values::Kept {
            return one == other;
        }
        matches!((self.meaning(one), self.meaning(other)), (Some(one), Some(other)) if one == other)
    }

    /// What stands for a value in an answer; nothing for what cannot be decrypted.
    fn meaning<'v>(&self, value: &'v PropertyValue) -> Option<Cow<'v, PropertyValue>> {
        let Some(cipher) = cipher_in(value) else {
            return Some(Cow::Borrowed(value));
        };
        let plain = self
            .inner
            .cache
            .get(cipher, || self.decrypt_text(cipher).map(Arc::from));
        Some(Cow::Owned(PropertyValue::from(plain.ok()?.to_string())))
    }

    /// The properties of a source, or `None` when none of them is encrypted.
    fn decrypted(&self, source: &PropertySource) -> Option<Properties> {
        let ciphers: Vec<_> = source
            .source
            .iter()
            .filter_map(|(key, property)| Some((key, cipher_in(&property.value)?)))
            .collect();
        if ciphers.is_empty() {
            return None;
        }
        let mut properties = Properties::clone(&source.source);
        properties.retain(|_, property| cipher_in(&property.value).is_none());
        for (key, cipher) in ciphers {
            let (key, value) = self.served(source, key, cipher);
            properties.insert(key, PropertyValue::from(value).into());
        }
        Some(properties)
    }

    /// The key and the value that stand for an encrypted value.
    fn served(&self, source: &PropertySource, key: &str, cipher: &str) -> (String, String) {
        match self.plain(source, key, cipher) {
            Ok(plain) => (key.to_owned(), plain.to_string()),
            Err(_) if self.inner.values == Values::DecryptedOrBare => {
                (key.to_owned(), cipher.to_owned())
            }
            Err(_) => (format!("invalid.{key}"), "<n/a>".to_owned()),
        }
    }

    fn plain(
        &self,
        source: &PropertySource,
        key: &str,
        cipher: &str,
    ) -> Result<Arc<str>, CipherError> {
        self.inner.cache.get(cipher, || {
            self.decrypt_text(cipher)
                .map(Arc::from)
                // Once per text, not once per read.
                .inspect_err(|error| {
                    warn!(source = source.name, key, %error, "a value cannot be decrypted");
                })
        })
    }
}

/// The keys of a source whose values are encrypted, with the places that they lose when they are decrypted.
pub(crate) fn encrypted_keys(source: &PropertySource) -> HashMap<String, Option<Position>> {
    let all = source.source.iter();
    let encrypted = all.filter(|(_, property)| cipher_in(&property.value).is_some());
    encrypted
        .map(|(key, property)| (key.clone(), property.origin))
        .collect()
}

/// What stands behind the marker.
fn cipher_in(value: &PropertyValue) -> Option<&str> {
    value.as_text()?.strip_prefix(MARKER)
}

#[cfg(test)]
mod tests {
    use confbus_protocol::{Position, Property, Representation};

    use super::{
        super::{Keys, SymmetricKey},
        *,
    };

    const GOOD: &str = "{cipher}682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda";

    fn encryption(values: Values) -> Encryption {
        let key = SymmetricKey::new("foo", &[0xde, 0xad, 0xbe, 0xef]);
        Encryption::new(Keys::Symmetric(key), values)
    }

    fn environment(name: &str, pairs: &[(&str, &str)]) -> Environment {
        let property = |(line, (key, text)): (u32, &(&str, &str))| {
            let origin = Some(Position { line, column: 1 });
            let value = PropertyValue::from(*text);
            ((*key).to_owned(), Property { value, origin })
        };
        Environment {
            property_sources: vec![PropertySource {
                name: name.into(),
                source: Arc::new((1..).zip(pairs).map(property).collect()),
            }],
            ..Environment::default()
        }
    }

    #[track_caller]
    fn check(encryption: &Encryption, pairs: &[(&str, &str)], expected: &str) {
        let json = encryption
            .decrypt(environment("foo.yml", pairs))
            .to_json(Representation::V2);
        let json = String::from_utf8(json).unwrap();
        let (_, source) = json.split_once("\"source\":").unwrap();
        assert_eq!(source, format!("{expected}}}]}}"));
    }

    #[test]
    fn decrypted_values_move_to_the_end_and_lose_their_origin() {
        check(
            &encryption(Values::Decrypted),
            &[
                ("a", GOOD),
                ("b", "plain"),
                ("c", "{cipher}x"),
                ("d", " {cipher}"),
            ],
            r#"{"b":{"value":"plain","origin":"2:1"},"d":{"value":" {cipher}","origin":"4:1"},"a":"mysecret","invalid.c":"<n/a>"}"#,
        );
    }

    #[test]
    fn what_says_the_same_is_the_same_where_it_is_decrypted() {
        let same = |values: Values, one: &str, other: &str| {
            encryption(values).are_same(&one.into(), &other.into())
        };
        let cipher = encryption(Values::Decrypted).encrypt("mysecret").unwrap();
        let cipher = format!("{MARKER}{cipher}");
        assert_ne!(cipher, GOOD);
        assert!(same(Values::Decrypted, GOOD, &cipher));
        assert!(same(Values::DecryptedOrBare, "mysecret", &cipher));
        assert!(!same(Values::Kept, GOOD, &cipher));
        assert!(!same(Values::Decrypted, "other", &cipher));
        assert!(!same(Values::Decrypted, "{cipher}x", "{cipher}y"));
        assert!(same(Values::Decrypted, "{cipher}x", "{cipher}x"));
    }

    #[test]
    fn what_cannot_be_decrypted_may_keep_its_key() {
        check(
            &encryption(Values::DecryptedOrBare),
            &[("a", "{cipher}x"), ("b", GOOD)],
            r#"{"a":"x","b":"mysecret"}"#,
        );
    }

    #[test]
    fn values_may_be_left_to_clients() {
        check(
            &encryption(Values::Kept),
            &[("a", "{cipher}x")],
            r#"{"a":{"value":"{cipher}x","origin":"1:1"}}"#,
        );
    }

    #[test]
    fn without_a_key_every_encrypted_value_is_invalid_or_bare() {
        check(
            &Encryption::default(),
            &[("a", GOOD)],
            r#"{"invalid.a":"<n/a>"}"#,
        );
        check(
            &Encryption::new(Keys::PassThrough, Values::Decrypted),
            &[("a", "{cipher}{key:k}x"), ("b", "{cipher} y")],
            r#"{"a":"x","b":" y"}"#,
        );
    }

    #[test]
    fn sources_without_encrypted_values_and_overrides_stay_shared() {
        let encryption = encryption(Values::Decrypted);
        for (name, pairs) in [("foo.yml", [("a", "b")]), ("overrides", [("a", GOOD)])] {
            let before = environment(name, &pairs);
            let after = encryption.decrypt(before.clone());
            let source =
                |environment: &Environment| Arc::clone(&environment.property_sources[0].source);
            assert!(Arc::ptr_eq(&source(&before), &source(&after)), "{name}");
        }
    }
}
