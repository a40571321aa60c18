use std::collections::HashMap;

use confbus_protocol::CommitId;
use confbus_resolution::{EnvironmentRequest, Layout};
use futures_util::FutureExt as _;

use super::{
    EnvironmentRepository,
    backend::Vaults,
    git_backend::Labels,
    pattern::Pattern,
    places::{Gathered, Place},
    repository::Before,
};

/// Who reads a repository, as far as the settings tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The applications that one of these names; `*` stands for any run of characters.
    Applications(Vec<String>),
    /// Only those who asked for it: until then nobody has opened it.
    Known,
}

impl Audience {
    pub(super) fn everyone() -> Self {
        Self::Applications(vec!["*".to_owned()])
    }

    /// Without patterns everyone.
    pub(super) fn of_patterns(patterns: &[Pattern]) -> Self {
        if patterns.is_empty() {
            return Self::everyone();
        }
        let mut applications: Vec<String> = patterns.iter().map(Pattern::applications).collect();
        applications.sort();
        applications.dedup();
        Self::Applications(applications)
    }
}

impl EnvironmentRepository {
    /// The places that answer a request out of what is in service. Nothing is waited for or opened.
    pub(crate) fn places_in_service(&self, request: &EnvironmentRequest) -> Vec<Place> {
        let gathered = self.inner.backends.iter().filter_map(|backend| {
            let gathered = backend.gather(
                request,
                Labels::Split,
                Before::Served.nameless(),
                Vaults::Skip,
            );
            gathered.now_or_never()?.ok()
        });
        gathered.flat_map(Gathered::into_places).collect()
    }

    /// The repositories that answer a request out of what is in service, without credentials, and the commit that the label
    /// names in each.
    pub(crate) fn named_in_service(
        &self,
        request: &EnvironmentRequest,
    ) -> HashMap<String, CommitId> {
        // Of several labels the last one has least to say.
        let places = self.places_in_service(request).into_iter().rev();
        places
            .map(|place| (place.repository().name().to_owned(), place.named()))
            .collect()
    }

    /// How the files of a repository with this name are laid out and who reads them; several backends may have one of
    /// the same name.
    pub(crate) fn readers(&self, repository: &str) -> Vec<(Layout, Audience)> {
        let backends = self.inner.backends.iter();
        let mut readers: Vec<_> = backends
            .flat_map(super::Backend::repositories)
            .filter(|(candidate, _)| candidate.name() == repository)
            .map(|(repository, audience)| (repository.layout().clone(), audience))
            .collect();
        readers.dedup();
        readers
    }
}
