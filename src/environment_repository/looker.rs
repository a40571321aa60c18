mod aside;
mod changes;
mod counts;
mod judgements;
mod looks;
mod outage;
mod subject;
mod told;

use std::{collections::HashSet, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use confbus_protocol::Label;
use indexmap::IndexSet;
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{
    generation::Generation,
    history::{Judge, Verdicts},
    judgement::Judgement,
    last_good::{Before, LastGood},
    pace::Pace,
    repository::Settings,
    served::Served,
    unannounced::Unannounced,
    upstream::Upstream,
};
use crate::{
    look::{Fetch, LookError, Query, Trigger},
    metrics::Metrics,
    traces::{TraceContext, Traces},
};
use aside::finished;
pub(super) use looks::{Looks, QUEUE, Wanted, Wish};
use outage::Outage;
use told::Look;

/// Until it is asked again whether a directory is free.
const PAUSE: Duration = Duration::from_secs(5);

/// Of the looks that nobody asks for, one lists all refs, and the others ask for those in service.
const LISTING_EVERY: u32 = 10;

/// Whether labels that move are announced at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Announce {
    /// Not yet: whoever looks tells whom it wants, and the next look that announces tells the rest.
    No,
    /// To those whose configuration changed, and why that was found.
    Yes(Trigger),
}

/// Where a looker puts what it finds: what readers share, and who hears that it moved.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) served: Arc<ArcSwap<Served>>,
    pub(super) unannounced: Arc<Unannounced>,
    pub(super) generation: Generation,
    /// Told how commits are to which labels moved.
    pub(super) judgements: mpsc::Sender<Judgement>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) traces: Traces,
    /// Where it is on disk.
    pub(super) last_good: LastGood,
}

impl Outcome {
    fn swap(&self, next: Served, answers_change: bool) {
        let says_else = self.served.load().says_of_nothing() != next.says_of_nothing();
        self.served.store(Arc::new(next));
        if answers_change || says_else {
            self.generation.advance();
        }
    }
}

/// Looks at the repository, one look at a time for all who wait, and puts in service what it finds.
#[derive(Debug)]
pub(crate) struct Looker {
    upstream: Upstream,
    /// The repository without credentials.
    name: Arc<str>,
    settings: Arc<Settings>,
    outcome: Outcome,
    requests: mpsc::Receiver<Wanted>,
    pace: Pace,
    /// Successful looks that nobody asked for.
    polls: u32,
    /// A label came into service whose refs may be old.
    hurries: bool,
    /// Something may not be on disk for good yet.
    is_unsaved: bool,
    judge: Judge,
    /// Looks for what is wrong with what is in service.
    judging: Option<JoinHandle<Verdicts>>,
    /// Labels that moved, until it is known whether their files can be used.
    unjudged: HashSet<Label>,
    /// And the look that found the last of them, until they are judged.
    unjudged_trace: TraceContext,
    saving: Option<JoinHandle<()>>,
    /// A disk that does not answer.
    noting: Option<JoinHandle<()>>,
    /// As long as it cannot be looked at.
    outage: Option<Outage>,
}

impl Looker {
    pub(super) fn new(
        upstream: Upstream,
        settings: Arc<Settings>,
        outcome: Outcome,
        requests: mpsc::Receiver<Wanted>,
        judge: Judge,
        insists: bool,
    ) -> Self {
        Self {
            name: upstream.display_uri().into(),
            pace: Pace::new(settings.interval, insists),
            upstream,
            settings,
            outcome,
            requests,
            polls: 0,
            hurries: false,
            is_unsaved: false,
            judge,
            judging: None,
            unjudged: HashSet::new(),
            unjudged_trace: TraceContext::default(),
            saving: None,
            noting: None,
            outage: None,
        }
    }

    /// Puts in service what is on disk for those who name no label, and calls `restored`; then looks whenever somebody
    /// wants it, and now and then by itself, until `shutdown`.
    pub(crate) async fn run(mut self, restored: impl FnOnce(), shutdown: CancellationToken) {
        let work = async {
            self.lock().await;
            self.restore().await;
            restored();
            self.work().await;
        };
        _ = shutdown.run_until_cancelled(work).await;
        self.save_in_the_end().await;
    }

