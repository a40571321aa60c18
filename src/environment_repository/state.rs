//! What is in service, for whoever wants to know how things are.

use confbus_protocol::{CommitId, Environment};

use super::{
    EnvironmentRepository, Found, Health, Moved, Probe,
    backend::{Backend, Vaults},
    looked_up,
    repository::{Before, Repository},
};

impl EnvironmentRepository {
    /// Whether every backend that must answer has something to answer from.
    pub(crate) fn is_serving(&self) -> bool {
        let mut backends = self.inner.backends.iter();
        if self.inner.fail_on_error {
            backends.all(Backend::is_serving)
        } else {
            backends.any(Backend::is_serving)
        }
    }

    /// Whether there can be plain files; Vaults and stores that are looked up have none.
    pub(crate) fn has_files(&self) -> bool {
        !self.inner.backends.iter().all(Backend::has_only_sources)
    }

    /// Whether a ref, as a webhook names it, is one of the labels in service.
    pub(crate) fn serves(&self, reference: &str) -> bool {
        let repositories = self.repositories();
        repositories
            .iter()
            .any(|repository| repository.serves(reference))
    }

    /// Whether a branch, as a webhook names it, has named this commit here.
    pub(crate) fn has_named(&self, branch: &str, commit: CommitId) -> bool {
        let repositories = self.repositories();
        repositories
            .iter()
            .any(|repository| repository.has_named(branch, commit))
    }

    /// Whether the label that moved answers requests without a label.
    pub(crate) fn answers_unlabelled_from(&self, moved: &Moved) -> bool {
        let repositories = self.repositories();
        repositories.iter().any(|repository| {
            repository.name() == &*moved.repository
                && repository.answers_from(repository.default_label(), &moved.label)
        })
    }

    /// The commit that the default label names, if there is one repository and one such commit.
    pub(crate) fn version(&self) -> Option<CommitId> {
        match self.inner.backends.as_slice() {
            [Backend::Git(git)] => git.version(),
            _ => None,
        }
    }

    /// The state of all repositories; nothing is fetched for it.
    pub(crate) async fn health(&self) -> Health {
        let mut probes = Vec::new();
        for request in &self.inner.probes {
            let found = self
                .find(request, Before::Nothing.nameless(), Vaults::Skip)
                .await;
            let names = |found: Found<Environment>| {
                let sources = found.value.property_sources.into_iter();
                sources.map(|source| source.name).collect()
            };
            probes.push(Probe {
                request: request.clone(),
                sources: found.map(names),
            });
        }
        let repositories = self.repositories();
        Health {
            serving: self.is_serving(),
            probes,
            upstreams: repositories
                .iter()
                .map(Repository::health)
                .chain(self.lookups().map(looked_up::health))
                .collect(),
            pins: self.inner.pins.all(),
            waves: self.inner.waves.all(),
        }
    }

    pub(super) fn repositories(&self) -> Vec<Repository> {
        let backends = self.inner.backends.iter();
        let all = backends.flat_map(Backend::repositories);
        all.map(|(repository, _)| repository).collect()
    }
}
