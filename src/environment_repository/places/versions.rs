//! Of places the versions that answer: what they say, and the files in them.

use std::sync::Arc;

use bytes::Bytes;
use confbus_protocol::{CommitId, Label, PropertySource};
use confbus_resolution::{RepoPath, find_resource};

use super::{Place, Shown};
use crate::{
    environment_repository::{FindError, Found, Held, Past, Resource, past::LabelPast},
    look::{Authorship, Version},
};

/// A version that was picked to answer.
#[derive(Debug, Clone)]
struct Picked {
    place: Place,
    version: Version,
}

/// What one backend says to a request.
#[derive(Debug)]
pub(in crate::environment_repository) struct Part {
    pub(in crate::environment_repository) property_sources: Vec<PropertySource>,
    pub(in crate::environment_repository) version: Option<String>,
    pub(in crate::environment_repository) state: Option<String>,
    pub(in crate::environment_repository) commits: Vec<CommitId>,
    pub(in crate::environment_repository) held: Option<Held>,
    /// Where the labels have been that it comes from.
    pub(in crate::environment_repository) labels: Vec<LabelPast>,
}

/// The versions that answer for a whole request, and the files in them.
#[derive(Debug, Default)]
pub(in crate::environment_repository) struct Versions {
    picked: Vec<Picked>,
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
pub(in crate::environment_repository) fn resolve_all(
    places: Vec<Place>,
) -> Result<(Part, Versions), FindError> {
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
    pub(super) fn of_sources(property_sources: Vec<PropertySource>) -> Self {
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
    pub(super) fn newest(places: Vec<Place>) -> Self {
        let newest = |place: Place| Picked {
            version: place.history.newest().clone(),
            place,
        };
        Self {
            picked: places.into_iter().map(newest).collect(),
        }
    }

    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.picked.iter().map(|picked| &picked.place)
    }

    pub(super) fn into_places(self) -> Vec<Place> {
        self.picked.into_iter().map(|picked| picked.place).collect()
    }

    /// The commits that were picked, with who made them; of directories nothing.
    pub(in crate::environment_repository) fn commits(
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
    pub(in crate::environment_repository) fn commit_and_label(&self) -> Option<(CommitId, Label)> {
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
    pub(in crate::environment_repository) fn find(
        &self,
        path: &RepoPath,
    ) -> Option<Result<Found<Resource>, FindError>> {
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
