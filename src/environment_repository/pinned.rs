//! Addresses that a pin holds: what they are answered from, and how commits of pins come into service.

use std::sync::Arc;

use confbus_protocol::{CommitId, Label};
use confbus_resolution::EnvironmentRequest;
use futures_util::future::join_all;

use super::{
    Because, EnvironmentRepository, FindError, Held,
    backend::{Backend, Vaults},
    gather::LONGEST_READ,
    git_backend::Labels,
    history::History,
    places::{Gathered, Place, Shown},
    repository::{Before, Repository},
};
use crate::pins::{List, Pins, label_of};

/// A commit that an address can be held at.
#[derive(Debug)]
pub(crate) struct Holdable {
    /// The name of the repository that has it.
    pub(crate) repository: String,
    pub(crate) commit: CommitId,
}

impl Place {
    /// The place as a pin holds it, if one does. Waits for no more than the first read of a commit does.
    pub(super) async fn under(self, pins: &Pins, before: Before) -> Result<Self, FindError> {
        // Who asks for a commit is given it: that label never moves.
        if self.history().is_pinned() {
            return Ok(self);
        }
        let Some(pin) = pins.holding(self.request(), self.repository().name()) else {
            return Ok(self);
        };
        let history = self.repository().commit(&pin.commit_label(), before).await;
        // Never the commit that the label names.
        let history = history.map_err(|_| FindError::Pinned(pin.commit))?;
        let held = Held {
            wanted: self.history().newest().snapshot.version(),
            because: Because::Pinned,
        };
        Ok(self.instead(history, Some(held)))
    }
}

impl Repository {
    /// What a commit answers, out of what is here.
    pub(super) async fn commit(
        &self,
        commit: &Label,
        before: Before,
    ) -> Result<Arc<History>, FindError> {
        let before = match before {
            Before::Served => Before::Served,
            Before::Nothing | Before::Freshness => Before::Nothing,
        };
        let history = self.history(commit, before).await?;
        if history.is_pinned() {
            Ok(history)
        } else {
            // A branch or tag of that name.
            Err(FindError::NoSuchCommit)
        }
    }

    /// The commit itself, in service under its full id.
    async fn whole_commit(&self, commit: &Label) -> Result<Arc<History>, FindError> {
        let history = self.commit(commit, Before::Nothing).await?;
        let whole = label_of(history.newest().snapshot.version());
        self.commit(&whole, Before::Nothing).await
    }
}

impl EnvironmentRepository {
    /// Finds the commit that an address is to be held at, and sees whether the address can be answered from it: first where
    /// it is answered from now, then wherever the commit is.
    ///
    /// # Errors
    /// [`FindError`]: no such label or commit, files of the commit cannot be used, or not all is known yet.
    pub(crate) async fn find_holdable(
        &self,
        request: &EnvironmentRequest,
        commit: &Label,
    ) -> Result<Holdable, FindError> {
        let finding = self.find_holdable_patiently(request, commit);
        let found = tokio::time::timeout(LONGEST_READ, finding).await;
        found.unwrap_or(Err(FindError::Busy))
    }

    async fn find_holdable_patiently(
        &self,
        request: &EnvironmentRequest,
        commit: &Label,
    ) -> Result<Holdable, FindError> {
        let gathered = self
            .gather(
                request,
                Labels::Split,
                Before::Freshness.nameless(),
                Vaults::Skip,
            )
            .await;
        let places: Vec<Place> = match gathered {
            Err(FindError::NoSuchLabel) => return Err(FindError::NoSuchLabel),
            // Another pin may be in the way, which this one takes the place of.
            Err(_) => Vec::new(),
            Ok(all) => all.into_iter().flat_map(Gathered::into_places).collect(),
        };
        let answers = |name: &str| places.iter().any(|place| place.repository().name() == name);
        let mut repositories = self.git_repositories();
        repositories.sort_by_key(|repository| !answers(repository.name()));
        let mut missing = FindError::NoSuchCommit;
        for repository in repositories {
            match repository.whole_commit(commit).await {
                Ok(history) => return holdable(&repository, history, request),
                Err(error @ (FindError::NotYet | FindError::Busy)) => missing = error,
                Err(_) => {}
            }
        }
        Err(missing)
    }

    /// Whether one of these labels, of those in service, has named a commit that was found.
    pub(crate) fn has_been_named(
        &self,
        found: &Holdable,
        is_meant: impl Fn(&Label) -> bool,
    ) -> bool {
        let mut repositories = self.git_repositories().into_iter();
        repositories.any(|repository| {
            repository.name() == found.repository
                && repository.has_been_named(found.commit, &is_meant)
        })
    }

    /// Brings the commits of all pins into service, so that hardly a read has to wait for one.
    pub(crate) async fn bring_pinned(&self) {
        let pins = self.inner.pins.all();
        let repositories = self.git_repositories();
        let mut pinned = Vec::new();
        for pin in pins.iter() {
            let its = repositories.iter();
            let its = its.filter(|repository| repository.name() == pin.repository);
            pinned.extend(its.map(|repository| (repository, pin.commit_label())));
        }
        let bringing = pinned
            .iter()
            .map(|(repository, commit)| repository.commit(commit, Before::Nothing));
        // What fails here, a read tells.
        join_all(bringing).await;
    }

    /// What is pinned now.
    pub(crate) fn pins(&self) -> Arc<List> {
        self.inner.pins.all()
    }

    /// What was answered so far may be answered otherwise.
    pub(crate) fn answers_change(&self) {
        self.inner.generation.advance();
    }

    pub(super) fn git_repositories(&self) -> Vec<Repository> {
        let backends = self.inner.backends.iter();
        let git = backends.filter(|backend| matches!(backend, Backend::Git(_)));
        let all = git.flat_map(Backend::repositories);
        all.map(|(repository, _)| repository).collect()
    }
}

/// The commit, if a place would answer from it.
fn holdable(
    repository: &Repository,
    history: Arc<History>,
    request: &EnvironmentRequest,
) -> Result<Holdable, FindError> {
    let commit = history.newest().snapshot.version();
    let label = request.label.as_ref();
    let request = EnvironmentRequest {
        label: Some(label.unwrap_or_else(|| repository.default_label()).clone()),
        ..request.clone()
    };
    Place::new(repository.clone(), history, request, Shown::Commit).find()?;
    Ok(Holdable {
        repository: repository.name().to_owned(),
        commit,
    })
}
