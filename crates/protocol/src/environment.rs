use std::{fmt, sync::Arc};

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::json::write_json;
use crate::{Properties, Property, PropertyValue};

mod read;

/// What a request for an application, its profiles and a label is answered with.
///
/// The JSON form always has these six keys in this order, `null` where nothing is known. `Debug` shows no value.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Environment {
    /// The application as asked for, a comma list kept.
    pub name: String,
    /// One element that holds the profiles as asked for, a comma list kept.
    pub profiles: Vec<String>,
    /// The label as asked for.
    pub label: Option<String>,
    /// The commit that answered.
    pub version: Option<String>,
    /// Empty text for Git; other backends put a change index here.
    pub state: Option<String>,
    /// Highest precedence first.
    pub property_sources: Vec<PropertySource>,
}

/// A named map of properties; an earlier source wins over a later one.
///
/// `Debug` shows the name, without credentials, and the number of keys.
#[derive(Clone)]
pub struct PropertySource {
    /// `<repository uri>/<path of the file>`, by which clients tell profiles apart.
    pub name: String,
    /// Flattened keys in file order.
    pub source: Arc<Properties>,
}

impl PartialEq for PropertySource {
    fn eq(&self, other: &Self) -> bool {
        // What is shared needs no look at all its values.
        let is_shared = Arc::ptr_eq(&self.source, &other.source);
        self.name == other.name && (is_shared || self.source == other.source)
    }
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
    pub fn to_json(&self, representation: Representation) -> Vec<u8> {
        let Self {
            name,
            profiles,
            label,
            version,
            state,
            property_sources,
        } = self;
        let mut json = Vec::with_capacity(2 << 10);
        write_field(&mut json, r#"{"name":"#, name);
        write_field(&mut json, r#","profiles":"#, profiles);
        write_field(&mut json, r#","label":"#, label);
        write_field(&mut json, r#","version":"#, version);
        write_field(&mut json, r#","state":"#, state);
        json.extend_from_slice(br#","propertySources":["#);
        for (index, source) in property_sources.iter().enumerate() {
            let start: &[u8] = if index == 0 { b"" } else { b"," };
            json.extend_from_slice(start);
            source.write_json(&mut json, representation);
        }
        json.extend_from_slice(b"]}");
        json
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

/// Writes what stands before a value, and the value.
fn write_field<T: Serialize>(json: &mut Vec<u8>, start: &str, value: &T) {
    json.extend_from_slice(start.as_bytes());
    write_json(json, value);
}

impl PropertySource {
    fn write_json(&self, json: &mut Vec<u8>, representation: Representation) {
        write_field(json, r#"{"name":"#, &self.name);
        json.extend_from_slice(br#","source":"#);
        match representation {
            Representation::V1 => json.extend_from_slice(self.source.json()),
            Representation::V2 => write_json(json, &WithOrigins(self)),
        }
        json.push(b'}');
    }
}

/// The properties of a source in the v2 form.
struct WithOrigins<'a>(&'a PropertySource);

impl Serialize for WithOrigins<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let PropertySource { name, source } = self.0;
        let is_elsewhere = name == OVERRIDES;
        let mut map = serializer.serialize_map(Some(source.len()))?;
        for (key, Property { value, origin }) in &**source {
            match origin {
                Some(position) => map.serialize_entry(key, &Wrapped(value, position)),
                None if is_elsewhere => map.serialize_entry(key, &Wrapped(value, &ELSEWHERE)),
                None => map.serialize_entry(key, value),
            }?;
        }
        map.end()
    }
}

/// The source that no file wrote.
const OVERRIDES: &str = "overrides";
const ELSEWHERE: &str = "Config server overrides";

/// A value of the v2 form with its origin; one without an origin stays bare.
struct Wrapped<'a, O>(&'a PropertyValue, &'a O);

impl<O: fmt::Display> Serialize for Wrapped<'_, O> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("value", self.0)?;
        map.serialize_entry("origin", &format_args!("{}", self.1))?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;
    use proptest::prelude::*;

    use super::*;
    use crate::Position;

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

    /// The same as one value for serde, which puts it together by itself.
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Whole<'e> {
        name: &'e str,
        profiles: &'e [String],
        label: Option<&'e str>,
        version: Option<&'e str>,
        state: Option<&'e str>,
        property_sources: Vec<WholeSource<'e>>,
    }

    #[derive(Serialize)]
    struct WholeSource<'e> {
        name: &'e str,
        source: IndexMap<&'e str, &'e PropertyValue>,
    }

    fn whole(environment: &Environment) -> Whole<'_> {
        Whole {
            name: &environment.name,
            profiles: &environment.profiles,
            label: environment.label.as_deref(),
            version: environment.version.as_deref(),
            state: environment.state.as_deref(),
            property_sources: environment
                .property_sources
                .iter()
                .map(whole_source)
                .collect(),
        }
    }

    fn whole_source(source: &PropertySource) -> WholeSource<'_> {
        let pairs = source.source.iter();
        WholeSource {
            name: &source.name,
            source: pairs
                .map(|(key, property)| (key.as_str(), &property.value))
                .collect(),
        }
    }

    fn value() -> impl Strategy<Value = PropertyValue> {
        prop_oneof![
            any::<bool>().prop_map(PropertyValue::Bool),
            any::<i64>().prop_map(PropertyValue::Integer),
            any::<f64>().prop_map(PropertyValue::Float),
            "-?[0-9x]{0,30}".prop_map(|digits| PropertyValue::BigInteger(digits.into())),
            any::<String>().prop_map(PropertyValue::from),
            Just(PropertyValue::Null),
        ]
    }

    proptest! {
        #[test]
        fn what_is_put_together_is_what_serde_writes(
            name in any::<String>(),
            label in any::<Option<String>>(),
            version in any::<Option<String>>(),
            sources in proptest::collection::vec(
                (any::<String>(), proptest::collection::vec((any::<String>(), value()), 0..6)),
                0..4,
            ),
        ) {
            let source = |(name, pairs): (String, Vec<(String, PropertyValue)>)| PropertySource {
                name,
                source: Arc::new(pairs.into_iter().map(|(key, value)| (key, value.into())).collect()),
            };
            let environment = Environment {
                profiles: vec![name.clone()],
                name,
                label,
                version,
                state: None,
                property_sources: sources.into_iter().map(source).collect(),
            };
            let mut expected = Vec::new();
            write_json(&mut expected, &whole(&environment));
            for _ in 0..2 {
                prop_assert_eq!(&environment.to_json(Representation::V1), &expected);
            }
        }
    }

    impl From<i64> for PropertyValue {
        fn from(value: i64) -> Self {
            Self::Integer(value)
        }
    }
}
