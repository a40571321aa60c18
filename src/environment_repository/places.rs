//! From snapshots and a request to sources and files: everything here is computed, nothing waits.

use std::sync::Arc;

use bytes::Bytes;
use confbus_protocol::{CommitId, PropertySource};
use confbus_resolution::{EnvironmentRequest, Layout, RepoPath, find_resource, resolve};

use super::{FindError, Found, Held, Moved, Resource, history::History, repository::Repository};
use crate::look::Version;

/// The versions of one label that may answer a request.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    repository: Repository,
    history: Arc<History>,
    /// The request as this place sees it: of several labels, its own.
    request: EnvironmentRequest,
    shown: Shown,
}

/// What one backend has for a request.
#[derive(Debug)]
pub(super) enum Gathered {
    /// Places, whose snapshots answer.
    Places(Vec<Place>),
    /// Finished sources of a backend that has neither commits nor files, the strongest first.
    Sources(Vec<PropertySource>),
}

impl Gathered {
    /// The sources, and the files beside them.
    pub(super) fn resolve(&self) -> Result<(Part, Versions<'_>), FindError> {
        match self {
            Self::Places(places) => resolve_all(places),
            Self::Sources(sources) => Ok((Part::of_sources(sources), Versions::none())),
        }
    }

    /// The files of the newest versions, whether all of them can be used or not.
    pub(super) fn newest(&self) -> Versions<'_> {
        match self {
            Self::Places(places) => Versions::newest(places),
            Self::Sources(_) => Versions::none(),
        }
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
struct Picked<'p> {
    place: &'p Place,
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
}

/// The versions that answer for a whole request, and the files in them.
#[derive(Debug)]
pub(super) struct Versions<'p> {
    picked: Vec<Picked<'p>>,
}

impl Place {
    pub(super) fn new(
        repository: Repository,
        history: Arc<History>,
        request: EnvironmentRequest,
        shown: Shown,
    ) -> Self {
        Self {
            repository,
            history,
            request,
            shown,
        }
    }

    /// Whether it answers from the label that moved.
    pub(crate) fn reads(&self, moved: &Moved) -> bool {
        let asked = match &self.shown {
            Shown::Commit => self.request.label.as_ref(),
            // There a label is a directory, and all of them are in one snapshot.
            Shown::Fixed(_) => None,
        };
        let answers = |asked| self.repository.answers_from(asked, &moved.label);
        self.repository.name() == &*moved.repository && asked.is_none_or(answers)
    }

    pub(crate) fn layout(&self) -> &Layout {
        self.repository.layout()
    }

    /// What is asked of it: of several labels, its own.
    pub(crate) fn request(&self) -> &EnvironmentRequest {
        &self.request
    }

    fn find(&self) -> Result<Found<(Vec<PropertySource>, Picked<'_>)>, FindError> {
        self.history.first_good(|version| {
            let environment = resolve(&version.snapshot, self.repository.layout(), &self.request)?;
            let picked = Picked {
                place: self,
                version: version.clone(),
            };
            Ok((environment.property_sources, picked))
        })
    }
}

impl Picked<'_> {
    fn shown_version(&self) -> Option<String> {
        match &self.place.shown {
            Shown::Commit => Some(self.version.snapshot.version().to_string()),
            Shown::Fixed(version) => version.clone(),
        }
    }

    fn resource(&self, path: &RepoPath) -> Option<Result<Resource, FindError>> {
        let (place, snapshot) = (self.place, &self.version.snapshot);
        let (found, blob) =
            find_resource(snapshot, place.repository.layout(), &place.request, path)?;
        Some(
            blob.bytes()
                .ok_or(FindError::TooLarge)
                .map(|bytes| Resource {
                    bytes: Bytes::copy_from_slice(bytes),
                    modified: self.version.modified.of(&found),
                }),
        )
    }
}

/// The sources of one backend: those of the last label first.
pub(super) fn resolve_all(places: &[Place]) -> Result<(Part, Versions<'_>), FindError> {
    let mut part = Part::of_sources(&[]);
    let mut picked = Vec::new();
    let mut versions = Vec::new();
    for place in places {
        let Found {
            value: (mut sources, chosen),
            commits,
            held,
        } = place.find()?;
        sources.append(&mut part.property_sources);
        part.property_sources = sources;
        versions.extend(chosen.shown_version());
        part.commits.extend(commits);
        part.held = part.held.take().or(held);
        picked.push(chosen);
    }
    let is_git = |place: &Place| place.shown == Shown::Commit;
    let commits_are_shown = places.iter().all(is_git);
    part.version = (commits_are_shown || !versions.is_empty()).then(|| versions.join(","));
    part.state = commits_are_shown.then(String::new);
    Ok((part, Versions { picked }))
}

impl Part {
    /// These sources, and nothing known about them.
    fn of_sources(sources: &[PropertySource]) -> Self {
        Self {
            property_sources: sources.to_vec(),
            version: None,
            state: None,
            commits: Vec::new(),
            held: None,
        }
    }
}

impl<'p> Versions<'p> {
    fn none() -> Self {
        Self { picked: Vec::new() }
    }

    /// The files of the newest versions, whether all of them can be used or not.
    fn newest(places: &'p [Place]) -> Self {
        let newest = |place: &'p Place| Picked {
            place,
            version: place.history.newest().clone(),
        };
        Self {
            picked: places.iter().map(newest).collect(),
        }
    }

    /// The first file at the path, and its commit.
    pub(super) fn find(&self, path: &RepoPath) -> Option<Result<Found<Resource>, FindError>> {
        self.picked.iter().find_map(|picked| {
            let found = picked.resource(path)?;
            Some(found.map(|value| Found {
                value,
                commits: vec![picked.version.snapshot.version()],
                held: None,
            }))
        })
    }
}
