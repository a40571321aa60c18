use confbus_protocol::{Properties, Property};
use indexmap::IndexMap;

/// The few properties under some prefixes, found by name however it is spelled.
///
/// Case, dashes and underscores in names do not count: `onProfile` is `on-profile`.
#[derive(Debug)]
pub(super) struct Relaxed<'p>(IndexMap<String, Entry<'p>>);

#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'p> {
    pub(super) key: &'p str,
    pub(super) property: &'p Property,
}

impl<'p> Relaxed<'p> {
    /// Takes the properties whose uniform name begins with one of the prefixes, which all begin with the same letter.
    pub(super) fn under(prefixes: [&str; 2], properties: &'p Properties) -> Self {
        let first = &prefixes[0][..1];
        let may_match = |key: &str| {
            let own = key.trim_start_matches(['-', '_']).get(..1);
            own.is_some_and(|own| own.eq_ignore_ascii_case(first))
        };
        let is_meant = |name: &str| prefixes.iter().any(|prefix| name.starts_with(prefix));
        let candidates = properties.iter().filter(|(key, _)| may_match(key));
        let named = candidates.map(|(key, property)| (uniform(key), Entry { key, property }));
        Self(named.filter(|(name, _)| is_meant(name)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Entry<'p>)> {
        self.0.iter().map(|(name, entry)| (name.as_str(), *entry))
    }

    /// The property itself, or the first of its list.
    pub(super) fn find(&self, name: &str) -> Option<Entry<'p>> {
        self.0
            .get(name)
            .or_else(|| self.0.get(&format!("{name}[0]")))
            .copied()
    }

    /// A comma list, or the elements of a list.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        match self.0.get(name) {
            Some(entry) => items(&entry.property.value.to_string()).collect(),
            None => self.elements(name),
        }
    }

    fn elements(&self, name: &str) -> Vec<String> {
        let element = |index| self.0.get(&format!("{name}[{index}]"));
        (0..)
            .map_while(element)
            .map(|entry| entry.property.value.to_string())
            .collect()
    }
}

/// The items of a comma list.
pub(super) fn items(text: &str) -> impl Iterator<Item = String> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(str::to_owned)
}

fn uniform(key: &str) -> String {
    let counts = |c: &char| c.is_alphanumeric() || matches!(c, '.' | '[' | ']');
    key.chars()
        .filter(counts)
        .flat_map(char::to_lowercase)
        .collect()
}
