//! From snapshots and a request to sources and files: everything here is computed, nothing waits.

mod versions;

use std::sync::Arc;

use confbus_protocol::{CommitId, Label, PropertySource};
use confbus_resolution::{EnvironmentRequest, Layout, ResolveError, resolve_files};

use super::{
    Because, FindError, Found, Held, Moved, history::History, past::LabelPast,
    repository::Repository,
};
use crate::look::Version;
pub(super) use versions::{Part, Versions, resolve_all};

/// The versions of one label that may answer a request.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    repository: Repository,
    history: Arc<History>,
    /// The request as this place sees it: of several labels, its own.
    request: EnvironmentRequest,
    shown: Shown,
    /// Why that is not the commit that the label names, where a pin or a wave has put another in its place.
    held: Option<Held>,
    /// The history is that of the label.
    is_own: bool,
    /// Where the label has been; nothing for one that never moves.
    past: Option<LabelPast>,
}

/// What one backend has for a request.
#[derive(Debug)]
pub(super) enum Gathered {
    /// Places, whose snapshots answer.
    Places(Vec<Place>),
    /// What places answered, where that decided who is asked.
    Answered(Part, Versions),
    /// Finished sources of a backend that has neither commits nor files, the strongest first.
    Sources(Vec<PropertySource>),
}

impl Gathered {
    /// The sources, and the files beside them.
    pub(super) fn resolve(self) -> Result<(Part, Versions), FindError> {
        match self {
            Self::Places(places) => resolve_all(places),
            Self::Answered(part, versions) => Ok((part, versions)),
            Self::Sources(sources) => Ok((Part::of_sources(sources), Versions::default())),
        }
    }

    /// How the files are laid out that it answers from.
    pub(super) fn layouts(&self) -> Vec<Layout> {
        let of = |place: &Place| place.layout().clone();
        match self {
            Self::Places(places) => places.iter().map(of).collect(),
            Self::Answered(_, versions) => versions.places().map(of).collect(),
            Self::Sources(_) => Vec::new(),
        }
    }

    pub(super) fn into_places(self) -> Vec<Place> {
        match self {
            Self::Places(places) => places,
            Self::Answered(_, versions) => versions.into_places(),
            Self::Sources(_) => Vec::new(),
        }
    }

    /// The files of the newest versions, whether all of them can be used or not.
    pub(super) fn newest(self) -> Versions {
        Versions::newest(self.into_places())
    }
}

/// What an environment shows as its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    /// The commit.
    Commit,
    /// Whatever the operator says.
    Fixed(Option<String>),
}

impl Place {
    pub(super) fn new(
        repository: Repository,
        history: Arc<History>,
        request: EnvironmentRequest,
        shown: Shown,
    ) -> Self {
        let asked = match &shown {
            Shown::Commit => request.label.as_ref(),
            Shown::Fixed(_) => None,
        };
        Self {
            past: repository.past(asked, &history),
            repository,
            history,
            request,
            shown,
            held: None,
            is_own: true,
        }
    }

    /// The same place, answered by another history, and why that is not what the label names.
    pub(super) fn instead(self, history: Arc<History>, held: Option<Held>) -> Self {
        Self {
            history,
            held,
            is_own: false,
            ..self
        }
    }

    /// Whether an earlier commit answers because of what is wrong with the one that the label names.
    pub(super) fn is_quarantined(&self) -> bool {
        self.held.is_none() && self.find().is_ok_and(|found| found.held.is_some())
    }

    /// Whether a pin holds it: then it answers the same wherever its label goes.
    pub(super) fn is_pinned(&self) -> bool {
        let because = self.held.as_ref().map(|held| &held.because);
        matches!(because, Some(Because::Pinned))
    }

    /// Whether a label in service of a repository answers it.
    pub(super) fn is_of(&self, repository: &str, served: &Label) -> bool {
        let asked = match &self.shown {
            Shown::Commit => self.request.label.as_ref(),
            // There a label is a directory, and all of them are in one snapshot.
            Shown::Fixed(_) => None,
        };
        let answers = |asked| self.repository.answers_from(asked, served);
        self.repository.name() == repository && asked.is_none_or(answers)
    }

    pub(super) fn repository(&self) -> &Repository {
        &self.repository
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// The commit that its label names, whatever is answered.
    pub(super) fn named(&self) -> CommitId {
        let newest = || self.history.newest().snapshot.version();
        self.held.as_ref().map_or_else(newest, |held| held.wanted)
    }

    /// Whether it answers from the label that moved.
    pub(crate) fn reads(&self, moved: &Moved) -> bool {
        self.is_of(&moved.repository, &moved.label)
    }

    pub(crate) fn layout(&self) -> &Layout {
        self.repository.layout()
    }

    /// What is asked of it: of several labels, its own.
    pub(crate) fn request(&self) -> &EnvironmentRequest {
        &self.request
    }

    /// Whether it answers from an earlier version than its label names.
    pub(crate) fn is_held(&self) -> bool {
        self.held.is_some() || self.find().is_ok_and(|found| found.held.is_some())
    }

    /// Its sources, and the version that they are of.
    pub(super) fn find(&self) -> Result<Found<(Vec<PropertySource>, Version)>, FindError> {
        let mut found = self
            .history
            .first_good(|version| Ok((self.answer(version)?, version.clone())))?;
        if found.held.is_some() && self.is_own {
            self.repository.note_held(&self.request, &self.history);
        }
        found.held = self.held.clone().or(found.held);
        Ok(found)
    }

    /// Its sources in one version, if that may be given.
    pub(super) fn answer(&self, version: &Version) -> Result<Vec<PropertySource>, ResolveError> {
        let (snapshot, layout) = (&version.snapshot, self.repository.layout());
        let files = resolve_files(snapshot, layout, &self.request)?;
        let acceptance = self.repository.acceptance();
        acceptance.check(snapshot, &self.request, &files)?;
        Ok(files.into_iter().map(|file| file.source).collect())
    }
}
