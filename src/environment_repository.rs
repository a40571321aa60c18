//! From a request to an answer: which snapshots are in service, and what they say.
//!
//! Readers load one immutable map and keep it to the end of the request. Looks at Git build the next map aside and
//! swap the pointer, so a read never waits for one, except for the first read of a label nobody asked for before
//! and in the strict mode, both bounded.

mod history;
mod remembered;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use bytes::Bytes;
use confbus_protocol::{CommitId, Environment, Label};
use confbus_resolution::{
    EnvironmentRequest, Layout, Problem, RepoPath, ResolveError, Snapshot, find_resource, resolve,
};
use tokio::sync::Notify;
use tracing::{info, warn};

use crate::git::{Fetch, Git, LookError, Query, Refs, Version, View};
use history::History;
pub(crate) use remembered::Remembered;

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
}

/// Whether a read makes sure of the repository first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Never: the snapshots in service answer.
    Polled,
    /// Yes, together with all other reads that wait, at most this long; then the snapshots in service answer.
    Strict(Duration),
}

/// An answer and the commit it comes from.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    pub(crate) version: CommitId,
    /// Set when this is the last good answer and the label has moved on.
    pub(crate) held: Option<Held>,
}

/// Why an answer is older than its label.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// The commit that the label names.
    pub(crate) wanted: CommitId,
    /// What is wrong with it.
    pub(crate) problems: Vec<Problem>,
}

/// A plain file.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) bytes: Bytes,
    /// When its commit was made, in seconds since 1970.
    pub(crate) modified: i64,
}

/// A plain file and the environment of the same commit, for its placeholders.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) resource: Resource,
    pub(crate) environment: Environment,
}

/// Whether labels that move are announced on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Announce {
    /// To those whose configuration changed.
    Yes,
    /// No: whoever looks tells whom it wants.
    No,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum FindError {
    /// The label names nothing.
    NoSuchLabel,
    /// There is no repository to answer from.
    NoRepository,
    /// Nothing was found, and that is not accepted.
    Empty,
    /// No such plain file.
    NotFound,
    /// Files that the answer needs cannot be used, and no earlier commit has good ones.
    Broken(Vec<Problem>),
    /// The file is larger than what is kept in memory.
    TooLarge,
    /// Git was not asked yet, or did not answer in time.
    Busy,
}

/// What an operator wants to know about the repository.
#[derive(Debug)]
pub(crate) struct RepositoryHealth {
    /// There is something to serve.
    pub(crate) serving: bool,
    /// Names of the sources that an unknown application gets.
    pub(crate) sources: Vec<String>,
    /// Answers may be old, or some are held back.
    pub(crate) degraded: bool,
    /// The repository without credentials.
    pub(crate) repository: String,
    /// The commit that the default label names.
    pub(crate) version: Option<CommitId>,
    /// Since when nobody could tell whether that is still so.
    pub(crate) confirmed_seconds_ago: Option<u64>,
    /// Why not.
    pub(crate) error: Option<String>,
    /// Files that cannot be used, over all labels in service.
    pub(crate) problems: Vec<Problem>,
}

/// A label that names another commit than before.
#[derive(Debug, Clone)]
pub(crate) struct Moved {
    pub(crate) label: Label,
    pub(crate) old: Arc<Snapshot>,
    pub(crate) new: Arc<Snapshot>,
}

/// Labels in service; the one that was not asked for longest makes room.
const MAX_LABELS: usize = 512;
/// How long the first read of a label waits for its snapshot.
const FIRST_READ: Duration = Duration::from_secs(5);

/// Answers requests from snapshots, and moves labels when told to look.
#[derive(Debug, Clone)]
pub(crate) struct EnvironmentRepository {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    git: Git,
    served: ArcSwap<Served>,
    /// One look at a time; the count tells waiters whether one began after they came.
    looking: tokio::sync::Mutex<()>,
    looks: std::sync::atomic::AtomicU64,
    moved: Mutex<Vec<Moved>>,
    moved_bell: Notify,
    remembered: Remembered,
}

