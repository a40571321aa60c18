//! JSON to an environment, in either representation, straight to where its parts stay.

use std::{fmt, sync::Arc};

use indexmap::IndexMap;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{Environment, PropertySource};
use crate::{
    Properties, Property,
    value::{Read, Text},
};

impl Environment {
    /// Reads an answer of which much is expected to be as in an earlier one: a source that is the same is shared with it,
    /// and costs no memory and no allocation. Neither has to be in the same representation as the other.
    ///
    /// # Errors
    /// [`serde_json::Error`] when it is no environment; it may quote a value.
    ///
    /// ```
    /// use confbus_protocol::Environment;
    ///
    /// let json = r#"{"name":"orders","profiles":["dev"],"propertySources":[{"name":"a.yml","source":{"limit":7}}]}"#;
    /// let first: Environment = serde_json::from_str(json)?;
    /// let second = Environment::from_json_after(json.as_bytes(), &first)?;
    /// assert!(std::sync::Arc::ptr_eq(&second.property_sources[0].source, &first.property_sources[0].source));
    /// # Ok::<_, serde_json::Error>(())
    /// ```
    pub fn from_json_after(json: &[u8], earlier: &Self) -> Result<Self, serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let read = After(&earlier.property_sources).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(read)
    }
}

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        After(&[]).deserialize(deserializer)
    }
}

impl<'de> Deserialize<'de> for PropertySource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SourceAfter(&[]).deserialize(deserializer)
    }
}

/// An environment after one with these sources.
struct After<'e>(&'e [PropertySource]);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Field {
    Name,
    Profiles,
    Label,
    Version,
    State,
    PropertySources,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for After<'_> {
    type Value = Environment;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Environment, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for After<'_> {
    type Value = Environment;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an environment")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Environment, A::Error> {
        let mut read = Environment::default();
        let (mut name, mut profiles) = (None, None);
        while let Some(field) = map.next_key()? {
            match field {
                Field::Name => name = Some(map.next_value()?),
                Field::Profiles => profiles = Some(map.next_value()?),
                Field::Label => read.label = map.next_value()?,
                Field::Version => read.version = map.next_value()?,
                Field::State => read.state = map.next_value()?,
                Field::PropertySources => {
                    read.property_sources = map.next_value_seed(SourcesAfter(self.0))?;
                }
                Field::Other => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(Environment {
            name: name.ok_or_else(|| A::Error::missing_field("name"))?,
            profiles: profiles.ok_or_else(|| A::Error::missing_field("profiles"))?,
            ..read
        })
    }
}

struct SourcesAfter<'e>(&'e [PropertySource]);

impl<'de> DeserializeSeed<'de> for SourcesAfter<'_> {
    type Value = Vec<PropertySource>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for SourcesAfter<'_> {
    type Value = Vec<PropertySource>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of property sources")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut sources = Vec::new();
        while let Some(source) = list.next_element_seed(SourceAfter(self.0))? {
            sources.push(source);
        }
        Ok(sources)
    }
}

/// One source after all of an earlier environment.
struct SourceAfter<'e>(&'e [PropertySource]);

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum SourceField {
    Name,
    Source,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for SourceAfter<'_> {
    type Value = PropertySource;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for SourceAfter<'_> {
    type Value = PropertySource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a property source")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PropertySource, A::Error> {
        let (mut name, mut source): (Option<String>, _) = (None, None);
        while let Some(field) = map.next_key()? {
            match field {
                SourceField::Name => name = Some(map.next_value()?),
                SourceField::Source => {
                    let is_of_name =
                        |earlier: &&PropertySource| Some(&earlier.name) == name.as_ref();
                    let earlier = self
                        .0
                        .iter()
                        .find(is_of_name)
                        .map(|earlier| &earlier.source);
                    source = Some(map.next_value_seed(PropertiesAfter(earlier))?);
                }
                SourceField::Other => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(PropertySource {
            name: name.ok_or_else(|| A::Error::missing_field("name"))?,
            source: source.ok_or_else(|| A::Error::missing_field("source"))?,
        })
    }
}

struct PropertiesAfter<'e>(Option<&'e Arc<Properties>>);

impl<'de> DeserializeSeed<'de> for PropertiesAfter<'_> {
    type Value = Arc<Properties>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for PropertiesAfter<'_> {
    type Value = Arc<Properties>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of properties")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut same = 0;
        let mut other = None;
        while let Some(Text(key)) = map.next_key()? {
            let read: Read<'_> = map.next_value().map_err(|problem| {
                // It knows the line, but nobody has it before their eyes.
                A::Error::custom(format_args!("`{key}`: {problem}"))
            })?;
            let is_same = |earlier: &&Arc<Properties>| {
                let entry = earlier.get_index(same);
                entry.is_some_and(|(earlier, property)| *earlier == key && read.is(property))
            };
            if other.is_none() && self.0.as_ref().is_some_and(is_same) {
                same += 1;
            } else {
                other
                    .get_or_insert_with(|| self.first(same))
                    .insert(key.into_owned(), read.into());
            }
        }
        Ok(match (self.0, other) {
            (Some(earlier), None) if earlier.len() == same => Arc::clone(earlier),
            (_, None) => Arc::new(self.first(same).into()),
            (_, Some(other)) => Arc::new(other.into()),
        })
    }
}

