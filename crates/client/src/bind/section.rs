use std::{borrow::Cow, collections::btree_map};

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

use super::{error::BindError, names::canonical, scalar::Scalar, tree::Node};
use crate::Snapshot;

/// A node of the tree as serde reads it.
#[derive(Clone, Copy)]
pub(crate) struct Section<'a> {
    snapshot: &'a Snapshot,
    node: &'a Node,
}

impl<'a> Section<'a> {
    pub(crate) fn new(snapshot: &'a Snapshot, node: &'a Node) -> Self {
        Self { snapshot, node }
    }

    fn at(self, node: &'a Node) -> Self {
        Self { node, ..self }
    }

    /// The value that is written here.
    fn scalar(self) -> Result<Option<Scalar<'a>>, BindError> {
        let entry = self
            .node
            .leaf
            .and_then(|leaf| self.snapshot.entry_at(leaf.entry));
        match entry.map(|entry| (entry, &entry.problem)) {
            Some((_, Some(problem))) => Err(BindError::plain(problem.clone())),
            Some((entry, None)) => Ok(Some(Scalar(Cow::Borrowed(&entry.value)))),
            None => Ok(None),
        }
    }

    /// Reads one value; the place is told where the reading fails.
    fn value<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        read: impl FnOnce(Scalar<'a>, V) -> Result<V::Value, BindError>,
    ) -> Result<V::Value, BindError> {
        let result = match self.scalar() {
            Ok(Some(scalar)) => read(scalar, visitor),
            Ok(None) => Err(self.mismatch(&visitor)),
            Err(error) => Err(error),
        };
        result.map_err(|error| error.or_at(&self.node.path))
    }

    /// Something else is written here than a value.
    fn mismatch<'v, V: Visitor<'v>>(self, visitor: &V) -> BindError {
        if self.node.is_empty() {
            BindError::missing()
        } else if self.node.named.is_empty() {
            BindError::invalid_type(Unexpected::Seq, visitor)
        } else {
            BindError::invalid_type(Unexpected::Map, visitor)
        }
    }

    fn is_list(self) -> bool {
        self.node.is_list()
    }

    fn children(self, known: &'static [&'static str]) -> Children<'a> {
        let nodes: Vec<&'a Node> = self
            .node
            .named
            .values()
            .chain(self.node.elements.values())
            .collect();
        Children {
            section: self,
            nodes: nodes.into_iter(),
            next: None,
            known,
        }
    }

    /// A section, or nothing: then every field is missing.
    fn is_section(self) -> bool {
        self.node.leaf.is_none() || !self.node.named.is_empty() || !self.node.elements.is_empty()
    }

    fn visit_section<'de, V: Visitor<'de>>(
        self,
        visitor: V,
        known: &'static [&'static str],
    ) -> Result<V::Value, BindError> {
        visitor
            .visit_map(self.children(known))
            .map_err(|error| error.or_at(&self.node.path))
    }

    fn visit_list<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        let mut list = Elements {
            section: self,
            elements: self.node.elements.iter(),
            index: 0,
        };
        let result = visitor
            .visit_seq(&mut list)
            .and_then(|value| match list.elements.len() {
                0 => Ok(value),
                _ => Err(BindError::plain(format!(
                    "expected {} elements, found {}",
                    list.index,
                    self.node.elements.len()
                ))),
            });
        result.map_err(|error| error.or_at(&self.node.path))
    }
}

macro_rules! values {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
            self.value(visitor, Scalar::$method)
        })*
    };
}

impl<'de> Deserializer<'de> for Section<'_> {
    type Error = BindError;

    values! {
        deserialize_bool deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_identifier deserialize_unit
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        if !self.node.named.is_empty() {
            self.visit_section(visitor, &[])
        } else if self.is_list() {
            self.visit_list(visitor)
        } else if self.node.is_empty() {
            visitor.visit_unit()
        } else {
            self.value(visitor, Scalar::deserialize_any)
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        if self.node.is_empty() {
            return visitor.visit_none();
        }
        let only_value = self.node.named.is_empty() && !self.is_list();
        if only_value
            && self
                .scalar()
                .is_ok_and(|scalar| scalar.is_some_and(|scalar| scalar.is_nothing()))
        {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
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
        visitor
            .visit_newtype_struct(self)
            .map_err(|error| error.or_at(&self.node.path))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        if self.is_list() {
            self.visit_list(visitor)
        } else {
            self.value(visitor, Scalar::deserialize_seq)
        }
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

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BindError> {
        if self.is_section() {
            self.visit_section(visitor, fields)
        } else {
            self.value(visitor, Scalar::deserialize_map)
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BindError> {
        if self.node.named.is_empty() {
            return self.value(visitor, |scalar, visitor| {
                scalar.deserialize_enum(name, variants, visitor)
            });
        }
        visitor
            .visit_enum(self.children(variants))
            .map_err(|error| error.or_at(&self.node.path))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, BindError> {
        visitor.visit_unit()
    }
}

/// The names of a section with what lies under them.
struct Children<'a> {
    section: Section<'a>,
    nodes: std::vec::IntoIter<&'a Node>,
    next: Option<&'a Node>,
    /// The names that the type knows; a child that is spelt otherwise is given to it under its own spelling.
    known: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Children<'_> {
    type Error = BindError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, BindError> {
        self.next = self.nodes.next();
        let Some(node) = self.next else {
            return Ok(None);
        };
        let form = canonical(&node.name);
        let name = self
            .known
            .iter()
            .find(|known| canonical(known) == form)
            .copied()
            .unwrap_or(&node.name);
        seed.deserialize(Scalar::text(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, BindError> {
        let Some(node) = self.next.take() else {
            return Err(BindError::missing());
        };
        seed.deserialize(self.section.at(node))
            .map_err(|error| error.or_at(&node.path))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.nodes.len())
    }
}

/// `sticky.cookie-name: x` is the variant `Sticky { cookie_name }`.
impl<'de, 'a> EnumAccess<'de> for Children<'a> {
    type Error = BindError;
    type Variant = Section<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        mut self,
        seed: V,
    ) -> Result<(V::Value, Section<'a>), BindError> {
        let variant = self.next_key_seed(seed)?;
        match (variant, self.next, self.nodes.len()) {
            (Some(variant), Some(node), 0) => Ok((variant, self.section.at(node))),
            _ => Err(BindError::plain("expected one variant, found several")),
        }
    }
}

impl<'de> VariantAccess<'de> for Section<'_> {
    type Error = BindError;

    fn unit_variant(self) -> Result<(), BindError> {
        serde::Deserialize::deserialize(self)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, BindError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, BindError> {
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, BindError> {
        self.deserialize_struct("", fields, visitor)
    }
}

/// The elements of a list, none left out.
struct Elements<'a> {
    section: Section<'a>,
    elements: btree_map::Iter<'a, usize, Node>,
    index: usize,
}

impl<'de> SeqAccess<'de> for &mut Elements<'_> {
    type Error = BindError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, BindError> {
        let Some((&index, node)) = self.elements.next() else {
            return Ok(None);
        };
        if index != self.index {
            return Err(BindError::plain(format!(
                "element {} is missing, but there is an element {index}",
                self.index
            )));
        }
        self.index += 1;
        seed.deserialize(self.section.at(node))
            .map(Some)
            .map_err(|error| error.or_at(&node.path))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.elements.len())
    }
}
