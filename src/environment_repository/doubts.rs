//! Commits that somebody has seen under a label elsewhere, and that never answered here: a look tells whether this is the one
//! who lags.

mod doubted;
#[cfg(test)]
mod tests;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use confbus_protocol::{CommitId, Label};
use indexmap::IndexSet;
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use self::doubted::Doubted;
use super::{
    generation::Generation,
    looker::{Announce, Looks, Wish},
    repository::Settings,
    served::Served,
};
use crate::{
    look::{LookError, Trigger},
    traces::TraceContext,
};

/// Doubts that may wait for the next look; whoever has another asks again.
const QUEUE: usize = 64;
/// Commits that are settled for each label.
const MAX_SETTLED: usize = 64;
/// Between two looks, so that nobody makes a remote answer all the time by naming commits that nobody has.
const PAUSE: Duration = Duration::from_millis(500);
/// The same after a failed look.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(2);

/// Where doubts are raised and, once a look has begun long enough after that and succeeded, settled: whatever the label names
/// here then is no older than what it named there.
#[derive(Debug, Clone)]
pub(super) struct Doubts {
    raised: mpsc::Sender<Doubt>,
    settled: Arc<ArcSwap<Settled>>,
    failed: Arc<Failed>,
    served: Arc<ArcSwap<Served>>,
}

/// When the last look for doubts failed, unless one has brought something since.
type Failed = ArcSwapOption<std::time::Instant>;

/// The number of the look that has begun last in this process. One number for all repositories, so that one tells a moment of
/// all of them.
static BEGUN: AtomicU64 = AtomicU64::new(0);

/// What tells the moments of this process from those of other servers, and of itself before a restart.
static EPOCH: LazyLock<u64> = LazyLock::new(|| fastrand::u64(..));

/// A moment, as the looks of this process count time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment(u64);

impl Moment {
    pub(super) fn now() -> Self {
        Self(BEGUN.load(Ordering::SeqCst))
    }

    /// Reads one of this process; nothing else says when that was here.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (epoch, number) = text.split_once('-')?;
        let is_ours = u64::from_str_radix(epoch, 16) == Ok(*EPOCH);
        number.parse().ok().filter(|_| is_ours).map(Self)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", *EPOCH, self.0)
    }
}

#[derive(Debug)]
struct Doubt {
    label: Label,
    commits: Vec<CommitId>,
}

type Settled = HashMap<Label, SettledLabel>;

/// What looks have shown of a label.
#[derive(Debug, Clone, Default)]
struct SettledLabel {
    /// It is no older than these, the newest last.
    commits: IndexSet<CommitId>,
    /// The number of the last look that succeeded.
    looked: u64,
}

/// Looks when there are doubts.
#[derive(Debug)]
pub(super) struct Settler {
    raised: mpsc::Receiver<Doubt>,
    doubted: Doubted,
    settled: Arc<ArcSwap<Settled>>,
    /// Then nobody looks but for a new question.
    failed: Arc<Failed>,
    looks: Looks,
    served: Arc<ArcSwap<Served>>,
    settings: Arc<Settings>,
    /// Who waits for what looks show is told here.
    generation: Generation,
}

impl Doubts {
    pub(super) fn new(
        looks: Looks,
        served: Arc<ArcSwap<Served>>,
        settings: Arc<Settings>,
        generation: Generation,
    ) -> (Self, Settler) {
        let (sender, raised) = mpsc::channel(QUEUE);
        let doubts = Self {
            raised: sender,
            settled: Arc::default(),
            failed: Arc::default(),
            served: Arc::clone(&served),
        };
        let settler = Settler {
            raised,
            doubted: Doubted::default(),
            settled: Arc::clone(&doubts.settled),
            failed: Arc::clone(&doubts.failed),
            looks,
            served,
            settings,
            generation,
        };
        (doubts, settler)
    }

    /// Those of `main`, of which a look has settled these.
    #[cfg(test)]
    pub(super) fn that_settled(commits: &[CommitId]) -> (Self, Idle) {
        let of_main = SettledLabel {
            commits: commits.iter().copied().collect(),
            looked: BEGUN.fetch_add(1, Ordering::SeqCst) + 1,
        };
        let main = Label::parse("main").expect("a plain name");
        let (sender, raised) = mpsc::channel(QUEUE);
        let doubts = Self {
            raised: sender,
            settled: Arc::new(ArcSwap::from_pointee(Settled::from([(main, of_main)]))),
            failed: Arc::default(),
            served: Arc::default(),
        };
        let failed = Arc::clone(&doubts.failed);
        (doubts, Idle(raised, failed))
    }

    /// Whether a look has shown that the label is no older here than this commit.
    pub(super) fn are_settled(&self, label: &Label, commit: CommitId) -> bool {
        let settled = self.settled.load();
        let of_label = settled.get(label);
        of_label.is_some_and(|of_label| of_label.commits.contains(&commit))
    }

    /// Whether a look for the label has begun since then and succeeded.
    pub(super) fn has_looked_since(&self, label: &Label, moment: Moment) -> bool {
        let settled = self.settled.load();
        let of_label = settled.get(label);
        of_label.is_some_and(|of_label| of_label.looked > moment.0)
    }

