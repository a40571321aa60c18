mod labels;
mod reads;
mod settings;
mod state;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use confbus_protocol::{BusId, Label};
use confbus_resolution::{EnvironmentRequest, Layout, Snapshot};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    FindError, Known,
    doubts::{Doubts, Settler},
    generation::Generation,
    history::{HeldReaders, History, Judge},
    last_good::LastGood,
    looker::{Announce, Looker, Looks, Outcome, QUEUE, Wish},
    opener::Opener,
    past::LabelPast,
    served::Served,
    upstream::Upstream,
};
use crate::{
    acceptance::Acceptance, files::Watcher, git::Cloning, look::LookError, traces::TraceContext,
};
pub(crate) use settings::{Freshness, Settings};

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
    acceptance: Acceptance,
    held: HeldReaders,
    last_good: LastGood,
    doubts: Doubts,
    /// Its clone, where there is one.
    mirror: Option<PathBuf>,
    /// How far its first clone is.
    cloning: Option<watch::Receiver<Option<Cloning>>>,
    /// How long somebody waits for a look; it goes on for all others.
    patience: Option<Duration>,
    /// Watches files of this machine as long as they are served.
    _watcher: Option<Watcher>,
}

/// Whose read it is, and what it does first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'r> {
    pub(super) before: Before,
    /// Whoever asks, if it names itself.
    pub(super) instance: Option<&'r BusId>,
}

impl Before {
    /// Nobody knows whose read it is.
    pub(super) fn nameless<'r>(self) -> Reading<'r> {
        Reading {
            before: self,
            instance: None,
        }
    }
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
    ) -> (Self, Looker, Settler) {
        let (sender, requests) = mpsc::channel(QUEUE);
        let (looks, served) = (Looks::new(sender), Arc::default());
        let settings = Arc::new(settings);
        let (doubts, settler) = Doubts::new(
            looks.clone(),
            Arc::clone(&served),
            Arc::clone(&settings),
            opener.generation.clone(),
        );
        let inner = Inner {
            _stop: stop.drop_guard(),
            looks,
            served,
            display_uri: upstream.display_uri().to_owned(),
            tried: Mutex::default(),
            listing_asked: Mutex::default(),
            generation: opener.generation.clone(),
            acceptance: opener.acceptance.clone(),
            held: HeldReaders::default(),
            last_good: upstream.last_good(),
            mirror: upstream.mirror(),
            cloning: upstream.cloning(),
            patience: upstream.patience(),
            _watcher: settings
                .watches
                .then(|| upstream.watch(opener.hearers.bell.clone()))
                .flatten(),
            doubts,
            settings: Arc::clone(&settings),
        };
        let outcome = Outcome {
            served: Arc::clone(&inner.served),
            unannounced: Arc::clone(&opener.unannounced),
            generation: opener.generation.clone(),
            judgements: opener.hearers.judgements.clone(),
            metrics: opener.hearers.metrics.clone(),
            traces: opener.hearers.traces.clone(),
            last_good: inner.last_good.clone(),
        };
        let judge = Judge {
            settings: Arc::clone(&settings),
            acceptance: opener.acceptance.clone(),
            known: Known::clone(&opener.known),
            held: inner.held.clone(),
        };
        let looker = Looker::new(upstream, settings, outcome, requests, judge, insists);
        let inner = Arc::new(inner);
        (Self { inner }, looker, settler)
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.inner.settings.layout
    }

    pub(super) fn acceptance(&self) -> &Acceptance {
        &self.inner.acceptance
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

    /// Where a label has been that answers with this history, the default label where a request has none.
    pub(super) fn past(&self, label: Option<&Label>, history: &History) -> Option<LabelPast> {
        Some(LabelPast {
            label: label.unwrap_or_else(|| self.default_label()).clone(),
            trail: Arc::clone(history.trail()?),
            doubts: self.inner.doubts.clone(),
            holding: None,
        })
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

    /// Notes that a request is answered from an earlier version.
    pub(super) fn note_held(&self, request: &EnvironmentRequest, history: &History) {
        self.inner.held.note(request);
        if !history.is_judged() {
            // Once all is known, the version that answered may turn out not to be needed: it must not be given again.
            self.inner.generation.advance();
        }
    }

    /// Whether reads make sure of it first.
    pub(super) fn makes_sure(&self) -> bool {
        self.inner.settings.freshness != Freshness::Polled
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
        trace: &TraceContext,
    ) -> Result<(), LookError> {
        let one = |reference: &str| Wish::Refs(vec![reference.to_owned()]);
        let wish = reference.map_or(Wish::All, one);
        let look = self.inner.looks.look(wish, None, announce, trace);
        match self.inner.patience {
            // A clone may take much longer than others may wait for it, also where a version is in service already.
            Some(patience) => tokio::time::timeout(patience, look)
                .await
                .unwrap_or(Err(LookError::NotYet)),
            None => look.await,
        }
    }

    /// Whether there is anything to answer from.
    pub(super) fn is_serving(&self) -> bool {
        !self.inner.served.load().labels.is_empty()
    }

    /// Without credentials.
    pub(super) fn name(&self) -> &str {
        &self.inner.display_uri
    }
}
