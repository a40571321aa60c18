//! `${…}` in values, which servers leave to their clients.

use std::{borrow::Cow, cell::OnceCell};

use confbus_protocol::{Properties, PropertyValue, resolve_placeholders};

use crate::bind::Node;

/// All values together stay below this many bytes; a few doubling placeholders would fill any memory.
const MAX_EXPANDED: usize = 64 << 20;

/// A value after its placeholders were replaced.
pub(crate) struct Resolved {
    pub(crate) value: PropertyValue,
    /// Why they could not be: the value is then as it was written, and of no use.
    pub(crate) problem: Option<String>,
}

/// The values of a merged map in its order. What nobody can resolve stays as it is written, as in Spring's binder.
pub(crate) fn resolved(merged: &Properties) -> Vec<Resolved> {
    // Placeholders may spell a key in another way; most are exact, so this is built only when one is not.
    let tree = OnceCell::new();
    let relaxed = |key: &str| {
        let tree = tree.get_or_init(|| Node::tree(merged.keys().map(|key| (key.as_str(), 0))));
        let leaf = tree.find(key)?.leaf?;
        merged.get_index(leaf.entry).map(|(_, property)| property)
    };
    let lookup = |key: &str| {
        let property = merged.get(key).or_else(|| relaxed(key))?;
        Some(Cow::Owned(property.value.to_string()))
    };
    let mut left = MAX_EXPANDED;
    merged
        .values()
        .map(|property| one(&property.value, &lookup, &mut left))
        .collect()
}

fn one<'a>(
    value: &PropertyValue,
    lookup: &dyn Fn(&str) -> Option<Cow<'a, str>>,
    left: &mut usize,
) -> Resolved {
    let Some(text) = value.as_text().filter(|text| text.contains("${")) else {
        return Resolved {
            value: value.clone(),
            problem: None,
        };
    };
    let problem = match resolve_placeholders(text, lookup) {
        Ok(text) if text.len() <= *left => {
            *left -= text.len();
            return Resolved {
                value: text.into(),
                problem: None,
            };
        }
        Ok(_) => format!(
            "the placeholders of this configuration expand to more than {MAX_EXPANDED} bytes"
        ),
        Err(error) => error.to_string(),
    };
    Resolved {
        value: value.clone(),
        problem: Some(problem),
    }
}
