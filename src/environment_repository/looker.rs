mod looks;

use std::{collections::HashSet, sync::Arc};

use arc_swap::ArcSwap;
use confbus_protocol::{CommitId, Label};
use indexmap::IndexSet;
use tokio::{
    sync::mpsc,
    task::{JoinError, JoinHandle},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    generation::Generation,
    history::Verdicts,
    pace::Pace,
    remembered::Remembered,
    repository::Settings,
    served::{Asked, MAX_LABELS, Next, Served},
    unannounced::Unannounced,
    upstream::Upstream,
};
use crate::look::{Fetch, LookError, Query, Refs, Trigger, View};
pub(super) use looks::{Looks, QUEUE, Wanted, Wish};

/// Labels that come back at once after a start, so that who asks meanwhile does not wait for all of them.
const RESTORED_AT_ONCE: usize = 64;

/// More refs than these are listed instead of being asked for by name.
const MAX_REFS: usize = 64;

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
    remembered: Arc<Remembered>,
    requests: mpsc::Receiver<Wanted>,
    pace: Pace,
    /// Successful looks that nobody asked for.
    polls: u32,
    /// A label came into service whose refs may be old.
    hurries: bool,
    /// Other commits are in service than those that the file remembers.
    is_unsaved: bool,
    /// Looks for broken files in what is in service.
    judging: Option<JoinHandle<Verdicts>>,
    saving: Option<JoinHandle<()>>,
}

impl Looker {
    pub(super) fn new(
        upstream: Upstream,
        settings: Arc<Settings>,
        outcome: Outcome,
        requests: mpsc::Receiver<Wanted>,
        insists: bool,
    ) -> Self {
        Self {
            name: upstream.display_uri().into(),
            pace: Pace::new(settings.interval, insists),
            remembered: Arc::new(upstream.remembered()),
            upstream,
            settings,
            outcome,
            requests,
            polls: 0,
            hurries: false,
            is_unsaved: false,
            judging: None,
            saving: None,
        }
    }

    /// Puts in service what is on disk for those who name no label, and calls `restored`; then looks whenever somebody
    /// wants it, and now and then by itself, until `shutdown`.
    pub(crate) async fn run(mut self, restored: impl FnOnce(), shutdown: CancellationToken) {
        let work = async {
            self.restore().await;
            restored();
            self.work().await;
        };
        _ = shutdown.run_until_cancelled(work).await;
        while self.saving.is_some() || self.is_unsaved {
            self.save();
            _ = finished(&mut self.saving).await;
        }
    }

    async fn restore(&mut self) {
        let restoring = Arc::new(self.remembered.load());
        let served = Served {
            restoring,
            ..Served::default()
        };
        self.outcome.swap(served, false);
        let defaults = self.settings.default_labels();
        if let Err(reason) = self
            .look(Fetch::No, defaults, Announce::Yes(Trigger::Poll))
            .await
        {
            info!(%reason, "nothing to serve from disk yet");
        }
    }

