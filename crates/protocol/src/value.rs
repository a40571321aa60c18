use std::fmt;

use serde::{Serialize, Serializer, ser::Error as _};
use serde_json::value::RawValue;

use crate::{Bytes, Timestamp, java_double};

mod read;

pub(crate) use read::{Read, Text};

/// One value, and where it was written. `Debug` shows only where.
#[derive(Clone, PartialEq)]
pub struct Property {
    /// The scalar as the parser of its file typed it.
    pub value: PropertyValue,
    /// Position of the value in its file; the file is named by the property source.
    pub origin: Option<Position>,
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Property")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl From<PropertyValue> for Property {
    fn from(value: PropertyValue) -> Self {
        Self {
            value,
            origin: None,
        }
    }
}

/// Line and column, both counted from 1 as an editor counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Position {
    /// Reads `line:column`, the form that the v2 media type carries.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (line, column) = text.split_once(':')?;
        Some(Self {
            line: line.parse().ok()?,
            column: column.parse().ok()?,
        })
    }
}

/// A scalar as it travels in an environment.
///
/// YAML keeps its types, `.properties` values are always text. It does not know its key, so `Debug` and `Display` show it
/// even when it is a secret.
#[derive(Debug, Clone, PartialEq)]
pub enum PropertyValue {
    /// Only from other servers: a YAML null is served as empty text.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer of 64 bits.
    Integer(i64),
    /// Decimal digits of an integer that needs more than 64 bits.
    BigInteger(Box<str>),
    /// A float, written as Java writes a `double`.
    Float(f64),
    /// Everything else that can be read.
    Text(Box<str>),
    /// From YAML only: JSON has no bytes, so a client finds Base64 text.
    Bytes(Bytes),
    /// From YAML only, where it has a tag: a client finds text.
    Timestamp(Timestamp),
}

impl PropertyValue {
    /// The text, when this is a text.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::BigInteger(_)
            | Self::Float(_)
            | Self::Bytes(_)
            | Self::Timestamp(_) => None,
        }
    }
}

impl From<&str> for PropertyValue {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for PropertyValue {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

/// As Java's `toString`: what `.properties` answers and placeholders show.
impl fmt::Display for PropertyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::BigInteger(digits) => f.write_str(digits),
            Self::Float(value) => f.write_str(&java_double(*value)),
            Self::Text(text) => f.write_str(text),
            Self::Bytes(bytes) => bytes.fmt(f),
            Self::Timestamp(timestamp) => timestamp.fmt(f),
        }
    }
}

impl Serialize for PropertyValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw = |digits: String| RawValue::from_string(digits).map_err(S::Error::custom);
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::BigInteger(digits) if is_integer(digits) => {
                raw(digits.to_string())?.serialize(serializer)
            }
            // Not digits after all; anything but a text would break the document.
            Self::BigInteger(digits) => serializer.serialize_str(digits),
            Self::Float(value) if value.is_finite() => {
                raw(java_double(*value))?.serialize(serializer)
            }
            Self::Float(value) => serializer.serialize_str(&java_double(*value)),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Bytes(bytes) => serializer.serialize_str(&bytes.to_base64()),
            Self::Timestamp(timestamp) => serializer.serialize_str(&timestamp.to_iso()),
        }
    }
}

fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    // JSON has no number that begins with a zero for nothing.
    let is_plain = digits == "0" || !digits.starts_with('0');
    is_plain && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_yaml_knows_travels_as_text() {
        let bytes = PropertyValue::Bytes(b"hi".as_slice().into());
        let moment = PropertyValue::Timestamp(Timestamp::from_millis(0));
        for (value, wire, text) in [
            (bytes, "\"aGk=\"", "[B@683af69a"),
            (
                moment,
                "\"1970-01-01T00:00:00.000Z\"",
                "Thu Jan 01 00:00:00 UTC 1970",
            ),
            (PropertyValue::Null, "null", ""),
        ] {
            assert_eq!(serde_json::to_string(&value).unwrap(), wire);
            assert_eq!(value.to_string(), text);
            assert_eq!(value.as_text(), None);
        }
    }

    #[test]
    fn a_list_is_no_value() {
        assert!(serde_json::from_str::<PropertyValue>("[1]").is_err());
    }

    #[test]
    fn numbers_keep_their_digits_on_the_wire() {
        let wire = |value: &PropertyValue| serde_json::to_string(value).unwrap();
        assert_eq!(wire(&PropertyValue::Float(1e10)), "1.0E10");
        assert_eq!(wire(&PropertyValue::Float(f64::INFINITY)), "\"Infinity\"");
        assert_eq!(
            wire(&PropertyValue::BigInteger(
                "123456789012345678901234567890".into()
            )),
            "123456789012345678901234567890"
        );
        // None that JSON has.
        for digits in ["007", "-00"] {
            let wire = wire(&PropertyValue::BigInteger(digits.into()));
            assert_eq!(wire, format!("\"{digits}\""));
        }
    }
}
