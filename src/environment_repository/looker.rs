use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use confbus_protocol::{CommitId, Label};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    generation::Generation,
    history::History,
    pace::Pace,
    remembered::Remembered,
    repository::Settings,
    served::{MAX_LABELS, Served},
    unannounced::Unannounced,
    upstream::Upstream,
};
use crate::look::{Fetch, LookError, Query, Trigger, Version, View};

/// Requests that may wait for a look.
pub(super) const QUEUE: usize = 256;

/// How long the start waits for the disk.
const RESTORE: Duration = Duration::from_secs(5);

/// Whether labels that move are announced at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Announce {
    /// Not yet: whoever looks tells whom it wants, and the next look that announces tells the rest.
    No,
    /// To those whose configuration changed, and why that was found.
    Yes(Trigger),
}

/// Asks for looks.
#[derive(Debug, Clone)]
pub(super) struct Looks {
    requests: mpsc::Sender<Wanted>,
}

/// A wish for a look, and where to say that it is over.
#[derive(Debug)]
pub(super) struct Wanted {
    fetch: Fetch,
    label: Option<Label>,
    announce: Announce,
    done: oneshot::Sender<Result<(), LookError>>,
}

impl Looks {
    pub(super) fn new(requests: mpsc::Sender<Wanted>) -> Self {
        Self { requests }
    }

    /// Waits for a look that begins after this call. To stop waiting does not stop the look.
    ///
    /// # Errors
    /// [`LookError`] when the remote could not be asked, or too many wait.
    pub(super) async fn look(
        &self,
        fetch: Fetch,
        label: Option<Label>,
        announce: Announce,
    ) -> Result<(), LookError> {
        let (done, answer) = oneshot::channel();
        self.requests
            .try_send(Wanted {
                fetch,
                label,
                announce,
                done,
            })
            .map_err(|_| LookError::Busy)?;
        answer.await.map_err(|_| LookError::Busy)?
    }
}

/// Looks at the repository, one look at a time for all who wait, and puts in service what it finds.
#[derive(Debug)]
pub(crate) struct Looker {
    upstream: Upstream,
    /// The repository without credentials.
    name: Arc<str>,
    settings: Arc<Settings>,
    served: Arc<ArcSwap<Served>>,
    unannounced: Arc<Unannounced>,
    generation: Generation,
    remembered: Arc<Remembered>,
    requests: mpsc::Receiver<Wanted>,
    pace: Pace,
    /// What was in service before the last stop, until it is again.
    to_restore: Option<HashMap<Label, Vec<CommitId>>>,
}

impl Looker {
    pub(super) fn new(
        upstream: Upstream,
        settings: Arc<Settings>,
        served: Arc<ArcSwap<Served>>,
        unannounced: Arc<Unannounced>,
        generation: Generation,
        remembered: Remembered,
        requests: mpsc::Receiver<Wanted>,
        insists: bool,
    ) -> Self {
        let remembered = Arc::new(remembered);
        Self {
            name: upstream.display_uri().into(),
            pace: Pace::new(settings.interval, insists),
            upstream,
            settings,
            served,
            unannounced,
            generation,
            remembered,
            requests,
            to_restore: None,
        }
    }

