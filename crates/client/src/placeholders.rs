//! `${…}` in values, which servers leave to their clients.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
};

use confbus_protocol::{
    Environment, Property, PropertyValue, has_credentials, resolve_placeholders,
};

use crate::{
    last_good::LeftOut,
    snapshot::{Entry, Shape},
};

/// All values together stay below this many bytes; a few doubling placeholders would fill any memory.
const MAX_EXPANDED: usize = 64 << 20;

const LEFT_OUT: &str = "looks secret and was left out of the last good file: a server has it";

/// Makes the entries of a snapshot. What nobody can resolve stays as it is written, as in Spring's binder.
pub(crate) struct Resolver<'a> {
    shape: &'a Shape,
    environment: &'a Environment,
    left_out: &'a LeftOut,
    /// Bytes that values may still expand to.
    left: usize,
}

/// What one value refers to.
#[derive(Default)]
struct Met {
    left_out: RefCell<Option<String>>,
    secret: Cell<bool>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        shape: &'a Shape,
        environment: &'a Environment,
        left_out: &'a LeftOut,
    ) -> Self {
        Self {
            shape,
            environment,
            left_out,
            left: MAX_EXPANDED,
        }
    }

    /// The entry of a key.
    pub(crate) fn entry(&mut self, index: usize) -> Option<Entry> {
        let Property { value, origin } = self.shape.property(self.environment, index)?;
        let entry = Entry {
            value: value.clone(),
            problem: None,
            is_left_out: false,
            is_secret: false,
            refers: refers(value).is_some(),
            position: *origin,
        };
        let mut entry = match self.is_left_out(index) {
            true => Entry {
                problem: Some(format!("its value {LEFT_OUT}")),
                is_left_out: true,
                ..entry
            },
            false => self.resolved(entry),
        };
        entry.is_secret |= self.is_secret(index, &entry.value);
        Some(entry)
    }

    fn resolved(&mut self, mut entry: Entry) -> Entry {
        let Some(text) = refers(&entry.value) else {
            return entry;
        };
        let met = Met::default();
        let resolved = resolve_placeholders(text, &|key| self.meet(key, &met));
        entry.is_secret = met.secret.get();
        let problem = match (met.left_out.take(), resolved) {
            (Some(key), _) => {
                entry.is_left_out = true;
                format!("refers to `{key}`, whose value {LEFT_OUT}")
            }
            (None, Ok(text)) if text.len() <= self.left => {
                self.left -= text.len();
                entry.value = text.into();
                return entry;
            }
            (None, Ok(_)) => format!(
                "the placeholders of this configuration expand to more than {MAX_EXPANDED} bytes"
            ),
            (None, Err(error)) => error.to_string(),
        };
        entry.problem = Some(problem);
        entry
    }

    /// The value of a key that another value refers to.
    fn meet(&self, key: &str, met: &Met) -> Option<Cow<'a, str>> {
        let index = self.shape.find(key)?;
        let property = self.shape.property(self.environment, index)?;
        if self.is_left_out(index) {
            met.left_out
                .replace(self.shape.key(index).map(str::to_owned));
        }
        if self.is_secret(index, &property.value) {
            met.secret.set(true);
        }
        Some(match &property.value {
            PropertyValue::Text(text) => Cow::Borrowed(text),
            other => Cow::Owned(other.to_string()),
        })
    }

    fn is_left_out(&self, index: usize) -> bool {
        let key = self.shape.source(index).zip(self.shape.key(index));
        key.is_some_and(|(source, key)| self.left_out.contains(source, key))
    }

    fn is_secret(&self, index: usize, value: &PropertyValue) -> bool {
        self.shape.looks_secret(index) || has_credentials(value)
    }
}

/// The text, when it has placeholders.
fn refers(value: &PropertyValue) -> Option<&str> {
    value.as_text().filter(|text| text.contains("${"))
}
