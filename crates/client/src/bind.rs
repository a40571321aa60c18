//! From flat text to types, as Spring binds: names meet in every spelling, text becomes numbers, flags and lists.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::DeserializeOwned;

use self::section::Section;
use crate::{Rejection, Snapshot};

mod error;
mod names;
mod scalar;
mod section;
mod tree;

pub(crate) use names::canonical;
pub(crate) use tree::Node;

/// Reads what lies under a prefix into a type.
pub(crate) fn bind<T: DeserializeOwned>(snapshot: &Snapshot, prefix: &str) -> Result<T, Rejection> {
    let nothing;
    let node = match snapshot.tree().find(prefix) {
        Some(node) => node,
        None => {
            nothing = Node::nothing(prefix);
            &nothing
        }
    };
    guarded(prefix, || {
        T::deserialize(Section::new(snapshot, node))
            .map_err(|error| error.into_rejection(snapshot, prefix))
    })
}

/// Runs code of the application; its panic refuses the configuration and ends nothing.
pub(crate) fn guarded<T>(
    prefix: &str,
    code: impl FnOnce() -> Result<T, Rejection>,
) -> Result<T, Rejection> {
    catch_unwind(AssertUnwindSafe(code)).unwrap_or_else(|_| {
        Err(Rejection::at(
            prefix,
            "the application's own check panicked",
        ))
    })
}

#[cfg(test)]
mod tests;