    /// Serves nothing as long as another server has the directory: each would spoil what the other writes.
    async fn lock(&mut self) {
        while let Err(error) = self.upstream.lock().await {
            self.note_failure(&LookError::Disk(error.to_string()));
            self.tell_about_trouble(&Fetch::All);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn restore(&mut self) {
        let last_good = self.outcome.last_good.clone();
        let before = tokio::task::spawn_blocking(move || last_good.load()).await;
        let before = before.ok().flatten();
        let is_serving = match before {
            Some(before) => self.serve_again(before).await,
            None => false,
        };
        let fetch = match (is_serving, self.upstream.is_remote()) {
            (true, true) => return,
            (true, false) => Fetch::All,
            (false, _) => Fetch::No,
        };
        let defaults = self.settings.default_labels();
        if let Err(reason) = self
            .look(
                fetch,
                defaults,
                Announce::Yes(Trigger::Poll),
                TraceContext::default(),
            )
            .await
        {
            info!(%reason, "nothing to serve from disk yet");
        }
    }

    /// Whether that is something.
    async fn serve_again(&mut self, before: Before) -> bool {
        let versions = before
            .standing
            .labels
            .values()
            .flat_map(|history| history.all());
        self.upstream.adopt(versions.cloned().collect()).await;
        let seconds_ago = before.confirmed.and_then(|at| at.elapsed().ok());
        let seconds_ago = seconds_ago.map(|ago| ago.as_secs());
        let is_serving = !before.standing.labels.is_empty();
        info!(
            event = "snapshot.restored",
            labels = before.standing.labels.len(),
            seconds_ago,
            "in service as before the last stop"
        );
        let served = Served {
            labels: before.standing.labels,
            trails: before.standing.trails,
            confirmed_before: before.confirmed,
            ..Served::default()
        };
        self.outcome.swap(served, true);
        self.judge();
        is_serving
    }

    /// Learns which branches and tags were here, when that is not known.
    async fn recall_refs(&mut self) {
        if self.outcome.served.load().refs.is_none() {
            // What fails here, the first look at the remote does.
            let nowhere = TraceContext::default();
            _ = self
                .look(Fetch::No, Vec::new(), Announce::No, nowhere)
                .await;
        }
    }

    async fn work(&mut self) {
        self.recall_refs().await;
        let mut next = self.pace.looks_at_once().then(Instant::now);
        loop {
            let due = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                verdicts = finished(&mut self.judging) => self.note_verdicts(verdicts),
                saved = finished(&mut self.saving) => self.note_saved(saved),
                () = due => {
                    self.poll().await;
                    next = None;
                }
                first = self.requests.recv() => match first {
                    Some(first) => self.answer_all(first).await,
                    None => return,
                },
            }
            if std::mem::take(&mut self.hurries) {
                next = Some(Instant::now());
            } else if next.is_none() {
                let pause = self.pace.pause(self.is_serving());
                next = pause.map(|pause| Instant::now() + pause);
            }
        }
    }

    fn is_serving(&self) -> bool {
        !self.outcome.served.load().labels.is_empty()
    }

    /// Looks at the remote though nobody asks for it.
    async fn poll(&mut self) {
        let refs = self.refs_in_service();
        let lists = self.polls.is_multiple_of(LISTING_EVERY) || refs.is_empty();
        let fetch = if lists {
            Fetch::All
        } else {
            self.fetch_of(refs)
        };
        let announce = Announce::Yes(Trigger::Poll);
        let nowhere = TraceContext::default();
        let looked = self.look(fetch, Vec::new(), announce, nowhere).await;
        self.pace.note(looked.is_ok());
        self.polls = self.polls.wrapping_add(u32::from(looked.is_ok()));
    }

    async fn answer_all(&mut self, first: Wanted) {
        let mut waiting = vec![first];
        while let Ok(next) = self.requests.try_recv() {
            waiting.push(next);
        }
        let listed = self.outcome.served.load().listed;
        let (local, remote): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .filter(|wanted| !wanted.done.is_closed())
            .partition(|wanted| wanted.wish.is_local(listed));
        // First those that need no network.
        self.answer(Fetch::No, local).await;
        let refs: Option<IndexSet<String>> = remote
            .iter()
            .map(|wanted| wanted.wish.refs())
            .try_fold(IndexSet::new(), |mut all, refs| {
                all.extend(refs?.iter().cloned());
                Some(all)
            });
        let fetch = refs.map_or(Fetch::All, |refs| self.fetch_of(refs));
        self.answer(fetch, remote).await;
    }

    /// One look for all of them.
    async fn answer(&mut self, fetch: Fetch, waiting: Vec<Wanted>) {
        if waiting.is_empty() {
            return;
        }
        let labels = waiting
            .iter()
            .filter_map(|wanted| wanted.label.clone())
            .collect();
        let announce = waiting.iter().map(|wanted| wanted.announce).max();
        let mut traces = waiting.iter().map(|wanted| &wanted.trace);
        let trace = traces.find(|trace| !trace.is_nowhere());
        let trace = trace.cloned().unwrap_or_default();
        let result = self
            .look(fetch, labels, announce.unwrap_or(Announce::No), trace)
            .await;
        for wanted in waiting {
            // Whoever asked may have gone.
            _ = wanted.done.send(result.clone());
        }
    }

    async fn look(
        &mut self,
        fetch: Fetch,
        asked: Vec<Label>,
        announce: Announce,
        trace: TraceContext,
    ) -> Result<(), LookError> {
        let served = self.outcome.served.load_full();
        let labels = self.labels(&served, &fetch, &asked);
        let query = Query {
            labels,
            fetch: fetch.clone(),
        };
        let began = Instant::now();
        let mut look = Look::in_trace(trace);
        let view = self.upstream.look(query).await;
        if fetch != Fetch::No && self.upstream.is_remote() {
            look.fetched(self.count_fetch(&view, began.elapsed()));
        }
        self.tell_fetch(&mut look);
        let looked = match view {
            Ok(view) => self.put_in_service(view, &fetch, &asked, look).await,
            Err(error) => Err(error),
        };
        // What is not on disk may still come from the remote.
        if let (Fetch::All | Fetch::Refs(_), Err(error)) = (&fetch, &looked) {
            self.note_failure(error);
        }
        self.tell_about_trouble(&fetch);
        if let Announce::Yes(trigger) = announce {
            self.outcome.unannounced.ring(trigger);
        }
        self.save();
        self.judge();
        looked
    }
}
