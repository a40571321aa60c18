use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeMap};

use crate::json::to_json;
use crate::{Position, Properties, Property, PropertyValue};

/// What a request for an application, its profiles and a label is answered with.
///
/// The JSON form always has these six keys in this order, `null` where nothing is known. `Debug` shows no value.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Environment {
    /// The application as asked for, a comma list kept.
    pub name: String,
    /// One element that holds the profiles as asked for, a comma list kept.
    pub profiles: Vec<String>,
    /// The label as asked for.
    #[serde(default)]
    pub label: Option<String>,
    /// The commit that answered.
    #[serde(default)]
    pub version: Option<String>,
    /// Empty text for Git; other backends put a change index here.
    #[serde(default)]
    pub state: Option<String>,
    /// Highest precedence first.
    #[serde(rename = "propertySources", default)]
    pub property_sources: Vec<PropertySource>,
}

/// A named map of properties; an earlier source wins over a later one.
///
/// `Debug` shows the name, without credentials, and the number of keys.
#[derive(Clone, PartialEq)]
pub struct PropertySource {
    /// `<repository uri>/<path of the file>`, by which clients tell profiles apart.
    pub name: String,
    /// Flattened keys in file order.
    pub source: Arc<Properties>,
}

impl fmt::Debug for PropertySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address may carry credentials; a path hardly ever has an `@`.
        let name = self.name.rsplit('@').next().unwrap_or_default();
        f.debug_struct("PropertySource")
            .field("name", &name)
            .field("keys", &self.source.len())
            .finish()
    }
}

/// The two media types of an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Representation {
    /// `application/json`: values only.
    V1,
    /// `application/vnd.spring-cloud.config-server.v2+json`: each value with its origin.
    V2,
}

impl Environment {
    /// The compact JSON body in the given representation.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "maps with text keys and scalars always serialise"
    )]
    pub fn to_json(&self, representation: Representation) -> Vec<u8> {
        to_json(&EnvironmentJson {
            environment: self,
            representation,
        })
        .expect("maps with text keys and scalars always serialise")
    }

    /// One map of all sources: what wins under each key.
    ///
    /// A list is one value: when a higher source has any element of `a[…]`, no element of a lower source stays.
    /// Plain keys keep the place of their first appearance in the lowest source; lists follow after them.
    #[must_use]
    pub fn merged(&self) -> Properties {
        let mut plain = Properties::new();
        let mut lists: indexmap::IndexMap<&str, Vec<(&String, &Property)>> =
            indexmap::IndexMap::new();
        for source in self.property_sources.iter().rev() {
            let mut groups: indexmap::IndexMap<&str, Vec<(&String, &Property)>> =
                indexmap::IndexMap::new();
            for (key, property) in source.source.iter() {
                match key.find('[') {
                    Some(bracket) => groups
                        .entry(&key[..bracket])
                        .or_default()
                        .push((key, property)),
                    None => {
                        plain.insert(key.clone(), property.clone());
                    }
                }
            }
            lists.extend(groups);
        }
        let elements = lists
            .into_values()
            .flatten()
            .map(|(key, property)| (key.clone(), property.clone()));
        plain.extend(elements);
        plain
    }
}

struct EnvironmentJson<'a> {
    environment: &'a Environment,
    representation: Representation,
}

impl Serialize for EnvironmentJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Environment {
            name,
            profiles,
            label,
            version,
            state,
            property_sources,
        } = self.environment;
        let sources: Vec<_> = property_sources
            .iter()
            .map(|source| SourceJson {
                source,
                representation: self.representation,
            })
            .collect();
        let mut map = serializer.serialize_map(Some(6))?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("profiles", profiles)?;
        map.serialize_entry("label", label)?;
        map.serialize_entry("version", version)?;
        map.serialize_entry("state", state)?;
        map.serialize_entry("propertySources", &sources)?;
        map.end()
    }
}

struct SourceJson<'a> {
    source: &'a PropertySource,
    representation: Representation,
}

impl Serialize for SourceJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("name", &self.source.name)?;
        map.serialize_entry(
            "source",
            &PropertiesJson {
                source: self.source,
                representation: self.representation,
            },
        )?;
        map.end()
    }
}

struct PropertiesJson<'a> {
    source: &'a PropertySource,
    representation: Representation,
}