/// What all readers share at one moment.
#[derive(Debug, Default)]
struct Served {
    /// `None` until Git was asked successfully.
    refs: Option<Arc<Refs>>,
    labels: HashMap<Label, Arc<History>>,
    confirmed: Option<Instant>,
    error: Option<LookError>,
}

impl EnvironmentRepository {
    /// A repository that serves nothing yet.
    pub(crate) fn new(settings: Settings, git: Git, remembered: Remembered) -> Self {
        let inner = Inner {
            settings,
            git,
            served: ArcSwap::default(),
            looking: tokio::sync::Mutex::default(),
            looks: std::sync::atomic::AtomicU64::new(0),
            moved: Mutex::default(),
            moved_bell: Notify::new(),
            remembered,
        };
        Self {
            inner: Arc::new(inner),
        }
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
        let found =
            history.first_good(|version| resolve(&version.snapshot, self.layout(), request))?;
        if found.value.property_sources.is_empty() && !self.inner.settings.accept_empty {
            return Err(FindError::Empty);
        }
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
                environment,
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
            // Too late or failed: the snapshots in service answer, and health says why.
            _ = tokio::time::timeout(within, self.look(Fetch::First, &[label], Announce::Yes))
                .await;
        }
        match self.history_of(label).await {
            Err(FindError::NoSuchLabel)
                if settings.try_master_branch
                    && label.as_str() == "main"
                    && *label == settings.default_label =>
            {
                let master = Label::parse("master").expect("`master` is a plain name");
                self.history_of(&master).await
            }
            result => result,
        }
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
        let query = Query {
            fetch: Fetch::No,
            labels: vec![label.clone()],
            commits: Vec::new(),
        };
        let looked = tokio::time::timeout(FIRST_READ, async {
            let _alone = self.inner.looking.lock().await;
            let view = self
                .inner
                .git
                .look(query)
                .await
                .map_err(|_| FindError::Busy)?;
            let found = view
                .labels
                .iter()
                .find_map(|(_, result)| result.as_ref().err().cloned());
            // A failed fetch is not possible here: none was asked for.
            _ = self.put_in_service(view, Announce::Yes);
            Ok::<_, FindError>(found)
        });
        let failed = looked.await.map_err(|_| FindError::Busy)??;
        match (self.inner.served.load().labels.get(label), failed) {
            (Some(history), _) => Ok(Arc::clone(history)),
            (None, Some(LookError::NoSuchLabel) | None) => Err(FindError::NoSuchLabel),
            (None, Some(LookError::TooLarge(_))) => Err(FindError::TooLarge),
            (None, Some(_)) => Err(FindError::Busy),
        }
    }

    /// Puts in service what was served before the last stop, without asking the remote.
    pub(crate) async fn restore(&self) {
        let before = self.inner.remembered.load();
        let mut labels = self.default_labels();
        labels.extend(
            before
                .keys()
                .filter(|label| !labels.contains(label))
                .cloned()
                .collect::<Vec<_>>(),
        );
        labels.truncate(MAX_LABELS);
        let commits = before.values().flatten().copied().collect();
        let _alone = self.inner.looking.lock().await;
        match self
            .inner
            .git
            .look(Query {
                fetch: Fetch::No,
                labels,
                commits,
            })
            .await
        {
            Ok(mut view) => {
                let versions: HashMap<CommitId, Version> = view
                    .commits
                    .drain(..)
                    .map(|version| (version.snapshot.version(), version))
                    .collect();
                self.restore_histories(&before, &versions);
                _ = self.put_in_service(view, Announce::Yes);
            }
            Err(cause) => info!(reason = %cause, "nothing to serve from disk yet"),
        }
    }

    fn restore_histories(
        &self,
        before: &HashMap<Label, Vec<CommitId>>,
        versions: &HashMap<CommitId, Version>,
    ) {
        let mut served = Served::default();
        for (label, commits) in before {
            let found = commits
                .iter()
                .filter_map(|commit| versions.get(commit).cloned())
                .collect();
            if let Some(history) = History::restored(found, self.layout()) {
                served.labels.insert(label.clone(), Arc::new(history));
            }
        }
        self.inner.served.store(Arc::new(served));
    }

    /// Looks at the repository for all labels in service and `extra` ones, and puts in service what it finds.
    ///
    /// Whoever waits while another look begins and ends shares that one.
    ///
    /// # Errors
    /// [`LookError`] when the remote could not be asked; what is in service stays.
    pub(crate) async fn look(
        &self,
        fetch: Fetch,
        extra: &[&Label],
        announce: Announce,
    ) -> Result<(), LookError> {
        use std::sync::atomic::Ordering::SeqCst;
        let inner = &self.inner;
        let begun = inner.looks.load(SeqCst);
        let _alone = inner.looking.lock().await;
        if inner.looks.load(SeqCst) > begun {
            return inner.served.load().error.clone().map_or(Ok(()), Err);
        }
        inner.looks.fetch_add(1, SeqCst);
        let query = Query {
            fetch,
            labels: self.labels_to_look_at(extra),
            commits: Vec::new(),
        };
        match inner.git.look(query).await {
            Ok(view) => self.put_in_service(view, announce),
            Err(error) => {
                self.note_failure(error.clone());
                Err(error)
            }
        }
    }

    fn labels_to_look_at(&self, extra: &[&Label]) -> Vec<Label> {
        let served = self.inner.served.load();
        let mut labels = self.default_labels();
        let asked = served
            .labels
            .iter()
            .filter(|(_, history)| !history.is_pinned())
            .map(|(label, _)| label);
        for label in asked.chain(extra.iter().copied()) {
            if !labels.contains(label) {
                labels.push(label.clone());
            }
        }
        labels
    }

    fn default_labels(&self) -> Vec<Label> {
        vec![self.inner.settings.default_label.clone()]
    }

    /// Swaps in the next map of labels and notes which of them moved. Called by one look at a time.
    fn put_in_service(&self, view: View, announce: Announce) -> Result<(), LookError> {
        let inner = &self.inner;
        let before = inner.served.load_full();
        let mut labels = before.labels.clone();
        let mut moved = Vec::new();
        let mut error = view.fetched.as_ref().err().cloned();
        for (label, result) in view.labels {
            match result {
                Ok(version) => {
                    let pinned = !view.refs.knows(&label);
                    if let Some(step) = self.step(labels.get(&label), &label, version, pinned) {
                        moved.extend(step.moved);
                        labels.insert(label, Arc::new(step.history));
                    }
                }
                Err(LookError::NoSuchLabel) if inner.settings.forget_deleted => {
                    _ = labels.remove(&label)
                }
                Err(LookError::NoSuchLabel) => {}
                Err(cause) => {
                    warn!(%label, error = %cause, "the label stays where it was");
                    error = error.or(Some(cause));
                }
            }
        }
        make_room(&mut labels, &inner.settings.default_label);
        self.tell_about_error(before.error.as_ref(), error.as_ref());
        let confirmed = if view.fetched.is_ok() {
            Some(Instant::now())
        } else {
            before.confirmed
        };
        let changed = !moved.is_empty() || labels.len() != before.labels.len();
        inner.served.store(Arc::new(Served {
            refs: Some(view.refs),
            labels,
            confirmed,
            error: error.clone(),
        }));
        if changed {
            inner.remembered.save(
                self.inner
                    .served
                    .load()
                    .labels
                    .iter()
                    .map(|(label, history)| (label, history.commits())),
            );
        }
        if announce == Announce::Yes {
            self.note_moved(moved);
        }
        view.fetched
    }

    fn step(
        &self,
        before: Option<&Arc<History>>,
        label: &Label,
        version: Version,
        pinned: bool,
    ) -> Option<Step> {
        let Some(before) = before else {
            let history = History::new(version, pinned, self.layout());
            info!(%label, version = %history.newest().snapshot.version(), problems = history.problems().len(), "in service");
            return Some(Step {
                history,
                moved: None,
            });
        };
        let history = before.next(version, self.layout())?;
        let (old, new) = (&before.newest().snapshot, &history.newest().snapshot);
        info!(%label, from = %old.version().short(), version = %new.version(), "moved");
        for problem in history.problems() {
            warn!(%label, version = %new.version().short(), "{problem}; applications that need this file keep their last good answer");
        }
        let moved = Moved {
            label: label.clone(),
            old: Arc::clone(old),
            new: Arc::clone(new),
        };
        Some(Step {
            history,
            moved: Some(moved),
        })
    }

    fn note_failure(&self, error: LookError) {
        let before = self.inner.served.load_full();
        self.tell_about_error(before.error.as_ref(), Some(&error));
        let Served {
            refs,
            labels,
            confirmed,
            ..
        } = &*before;
        let after = Served {
            refs: refs.clone(),
            labels: labels.clone(),
            confirmed: *confirmed,
            error: Some(error),
        };
        self.inner.served.store(Arc::new(after));
    }

    /// Once when it begins and once when it ends.
    fn tell_about_error(&self, before: Option<&LookError>, after: Option<&LookError>) {
        let repository = self.inner.git.display_uri();
        match (before, after) {
            (None, Some(error)) => {
                warn!(%repository, %error, "the repository cannot be looked at; what is in service stays")
            }
            (Some(_), None) => info!(%repository, "the repository answers again"),
            _ => {}
        }
    }

    fn note_moved(&self, moved: Vec<Moved>) {
        if moved.is_empty() {
            return;
        }
        let mut waiting = self
            .inner
            .moved
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for step in moved {
            // Two steps of a label are one: from where the first began to where the last ended.
            match waiting
                .iter_mut()
                .find(|earlier| earlier.label == step.label)
            {
                Some(earlier) => earlier.new = step.new,
                None => waiting.push(step),
            }
        }
        self.inner.moved_bell.notify_one();
    }

    /// Labels that moved since this was last asked.
    pub(crate) fn take_moved(&self) -> Vec<Moved> {
        std::mem::take(
            &mut *self
                .inner
                .moved
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Waits until a label moved.
    pub(crate) async fn moved(&self) {
        self.inner.moved_bell.notified().await;
    }

    /// Whether a ref, as a webhook names it, is one of the labels in service.
    pub(crate) fn serves(&self, reference: &str) -> bool {
        let name = reference
            .strip_prefix("refs/heads/")
            .or_else(|| reference.strip_prefix("refs/tags/"))
            .unwrap_or(reference);
        self.inner
            .served
            .load()
            .labels
            .keys()
            .any(|label| label.as_str() == name)
    }

    /// The commit that the default label names.
    pub(crate) fn default_version(&self) -> Option<CommitId> {
        let served = self.inner.served.load();
        served
            .labels
            .get(&self.inner.settings.default_label)
            .map(|history| history.newest().snapshot.version())
    }

    /// The state of the repository; nothing is fetched for it.
    pub(crate) fn health(&self) -> RepositoryHealth {
        let served = self.inner.served.load();
        let default = served
            .labels
            .get(&self.inner.settings.default_label)
            .or_else(|| served.labels.values().next());
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
                .map(|history| self.shared_sources(history))
                .unwrap_or_default(),
            degraded: served.error.is_some() || !problems.is_empty(),
            repository: self.inner.git.display_uri().to_owned(),
            version: default.map(|history| history.newest().snapshot.version()),
            confirmed_seconds_ago: served.confirmed.map(|at| at.elapsed().as_secs()),
            error: served.error.as_ref().map(ToString::to_string),
            problems,
        }
    }

    /// What Spring's health probe asks for: application `app`, profile `default`.
    fn shared_sources(&self, history: &History) -> Vec<String> {
        let request = EnvironmentRequest {
            application: confbus_protocol::Application::parse("app")
                .expect("`app` is a plain name"),
            profiles: confbus_protocol::Profiles::parse("default")
                .expect("`default` is a plain name"),
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

struct Step {
    history: History,
    moved: Option<Moved>,
}

fn make_room(labels: &mut HashMap<Label, Arc<History>>, default_label: &Label) {
    while labels.len() > MAX_LABELS {
        let oldest = labels
            .iter()
            .filter(|(label, _)| *label != default_label)
            .min_by_key(|(_, history)| history.last_asked());
        let Some(oldest) = oldest.map(|(label, _)| label.clone()) else {
            return;
        };
        labels.remove(&oldest);
    }
}

impl From<ResolveError> for FindError {
    fn from(error: ResolveError) -> Self {
        Self::Broken(error.problems().to_vec())
    }
}
