use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use confbus_protocol::{CommitId, Label};
use confbus_resolution::{EnvironmentRequest, Layout, Problem, Snapshot};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    FindError,
    answer::UpstreamHealth,
    generation::Generation,
    history::History,
    looker::{Announce, Looker, Looks, Outcome, QUEUE, Wish},
    opener::Opener,
    served::Served,
    upstream::Upstream,
};
use crate::{
    files::Watcher,
    look::{LookError, Refs, Trigger},
};

/// How the labels of one upstream are looked up, and how fresh answers are.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Names and search locations.
    pub(crate) layout: Layout,
    /// The label of a request that has none.
    pub(crate) default_label: Label,
    /// When the default label is `main` and names nothing, `master` is tried.
    pub(crate) try_master_branch: bool,
    /// A label that is gone from the repository is forgotten instead of served on.
    pub(crate) forget_deleted: bool,
    /// Whether a read makes sure of the repository first.
    pub(crate) freshness: Freshness,
    /// Between two looks that nobody asks for; `None` looks only when told.
    pub(crate) interval: Option<Duration>,
    /// Files of this machine are looked at as soon as they change.
    pub(crate) watches: bool,
}

/// Whether a read makes sure of the repository first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Never: the snapshots in service answer.
    Polled,
    /// Yes, together with all other reads that wait; then the snapshots in service answer.
    Strict {
        /// The longest wait.
        within: Duration,
        /// Not if that was done so short a time ago; `None` once it was done at all.
        at_most_every: Option<Duration>,
    },
}

/// What a read does before it takes what is in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// What the settings say.
    Freshness,
    /// Nothing: a probe asks for no fetch.
    Nothing,
    /// Nothing, and what is not in service already is not brought there.
    Served,
}

impl Settings {
    /// What may answer a request without a label: `main`, and where there is none `master`.
    pub(super) fn default_labels(&self) -> Vec<Label> {
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

/// How long a repository that was opened on demand and has nothing to serve is left alone.
const PAUSE: Duration = Duration::from_secs(10);

/// One upstream, and which of its snapshots are in service under which labels.
///
/// Readers load one immutable map and keep it to the end of the request. Looks build the next map aside and swap the
/// pointer, so a read never waits for one, except for the first read of a label nobody asked for before and in the
/// strict mode, both bounded.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Ends the looks when nobody holds the repository any more; before `looks`, so that they see why.
    _stop: DropGuard,
    looks: Looks,
    settings: Arc<Settings>,
    served: Arc<ArcSwap<Served>>,
    /// Without credentials.
    display_uri: String,
    /// When a read last waited for a repository that has nothing to serve.
    tried: Mutex<Option<Instant>>,
    /// When a read last asked for a listing of all refs.
    listing_asked: Mutex<Option<Instant>>,
    generation: Generation,
    /// Watches files of this machine as long as they are served.
    _watcher: Option<Watcher>,
}

impl Repository {
    /// A repository that serves nothing until its looker runs; `stop` ends that one. It insists on something to serve, or
    /// waits to be asked.
    pub(super) fn new(
        upstream: Upstream,
        settings: Settings,
        opener: &Opener,
        stop: CancellationToken,
        insists: bool,
    ) -> (Self, Looker) {
        let (sender, requests) = mpsc::channel(QUEUE);
        let inner = Inner {
            _stop: stop.drop_guard(),
            looks: Looks::new(sender),
            served: Arc::default(),
            display_uri: upstream.display_uri().to_owned(),
            tried: Mutex::default(),
            listing_asked: Mutex::default(),
            generation: opener.generation.clone(),
            _watcher: settings
                .watches
                .then(|| upstream.watch(opener.bell.clone()))
                .flatten(),
            settings: Arc::new(settings),
        };
        let outcome = Outcome {
            served: Arc::clone(&inner.served),
            unannounced: Arc::clone(&opener.unannounced),
            generation: opener.generation.clone(),
        };
        let settings = Arc::clone(&inner.settings);
        let looker = Looker::new(upstream, settings, outcome, requests, insists);
        let inner = Arc::new(inner);
        (Self { inner }, looker)
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.inner.settings.layout
    }

    /// The label of a request that has none.
    pub(super) fn default_label(&self) -> &Label {
        &self.inner.settings.default_label
    }

    /// The versions that may answer for a label, newest first.
    pub(super) async fn history(
        &self,
        label: &Label,
        before: Before,
    ) -> Result<Arc<History>, FindError> {
        if before == Before::Freshness {
            self.make_sure(label).await;
        }
        let mut found = self.history_of(label, before).await;
        if label == self.default_label() {
            for fallback in self.inner.settings.default_labels().iter().skip(1) {
                if matches!(found, Err(FindError::NoSuchLabel)) {
                    found = self.history_of(fallback, before).await;
                }
            }
        }
        found
    }

