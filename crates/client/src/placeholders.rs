//! `${…}` in values, which servers leave to their clients.

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell, RefCell},
};

use confbus_protocol::{Properties, PropertyValue, resolve_placeholders};

use crate::{bind::Node, secret::is_secret};

/// All values together stay below this many bytes; a few doubling placeholders would fill any memory.
const MAX_EXPANDED: usize = 64 << 20;

/// A value after its placeholders were replaced.
pub(crate) struct Resolved {
    pub(crate) value: PropertyValue,
    /// Why they could not be: the value is then as it was written, and of no use.
    pub(crate) problem: Option<String>,
    /// Whether it is of no use because the last good file does not hold it, or a value that it refers to.
    pub(crate) is_left_out: bool,
    /// Whether it looks secret, or a value that it refers to does.
    pub(crate) is_secret: bool,
}

/// The values of a merged map in its order. What nobody can resolve stays as it is written, as in Spring's binder.
///
/// `is_left_out` tells, by the index in the map, which values are not known.
pub(crate) fn resolved(merged: &Properties, is_left_out: &dyn Fn(usize) -> bool) -> Vec<Resolved> {
    // Placeholders may spell a key in another way; most are exact, so this is built only when one is not.
    let tree = OnceCell::new();
    let relaxed = |key: &str| {
        let tree = tree.get_or_init(|| Node::tree(merged.keys().map(|key| (key.as_str(), 0))));
        Some(tree.find(key)?.leaf?.entry)
    };
    let missed = RefCell::new(None);
    let met_secret = Cell::new(false);
    let lookup = |key: &str| {
        let index = merged.get_index_of(key).or_else(|| relaxed(key))?;
        let (key, property) = merged.get_index(index)?;
        if is_left_out(index) {
            missed.replace(Some(key.clone()));
        }
        if is_secret(key, &property.value) {
            met_secret.set(true);
        }
        Some(Cow::Owned(property.value.to_string()))
    };
    let mut left = MAX_EXPANDED;
    let entries = merged.iter().enumerate();
    entries
        .map(|(index, (key, property))| {
            let mut resolved = if is_left_out(index) {
                Resolved::left_out(&property.value, format!("its value {LEFT_OUT}"))
            } else {
                one(&property.value, &lookup, &mut left)
            };
            if let Some(key) = missed.take() {
                let problem = format!("refers to `{key}`, whose value {LEFT_OUT}");
                resolved = Resolved::left_out(&property.value, problem);
            }
            resolved.is_secret = met_secret.take() || is_secret(key, &resolved.value);
            resolved
        })
        .collect()
}

const LEFT_OUT: &str = "looks secret and was left out of the last good file: a server has it";

impl Resolved {
    fn of(value: PropertyValue) -> Self {
        Self {
            value,
            problem: None,
            is_left_out: false,
            is_secret: false,
        }
    }

    fn left_out(value: &PropertyValue, problem: String) -> Self {
        Self {
            problem: Some(problem),
            is_left_out: true,
            ..Self::of(value.clone())
        }
    }
}

fn one<'a>(
    value: &PropertyValue,
    lookup: &dyn Fn(&str) -> Option<Cow<'a, str>>,
    left: &mut usize,
) -> Resolved {
    let Some(text) = value.as_text().filter(|text| text.contains("${")) else {
        return Resolved::of(value.clone());
    };
    let problem = match resolve_placeholders(text, lookup) {
        Ok(text) if text.len() <= *left => {
            *left -= text.len();
            return Resolved::of(text.into());
        }
        Ok(_) => format!(
            "the placeholders of this configuration expand to more than {MAX_EXPANDED} bytes"
        ),
        Err(error) => error.to_string(),
    };
    Resolved {
        problem: Some(problem),
        ..Resolved::of(value.clone())
    }
}
