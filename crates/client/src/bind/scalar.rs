use std::borrow::Cow;

use confbus_protocol::PropertyValue;
use serde::de::{
    Deserializer, Error as _, IntoDeserializer, Unexpected, Visitor,
    value::{MapDeserializer, SeqDeserializer},
};

use super::{error::BindError, names::canonical};

/// One value, converted to what the type asks for as Spring's conversions do.
pub(crate) struct Scalar<'a>(pub(crate) Cow<'a, PropertyValue>);

impl Scalar<'_> {
    pub(crate) fn text(text: &str) -> Self {
        Self(Cow::Owned(text.into()))
    }

    /// Spring serves YAML's null as empty text.
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(&*self.0, PropertyValue::Null) || self.0.as_text() == Some("")
    }

    fn mismatch<'v, V: Visitor<'v>>(&self, visitor: &V) -> BindError {
        let digits;
        let found = match &*self.0 {
            PropertyValue::Null => Unexpected::Unit,
            PropertyValue::Bool(flag) => Unexpected::Bool(*flag),
            PropertyValue::Integer(number) => Unexpected::Signed(*number),
            PropertyValue::Float(number) => Unexpected::Float(*number),
            PropertyValue::BigInteger(number) => {
                digits = number.to_string();
                Unexpected::Str(&digits)
            }
            PropertyValue::Text(text) => Unexpected::Str(text),
            PropertyValue::Bytes(bytes) => Unexpected::Bytes(bytes.as_slice()),
            PropertyValue::Timestamp(_) => Unexpected::Other("timestamp"),
        };
        BindError::invalid_type(found, visitor)
    }

    fn flag(&self) -> Option<bool> {
        if let PropertyValue::Bool(flag) = &*self.0 {
            return Some(*flag);
        }
        match self.0.to_string().trim().to_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Some(true),
            "false" | "off" | "no" | "0" => Some(false),
            _ => None,
        }
    }

    /// Decimal or `0x…`; a float counts when it is whole.
    fn integer(&self) -> Option<i128> {
        match &*self.0 {
            PropertyValue::Null
            | PropertyValue::Bool(_)
            | PropertyValue::Bytes(_)
            | PropertyValue::Timestamp(_) => None,
            PropertyValue::Integer(number) => Some((*number).into()),
            PropertyValue::BigInteger(digits) => digits.parse().ok(),
            PropertyValue::Float(number) => whole(*number),
            PropertyValue::Text(text) => parse_integer(text.trim()),
        }
    }

    fn float(&self) -> Option<f64> {
        match &*self.0 {
            PropertyValue::Null
            | PropertyValue::Bool(_)
            | PropertyValue::Bytes(_)
            | PropertyValue::Timestamp(_) => None,
            PropertyValue::Float(number) => Some(*number),
            number @ (PropertyValue::Integer(_) | PropertyValue::BigInteger(_)) => {
                number.to_string().parse().ok()
            }
            PropertyValue::Text(text) => text.trim().parse().ok(),
        }
    }

    fn visit_integer<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        let Some(number) = self.integer() else {
            return Err(self.mismatch(&visitor));
        };
        match (i64::try_from(number), u64::try_from(number)) {
            (Ok(number), _) => visitor.visit_i64(number),
            (_, Ok(number)) => visitor.visit_u64(number),
            _ => visitor.visit_i128(number),
        }
    }

    fn visit_float<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        match self.float() {
            Some(number) => visitor.visit_f64(number),
            None => Err(self.mismatch(&visitor)),
        }
    }

    /// The items of `a, b`; a value that is no text is a list of one.
    fn items(&self) -> Vec<Scalar<'static>> {
        match &*self.0 {
            PropertyValue::Null => Vec::new(),
            PropertyValue::Text(text) if text.trim().is_empty() => Vec::new(),
            PropertyValue::Text(text) => text
                .split(',')
                .map(|item| Scalar::text(item.trim()))
                .collect(),
            other => vec![Scalar(Cow::Owned(other.clone()))],
        }
    }
}

/// The spelling of a name that the type knows: `round-robin` is its `RoundRobin`.
fn spelt_as(name: &str, known: &'static [&'static str]) -> String {
    let form = canonical(name.trim());
    known
        .iter()
        .find(|known| canonical(known) == form)
        .map_or_else(|| name.to_owned(), |known| (*known).to_owned())
}

/// The largest magnitude below which every whole `f64` is one integer only.
const EXACT: f64 = 9_007_199_254_740_992.0;

#[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
fn whole(number: f64) -> Option<i128> {
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i128)
}

fn parse_integer(text: &str) -> Option<i128> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    match digits {
        // A sign would be taken after the prefix, too.
        Some(digits) if digits.starts_with(['+', '-']) => None,
        Some(digits) => i128::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

macro_rules! all {
    ($to:ident: $($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
            self.$to(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Scalar<'_> {
    type Error = BindError;

    all! { visit_integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 }
    all! { visit_float: deserialize_f32 deserialize_f64 }
    all! { deserialize_str: deserialize_char deserialize_string deserialize_identifier }
    all! { deserialize_byte_buf: deserialize_bytes }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        match &*self.0 {
            PropertyValue::Null => visitor.visit_unit(),
            PropertyValue::Bool(flag) => visitor.visit_bool(*flag),
            PropertyValue::Integer(_) | PropertyValue::BigInteger(_) => self.visit_integer(visitor),
            PropertyValue::Float(number) => visitor.visit_f64(*number),
            PropertyValue::Text(text) => visitor.visit_str(text),
            PropertyValue::Bytes(bytes) => visitor.visit_bytes(bytes.as_slice()),
            PropertyValue::Timestamp(timestamp) => visitor.visit_string(timestamp.to_iso()),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        match self.flag() {
            Some(flag) => visitor.visit_bool(flag),
            None => Err(self.mismatch(&visitor)),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        visitor.visit_string(self.0.to_string())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        visitor.visit_byte_buf(self.0.to_string().into_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        if self.is_nothing() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        if self.is_nothing() {
            visitor.visit_unit()
        } else {
            Err(self.mismatch(&visitor))
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, BindError> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, BindError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        let mut items = SeqDeserializer::new(self.items().into_iter());
        let value = visitor.visit_seq(&mut items)?;
        items.end()?;
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, BindError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, BindError> {
        self.deserialize_seq(visitor)
    }

    /// An empty section (`pool: {}`) is served as empty text.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        if !self.is_nothing() {
            return Err(self.mismatch(&visitor));
        }
        visitor.visit_map(MapDeserializer::new(std::iter::empty::<(
            Scalar<'_>,
            Scalar<'_>,
        )>()))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BindError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BindError> {
        visitor.visit_enum(spelt_as(&self.0.to_string(), variants).into_deserializer())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        visitor.visit_unit()
    }
}

impl<'de> IntoDeserializer<'de, BindError> for Scalar<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
