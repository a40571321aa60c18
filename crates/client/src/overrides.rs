//! Values that events set above those of the server.

use confbus_protocol::{Properties, Property, PropertyValue};
use tracing::warn;

/// An environment change sets a few keys; what sets more takes space from the application.
const MOST_KEYS: usize = 1024;

/// Of keys and values together.
const MOST_BYTES: usize = 1 << 20;

/// What events have set so far; see [`Settings::accept_environment_changes`](crate::Settings::accept_environment_changes).
#[derive(Default)]
pub(crate) struct Overrides(Properties);

impl Overrides {
    /// Sets values; `None` takes one back. What is beyond the limits is left out.
    pub(crate) fn set(&mut self, values: impl IntoIterator<Item = (String, Option<String>)>) {
        let mut left_out = 0;
        for (key, value) in values {
            let before = self.0.shift_remove(&key);
            let Some(value) = value else { continue };
            if self.fits(&key, &value) {
                self.0.insert(key, PropertyValue::from(value).into());
            } else {
                self.0.extend(before.map(|before| (key, before)));
                left_out += 1;
            }
        }
        if left_out > 0 {
            warn!(
                left_out,
                "events set more than {MOST_KEYS} values, or too long ones"
            );
        }
    }

    fn fits(&self, key: &str, value: &str) -> bool {
        let size = |(key, property): (&String, &Property)| {
            key.len() + property.value.as_text().map_or(0, str::len)
        };
        let taken: usize = self.0.iter().map(size).sum();
        self.0.len() < MOST_KEYS && taken + key.len() + value.len() <= MOST_BYTES
    }

    /// All of them.
    pub(crate) fn values(&self) -> Properties {
        self.0.clone()
    }

    /// Takes back what was tried and is not applied. What was set since it was tried stays.
    pub(crate) fn take_back(&mut self, tried: &Properties, applied: &Properties) {
        for key in tried.keys().chain(applied.keys()) {
            if self.0.get(key) != tried.get(key) {
                continue;
            }
            match applied.get(key) {
                Some(applied) => self.0.insert(key.clone(), applied.clone()),
                None => self.0.shift_remove(key),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(overrides: &mut Overrides, values: &[(&str, Option<&str>)]) {
        let owned =
            |(key, value): &(&str, Option<&str>)| ((*key).to_owned(), value.map(str::to_owned));
        overrides.set(values.iter().map(owned));
    }

    fn shown(overrides: &Overrides) -> Vec<String> {
        let shown = |(key, property): (&String, &Property)| format!("{key}={}", property.value);
        let mut shown: Vec<_> = overrides.0.iter().map(shown).collect();
        shown.sort();
        shown
    }

    #[test]
    fn only_what_was_tried_is_taken_back() {
        let mut overrides = Overrides::default();
        set(&mut overrides, &[("kept", Some("1")), ("gone", Some("1"))]);
        let applied = overrides.values();
        set(
            &mut overrides,
            &[
                ("kept", Some("2")),
                ("gone", None),
                ("new", Some("1")),
                ("raced", Some("1")),
            ],
        );
        let tried = overrides.values();
        set(&mut overrides, &[("raced", Some("2")), ("late", Some("1"))]);
        overrides.take_back(&tried, &applied);
        assert_eq!(shown(&overrides), ["gone=1", "kept=1", "late=1", "raced=2"]);
    }

    #[test]
    fn keys_and_bytes_are_limited() {
        let mut overrides = Overrides::default();
        overrides.set((0..MOST_KEYS + 5).map(|n| (n.to_string(), Some("x".to_owned()))));
        assert_eq!(overrides.0.len(), MOST_KEYS);
        set(
            &mut overrides,
            &[
                ("1", Some("y")),
                ("more", Some("y")),
                ("0", None),
                ("room", Some("y")),
            ],
        );
        let shown = shown(&overrides);
        assert_eq!(overrides.0.len(), MOST_KEYS);
        assert!(shown.contains(&"1=y".to_owned()) && shown.contains(&"room=y".to_owned()));
        let long = "y".repeat(MOST_BYTES);
        set(&mut overrides, &[("1", Some(&long))]);
        assert!(
            shown == self::shown(&overrides),
            "what does not fit changes nothing"
        );
    }
}