    /// Whether the last look failed, and nothing has been heard of the repository since: it is of no use to wait for the next
    /// one. A remote that never answers would otherwise cost everybody the longest wait, again after each rest.
    pub(super) fn are_hopeless(&self) -> bool {
        let failed = self.failed.load();
        failed.as_deref().is_some_and(|failed| {
            let heard = self.served.load().heard;
            heard.is_none_or(|heard| heard <= *failed)
        })
    }

    /// Has a look made soon. Does not wait for it.
    pub(super) fn raise(&self, label: Label, commits: Vec<CommitId>) {
        // Whoever is not heard now asks again.
        _ = self.raised.try_send(Doubt { label, commits });
    }
}

/// In place of a settler: whoever tests says what becomes of looks.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Idle(mpsc::Receiver<Doubt>, Arc<Failed>);

#[cfg(test)]
impl Idle {
    /// How often somebody asked for a look.
    pub(crate) fn raised(&self) -> usize {
        self.0.len()
    }

    /// The look has failed.
    pub(crate) fn fail(&self) {
        self.1.store(Some(Arc::new(std::time::Instant::now())));
    }
}

impl Settler {
    /// Settles doubts until `shutdown`.
    pub(super) async fn run(mut self, shutdown: CancellationToken) {
        let work = async {
            while self.is_to_look().await {
                let pause = self.settle().await;
                self.generation.tell();
                if rest(pause, &self.served, &self.generation).await {
                    self.failed.store(None);
                }
            }
        };
        _ = shutdown.run_until_cancelled(work).await;
    }

    /// Waits for a doubt, or until a look settles earlier ones: whoever raised them may not ask again by then. False at the end.
    async fn is_to_look(&mut self) -> bool {
        let due = self.doubted.due();
        let due = due.filter(|_| self.failed.load().is_none());
        let settles = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = settles => true,
            raised = self.raised.recv() => raised.map(|doubt| self.doubted.add(doubt)).is_some(),
        }
    }

    /// One look for all doubts that wait. Returns how long to leave the repository alone.
    async fn settle(&mut self) -> Duration {
        while let Ok(doubt) = self.raised.try_recv() {
            self.doubted.add(doubt);
        }
        let refs = self.refs(self.doubted.labels());
        debug!(
            ?refs,
            "somebody knows of commits that never answered here; looking"
        );
        let begun = Instant::now();
        let number = BEGUN.fetch_add(1, Ordering::SeqCst) + 1;
        let announce = Announce::Yes(Trigger::Poll);
        let looked = self
            .looks
            .look(Wish::Refs(refs), None, announce, &TraceContext::default())
            .await;
        if let Err(error) = looked {
            // Nobody was asked where others wait already: their looks may tell.
            if !matches!(error, LookError::Busy) {
                self.failed.store(Some(Arc::new(Instant::now().into_std())));
            }
            return PAUSE_AFTER_FAILURE;
        }
        self.failed.store(None);
        let settled = self.doubted.settle(begun);
        self.note(settled, number);
        PAUSE
    }

    /// What tells where these labels are.
    fn refs<'l>(&self, labels: impl Iterator<Item = &'l Label>) -> Vec<String> {
        let served = self.served.load();
        let known = served.refs.clone().unwrap_or_default();
        let defaults = self.settings.default_labels();
        let with_fallbacks = |label: &Label| {
            if defaults.contains(label) {
                defaults.clone()
            } else {
                vec![label.clone()]
            }
        };
        let labels = labels.flat_map(with_fallbacks);
        labels.filter_map(|label| known.behind(&label)).collect()
    }

    fn note(&self, doubts: Vec<(Label, Vec<CommitId>)>, number: u64) {
        let served = self.served.load();
        let mut settled = Settled::clone(&self.settled.load());
        settled.retain(|label, _| served.labels.contains_key(label));
        for (label, commits) in doubts {
            // The look found another commit there, which cannot be served here, or not yet.
            if served.refused.contains_key(&label) {
                continue;
            }
            let known = settled.entry(label).or_default();
            known.looked = number;
            known.commits.extend(commits);
            let excess = known.commits.len().saturating_sub(MAX_SETTLED);
            known.commits.drain(..excess);
        }
        self.settled.store(Arc::new(settled));
    }
}

/// Waits for the end of a pause. A long one ends as soon as another look brings something: then there is hope again, and it is
/// true.
async fn rest(pause: Duration, served: &ArcSwap<Served>, generation: &Generation) -> bool {
    let before = served.load_full();
    tokio::time::sleep(PAUSE).await;
    let swapped = async {
        loop {
            let news = generation.news();
            if has_brought_something(served, &before) {
                return;
            }
            news.await;
        }
    };
    let rests = tokio::time::timeout(pause.saturating_sub(PAUSE), swapped);
    rests.await.is_ok()
}

fn has_brought_something(served: &ArcSwap<Served>, before: &Arc<Served>) -> bool {
    let now = served.load();
    now.error.is_none() && !Arc::ptr_eq(before, &now)
}
