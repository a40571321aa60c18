//! Addresses that are given what is new step by step: what they are answered from, and what a new version changes for them.

use std::sync::Arc;

use confbus_protocol::{CommitId, Label};
use confbus_resolution::{Comparison, Detail, Effect, EnvironmentRequest, Problem};

use super::{
    EnvironmentRepository, FindError, Held,
    history::History,
    places::Place,
    repository::{Before, Reading},
    trail::Trail,
};
use crate::{
    pins::label_of,
    waves::{Stage, Waves},
};

/// Versions that answer together: the newest, and earlier ones for whoever is refused it.
#[derive(Debug, Clone)]
pub(crate) struct Release(Arc<History>);

/// A label in service.
#[derive(Debug)]
pub(crate) struct InService {
    /// The repository without credentials.
    pub(crate) repository: String,
    pub(crate) label: Label,
    pub(crate) release: Release,
}

/// A label of a repository, and of those who read it some.
pub(crate) struct Scope<'s> {
    pub(crate) repository: &'s str,
    pub(crate) label: &'s Label,
    /// Whether a request, with its label, is one of them.
    pub(crate) holds: &'s dyn Fn(&EnvironmentRequest) -> bool,
}

/// What a version changes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    Nothing,
    Something,
    /// Somebody cannot be given it who has an answer now, and why.
    Held(Vec<Problem>),
}

impl Release {
    pub(crate) fn newest(&self) -> CommitId {
        self.0.newest().snapshot.version()
    }

    /// Whether both are the same, and not only of the same commits.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The commits, newest first.
    pub(crate) fn commits(&self) -> Vec<CommitId> {
        self.0.commits()
    }

    /// The newest of these, and of the earlier ones only these commits; itself where those are all.
    pub(crate) fn among(&self, commits: &[CommitId]) -> Self {
        let only = self.0.among(commits);
        only.map_or_else(|| self.clone(), |only| Self(Arc::new(only)))
    }

    /// The newest of these, and behind it only what everybody has.
    pub(crate) fn over(&self, settled: &Self) -> Self {
        Self(Arc::new(self.0.over(&settled.0)))
    }
}

impl Place {
    /// The place as its wave holds it, if there is one. Waits for no more than the first read of a commit does, and that
    /// only right after a start.
    pub(super) async fn in_turn(
        self,
        waves: &Waves,
        reading: Reading<'_>,
    ) -> Result<Self, FindError> {
        // Who asks for a commit is given it, and a pin was put there by somebody who knows better.
        if self.history().is_pinned() || self.is_pinned() {
            return Ok(self);
        }
        let repository = self.repository();
        let asked = self.request().label.as_ref();
        let is_of =
            |served: &Label| asked.is_none_or(|asked| repository.answers_from(asked, served));
        let newest = self.history().newest().snapshot.version();
        let stage = waves.stage(
            self.request(),
            repository.name(),
            is_of,
            newest,
            reading.instance,
        );
        let Some(Stage {
            commit,
            release,
            because,
        }) = stage
        else {
            return Ok(self);
        };
        let history = match release {
            Some(Release(history)) => history,
            None => {
                let found = repository.commit(&label_of(commit), reading.before).await;
                found.map_err(|_| FindError::Staged(commit))?
            }
        };
        let held = because.map(|because| Held {
            wanted: newest,
            because,
        });
        Ok(self.instead(history, held))
    }
}

impl EnvironmentRepository {
    /// The labels in service in Git repositories, or those of them that answer for one.
    pub(crate) fn labels_in_service(&self, asked: Option<&Label>) -> Vec<InService> {
        let repositories = self.git_repositories();
        let all = repositories.iter().flat_map(|repository| {
            let labels = repository.labels().into_iter();
            labels.map(move |(label, history)| (repository, label, history))
        });
        let wanted = all.filter(|(repository, label, _)| {
            asked.is_none_or(|asked| repository.answers_from(asked, label))
        });
        let shown = wanted.map(|(repository, label, history)| InService {
            repository: repository.name().to_owned(),
            label,
            release: Release(history),
        });
        shown.collect()
    }

    /// Brings these commits of a repository into service, the newest first; only that one has to be there.
    ///
    /// # Errors
    /// [`FindError`]: there is no such commit, or not all is known yet.
    pub(crate) async fn bring(
        &self,
        repository: &str,
        commits: &[CommitId],
    ) -> Result<Release, FindError> {
        let repositories = self.git_repositories();
        let mut of_name = repositories.iter();
        let of_name = of_name.find(|candidate| candidate.name() == repository);
        let repository = of_name.ok_or(FindError::NotYet)?;
        let mut versions = Vec::new();
        for commit in commits {
            match repository.commit(&label_of(*commit), Before::Nothing).await {
                Ok(history) => versions.push(history.newest().clone()),
                Err(error) if versions.is_empty() => return Err(error),
                Err(_) => {}
            }
        }
        let newest = versions.first().ok_or(FindError::NoSuchCommit)?;
        let trail = Trail::of_commit(newest.snapshot.version());
        let restored = History::restored(versions, false, trail);
        let restored = restored.ok_or(FindError::NoSuchCommit)?;
        Ok(Release(Arc::new(restored)))
    }

    /// Whether a request is in the scope, and no pin decides what it is given.
    pub(crate) fn is_in(&self, scope: &Scope<'_>, request: &EnvironmentRequest) -> bool {
        self.places_in(scope, request)
            .any(|place| !place.is_pinned())
    }

    /// What the newest of the versions `to` changes for those in the scope who are given `from`, now or when a pin ends.
    pub(crate) fn difference(
        &self,
        scope: &Scope<'_>,
        known: &[EnvironmentRequest],
        from: &Release,
        to: &Release,
    ) -> Difference {
        let mut difference = Difference::Nothing;
        for request in known {
            for place in self.places_in(scope, request) {
                match place.difference(&from.0, &to.0) {
                    Difference::Nothing => {}
                    Difference::Something => difference = Difference::Something,
                    held @ Difference::Held(_) => return held,
                }
            }
        }
        difference
    }

    fn places_in(
        &self,
        scope: &Scope<'_>,
        request: &EnvironmentRequest,
    ) -> impl Iterator<Item = Place> {
        let places = self.places_in_service(request).into_iter();
        places.filter(move |place| {
            place.is_of(scope.repository, scope.label) && (scope.holds)(place.request())
        })
    }
}

impl Place {
    /// What a move means for whoever asks here, to whom values are as they are answered.
    pub(crate) fn effect<'s>(&self, comparison: &mut Comparison<'s>, detail: Detail) -> Effect<'s> {
        let acceptance = self.repository().acceptance();
        comparison.effect_where(self.request(), detail, &|one, other| {
            acceptance.are_same(one, other)
        })
    }

    fn difference(&self, from: &History, to: &History) -> Difference {
        let version = to.newest();
        let before = from.first_good(|version| {
            self.answer(version)?;
            Ok(Arc::clone(&version.snapshot))
        });
        match (before, self.answer(version)) {
            // Who has no answer has nothing to lose, and gains something or not.
            (Err(_), Err(_)) => Difference::Nothing,
            (Err(_), Ok(_)) => Difference::Something,
            (Ok(_), Err(refused)) => Difference::Held(refused.problems().to_vec()),
            (Ok(before), Ok(_)) => {
                let snapshot = &version.snapshot;
                let mut comparison = Comparison::new(&before.value, snapshot, self.layout());
                let effect = self.effect(&mut comparison, Detail::Files);
                match effect {
                    Effect::Same => Difference::Nothing,
                    Effect::Changed { .. } => Difference::Something,
                }
            }
        }
    }
}
