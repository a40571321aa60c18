//! Which values are never shown.

use std::{cmp::Reverse, collections::BTreeSet, ops::Range};

use confbus_protocol::PropertyValue;

/// Anywhere in a key, whatever stands around them.
const TELLING_PARTS: [&str; 8] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "authorization",
    "apikey",
];

/// Only as a word of their own: `key` is in `monkey`, `pin` in `ping`.
const TELLING_WORDS: [&str; 11] = [
    "key", "keys", "pass", "pwd", "pw", "auth", "pin", "salt", "cert", "cookie", "dsn",
];

/// Whether a key is named like that of a secret.
pub(crate) fn looks_secret(key: &str) -> bool {
    let squeezed: String = key
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect();
    TELLING_PARTS.iter().any(|part| squeezed.contains(part))
        || words(key)
            .split(|c: char| !c.is_alphanumeric())
            .any(|word| TELLING_WORDS.contains(&word))
}

/// Whether a value is not to be shown: by its key, or because it is an address with credentials in it.
pub(crate) fn is_secret(key: &str, value: &PropertyValue) -> bool {
    looks_secret(key) || has_credentials(value)
}

/// Whether a value is an address with credentials in it.
pub(crate) fn has_credentials(value: &PropertyValue) -> bool {
    let text = value.as_text();
    text.is_some_and(|text| !userinfo(text).is_empty())
}

/// `https://ana:pw@host/x` without `ana:pw@`.
pub(crate) fn without_userinfo(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for credentials in userinfo(text) {
        clean.push_str(&text[from..credentials.start]);
        from = credentials.end + 1;
    }
    clean.push_str(&text[from..]);
    clean
}

/// Where the credentials of the addresses in a text stand: `ana:pw`, with an `@` behind.
fn userinfo(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(scheme) = text[from..].find("://") {
        let start = from + scheme + 3;
        let length = text[start..].find(['/', '?', '#', ' ', ',']);
        let end = length.map_or(text.len(), |length| start + length);
        found.extend(text[start..end].rfind('@').map(|at| start..start + at));
        from = end;
    }
    found
}

/// Blots secrets out of texts.
pub(crate) struct Blotter(Vec<String>);

impl Blotter {
    /// Takes secret values, each with whether it is what the texts are about. Then it is blotted out however short it is;
    /// otherwise from four characters on: blotting out every `7` because some secret is `7` would hide the text and tell
    /// the secret. So is each line of a secret, and what is before the `@` of an address, by itself.
    pub(crate) fn new<'v>(secrets: impl Iterator<Item = (&'v PropertyValue, bool)>) -> Self {
        let mut all = BTreeSet::new();
        for (value, is_about) in secrets {
            if matches!(value, PropertyValue::Bool(_) | PropertyValue::Null) {
                continue;
            }
            let whole = value.to_string();
            let credentials = userinfo(&whole).into_iter().map(|place| &whole[place]);
            let passwords = credentials
                .clone()
                .filter_map(|credentials| Some(credentials.split_once(':')?.1));
            let parts = whole.lines().map(str::trim).chain(credentials);
            let parts = parts.chain(passwords).chain([whole.as_str()]);
            let tell = parts.filter(|part| part.chars().count() > 3);
            let short = (is_about && !whole.is_empty()).then_some(whole.as_str());
            for part in tell.chain(short) {
                all.insert(part.to_owned());
                // As Rust quotes it.
                all.insert(part.escape_debug().to_string());
            }
        }
        let mut secrets = Vec::from_iter(all);
        // The end of a secret must not stay because another is its beginning.
        secrets.sort_by_key(|secret| Reverse(secret.len()));
        Self(secrets)
    }

    pub(crate) fn blot(&self, text: String) -> String {
        let blot = |text: String, secret: &String| text.replace(secret, "…");
        self.0.iter().fold(text, blot)
    }
}

/// `db.apiKey` with its words apart: `db.api key`.
fn words(key: &str) -> String {
    let mut spaced = String::with_capacity(key.len() + 8);
    let mut after_small = false;
    for c in key.chars() {
        if c.is_uppercase() && after_small {
            spaced.push(' ');
        }
        after_small = c.is_lowercase() || c.is_numeric();
        spaced.extend(c.to_lowercase());
    }
    spaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_secrets_are_told_by_their_names() {
        for key in [
            "db.password",
            "DB_PASS_WORD",
            "jwt.signing-key",
            "apiKey",
            "a.client_secret",
            "x.API_KEY",
            "keys[0]",
            "auth.pin",
        ] {
            assert!(looks_secret(key), "{key}");
        }
        for key in [
            "pool.max",
            "monkey",
            "ping",
            "keyboard.layout",
            "server.port",
            "author",
            "certain",
        ] {
            assert!(!looks_secret(key), "{key}");
        }
    }

    #[test]
    fn credentials_in_addresses_are_cut_out() {
        assert_eq!(
            without_userinfo("postgres://ana:p@w@db/orders"),
            "postgres://db/orders"
        );
        assert_eq!(
            without_userinfo("amqp://a:b@h1,amqp://c:d@h2"),
            "amqp://h1,amqp://h2"
        );
        assert_eq!(
            without_userinfo("mail me at a@b.example"),
            "mail me at a@b.example"
        );
        assert!(is_secret("db.url", &"postgres://ana:pw@db/orders".into()));
        assert!(!is_secret("db.url", &"postgres://db/orders".into()));
    }

    #[test]
    fn all_parts_of_secrets_are_blotted_out_and_no_end_stays() {
        let secrets = [
            "abcd",
            "abcdefgh",
            "-----\nMIIEow\n-----",
            "amqp://ana:p@ss@host",
            "123",
            "quo\"ted",
        ];
        let values = secrets.map(PropertyValue::from);
        let blotter = Blotter::new(values.iter().map(|value| (value, false)));
        let text = "abcdefgh abcd MIIEow ana:p@ss p@ss 123 amqp://ana:p@ss@host quo\\\"ted";
        assert_eq!(blotter.blot(text.to_owned()), "… … … … … 123 … …");
        let about =
            Blotter::new([(&"123".into(), true), (&PropertyValue::Bool(true), true)].into_iter());
        assert_eq!(about.blot("123 true".to_owned()), "… true");
    }
}
