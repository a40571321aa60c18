use confbus_protocol::Position;
use confbus_snake_yaml::ErrorKind;

/// What kind of mistake a [`Problem`](crate::Problem) is, for whoever says it in other words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The file is not YAML that Spring Boot reads.
    Yaml {
        /// The mistake.
        kind: ErrorKind,
        /// Where that begins which does not end, if that is known.
        start: Option<Position>,
    },
    /// The file is not XML that Java reads as properties.
    Xml,
    /// A `\u` in a `.properties` file is no character.
    Escape,
    /// Nothing, or what is no text, stands as a key.
    Key,
    /// A document chooses profiles where it may not, or under conditions that nobody can read.
    Profiles,
    /// More than is read.
    Limit,
    /// The file itself is elsewhere.
    Pointer,
    /// The name is not one of a configuration file.
    Name,
    /// Keys contradict each other, or are no path.
    Clash,
    /// A file is no JSON Schema.
    NoSchema,
    /// Effective configuration is not as a schema says.
    Schema(Box<BrokenRule>),
    /// A placeholder leads back to itself, or to more than is put in its place.
    Circle,
    /// A placeholder leads nowhere.
    Placeholder,
    /// A secret that everybody can read.
    ClearText,
    /// A `{cipher}` value cannot be decrypted.
    Cipher,
}

/// A rule of a schema, and what is not as it says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BrokenRule {
    /// The schema's file, and the keyword in it: `orders.schema.json#/properties/pool/type`.
    pub rule: String,
    /// What breaks it.
    pub breach: Breach,
}

/// How effective configuration breaks a rule of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Breach {
    /// The value of a key: the key, and what it must be; never the value itself.
    Value {
        /// Flattened; empty for the whole.
        key: String,
        /// In words: `must be at most 32`.
        must: String,
    },
    /// A key is missing.
    Missing {
        /// Flattened.
        key: String,
    },
    /// Keys that the schema does not know.
    Unknown {
        /// Flattened.
        keys: Vec<String>,
    },
}