    /// Puts in service what is on disk, so that the first read has an answer. What takes too long, a later look does.
    pub(crate) async fn restore(&mut self) {
        self.to_restore = Some(self.remembered.load());
        let look = self.look(Fetch::No, Vec::new(), Announce::Yes(Trigger::Poll));
        match tokio::time::timeout(RESTORE, look).await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => info!(%reason, "nothing to serve from disk yet"),
            Err(_) => warn!("the disk is slow; reads wait for the first look"),
        }
    }

    /// Looks whenever somebody wants it, and now and then by itself, until `shutdown`.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        _ = shutdown.run_until_cancelled(self.work()).await;
    }

    async fn work(&mut self) {
        let mut next = self.pace.looks_at_once().then(Instant::now);
        loop {
            let due = async {
                match next {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                first = self.requests.recv() => match first {
                    Some(first) => self.answer_all(first).await,
                    None => return,
                },
                () = due => {
                    let looked = self.look(Fetch::All, Vec::new(), Announce::Yes(Trigger::Poll)).await;
                    self.pace.note(looked.is_ok());
                    next = None;
                }
            }
            if next.is_none() {
                let pause = self.pace.pause(self.is_serving());
                next = pause.map(|pause| Instant::now() + pause);
            }
        }
    }

    fn is_serving(&self) -> bool {
        !self.served.load().labels.is_empty()
    }

    async fn answer_all(&mut self, first: Wanted) {
        let mut waiting = vec![first];
        while let Ok(next) = self.requests.try_recv() {
            waiting.push(next);
        }
        let (remote, local): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|wanted| wanted.fetch != Fetch::No);
        // First those that need no network.
        self.answer(Fetch::No, local).await;
        self.answer(Fetch::All, remote).await;
    }

    /// One look for all of them, unless nobody waits any more.
    async fn answer(&mut self, fetch: Fetch, mut waiting: Vec<Wanted>) {
        waiting.retain(|wanted| !wanted.done.is_closed());
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
        let asks_remote = fetch != Fetch::No;
        let query = Query {
            fetch,
            labels: self.labels(&asked),
            commits: self.commits(),
        };
        let looked = match self.upstream.look(query).await {
            Ok(view) => self.put_in_service(view, asked).await,
            Err(error) => Err(error),
        };
        // What is not on disk may still come from the remote.
        if asks_remote && let Err(error) = &looked {
            self.note_failure(error);
        }
        if let Announce::Yes(trigger) = announce {
            self.unannounced.ring(trigger);
        }
        looked
    }

    /// The default labels, those that were ever asked for, and those that are asked for now.
    fn labels(&self, asked: &[Label]) -> Vec<Label> {
        let served = self.served.load();
        let in_service = served
            .labels
            .iter()
            .filter(|(_, history)| !history.is_pinned())
            .map(|(label, _)| label);
        let before = self.to_restore.iter().flat_map(HashMap::keys);
        let mut labels = self.settings.default_labels();
        for label in asked
            .iter()
            .chain(in_service)
            .chain(served.refused.keys())
            .chain(before)
            .take(MAX_LABELS)
        {
            if !labels.contains(label) {
                labels.push(label.clone());
            }
        }
        labels
    }

    fn commits(&self) -> Vec<CommitId> {
        // The newest of each label first, so that a bound costs earlier ones.
        let mut commits: Vec<_> = self
            .to_restore
            .iter()
            .flat_map(HashMap::values)
            .flat_map(|commits| commits.iter().copied().enumerate())
            .collect();
        commits.sort_by_key(|(age, _)| *age);
        let commits = commits.into_iter().map(|(_, commit)| commit);
        commits.take(MAX_LABELS).collect()
    }

    /// Swaps in what follows from a look. Parsing is work, so it is done aside; a panic there costs this look only.
    async fn put_in_service(&mut self, mut view: View, asked: Vec<Label>) -> Result<(), LookError> {
        self.leave_out_fallback(&mut view, &asked);
        let fetched = view.fetched.clone();
        let news = view.news;
        let before = self.before(&mut view);
        let (settings, name) = (Arc::clone(&self.settings), Arc::clone(&self.name));
        let next = tokio::task::spawn_blocking(move || before.after(view, &settings, &name)).await;
        let next = next.map_err(|_| {
            LookError::Unreadable("a file of the commit cannot be handled; this is a bug".into())
        })?;

        self.tell_about_error(
            self.served.load().error.as_ref(),
            next.served.error.as_ref(),
        );
        let served = Arc::new(next.served);
        self.served.store(Arc::clone(&served));
        if news {
            self.generation.advance();
        }
        self.unannounced.add(next.moved);
        self.to_restore = None;
        // What was restored stands in the file already.
        if next.changed {
            self.save(served).await;
        }
        fetched.unwrap_or(Ok(()))
    }

    /// `master` only stands in for a missing `main`, and is nobody's business otherwise.
    fn leave_out_fallback(&self, view: &mut View, asked: &[Label]) {
        let defaults = self.settings.default_labels();
        if !view.refs.knows(&defaults[0]) {
            return;
        }
        let served = self.served.load();
        let wanted = |label: &Label| asked.contains(label) || served.labels.contains_key(label);
        view.labels
            .retain(|(label, _)| !defaults[1..].contains(label) || wanted(label));
    }

    /// What is in service now, or at the first look what was before the last stop.
    fn before(&self, view: &mut View) -> Arc<Served> {
        let Some(remembered) = &self.to_restore else {
            return self.served.load_full();
        };
        let versions: HashMap<CommitId, Version> = view
            .commits
            .drain(..)
            .map(|version| (version.snapshot.version(), version))
            .collect();
        let mut served = Served::default();
        for (label, commits) in remembered {
            let found = commits
                .iter()
                .filter_map(|commit| versions.get(commit).cloned())
                .collect();
            if let Some(history) = History::restored(found, &self.settings.layout) {
                served.labels.insert(label.clone(), Arc::new(history));
            }
        }
        Arc::new(served)
    }

    async fn save(&self, served: Arc<Served>) {
        let remembered = Arc::clone(&self.remembered);
        let saved = tokio::task::spawn_blocking(move || {
            let labels = served
                .labels
                .iter()
                .filter(|(_, history)| !history.is_pinned());
            remembered.save(labels.map(|(label, history)| (label, history.commits())));
        });
        if saved.await.is_err() {
            error!("what is in service could not be saved");
        }
    }

    fn note_failure(&self, error: &LookError) {
        let before = self.served.load_full();
        self.tell_about_error(before.error.as_ref(), Some(error));
        self.served
            .store(Arc::new(before.after_failure(error.clone())));
        self.generation.advance();
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