    /// The newest version that answers for a label, if it is in service.
    fn newest(&self, label: &Label) -> Option<Arc<Snapshot>> {
        let served = self.inner.served.load();
        let defaults = self.inner.settings.default_labels();
        let fallbacks = defaults.iter().skip(1);
        let fallbacks = fallbacks.filter(|_| label == self.default_label());
        let mut labels = std::iter::once(label).chain(fallbacks);
        let history = labels.find_map(|label| served.labels.get(label))?;
        Some(Arc::clone(&history.newest().snapshot))
    }

    /// The bytes of the files that answer for a label; `None` when that is not in service, or it takes long to tell.
    pub(super) fn bytes_to_read(&self, label: &Label, request: &EnvironmentRequest) -> Option<u64> {
        confbus_resolution::bytes_to_read(&*self.newest(label)?, self.layout(), request)
    }

    /// Whatever is being answered now must not be given again.
    pub(super) fn keep_no_answer(&self) {
        self.inner.generation.advance();
    }

    /// Whether reads make sure of it first.
    pub(super) fn makes_sure(&self) -> bool {
        self.inner.settings.freshness != Freshness::Polled
    }

    /// In the strict mode, looks at the repository.
    async fn make_sure(&self, label: &Label) {
        let Freshness::Strict {
            within,
            at_most_every,
        } = self.inner.settings.freshness
        else {
            return;
        };
        let confirmed = {
            let served = self.inner.served.load();
            // Of others only a listing can tell.
            if served.labels.contains_key(label) {
                served.confirmed
            } else {
                served.listed
            }
        };
        let is_fresh = |at: Instant| at_most_every.is_none_or(|pause| at.elapsed() < pause);
        if confirmed.is_some_and(is_fresh) {
            return;
        }
        // Too late or failed: the snapshots in service answer, and health says why.
        _ = tokio::time::timeout(within, self.look_for(Wish::All, label)).await;
    }

    async fn look_for(&self, wish: Wish, label: &Label) -> Result<(), LookError> {
        let looks = &self.inner.looks;
        looks
            .look(wish, Some(label.clone()), Announce::Yes(Trigger::Poll))
            .await
    }

    async fn history_of(&self, label: &Label, before: Before) -> Result<Arc<History>, FindError> {
        let served = self.inner.served.load_full();
        if let Some(history) = served.labels.get(label) {
            if before != Before::Served {
                history.touch();
            }
            return Ok(Arc::clone(history));
        }
        // What was on its way may be here by now.
        let refused = served.refused.get(label);
        if let Some(refused) = refused.filter(|cause| !matches!(cause, LookError::NotYet)) {
            return Err(refused.into());
        }
        let Some(refs) = &served.refs else {
            return Err(self.nothing_yet(&served));
        };
        let may_be_commit = served.may_have_commit(label);
        let wish = if refs.knows(label) || may_be_commit || served.restoring.contains_key(label) {
            Wish::Local
        } else if before != Before::Served
            && let Some(since) = self.may_be_unlisted(&served)
        {
            Wish::ListedSince(since)
        } else {
            return Err(names_nothing(label, &served));
        };
        if before == Before::Served {
            return Err(FindError::NotYet);
        }
        self.first_read(wish, label).await
    }

    /// Since when the repository would have to have told all its refs, when it has not, so that it has to be asked what a
    /// label names; `None` when what is known is new enough, or somebody has asked in vain.
    fn may_be_unlisted(&self, served: &Served) -> Option<Option<Instant>> {
        let (since, pause) = match (served.listed, self.inner.settings.interval) {
            // What was known before the start says nothing of what is new.
            (None, _) => (None, PAUSE),
            (Some(_), None) => return None,
            (Some(at), Some(interval)) if at.elapsed() < interval => return None,
            (Some(_), Some(interval)) => (Instant::now().checked_sub(interval), interval),
        };
        let asked = &self.inner.listing_asked;
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        match *asked {
            Some(at) if at.elapsed() < FIRST_READ => {}
            Some(at) if at.elapsed() < pause => return None,
            _ => *asked = Some(Instant::now()),
        }
        Some(since)
    }

    /// In the strict mode Spring's own answer; otherwise "try again", because a client takes "not found" for "nothing configured".
    fn nothing_yet(&self, served: &Served) -> FindError {
        match (self.inner.settings.freshness, &served.error) {
            (Freshness::Strict { .. }, Some(_)) => FindError::NoRepository,
            (Freshness::Polled, Some(_)) => FindError::Busy,
            (_, None) => FindError::NotYet,
        }
    }

