//! From a request to an answer: which snapshots are in service, and what they say.
//!
//! Readers load one immutable map and keep it to the end of the request. Looks at Git build the next map aside and
//! swap the pointer, so a read never waits for one, except for the first read of a label nobody asked for before
//! and in the strict mode, both bounded.

mod answer;
mod history;
mod looker;
mod remembered;
mod served;
mod unannounced;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use bytes::Bytes;
use confbus_protocol::{Application, Environment, Label, Profiles};
use confbus_resolution::{EnvironmentRequest, Layout, Problem, RepoPath, find_resource, resolve};
use tokio::sync::mpsc;

use crate::{
    encryption::Encryption,
    git::{Fetch, Git, LookError, Refs, Version},
};
pub(crate) use answer::{FindError, Found, Held, RepositoryHealth, Resource, Text};
use history::History;
use looker::Looks;
pub(crate) use looker::{Announce, Looker};
pub(crate) use remembered::Remembered;
pub(crate) use served::Moved;
use served::Served;
use unannounced::Unannounced;

/// How labels are looked up, and how fresh answers are.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Names, search paths and overrides of the repository.
    pub(crate) layout: Layout,
    /// The label of a request that has none.
    pub(crate) default_label: Label,
    /// When the default label is `main` and names nothing, `master` is tried.
    pub(crate) try_master_branch: bool,
    /// A label that is gone from the repository is forgotten instead of served on.
    pub(crate) forget_deleted: bool,
    /// Answer with no sources at all, or say that nothing was found.
    pub(crate) accept_empty: bool,
    /// Whether a read makes sure of the repository first.
    pub(crate) freshness: Freshness,
    /// What becomes of `{cipher}` values.
    pub(crate) encryption: Encryption,
}

/// Whether a read makes sure of the repository first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Never: the snapshots in service answer.
    Polled,
    /// Yes, together with all other reads that wait, at most this long; then the snapshots in service answer.
    Strict(Duration),
}

impl Settings {
    /// What may answer a request without a label: `main`, and where there is none `master`.
    fn default_labels(&self) -> Vec<Label> {
        let has_fallback = self.try_master_branch && self.default_label.as_str() == "main";
        let fallback =
            has_fallback.then(|| Label::parse("master").expect("`master` is a plain name"));
        std::iter::once(self.default_label.clone())
            .chain(fallback)
            .collect()
    }
}

/// How long the first read of a label waits for its snapshot.
const FIRST_READ: Duration = Duration::from_secs(5);

/// Answers requests from snapshots, and moves labels when told to look.
#[derive(Debug, Clone)]
pub(crate) struct EnvironmentRepository {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Arc<Settings>,
    served: Arc<ArcSwap<Served>>,
    looks: Looks,
    unannounced: Arc<Unannounced>,
    /// The repository without credentials.
    display_uri: String,
}

impl EnvironmentRepository {
    /// A repository that serves nothing until its looker runs.
    pub(crate) fn new(settings: Settings, git: Git, remembered: Remembered) -> (Self, Looker) {
        let (sender, requests) = mpsc::channel(looker::QUEUE);
        let inner = Inner {
            settings: Arc::new(settings),
            served: Arc::default(),
            looks: Looks::new(sender),
            unannounced: Arc::default(),
            display_uri: git.display_uri().to_owned(),
        };
        let looker = Looker::new(
            git,
            Arc::clone(&inner.settings),
            Arc::clone(&inner.served),
            Arc::clone(&inner.unannounced),
            remembered,
            requests,
        );
        (
            Self {
                inner: Arc::new(inner),
            },
            looker,
        )
    }

    /// Names, search paths and overrides of the repository.
    pub(crate) fn layout(&self) -> &Layout {
        &self.inner.settings.layout
    }

    /// The environment for a request.
    pub(crate) async fn find_one(
        &self,
        request: &EnvironmentRequest,
    ) -> Result<Found<Environment>, FindError> {
        let history = self.history(request.label.as_ref()).await?;
        let mut found =
            history.first_good(|version| resolve(&version.snapshot, self.layout(), request))?;
        if found.value.property_sources.is_empty() && !self.inner.settings.accept_empty {
            return Err(FindError::Empty);
        }
        found.value = self.inner.settings.encryption.decrypt(found.value);
        Ok(found)
    }

    /// A plain file, as it lies in the repository.
    pub(crate) async fn find_resource(
        &self,
        request: &EnvironmentRequest,
        path: &RepoPath,
    ) -> Result<Found<Resource>, FindError> {
        let history = self.history(request.label.as_ref()).await?;
        let newest = history.newest();
        Ok(Found {
            value: self.resource(newest, request, path)?,
            version: newest.snapshot.version(),
            held: None,
        })
    }

    /// A plain file with the environment whose values stand for its placeholders, both of one commit.
    pub(crate) async fn find_text(
        &self,
        request: &EnvironmentRequest,
        path: &RepoPath,
    ) -> Result<Found<Text>, FindError> {
        let history = self.history(request.label.as_ref()).await?;
        let found = history.first_good(|version| {
            resolve(&version.snapshot, self.layout(), request)
                .map(|environment| (version.clone(), environment))
        })?;
        let Found {
            value: (version, environment),
            version: commit,
            held,
        } = found;
        let resource = self.resource(&version, request, path)?;
        Ok(Found {
            value: Text {
                resource,
                environment: self.inner.settings.encryption.decrypt(environment),
            },
            version: commit,
            held,
        })
    }

