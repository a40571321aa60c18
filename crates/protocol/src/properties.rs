use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::OnceLock,
};

use indexmap::{IndexMap, map};
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{Property, json::write_json};

type Entries = IndexMap<String, Property>;

/// Flattened keys (`a.b[0]`) with their values, in file order.
///
/// A map like any other, which remembers its JSON: one document is part of many answers. `Debug` shows no value.
#[derive(Default)]
pub struct Properties {
    entries: Entries,
    /// Of these very entries, once somebody asked for it.
    json: OnceLock<Box<[u8]>>,
}

impl Properties {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The JSON object of all keys with their bare values.
    pub(crate) fn json(&self) -> &[u8] {
        self.json.get_or_init(|| {
            let mut json = Vec::new();
            write_json(&mut json, &Bare(&self.entries));
            json.into()
        })
    }
}

struct Bare<'a>(&'a Entries);

impl Serialize for Bare<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, property) in self.0 {
            map.serialize_entry(key, &property.value)?;
        }
        map.end()
    }
}

impl From<Entries> for Properties {
    fn from(entries: Entries) -> Self {
        Self {
            entries,
            json: OnceLock::new(),
        }
    }
}

impl Clone for Properties {
    /// The JSON stays behind: who copies means to change something.
    fn clone(&self) -> Self {
        self.entries.clone().into()
    }
}

impl PartialEq for Properties {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.fmt(f)
    }
}

impl Deref for Properties {
    type Target = Entries;

    fn deref(&self) -> &Entries {
        &self.entries
    }
}

impl DerefMut for Properties {
    fn deref_mut(&mut self) -> &mut Entries {
        self.json.take();
        &mut self.entries
    }
}

impl FromIterator<(String, Property)> for Properties {
    fn from_iter<I: IntoIterator<Item = (String, Property)>>(entries: I) -> Self {
        Entries::from_iter(entries).into()
    }
}

impl IntoIterator for Properties {
    type Item = (String, Property);
    type IntoIter = map::IntoIter<String, Property>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

impl<'p> IntoIterator for &'p Properties {
    type Item = (&'p String, &'p Property);
    type IntoIter = map::Iter<'p, String, Property>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PropertyValue;

    #[test]
    fn the_json_follows_the_entries() {
        let one = ("a".to_owned(), PropertyValue::from("1").into());
        let mut properties = Properties::from_iter([one]);
        assert_eq!(properties.json(), br#"{"a":"1"}"#);
        properties.insert("b".into(), PropertyValue::Bool(true).into());
        assert_eq!(properties.json(), br#"{"a":"1","b":true}"#);
        assert_eq!(Properties::new().json(), b"{}");
    }
}