    async fn work(&mut self) {
        self.restore_others().await;
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
                saved = finished(&mut self.saving) => {
                    if saved.is_err() {
                        error!("what is in service could not be saved");
                    }
                    self.save();
                }
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

    /// Puts in service again what was there before the last stop, a few labels at a time; who asks meanwhile goes first.
    async fn restore_others(&mut self) {
        loop {
            if let Ok(first) = self.requests.try_recv() {
                self.answer_all(first).await;
            }
            let served = self.outcome.served.load_full();
            let labels: Vec<_> = served.restoring.keys().take(RESTORED_AT_ONCE).collect();
            let labels: Vec<_> = labels.into_iter().cloned().collect();
            if labels.is_empty() || served.refs.is_none() {
                return;
            }
            // What fails here, the first look at the remote does.
            if self
                .look(Fetch::No, labels, Announce::Yes(Trigger::Poll))
                .await
                .is_err()
            {
                return;
            }
        }
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
        let looked = self.look(fetch, Vec::new(), announce).await;
        self.pace.note(looked.is_ok());
        self.polls = self.polls.wrapping_add(u32::from(looked.is_ok()));
    }

    /// Whether a look asks for the refs of all labels in service.
    fn is_for_all(&self, fetch: &Fetch) -> bool {
        match fetch {
            Fetch::No => false,
            Fetch::Refs(refs) => {
                let asked: HashSet<&String> = refs.iter().collect();
                let in_service = self.refs_in_service();
                in_service.iter().all(|name| asked.contains(name))
            }
            Fetch::All => true,
        }
    }

    /// Nothing before the remote has told its refs.
    fn refs_in_service(&self) -> IndexSet<String> {
        let served = self.outcome.served.load();
        let Some(refs) = &served.refs else {
            return IndexSet::new();
        };
        let labels = self.all_labels(&served);
        let behind = labels.iter().filter_map(|label| refs.behind(label));
        behind.collect()
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

    /// Few refs are asked for by name; what lies on this machine is read as a whole.
    fn fetch_of(&self, refs: IndexSet<String>) -> Fetch {
        if refs.len() <= MAX_REFS && self.upstream.is_remote() {
            Fetch::Refs(refs.into_iter().collect())
        } else {
            Fetch::All
        }
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
        let result = self
            .look(fetch, labels, announce.unwrap_or(Announce::No))
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
    ) -> Result<(), LookError> {
        let served = self.outcome.served.load_full();
        let labels = self.labels(&served, &fetch, &asked);
        let query = Query {
            commits: commits(&served, &labels),
            labels,
            fetch: fetch.clone(),
        };
        let looked = match self.upstream.look(query).await {
            Ok(view) => self.put_in_service(view, &fetch, &asked),
            Err(error) => Err(error),
        };
        // What is not on disk may still come from the remote.
        if let (Fetch::All | Fetch::Refs(_), Err(error)) = (&fetch, &looked) {
            self.note_failure(error);
        }
        if let Announce::Yes(trigger) = announce {
            self.outcome.unannounced.ring(trigger);
        }
        self.save();
        self.judge();
        looked
    }

    /// What a look is to find snapshots for: without asking the remote what is asked for, with all its refs all, and
    /// otherwise also what these refs decide.
    fn labels(&self, served: &Served, fetch: &Fetch, asked: &[Label]) -> Vec<Label> {
        let asked = asked.iter();
        let labels: IndexSet<_> = match fetch {
            Fetch::No => asked.cloned().collect(),
            Fetch::All => asked.cloned().chain(self.all_labels(served)).collect(),
            Fetch::Refs(refs) => {
                let names = refs.iter().map(|name| Refs::plain(name)).collect();
                let known = served.refs.clone().unwrap_or_default();
                let defaults = self.settings.default_labels();
                let all = defaults.iter().chain(served.labels.keys());
                let all = all
                    .chain(served.refused.keys())
                    .chain(served.restoring.keys());
                let concerned = all.filter(|label| known.decide(&names, label));
                asked.chain(concerned).cloned().collect()
            }
        };
        labels.into_iter().take(MAX_LABELS).collect()
    }

    /// The default labels, and those that were ever asked for.
    fn all_labels(&self, served: &Served) -> Vec<Label> {
        let in_service = served.labels.iter();
        let moving = in_service.filter(|(_, history)| !history.is_pinned());
        let moving = moving.map(|(label, _)| label);
        let others = served.refused.keys().chain(served.restoring.keys());
        let mut labels = self.settings.default_labels();
        labels.extend(moving.chain(others).cloned());
        labels
    }

    /// Swaps in what follows from a look.
    fn put_in_service(
        &mut self,
        mut view: View,
        fetch: &Fetch,
        asked: &[Label],
    ) -> Result<(), LookError> {
        self.leave_out_fallback(&mut view, asked);
        let fetched = view.fetched.clone();
        let asked = Asked {
            labels: asked,
            for_all: self.is_for_all(fetch),
        };
        let before = self.outcome.served.load_full();
        let Next {
            served,
            moved,
            changed,
            answers_change,
        } = before.after(view, asked, &self.settings, &self.name);
        self.tell_about_error(before.trouble(), served.trouble());
        self.hurries |= *fetch == Fetch::No && changed && self.is_old(&served);
        self.outcome.swap(served, answers_change);
        self.outcome.unannounced.add(moved);
        self.is_unsaved |= changed;
        fetched.unwrap_or(Ok(()))
    }

    /// Whether what is known of refs that are not in service is older than that of others.
    fn is_old(&self, served: &Served) -> bool {
        let interval = self.settings.interval;
        let listed = served.listed;
        listed.is_some_and(|at| interval.is_some_and(|interval| at.elapsed() > interval))
    }

    /// `master` only stands in for a missing `main`, and is nobody's business otherwise.
    fn leave_out_fallback(&self, view: &mut View, asked: &[Label]) {
        let defaults = self.settings.default_labels();
        if !view.refs.knows(&defaults[0]) {
            return;
        }
        let served = self.outcome.served.load();
        let is_restored = served.refs.is_some();
        let wanted = |label: &Label| {
            (is_restored && asked.contains(label))
                || served.labels.contains_key(label)
                || served.restoring.contains_key(label)
        };
        view.labels
            .retain(|(label, _)| !defaults[1..].contains(label) || wanted(label));
    }

    /// Looks for broken files, aside, in what was put in service.
    fn judge(&mut self) {
        if self.judging.is_some() {
            return;
        }
        let served = self.outcome.served.load_full();
        let mut seen = IndexSet::new();
        let mut snapshots = Vec::new();
        let histories = served.labels.values();
        for snapshot in histories.flat_map(|history| history.judgeable()) {
            if seen.insert(Arc::as_ptr(snapshot).addr()) {
                snapshots.push(Arc::clone(snapshot));
            }
        }
        if snapshots.is_empty() {
            return;
        }
        let basis = served.labels.values().find_map(|history| history.basis());
        let settings = Arc::clone(&self.settings);
        let work = move || Verdicts::of(snapshots, basis, &settings.layout);
        self.judging = Some(tokio::task::spawn_blocking(work));
    }

    fn note_verdicts(&mut self, verdicts: Result<Verdicts, JoinError>) {
        let Ok(verdicts) = verdicts else {
            error!("a file of a commit cannot be handled; this is a bug");
            return;
        };
        let next = self.outcome.served.load().after_verdicts(&verdicts);
        self.outcome.swap(next.served, next.answers_change);
        self.is_unsaved |= next.changed;
        self.save();
        // What came into service meanwhile.
        self.judge();
    }

    /// Writes down what is in service, aside, and once more if that changed meanwhile.
    fn save(&mut self) {
        if !self.is_unsaved || self.saving.is_some() {
            return;
        }
        self.is_unsaved = false;
        let (remembered, served) = (
            Arc::clone(&self.remembered),
            self.outcome.served.load_full(),
        );
        self.saving = Some(tokio::task::spawn_blocking(move || {
            let in_service = served.labels.iter();
            let labels = in_service.filter(|(_, history)| !history.is_pinned());
            let labels = labels.map(|(label, history)| (label, history.commits()));
            let others = served.restoring.iter();
            let others = others.map(|(label, commits)| (label, commits.clone()));
            remembered.save(labels.chain(others));
        }));
    }

    fn note_failure(&self, error: &LookError) {
        let before = self.outcome.served.load_full();
        let after = before.after_failure(error.clone());
        self.tell_about_error(before.trouble(), after.trouble());
        self.outcome.swap(after, false);
    }

    /// Once when it begins and once when it ends.
    fn tell_about_error(&self, before: Option<&LookError>, after: Option<&LookError>) {
        let repository = &self.name;
        match (before, after) {
            (None, Some(error)) => {
                warn!(%repository, %error, "the repository cannot be looked at; what is in service stays");
            }
            (Some(_), None) => info!(%repository, "the repository answers again"),
            _ => {}
        }
    }
}

/// What served before the last stop under labels that come back now.
fn commits(served: &Served, labels: &[Label]) -> Vec<CommitId> {
    // The newest of each label first, so that a bound costs earlier ones.
    let mut commits: Vec<_> = labels
        .iter()
        .filter_map(|label| served.restoring.get(label))
        .flat_map(|commits| commits.iter().copied().enumerate())
        .collect();
    commits.sort_by_key(|(age, _)| *age);
    let commits: IndexSet<_> = commits.into_iter().map(|(_, commit)| commit).collect();
    commits.into_iter().take(MAX_LABELS).collect()
}

/// Resolves when work that goes on aside is finished; never when there is none.
async fn finished<T>(work: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    let Some(running) = work else {
        return std::future::pending().await;
    };
    let result = running.await;
    *work = None;
    result
}
