//! What is answered to a request: an environment, its version alone, or a plain file.

use confbus_protocol::{BusId, Environment};
use confbus_resolution::{EnvironmentRequest, RepoPath};
use futures_util::FutureExt as _;

use super::{
    EnvironmentRepository, FindError, Found, Given, Resource, Text,
    backend::{Backend, Vaults},
    git_backend::Labels,
    past,
    places::Gathered,
    repository::{Before, Reading},
};
use crate::vault::Token;

impl EnvironmentRepository {
    /// The environment for a request of this instance, if it names itself; its token opens Vaults, and nothing else.
    pub(crate) async fn find_one(
        &self,
        request: &EnvironmentRequest,
        token: Option<&Token>,
        instance: Option<&BusId>,
    ) -> Result<Found<Environment>, FindError> {
        self.find(request, freshly(instance), Vaults::Ask(token))
            .await
    }

    /// The version that a read of this instance would be given now, where there is one. Neither waits nor fetches, and asks
    /// no Vault.
    pub(crate) fn version_of(
        &self,
        request: &EnvironmentRequest,
        instance: Option<&BusId>,
    ) -> Option<Given> {
        let reading = Reading {
            before: Before::Served,
            instance,
        };
        let gathered = self
            .gather_patiently(request, Labels::Split, reading, Vaults::Skip)
            .now_or_never()?
            .ok()?;
        let (parts, _) = self.resolve(gathered).ok()?;
        let generation = match parts.as_slice() {
            [part] => past::generation(&part.labels),
            _ => None,
        };
        let mut held = parts.iter().filter_map(|part| part.held.clone());
        Some(Given {
            version: self.shown_version(&parts)?,
            generation,
            held: held.next(),
        })
    }

    pub(super) async fn find(
        &self,
        request: &EnvironmentRequest,
        reading: Reading<'_>,
        vaults: Vaults<'_>,
    ) -> Result<Found<Environment>, FindError> {
        let gathered = self.gather(request, Labels::Split, reading, vaults).await?;
        let found = self.environment(request, self.resolve(gathered)?.0);
        let mut backends = self.inner.backends.iter();
        let is_complete = vaults.are_asked() || !backends.any(Backend::has_only_sources);
        if is_complete {
            self.refuse_nothing(&found.value)?;
        }
        Ok(found)
    }

    /// No sources at all may be no answer.
    pub(super) fn refuse_nothing(&self, environment: &Environment) -> Result<(), FindError> {
        if environment.property_sources.is_empty() && !self.inner.accept_empty {
            return Err(FindError::Empty);
        }
        Ok(())
    }

    /// A plain file, as it lies in the repository.
    pub(crate) async fn find_resource(
        &self,
        request: &EnvironmentRequest,
        path: &RepoPath,
        instance: Option<&BusId>,
    ) -> Result<Found<Resource>, FindError> {
        let gathered = self
            .gather(request, Labels::Whole, freshly(instance), Vaults::Skip)
            .await?;
        let newest: Vec<_> = gathered.into_iter().map(Gathered::newest).collect();
        self.resource(&newest, path)
    }

    /// A plain file with the environment whose values stand for its placeholders, both of the same commits.
    pub(crate) async fn find_text(
        &self,
        request: &EnvironmentRequest,
        path: &RepoPath,
        token: Option<&Token>,
        instance: Option<&BusId>,
    ) -> Result<Found<Text>, FindError> {
        let vaults = Vaults::Ask(token);
        let gathered = self
            .gather(request, Labels::Whole, freshly(instance), vaults)
            .await?;
        let (parts, files) = self.resolve(gathered)?;
        let environment = self.environment(request, parts);
        let resource = self.resource(&files, path)?;
        Ok(Found {
            value: Text {
                resource: resource.value,
                environment: environment.value,
            },
            commits: resource.commits,
            held: environment.held,
            past: environment.past,
        })
    }
}

/// A read that does what the settings say.
pub(super) fn freshly(instance: Option<&BusId>) -> Reading<'_> {
    Reading {
        before: Before::Freshness,
        instance,
    }
}
