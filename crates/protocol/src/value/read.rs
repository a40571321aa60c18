//! JSON to a value, which is compared before anything is allocated for it.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess, Unexpected, Visitor},
};

use super::{Position, Property, PropertyValue};

/// A property before it is kept: bare as in v1, or wrapped with its origin as in v2, which may hold both.
pub(crate) struct Read<'de> {
    value: Scalar<'de>,
    origin: Option<Position>,
}

enum Scalar<'de> {
    Text(Cow<'de, str>),
    Other(PropertyValue),
}

/// A text, taken from its document if it is there without escapes.
pub(crate) struct Text<'de>(pub(crate) Cow<'de, str>);

impl Read<'_> {
    pub(crate) fn is(&self, property: &Property) -> bool {
        self.origin == property.origin
            && match (&self.value, &property.value) {
                (Scalar::Text(text), value) => value.as_text() == Some(text),
                (Scalar::Other(value), other) => value == other,
            }
    }
}

impl From<Read<'_>> for Property {
    fn from(Read { value, origin }: Read<'_>) -> Self {
        Self {
            value: value.into(),
            origin,
        }
    }
}

impl From<Scalar<'_>> for PropertyValue {
    fn from(scalar: Scalar<'_>) -> Self {
        match scalar {
            Scalar::Text(text) => Self::Text(text.into()),
            Scalar::Other(value) => value,
        }
    }
}

impl<'de> Deserialize<'de> for PropertyValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Form::Bare.deserialize(deserializer)?.value.into())
    }
}

impl<'de> Deserialize<'de> for Read<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Form::BareOrWrapped.deserialize(deserializer)
    }
}

/// What may stand for a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Bare,
    BareOrWrapped,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Part {
    Value,
    Origin,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for Form {
    type Value = Read<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Form {
    type Value = Read<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a scalar")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Read<'de>, E> {
        bare(Scalar::Other(PropertyValue::Null))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Read<'de>, E> {
        bare(Scalar::Other(PropertyValue::Bool(value)))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Read<'de>, E> {
        bare(Scalar::Other(PropertyValue::Integer(value)))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Read<'de>, E> {
        let large = |_| PropertyValue::BigInteger(value.to_string().into());
        let value = i64::try_from(value).map_or_else(large, PropertyValue::Integer);
        bare(Scalar::Other(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Read<'de>, E> {
        bare(Scalar::Other(PropertyValue::Float(value)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Read<'de>, E> {
        bare(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Read<'de>, E> {
        bare(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Read<'de>, A::Error> {
        if self == Self::Bare {
            return Err(de::Error::invalid_type(Unexpected::Map, &self));
        }
        let (mut value, mut origin) = (None, None);
        while let Some(part) = map.next_key()? {
            match part {
                Part::Value => value = Some(map.next_value_seed(Self::Bare)?.value),
                Part::Origin => origin = map.next_value_seed(Self::Bare)?.as_position(),
                Part::Other => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        let missing = || de::Error::custom("a wrapped value without `value`");
        Ok(Read {
            value: value.ok_or_else(missing)?,
            origin,
        })
    }
}

impl Read<'_> {
    fn as_position(&self) -> Option<Position> {
        match &self.value {
            Scalar::Text(text) => Position::parse(text),
            Scalar::Other(_) => None,
        }
    }
}

fn bare<E>(value: Scalar<'_>) -> Result<Read<'_>, E> {
    Ok(Read {
        value,
        origin: None,
    })
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(AsText)
    }
}

struct AsText;

impl<'de> Visitor<'de> for AsText {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Owned(text.to_owned())))
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Cow::Borrowed(text)))
    }
}