    fn resource(
        &self,
        version: &Version,
        request: &EnvironmentRequest,
        path: &RepoPath,
    ) -> Result<Resource, FindError> {
        let (_, blob) = find_resource(&version.snapshot, self.layout(), request, path)
            .ok_or(FindError::NotFound)?;
        let bytes = blob.bytes().ok_or(FindError::TooLarge)?;
        Ok(Resource {
            bytes: Bytes::copy_from_slice(bytes),
            modified: version.committed,
        })
    }

    /// The versions that may answer for a label, newest first.
    async fn history(&self, label: Option<&Label>) -> Result<Arc<History>, FindError> {
        let settings = &self.inner.settings;
        let label = label.unwrap_or(&settings.default_label);
        if let Freshness::Strict(within) = settings.freshness {
            let look = self
                .inner
                .looks
                .look(Fetch::First, Some(label.clone()), Announce::Yes);
            // Too late or failed: the snapshots in service answer, and health says why.
            _ = tokio::time::timeout(within, look).await;
        }
        let mut found = self.history_of(label).await;
        if *label == settings.default_label {
            for fallback in settings.default_labels().iter().skip(1) {
                if matches!(found, Err(FindError::NoSuchLabel)) {
                    found = self.history_of(fallback).await;
                }
            }
        }
        found
    }

    async fn history_of(&self, label: &Label) -> Result<Arc<History>, FindError> {
        let served = self.inner.served.load_full();
        if let Some(history) = served.labels.get(label) {
            history.touch();
            return Ok(Arc::clone(history));
        }
        match &served.refs {
            None => return Err(self.nothing_yet(&served)),
            Some(refs) if !refs.knows(label) && !Refs::may_be_commit(label) => {
                return Err(FindError::NoSuchLabel);
            }
            Some(_) => {}
        }
        self.first_read(label).await
    }

    /// In the strict mode Spring's own answer; otherwise "try again", because a client takes "not found" for "nothing configured".
    fn nothing_yet(&self, served: &Served) -> FindError {
        match (self.inner.settings.freshness, &served.error) {
            (Freshness::Strict(_), Some(_)) => FindError::NoRepository,
            _ => FindError::Busy,
        }
    }

    async fn first_read(&self, label: &Label) -> Result<Arc<History>, FindError> {
        let look = self
            .inner
            .looks
            .look(Fetch::No, Some(label.clone()), Announce::Yes);
        let looked = tokio::time::timeout(FIRST_READ, look)
            .await
            .map_err(|_| FindError::Busy)?;
        match (self.inner.served.load().labels.get(label), looked) {
            (Some(history), _) => Ok(Arc::clone(history)),
            (None, Ok(()) | Err(LookError::NoSuchLabel)) => Err(FindError::NoSuchLabel),
            (None, Err(LookError::TooLarge(_))) => Err(FindError::TooLarge),
            (None, Err(_)) => Err(FindError::Busy),
        }
    }

    /// Looks at the remote for all labels in service, together with whoever else asks for that.
    ///
    /// # Errors
    /// [`LookError`] when the remote could not be asked; what is in service stays.
    pub(crate) async fn look(&self, announce: Announce) -> Result<(), LookError> {
        self.inner.looks.look(Fetch::First, None, announce).await
    }

    /// Labels that moved and whose clients were not told yet.
    pub(crate) fn unannounced(&self) -> &Unannounced {
        &self.inner.unannounced
    }

    /// Whether there is anything to answer from.
    pub(crate) fn is_serving(&self) -> bool {
        !self.inner.served.load().labels.is_empty()
    }

    /// Whether a ref, as a webhook names it, is one of the labels in service.
    pub(crate) fn serves(&self, reference: &str) -> bool {
        let branch = reference.strip_prefix("refs/heads/");
        let name = branch
            .or_else(|| reference.strip_prefix("refs/tags/"))
            .unwrap_or(reference);
        self.inner
            .served
            .load()
            .labels
            .keys()
            .any(|label| label.as_str() == name)
    }

    /// The state of the repository; nothing is fetched for it.
    pub(crate) fn health(&self) -> RepositoryHealth {
        let served = self.inner.served.load();
        let default = self
            .inner
            .settings
            .default_labels()
            .iter()
            .find_map(|label| served.labels.get(label).cloned());
        let mut problems: Vec<Problem> = Vec::new();
        for problem in served
            .labels
            .values()
            .flat_map(|history| history.problems())
        {
            if !problems.contains(problem) {
                problems.push(problem.clone());
            }
        }
        RepositoryHealth {
            serving: default.is_some(),
            sources: default
                .as_ref()
                .map(|history| self.shared_sources(history))
                .unwrap_or_default(),
            degraded: served.error.is_some() || !problems.is_empty(),
            repository: self.inner.display_uri.clone(),
            version: default
                .as_ref()
                .map(|history| history.newest().snapshot.version()),
            confirmed_seconds_ago: served.confirmed.map(|at| at.elapsed().as_secs()),
            error: served.error.as_ref().map(ToString::to_string),
            problems,
        }
    }

    /// What Spring's health probe asks for: application `app`, profile `default`.
    fn shared_sources(&self, history: &History) -> Vec<String> {
        let request = EnvironmentRequest {
            application: Application::parse("app").expect("`app` is a plain name"),
            profiles: Profiles::parse("default").expect("`default` is a plain name"),
            label: None,
        };
        let found =
            history.first_good(|version| resolve(&version.snapshot, self.layout(), &request));
        found
            .map(|found| {
                found
                    .value
                    .property_sources
                    .into_iter()
                    .map(|source| source.name)
                    .collect()
            })
            .unwrap_or_default()
    }
}
