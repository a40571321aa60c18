//! What can be counted of the repositories; nobody is asked for it.

use std::{
    hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher},
    path::PathBuf,
    time::Duration,
};

use confbus_protocol::CommitId;
use confbus_resolution::EnvironmentRequest;

use super::{EnvironmentRepository, looked_up, places::Place, repository::Repository};

/// Labels of one repository that are told apart. More may be in service; those are the first by name.
pub(super) const MOST_LABELS: usize = 100;

/// One repository.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Without credentials.
    pub(crate) repository: String,
    /// How long ago it last said what its labels name, before the last stop included.
    pub(crate) confirmed_ago: Option<Duration>,
    /// Branches and tags in service.
    pub(crate) labels: Vec<LabelFigures>,
    /// Its clone, where there is one.
    pub(crate) mirror: Option<PathBuf>,
}

/// A branch or a tag in service.
#[derive(Debug)]
pub(crate) struct LabelFigures {
    pub(crate) label: String,
    pub(crate) commit: CommitId,
    /// How often it has moved.
    pub(crate) generation: u64,
}

impl EnvironmentRepository {
    /// All repositories that are open.
    pub(crate) fn figures(&self) -> Vec<Figures> {
        let repositories = self.repositories();
        let figures = repositories.iter().map(Repository::figures);
        figures
            .chain(self.lookups().map(looked_up::figures))
            .collect()
    }

    /// How many of these requests are given an earlier commit because of what is wrong with the one that their label names;
    /// the last number while somebody else works it out, if there is one. Takes as long as their answers do where anything
    /// is wrong at all, once in a generation.
    pub(crate) fn quarantined(&self, known: &[EnvironmentRequest]) -> Option<usize> {
        let repositories = self.repositories();
        if !repositories.iter().any(Repository::has_problems) {
            return Some(0);
        }
        let of = (
            self.generation(),
            BuildHasherDefault::<DefaultHasher>::default().hash_one(known),
        );
        let is_held = |request: &&EnvironmentRequest| {
            let places = self.places_in_service(request);
            places.iter().any(Place::is_quarantined)
        };
        let count = || known.iter().filter(is_held).count();
        self.inner.quarantined.get(of, count)
    }

    /// How many of these requests a pin holds, wherever their labels are.
    pub(crate) fn pinned(&self, known: &[EnvironmentRequest]) -> usize {
        if self.inner.pins.all().iter().next().is_none() {
            return 0;
        }
        let is_pinned = |request: &&EnvironmentRequest| {
            let places = self.places_in_service(request);
            places.iter().any(Place::is_pinned)
        };
        known.iter().filter(is_pinned).count()
    }

    /// The repositories of which nothing was read yet.
    pub(crate) fn waited_for(&self) -> Vec<String> {
        let repositories = self.repositories().into_iter();
        let waited_for = repositories.filter(|repository| !repository.is_serving());
        waited_for
            .map(|repository| repository.name().to_owned())
            .collect()
    }
}