    async fn first_read(&self, wish: Wish, label: &Label) -> Result<Arc<History>, FindError> {
        let is_listing = wish != Wish::Local;
        let looked = tokio::time::timeout(FIRST_READ, self.look_for(wish, label)).await;
        let served = self.inner.served.load();
        if let Some(history) = served.labels.get(label) {
            return Ok(Arc::clone(history));
        }
        if let Some(refused) = served.refused.get(label) {
            return Err(refused.into());
        }
        let may_be_commit = served.may_have_commit(label);
        let is_there = served.refs.as_ref().is_some_and(|refs| refs.knows(label));
        match looked {
            Ok(Err(failed)) if !is_listing => Err((&failed).into()),
            Err(_) if !is_listing => Err(FindError::Busy),
            // Only a history that is here as a whole tells that it is in none.
            Ok(Ok(())) if may_be_commit => Err(FindError::NotYet),
            // Why it cannot be served was not remembered: there are too many of these.
            Ok(Ok(())) if is_there => Err(FindError::Busy),
            // A remote that does not answer makes no difference to a label that it did not have.
            _ => Err(names_nothing(label, &served)),
        }
    }

    /// Waits for something to serve, for a repository that nobody asked for before.
    pub(super) async fn first_look(&self) {
        {
            let mut tried = self
                .inner
                .tried
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if self.is_serving() || tried.is_some_and(|at| at.elapsed() < PAUSE) {
                return;
            }
            *tried = Some(Instant::now());
        }
        // What came of it shows in what is in service.
        _ = tokio::time::timeout(FIRST_READ, self.look(None, Announce::Yes(Trigger::Poll))).await;
    }

    /// Looks at the remote, at one ref or at all, for the labels in service that these may concern, together with whoever
    /// else asks for that.
    ///
    /// # Errors
    /// [`LookError`] when the remote could not be asked; what is in service stays.
    pub(super) async fn look(
        &self,
        reference: Option<&str>,
        announce: Announce,
    ) -> Result<(), LookError> {
        let one = |reference: &str| Wish::Refs(vec![reference.to_owned()]);
        let wish = reference.map_or(Wish::All, one);
        self.inner.looks.look(wish, None, announce).await
    }

    /// Whether there is anything to answer from.
    pub(super) fn is_serving(&self) -> bool {
        !self.inner.served.load().labels.is_empty()
    }

    /// Whether a ref, as a webhook names it, is one of the labels in service.
    pub(super) fn serves(&self, reference: &str) -> bool {
        let branch = reference.strip_prefix("refs/heads/");
        let name = branch
            .or_else(|| reference.strip_prefix("refs/tags/"))
            .unwrap_or(reference);
        let served = self.inner.served.load();
        served.labels.keys().any(|label| label.as_str() == name)
    }

    /// Without credentials.
    pub(super) fn name(&self) -> &str {
        &self.inner.display_uri
    }

    /// Whether `served` is what answers for `asked`: the label itself, or what stands in for a missing default.
    pub(super) fn answers_from(&self, asked: &Label, served: &Label) -> bool {
        let stands_in = || {
            let defaults = self.inner.settings.default_labels();
            asked == self.default_label() && defaults.contains(served)
        };
        asked == served || (stands_in() && !self.inner.served.load().labels.contains_key(asked))
    }

    /// The commit that the default label names.
    pub(super) fn version(&self) -> Option<CommitId> {
        let newest = self.newest(self.default_label())?;
        Some(newest.version())
    }

    /// The state of the repository; nothing is fetched for it.
    pub(super) fn health(&self) -> UpstreamHealth {
        let served = self.inner.served.load();
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
        UpstreamHealth {
            repository: self.inner.display_uri.clone(),
            version: self.version(),
            confirmed_seconds_ago: served.confirmed.map(|at| at.elapsed().as_secs()),
            error: served.trouble().map(ToString::to_string),
            problems,
        }
    }
}

/// What is said of a label that names nothing as far as is known: before the first listing that is not far enough, and a
/// client takes "not found" for "nothing configured".
fn names_nothing(label: &Label, served: &Served) -> FindError {
    if served.listed.is_none() && served.error.is_some() {
        FindError::Busy
    } else if served.listed.is_none() {
        FindError::NotYet
    } else if Refs::is_full_commit(label) {
        FindError::NoSuchCommit
    } else {
        FindError::NoSuchLabel
    }
}
