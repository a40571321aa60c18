//! An answer with what it does not say itself: where each source stands, and what of it is secret.

use std::{collections::HashMap, sync::Arc};

use confbus_protocol::{CommitId, Environment, Label, Position, PropertySource};
use confbus_resolution::{EnvironmentRequest, Layout, SourceFile};

use super::{
    EnvironmentRepository, FindError, Found, Labels,
    backend::Vaults,
    places::{Gathered, Versions},
    reads::freshly,
};
use crate::{encryption::encrypted_keys, look::Authorship, vault::Token};

/// An environment as it is answered, and what is known of its sources.
#[derive(Debug)]
pub(crate) struct Inspected {
    pub(crate) environment: Environment,
    /// One for each source, in order.
    pub(crate) origins: Vec<SourceOrigin>,
    /// The commits that answer, with who made them, as far as that is known.
    pub(crate) commits: Vec<(CommitId, Option<Arc<Authorship>>)>,
    /// Set when a commit was asked for by its id that is not the current one.
    pub(crate) superseded: Option<Superseded>,
}

/// What took the place of a commit.
#[derive(Debug)]
pub(crate) struct Superseded {
    /// The label that named the commit; of one that none has named lately, the default label.
    pub(crate) label: Label,
    /// What it gives now.
    pub(crate) version: String,
}

/// Where a source comes from.
#[derive(Debug, Default)]
pub(crate) struct SourceOrigin {
    /// The document that it is; nothing for what settings or a Vault say.
    pub(crate) file: Option<SourceFile>,
    /// All of it is secret, as what a Vault says.
    pub(crate) is_secret: bool,
    /// The keys whose values are encrypted, and where those stand.
    pub(crate) encrypted: HashMap<String, Option<Position>>,
}

/// All that an answer is made of: what had to be waited for is here, and the rest may be worked out anywhere.
#[derive(Debug)]
pub(crate) struct Inspectable {
    repository: EnvironmentRepository,
    request: EnvironmentRequest,
    gathered: Vec<Gathered>,
}

impl EnvironmentRepository {
    /// What [`find_one`](Self::find_one) answers to somebody without a name, for people to look at.
    pub(crate) async fn inspectable(
        &self,
        request: &EnvironmentRequest,
        token: Option<&Token>,
    ) -> Result<Inspectable, FindError> {
        self.inspectable_with(request, Vaults::Ask(token)).await
    }

    /// The part of it that files and settings say; no Vault is asked.
    pub(crate) async fn inspectable_files(
        &self,
        request: &EnvironmentRequest,
    ) -> Result<Inspectable, FindError> {
        self.inspectable_with(request, Vaults::Skip).await
    }

    async fn inspectable_with(
        &self,
        request: &EnvironmentRequest,
        vaults: Vaults<'_>,
    ) -> Result<Inspectable, FindError> {
        let gathered = self.gather(request, Labels::Split, freshly(None), vaults);
        Ok(Inspectable {
            gathered: gathered.await?,
            repository: self.clone(),
            request: request.clone(),
        })
    }

    fn superseded(
        &self,
        request: &EnvironmentRequest,
        versions: &[Versions],
    ) -> Option<Superseded> {
        let [versions] = versions else { return None };
        let (commit, label) = versions.commit_and_label()?;
        let of_label = EnvironmentRequest {
            label: Some(label.clone()),
            ..request.clone()
        };
        let version = self.version_of(&of_label, None)?.version;
        (version != commit.to_string()).then_some(Superseded { label, version })
    }

    fn of_overrides(&self) -> SourceOrigin {
        let encrypted = self.inner.encrypted_overrides.iter();
        SourceOrigin {
            encrypted: encrypted.map(|key| (key.clone(), None)).collect(),
            ..SourceOrigin::default()
        }
    }
}

impl Inspectable {
    /// The answer. Thousands of files may have to be read for it.
    pub(crate) fn inspected(self) -> Result<Found<Inspected>, FindError> {
        let Self {
            repository,
            request,
            gathered,
        } = self;
        let layouts: Vec<_> = gathered.iter().flat_map(Gathered::layouts).collect();
        let (parts, versions) = repository.resolve(gathered)?;
        let authorships = versions.iter().flat_map(Versions::commits).collect();
        let superseded = repository.superseded(&request, &versions);
        let Found {
            value,
            commits,
            held,
            past,
        } = repository.composed(&request, parts);
        let sources = value.property_sources.iter();
        let origins = sources.map(|source| SourceOrigin::of(source, &layouts));
        let overrides = repository.inner.overrides.source();
        let overrides = overrides.map(|_| repository.of_overrides());
        let origins = overrides.into_iter().chain(origins).collect();
        let environment = repository.finished(value);
        repository.refuse_nothing(&environment)?;
        Ok(Found {
            value: Inspected {
                environment,
                origins,
                commits: authorships,
                superseded,
            },
            commits,
            held,
            past,
        })
    }
}

impl SourceOrigin {
    /// That of a source as it is written.
    fn of(source: &PropertySource, layouts: &[Layout]) -> Self {
        let mut layouts = layouts.iter();
        let file = layouts.find_map(|layout| layout.file_of(&source.name));
        Self {
            is_secret: file.is_none(),
            file,
            encrypted: encrypted_keys(source),
        }
    }
}
