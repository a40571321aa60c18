//! What all backends have for a request, and the one answer that becomes of it.

use std::time::Duration;

use confbus_protocol::Environment;
use confbus_resolution::{EnvironmentRequest, RepoPath};

use super::{
    EnvironmentRepository, FindError, Found, Labels, Past, Resource,
    backend::Vaults,
    places::{Gathered, Part, Versions},
    repository::Reading,
};

/// All that the first reads of labels and repositories may wait in one request.
pub(super) const LONGEST_READ: Duration = Duration::from_secs(20);

impl EnvironmentRepository {
    /// What every backend may answer from, the strongest first.
    pub(super) async fn gather(
        &self,
        request: &EnvironmentRequest,
        labels: Labels,
        reading: Reading<'_>,
        vaults: Vaults<'_>,
    ) -> Result<Vec<Gathered>, FindError> {
        let each = self.gather_patiently(request, labels, reading, vaults);
        let gathered = tokio::time::timeout(LONGEST_READ, each).await;
        gathered.unwrap_or(Err(FindError::Busy))
    }

    pub(super) async fn gather_patiently(
        &self,
        request: &EnvironmentRequest,
        labels: Labels,
        reading: Reading<'_>,
        vaults: Vaults<'_>,
    ) -> Result<Vec<Gathered>, FindError> {
        let mut all = Vec::with_capacity(self.inner.backends.len());
        for backend in &self.inner.backends {
            match backend.gather(request, labels, reading, vaults).await {
                Ok(gathered) => all.push(gathered),
                Err(error) if error.may_pass() => return Err(error),
                Err(error) if self.is_spoiled_by_one() => return Err(error),
                Err(_) => {}
            }
        }
        Ok(all)
    }

    fn is_spoiled_by_one(&self) -> bool {
        self.inner.fail_on_error || self.inner.backends.len() == 1
    }

    pub(super) fn resolve(
        &self,
        all: Vec<Gathered>,
    ) -> Result<(Vec<Part>, Vec<Versions>), FindError> {
        let (mut parts, mut files) = (Vec::new(), Vec::new());
        for gathered in all {
            match gathered.resolve() {
                Ok((part, found)) => {
                    parts.push(part);
                    files.push(found);
                }
                Err(error) if self.is_spoiled_by_one() => return Err(error),
                Err(_) => {}
            }
        }
        Ok((parts, files))
    }

    /// With several backends there is no version to show.
    pub(super) fn shown_version(&self, parts: &[Part]) -> Option<String> {
        match parts {
            [part] if self.inner.backends.len() == 1 => part.version.clone(),
            _ => None,
        }
    }

    pub(super) fn environment(
        &self,
        request: &EnvironmentRequest,
        parts: Vec<Part>,
    ) -> Found<Environment> {
        let found = self.composed(request, parts);
        Found {
            value: self.finished(found.value),
            ..found
        }
    }

    /// What files and Vaults say, as it is written.
    pub(super) fn composed(
        &self,
        request: &EnvironmentRequest,
        parts: Vec<Part>,
    ) -> Found<Environment> {
        let mut value = Environment {
            name: request.application.to_string(),
            profiles: vec![request.profiles.to_string()],
            label: request.label.as_ref().map(ToString::to_string),
            version: self.shown_version(&parts),
            ..Environment::default()
        };
        let (mut commits, mut held, mut labels) = (Vec::new(), None, Vec::new());
        for part in parts {
            if self.inner.backends.len() == 1 {
                value.state = part.state;
            }
            value.property_sources.extend(part.property_sources);
            commits.extend(part.commits);
            held = held.or(part.held);
            labels.extend(part.labels);
        }
        Found {
            value,
            past: Past::new(labels, commits.clone()),
            commits,
            held,
        }
    }

    /// The same as it is answered.
    pub(super) fn finished(&self, environment: Environment) -> Environment {
        let mut environment = self.inner.encryption.decrypt(environment);
        if let Some(overrides) = self.inner.overrides.source() {
            environment.property_sources.insert(0, overrides.clone());
        }
        environment
    }

    pub(super) fn resource(
        &self,
        files: &[Versions],
        path: &RepoPath,
    ) -> Result<Found<Resource>, FindError> {
        let find = |files: &Versions| files.find(path);
        let found = if self.inner.reverse_location_order {
            files.iter().rev().find_map(find)
        } else {
            files.iter().find_map(find)
        };
        found.unwrap_or(Err(FindError::NotFound))
    }
}
