//! What a version must fulfil before anybody is given it, beyond files that can be read: schemas that stand beside the
//! files, and, if the settings say so, placeholders that lead somewhere and values that can be decrypted.
//!
//! A request whose answer fails is refused that version, alone, and keeps the last one that was good for it. All of this
//! is computed from a snapshot and a request; no problem names a value.

mod breach;
mod instance;
mod placeholders;
mod schemas;
mod winners;

use std::sync::Arc;

use confbus_protocol::{Environment, PropertyValue};
use confbus_resolution::{Cause, EnvironmentRequest, FileSource, ResolveError, Snapshot};

use crate::encryption::Encryption;
pub(crate) use placeholders::circles;
use schemas::Schemas;
pub(crate) use schemas::{applications_with_schemas, schema_for_all};
pub(crate) use winners::Winners;

/// Problems of one request that are told.
const MAX_PROBLEMS: usize = 20;

/// What is checked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `confbus.acceptance.schemas`: effective configuration must be valid under the JSON Schemas beside its files.
    pub(crate) schemas: bool,
    /// `confbus.acceptance.placeholders`: placeholders must lead to a key or have a default.
    pub(crate) placeholders: bool,
    /// `confbus.acceptance.known-placeholders`: names that applications know themselves; `*` at the end stands for
    /// anything.
    pub(crate) known_placeholders: Vec<String>,
    /// `confbus.acceptance.ciphers`: `{cipher}` values must be such that this server can decrypt them.
    pub(crate) ciphers: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            schemas: true,
            placeholders: false,
            known_placeholders: Vec::new(),
            ciphers: false,
        }
    }
}

/// Judges answers. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Acceptance {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    settings: Settings,
    encryption: Encryption,
    schemas: Schemas,
}

impl Acceptance {
    pub(crate) fn new(settings: Settings, encryption: Encryption) -> Self {
        Self {
            inner: Arc::new(Inner {
                settings,
                encryption,
                schemas: Schemas::default(),
            }),
        }
    }

    /// Whether placeholders must lead somewhere.
    pub(crate) fn follows_placeholders(&self) -> bool {
        self.inner.settings.placeholders
    }

    /// Whether two values are one to whoever is given them.
    pub(crate) fn are_same(&self, one: &PropertyValue, other: &PropertyValue) -> bool {
        self.inner.encryption.are_same(one, other)
    }

    /// Whether anybody may be refused this snapshot.
    pub(crate) fn concerns(&self, snapshot: &Snapshot) -> bool {
        let Settings {
            schemas,
            placeholders,
            ciphers,
            ..
        } = self.inner.settings;
        placeholders || ciphers || (schemas && schemas::are_in(snapshot))
    }

    /// Whether a request may be answered with these files of a snapshot.
    ///
    /// # Errors
    /// [`ResolveError::Broken`] with what is wrong, and where.
    pub(crate) fn check(
        &self,
        snapshot: &Snapshot,
        request: &EnvironmentRequest,
        files: &[FileSource<'_>],
    ) -> Result<(), ResolveError> {
        let Inner {
            settings,
            encryption,
            schemas,
        } = &*self.inner;
        let found = if settings.schemas {
            schemas.of(snapshot, request, files)
        } else {
            Vec::new()
        };
        if found.is_empty() && !settings.placeholders && !settings.ciphers {
            return Ok(());
        }
        let winners = Winners::of(files);
        let mut problems = Vec::new();
        if settings.ciphers {
            problems.extend(winners.iter().filter_map(|(key, winner)| {
                let error = encryption.trouble_with(winner.value)?;
                let problem = format!("`{key}` cannot be decrypted: {error}");
                Some(winner.problem(Cause::Cipher, problem))
            }));
        }
        if settings.placeholders {
            problems.extend(placeholders::problems(&winners, settings));
        }
        if !found.is_empty() {
            let environment = encryption.decrypt(environment(request, files));
            problems.extend(instance::problems(&found, &environment, &winners));
        }
        problems.sort_by(|one, other| one.origin.cmp(&other.origin));
        problems.truncate(MAX_PROBLEMS);
        if problems.is_empty() {
            Ok(())
        } else {
            Err(ResolveError::Broken(problems))
        }
    }
}

/// What the files alone say.
fn environment(request: &EnvironmentRequest, files: &[FileSource<'_>]) -> Environment {
    Environment {
        name: request.application.to_string(),
        profiles: vec![request.profiles.to_string()],
        property_sources: files.iter().map(|file| file.source.clone()).collect(),
        ..Environment::default()
    }
}

#[cfg(test)]
mod tests;
