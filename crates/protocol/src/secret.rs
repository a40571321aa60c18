//! Which values are never shown, told the same on both sides.

use std::ops::Range;

use crate::PropertyValue;

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

/// At the end of a word; `apikey` and `secretkey` are told already by their parts.
const TELLING_ENDINGS: [&str; 4] = ["privatekey", "accesskey", "signingkey", "pwd"];

/// Whether a key is named like that of a secret.
#[must_use]
pub fn looks_secret(key: &str) -> bool {
    let squeezed: String = key
        .chars()
        .filter(|c| !matches!(c, '-' | '_'))
        .flat_map(char::to_lowercase)
        .collect();
    TELLING_PARTS.iter().any(|part| squeezed.contains(part))
        || words(key)
            .split(|c: char| !c.is_alphanumeric())
            .any(is_telling)
}

fn is_telling(word: &str) -> bool {
    TELLING_WORDS.contains(&word) || TELLING_ENDINGS.iter().any(|ending| word.ends_with(ending))
}

/// Whether a value is not to be shown: by its key, or because there are credentials in it.
#[must_use]
pub fn is_secret(key: &str, value: &PropertyValue) -> bool {
    looks_secret(key) || has_credentials(value)
}

/// Whether there are credentials in a value: those of an address, or a pair such as `password=x`.
#[must_use]
pub fn has_credentials(value: &PropertyValue) -> bool {
    let text = value.as_text();
    text.is_some_and(|text| has_secret_pair(text) || !userinfo(text).is_empty())
}

/// Whether a text has a pair under the name of a secret: `?password=x`, `;Password = x;`, `password="x"`.
fn has_secret_pair(text: &str) -> bool {
    text.match_indices('=').any(|(at, _)| {
        // What else follows is the padding of Base64, or the next pair.
        let is_given = || {
            text[at..]
                .trim_start_matches(|c: char| c == '=' || c.is_whitespace())
                .starts_with(|c| !matches!(c, '&' | ';' | ','))
        };
        looks_secret(last_name(&text[..at])) && is_given()
    })
}

/// The name at the end of a text, whatever stands before it: `password` of `?user=a&password`.
fn last_name(text: &str) -> &str {
    let text = text.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '[' | ']' | '%');
    &text[text.trim_end_matches(is_part).len()..]
}

/// `https://ana:pw@host/x` without `ana:pw@`.
#[must_use]
pub fn without_userinfo(text: &str) -> String {
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
#[must_use]
pub fn userinfo(text: &str) -> Vec<Range<usize>> {
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

/// `db.apiKey` with its words apart: `db.api key`; those of `JWTKey` are `jwt key`.
fn words(key: &str) -> String {
    let mut spaced = String::with_capacity(key.len() + 8);
    let mut before = None;
    let mut characters = key.chars().peekable();
    while let Some(c) = characters.next() {
        let begins = c.is_uppercase()
            && before.is_some_and(|before: char| {
                let is_before_small = characters.peek().is_some_and(|next| next.is_lowercase());
                before.is_lowercase()
                    || before.is_numeric()
                    || before.is_uppercase() && is_before_small
            });
        if begins {
            spaced.push(' ');
        }
        before = Some(c);
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
            "JWTKey",
            "jwt.AESKey",
            "DBPwd",
            "dbpwd",
            "privatekey",
            "aws.accesskey",
            "jwtsigningkey",
            "apikey",
            "APIKEY",
            "secretkey",
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
            "HTTPServer",
            "turkey",
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
    fn pairs_in_a_value_are_told_by_their_names() {
        for text in [
            "jdbc:postgresql://h/db?user=a&password=hunter2",
            "Server=db;User Id=sa;Password=hunter2;",
            "Server=db;Pwd = hunter2",
            "Endpoint=sb://h/;SharedAccessKey=hunter2",
            "PlainLoginModule required username=\"a\" password=\"hunter2\";",
            "-Xmx1g -Djavax.net.ssl.keyStorePassword=hunter2",
            "https://h/hook?token==hunter2",
            "?password=größe",
        ] {
            assert!(is_secret("db.url", &text.into()), "{text}");
        }
        for text in [
            "jdbc:postgresql://h/db?user=a&ssl=true",
            "https://h/?password=&user=a",
            "https://h/?user=a&password=",
            "password",
            "c29tZSBrZXk=",
            "api.key==",
            "größe=größe",
            "=x",
        ] {
            assert!(!is_secret("db.url", &text.into()), "{text}");
        }
    }
}
