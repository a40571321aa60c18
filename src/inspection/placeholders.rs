//! What placeholders of a value lead to within an answer, of which no more is followed than somebody has left.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::HashSet,
};

use confbus_protocol::{PropertyValue, Winners, placeholder_keys, resolve_placeholders};
use indexmap::IndexSet;

/// The text, when it has placeholders.
pub(super) fn with_placeholders(value: &PropertyValue) -> Option<&str> {
    value.as_text().filter(|text| text.contains("${"))
}

/// What becomes of a text, if anything does; `None` when that takes more bytes than are left.
pub(super) fn comes_to(
    winners: &Winners<'_>,
    text: &str,
    left: &Cell<usize>,
) -> Option<Option<String>> {
    spend(left, text)?;
    let is_over = Cell::new(false);
    let lookup = |key: &str| {
        let text = winners.property(key)?.value.to_string();
        is_over.set(is_over.get() || spend(left, &text).is_none());
        (!is_over.get()).then_some(Cow::Owned(text))
    };
    let resolved = resolve_placeholders(text, &lookup).ok();
    (!is_over.get()).then_some(resolved)
}

/// The keys that a text asks for, and those that their values ask for, in the order of asking. Once a value was met that is
/// secret, only those that stand somewhere as they are: a key may be put together from a value.
pub(super) fn references(
    winners: &Winners<'_>,
    text: &str,
    left: &Cell<usize>,
    is_secret: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let asked = RefCell::new(Asked::default());
    asked.borrow_mut().read(text);
    let lookup = |key: &str| {
        let value = winners.property(key);
        // The whole of `key:default` is asked for first.
        if value.is_some() || !key.contains(':') {
            asked.borrow_mut().note(key);
        }
        // The default of a key that nobody has is as secret as the key.
        asked.borrow_mut().has_met_secret |= is_secret(key);
        let text = value?.value.to_string();
        spend(left, &text)?;
        asked.borrow_mut().read(&text);
        Some(Cow::Owned(text))
    };
    // What it comes to does not matter here, and neither does that it may come to nothing.
    _ = resolve_placeholders(text, &lookup);
    asked.into_inner().keys.into_iter().collect()
}

#[derive(Default)]
struct Asked {
    keys: IndexSet<String>,
    /// The keys that stand in what was read, as they are.
    written: HashSet<String>,
    has_met_secret: bool,
}

impl Asked {
    fn read(&mut self, text: &str) {
        let keys = placeholder_keys(text);
        self.written.extend(keys.map(str::to_owned));
    }

    fn note(&mut self, key: &str) {
        if !self.has_met_secret || self.written.contains(key) {
            self.keys.insert(key.to_owned());
        }
    }
}

fn spend(left: &Cell<usize>, text: &str) -> Option<()> {
    left.set(left.get().checked_sub(text.len() + 1)?);
    Some(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use confbus_protocol::{Environment, PropertySource};

    use super::*;

    #[test]
    fn no_key_is_named_that_is_made_of_a_secret() {
        let pairs = [
            ("password", "hunter2"),
            ("host", "${region}.example"),
            ("region", "eu"),
            ("pins.hunter2", "yes"),
            ("plain", "x"),
            ("pins.x", "no"),
        ];
        let source = pairs.map(|(key, value)| (key.to_owned(), PropertyValue::from(value).into()));
        let environment = Environment {
            property_sources: vec![PropertySource {
                name: "shop.yml".into(),
                source: Arc::new(source.into_iter().collect()),
            }],
            ..Environment::default()
        };
        let named = |text: &str| {
            let is_secret = |key: &str| ["password", "passphrase"].contains(&key);
            let left = Cell::new(1000);
            references(&environment.winners(), text, &left, &is_secret).join(" ")
        };
        assert_eq!(named("${pins.${plain}} ${absent:1}"), "plain pins.x absent");
        assert_eq!(
            named("amqp://${password:x}@${host}/${port:1}"),
            "password host region port"
        );
        assert_eq!(named("${pins.${password}}"), "password");
        assert_eq!(named("${none.${password}:${host}}"), "password host region");
        assert_eq!(named("${none.${passphrase:hunter2}}"), "passphrase");
    }
}
