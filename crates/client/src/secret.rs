//! Which values are never shown.

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
        || words(key).any(|word| TELLING_WORDS.contains(&word.as_str()))
}

/// Whether a value is not to be shown: by its key, or because it is an address with credentials in it.
pub(crate) fn is_secret(key: &str, value: &PropertyValue) -> bool {
    looks_secret(key)
        || value
            .as_text()
            .is_some_and(|text| without_userinfo(text) != text)
}

/// `https://ana:pw@host/x` without `ana:pw@`.
pub(crate) fn without_userinfo(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(scheme) = rest.find("://") {
        let (before, authority) = rest.split_at(scheme + 3);
        let end = authority
            .find(['/', '?', '#', ' ', ','])
            .unwrap_or(authority.len());
        let host = authority[..end].rfind('@').map_or(0, |at| at + 1);
        clean.push_str(before);
        clean.push_str(&authority[host..end]);
        rest = &authority[end..];
    }
    clean.push_str(rest);
    clean
}

/// The words of `db.apiKey` are `db`, `api`, `key`.
fn words(key: &str) -> impl Iterator<Item = String> {
    let mut spaced = String::with_capacity(key.len() + 8);
    let mut after_small = false;
    for c in key.chars() {
        if c.is_uppercase() && after_small {
            spaced.push(' ');
        }
        after_small = c.is_lowercase() || c.is_numeric();
        spaced.extend(c.to_lowercase());
    }
    let words: Vec<String> = spaced
        .split(|c: char| !c.is_alphanumeric())
        .map(str::to_owned)
        .collect();
    words.into_iter()
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
}