impl PropertiesAfter<'_> {
    /// The entries that are as they were.
    fn first(&self, same: usize) -> IndexMap<String, Property> {
        let Some(earlier) = self.0 else {
            return IndexMap::new();
        };
        let mut entries = IndexMap::with_capacity(earlier.len());
        let first = earlier.iter().take(same);
        entries.extend(first.map(|(key, property)| (key.clone(), property.clone())));
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PropertyValue, Representation};

    fn environment(sources: &[(&str, &str)]) -> Vec<u8> {
        let sources: Vec<_> = sources
            .iter()
            .map(|(name, source)| {
                format!(r#"{{"source-type":"x","name":"{name}","source":{source}}}"#)
            })
            .collect();
        let sources = sources.join(",");
        format!(
            r#"{{"name":"orders","unknown":[1],"profiles":["dev"],"propertySources":[{sources}]}}"#
        )
        .into_bytes()
    }

    fn after(json: &[u8], earlier: &Environment) -> Environment {
        let read = Environment::from_json_after(json, earlier).unwrap();
        assert_eq!(read, serde_json::from_slice(json).unwrap());
        read
    }

    #[test]
    fn what_is_the_same_is_shared_whatever_else_is_not() {
        let same = r#"{"a":1,"b\n":{"value":"x","origin":"3:7"},"c":1.5,"d":null,"e":true,"f":18446744073709551615}"#;
        let first = after(
            &environment(&[("one", same), ("two", r#"{"z":1}"#)]),
            &Environment::default(),
        );
        let second = after(
            &environment(&[("new", "{}"), ("two", r#"{"z":2}"#), ("one", same)]),
            &first,
        );
        let [new, two, one] = &second.property_sources[..] else {
            panic!("{second:?}");
        };
        assert!(Arc::ptr_eq(&one.source, &first.property_sources[0].source));
        assert!(!Arc::ptr_eq(&two.source, &first.property_sources[1].source));
        assert!(new.source.is_empty());
        assert_eq!(
            one.source["f"].value,
            PropertyValue::BigInteger("18446744073709551615".into())
        );
    }

    #[test]
    fn every_difference_is_read() {
        let first = after(
            &environment(&[("x", r#"{"a":1,"b":{"value":"t","origin":"1:1"}}"#)]),
            &Environment::default(),
        );
        for changed in [
            r#"{"a":1}"#,
            r#"{}"#,
            r#"{"a":1,"b":{"value":"t","origin":"1:2"}}"#,
            r#"{"a":1,"b":"t"}"#,
            r#"{"a":1,"b":{"value":"u","origin":"1:1"}}"#,
            r#"{"a":1,"c":{"value":"t","origin":"1:1"}}"#,
            r#"{"b":{"value":"t","origin":"1:1"},"a":1}"#,
            r#"{"a":"1","b":{"value":"t","origin":"1:1"}}"#,
            r#"{"a":1,"b":{"value":"t","origin":"1:1"},"c":0}"#,
            r#"{"a":1,"b":{"value":"t","origin":"1:1"},"a":2}"#,
        ] {
            let next = after(&environment(&[("x", changed)]), &first);
            let [earlier, next] = [&first, &next].map(|read| &read.property_sources[0].source);
            assert!(!Arc::ptr_eq(earlier, next), "{changed}");
            // Maps in another order are equal.
            let is_as_before = earlier == next && earlier.keys().eq(next.keys());
            assert!(!is_as_before, "{changed}");
        }
    }

    #[test]
    fn either_representation_follows_the_other() {
        let first = after(
            &environment(&[("x", r#"{"a":{"value":1,"origin":"2:4"}}"#)]),
            &Environment::default(),
        );
        for representation in [Representation::V1, Representation::V2] {
            after(&first.to_json(representation), &first);
        }
    }

    #[test]
    fn what_is_no_environment_is_refused_at_its_place() {
        for (json, problem) in [
            (
                environment(&[("x", r#"{"a":[1]}"#)]),
                "`a`: invalid type: sequence, expected a scalar at line 1 column",
            ),
            (
                environment(&[("x", r#"{"a":{"value":{}}}"#)]),
                "`a`: invalid type: map, expected a scalar at line 1",
            ),
            (
                environment(&[("x", r#"{"a":{"origin":"1:1"}}"#)]),
                "`a`: a wrapped value without `value` at line 1",
            ),
            (
                environment(&[("x", "1")]),
                "invalid type: integer `1`, expected a map of properties",
            ),
            (b"{}".to_vec(), "missing field `name`"),
            (
                br#"{"name":"x","profiles":[],"propertySources":[{"name":"y"}]}"#.to_vec(),
                "missing field `source`",
            ),
            (
                br#"{"name":"x","profiles":[]} {}"#.to_vec(),
                "trailing characters at line 1 column 28",
            ),
        ] {
            let error = Environment::from_json_after(&json, &Environment::default()).unwrap_err();
            assert!(error.to_string().starts_with(problem), "{error}");
        }
    }
}