impl Serialize for PropertiesJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let PropertySource {
            name,
            source: properties,
        } = self.source;
        let elsewhere = (name == OVERRIDES).then_some("Config server overrides");
        let mut map = serializer.serialize_map(Some(properties.len()))?;
        for (key, property) in properties.iter() {
            let origin = property.origin.map(|origin| origin.to_string());
            match (self.representation, origin.as_deref().or(elsewhere)) {
                (Representation::V2, Some(origin)) => {
                    map.serialize_entry(
                        key,
                        &WithOrigin {
                            value: &property.value,
                            origin,
                        },
                    )?;
                }
                (Representation::V1, _) | (Representation::V2, None) => {
                    map.serialize_entry(key, &property.value)?;
                }
            }
        }
        map.end()
    }
}

/// The source that no file wrote.
const OVERRIDES: &str = "overrides";

/// A value of the v2 form; one without an origin stays bare.
#[derive(Serialize)]
struct WithOrigin<'a> {
    value: &'a PropertyValue,
    origin: &'a str,
}

impl<'de> Deserialize<'de> for PropertySource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Raw {
            name: String,
            source: indexmap::IndexMap<String, serde_json::Value>,
        }
        let raw = Raw::deserialize(deserializer)?;
        let properties = raw
            .source
            .into_iter()
            .map(|(key, value)| match property(value) {
                Ok(property) => Ok((key, property)),
                Err(problem) => Err(D::Error::custom(format_args!("`{key}`: {problem}"))),
            });
        Ok(Self {
            name: raw.name,
            source: Arc::new(properties.collect::<Result<_, _>>()?),
        })
    }
}

/// Reads both representations: a v2 answer may hold bare scalars beside wrapped ones.
fn property(value: serde_json::Value) -> Result<Property, &'static str> {
    let serde_json::Value::Object(mut wrapped) = value else {
        return Ok(PropertyValue::from_json(value)?.into());
    };
    let value = PropertyValue::from_json(
        wrapped
            .remove("value")
            .ok_or("a wrapped value without `value`")?,
    )?;
    let origin = wrapped
        .get("origin")
        .and_then(serde_json::Value::as_str)
        .and_then(Position::parse);
    Ok(Property { value, origin })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(sources: &[&[(&str, PropertyValue)]]) -> Environment {
        let property_sources = sources
            .iter()
            .enumerate()
            .map(|(index, pairs)| PropertySource {
                name: format!("source-{index}"),
                source: Arc::new(
                    pairs
                        .iter()
                        .map(|(key, value)| ((*key).to_owned(), value.clone().into()))
                        .collect(),
                ),
            })
            .collect();
        Environment {
            name: "orders".into(),
            profiles: vec!["dev".into()],
            state: Some(String::new()),
            property_sources,
            ..Environment::default()
        }
    }

    #[test]
    fn nulls_are_written_and_keys_keep_their_order() {
        let body =
            environment(&[&[("b", 1.into()), ("a", "x".into())]]).to_json(Representation::V1);
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{"name":"orders","profiles":["dev"],"label":null,"version":null,"state":"","propertySources":[{"name":"source-0","source":{"b":1,"a":"x"}}]}"#
        );
    }

    #[test]
    fn debug_shows_no_value() {
        let mut environment = environment(&[&[("db.password", "s3cret".into())]]);
        environment.property_sources[0].name = "https://ana:s3cret@git.example/x.yml".into();
        let property = &environment.property_sources[0].source["db.password"];
        let shown = format!("{environment:?} {property:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(
            shown.contains(r#"PropertySource { name: "git.example/x.yml", keys: 1 }"#),
            "{shown}"
        );
    }

    #[test]
    fn both_representations_are_read_back() {
        let mut environment = environment(&[&[("limit", 7.into())]]);
        let mut source = Properties::clone(&environment.property_sources[0].source);
        source["limit"].origin = Some(Position { line: 3, column: 8 });
        environment.property_sources[0].source = Arc::new(source);

        let v2: Environment =
            serde_json::from_slice(&environment.to_json(Representation::V2)).unwrap();
        assert_eq!(v2, environment);
        let v1: Environment =
            serde_json::from_slice(&environment.to_json(Representation::V1)).unwrap();
        assert_eq!(
            v1.property_sources[0].source["limit"],
            PropertyValue::Integer(7).into()
        );
    }

    #[test]
    fn a_higher_source_replaces_a_whole_list() {
        let merged = environment(&[
            &[("servers[0]", "c".into()), ("name", "high".into())],
            &[
                ("servers[0]", "a".into()),
                ("servers[1]", "b".into()),
                ("name", "low".into()),
                ("port", 1.into()),
            ],
        ])
        .merged();
        let pairs: Vec<_> = merged
            .iter()
            .map(|(key, property)| format!("{key}={}", property.value))
            .collect();
        assert_eq!(pairs, ["name=high", "port=1", "servers[0]=c"]);
    }

    impl From<i64> for PropertyValue {
        fn from(value: i64) -> Self {
            Self::Integer(value)
        }
    }
}
