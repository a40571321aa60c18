//! Which values are never shown, and how texts are kept from showing them.

use std::{cmp::Reverse, collections::BTreeSet};

use confbus_protocol::{PropertyValue, has_credentials, looks_secret, userinfo};

/// Whether a value is not to be shown: by its key, or because it is an address with credentials in it.
pub(crate) fn is_secret(key: &str, value: &PropertyValue) -> bool {
    looks_secret(key) || has_credentials(value)
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

#[cfg(test)]
mod tests {
    use super::*;

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
