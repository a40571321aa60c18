//! From snapshots and a request to sources and files: everything here is computed, nothing waits.

use std::sync::Arc;

use bytes::Bytes;
use confbus_protocol::{CommitId, Label, PropertySource};
use confbus_resolution::{
    EnvironmentRequest, Layout, RepoPath, ResolveError, find_resource, resolve_files,
};

use super::{
    Because, FindError, Found, Held, Moved, Past, Resource, history::History, past::LabelPast,
    repository::Repository,
};
use crate::look::{Authorship, Version};

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
            Self::Answered(_, versions) => {
                let picked = versions.picked.iter();
                picked.map(|picked| of(&picked.place)).collect()
            }
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

/// A version that was picked to answer.
#[derive(Debug, Clone)]
struct Picked {
    place: Place,
    version: Version,
}

/// What one backend says to a request.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) property_sources: Vec<PropertySource>,
    pub(super) version: Option<String>,
    pub(super) state: Option<String>,
    pub(super) commits: Vec<CommitId>,
    pub(super) held: Option<Held>,
    /// Where the labels have been that it comes from.
    pub(super) labels: Vec<LabelPast>,
}

/// The versions that answer for a whole request, and the files in them.
#[derive(Debug, Default)]
pub(super) struct Versions {
    picked: Vec<Picked>,
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

impl Picked {
    fn shown_version(&self) -> Option<String> {
        match &self.place.shown {
            Shown::Commit => Some(self.version.snapshot.version().to_string()),
            Shown::Fixed(version) => version.clone(),
        }
    }

    fn resource(&self, path: &RepoPath) -> Option<Result<Resource, FindError>> {
        let (place, snapshot) = (&self.place, &self.version.snapshot);
        let layout = place.repository.layout();
        let (found, blob) = find_resource(snapshot, layout, &place.request, path)?;
        Some(
            blob.bytes()
                .ok_or(FindError::TooLarge)
                .map(|bytes| Resource {
                    path: layout.places.below(found.as_str()).into(),
                    bytes: Bytes::copy_from_slice(bytes),
                    modified: self.version.modified.of(&found),
                }),
        )
    }
}

/// The sources of one backend: those of the last label first.
pub(super) fn resolve_all(places: Vec<Place>) -> Result<(Part, Versions), FindError> {
    let is_git = |place: &Place| place.shown == Shown::Commit;
    let commits_are_shown = places.iter().all(is_git);
    let mut part = Part::of_sources(Vec::new());
    let mut picked = Vec::with_capacity(places.len());
    let mut versions = Vec::new();
    for place in places {
        let Found {
            value: (mut sources, version),
            commits,
            held,
            past: _,
        } = place.find()?;
        let chosen = Picked { place, version };
        sources.append(&mut part.property_sources);
        part.property_sources = sources;
        versions.extend(chosen.shown_version());
        part.commits.extend(commits);
        let past = chosen.place.past.clone();
        part.labels
            .extend(past.map(|past| past.held(held.as_ref())));
        part.held = part.held.take().or(held);
        picked.push(chosen);
    }
    part.version = (commits_are_shown || !versions.is_empty()).then(|| versions.join(","));
    part.state = commits_are_shown.then(String::new);
    Ok((part, Versions { picked }))
}

impl Part {
    /// These sources, and nothing known about them.
    fn of_sources(property_sources: Vec<PropertySource>) -> Self {
        Self {
            property_sources,
            version: None,
            state: None,
            commits: Vec::new(),
            held: None,
            labels: Vec::new(),
        }
    }
}

impl Versions {
    /// The files of the newest versions, whether all of them can be used or not.
    fn newest(places: Vec<Place>) -> Self {
        let newest = |place: Place| Picked {
            version: place.history.newest().clone(),
            place,
        };
        Self {
            picked: places.into_iter().map(newest).collect(),
        }
    }

    fn into_places(self) -> Vec<Place> {
        self.picked.into_iter().map(|picked| picked.place).collect()
    }

    /// The commits that were picked, with who made them; of directories nothing.
    pub(super) fn commits(
        &self,
    ) -> impl Iterator<Item = (CommitId, Option<Arc<Authorship>>)> + use<'_> {
        let commits = self.picked.iter();
        let commits = commits.filter(|picked| picked.place.shown == Shown::Commit);
        commits.map(|Picked { version, .. }| {
            let authorship = version.authorship.clone();
            (version.snapshot.version(), authorship)
        })
    }

    /// The commit that was asked for by its id, and the label that it belongs to.
    pub(super) fn commit_and_label(&self) -> Option<(CommitId, Label)> {
        let [Picked { place, version }] = self.picked.as_slice() else {
            return None;
        };
        if !place.history.is_pinned() {
            return None;
        }
        let commit = version.snapshot.version();
        Some((commit, place.repository.label_of(commit)?))
    }

    /// The first file at the path, and its commit.
    pub(super) fn find(&self, path: &RepoPath) -> Option<Result<Found<Resource>, FindError>> {
        self.picked.iter().find_map(|picked| {
            let found = picked.resource(path)?;
            Some(found.map(|value| Found {
                value,
                commits: vec![picked.version.snapshot.version()],
                held: picked.place.held.clone(),
                past: Past::default(),
            }))
        })
    }
}
