//! Answers of a store that is asked by name, such as a database: each is looked up when somebody first asks for it, and then
//! kept and looked up again aside.
//!
//! A read takes what is kept and never waits, but for the first question of its coordinates, which all who ask it share. A
//! store that is gone costs freshness: what it said last stays, also over a restart, and health tells since when nobody
//! could confirm it. Where it never said anything there is no answer, rather than one with less in it.

mod answers_file;
mod confirmed;
mod error;
mod form;
#[cfg(all(test, any(feature = "awss3", feature = "jdbc", feature = "redis")))]
pub(crate) mod identity;
mod keeper;
mod kept;
mod question;
mod round;
mod saver;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use confbus_protocol::{Application, PropertySource};
use confbus_resolution::EnvironmentRequest;
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot};

use answers_file::AnswersFile;
pub(crate) use answers_file::{Check, file};
use confirmed::Confirmed;
pub(crate) use error::LookupError;
pub(crate) use keeper::Keeper;
use keeper::{AT_ONCE, FIRST_AT_ONCE};
use kept::{Answer, Kept};
pub(crate) use saver::Saver;

use crate::look::Trigger;

/// A store, and how it is asked.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) place: Arc<dyn Place>,
    /// Between two times that everything kept is looked up again; 30 seconds by default.
    pub(crate) interval: Duration,
    /// For all that one answer is made of, and before that for its turn; 5 seconds by default.
    pub(crate) deadline: Duration,
    pub(crate) trouble: Trouble,
    /// Where its answers survive a restart; `None` keeps them in memory only.
    pub(crate) file: Option<PathBuf>,
}

/// What becomes of a question that the store does not answer, where nothing is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// There is no answer.
    Spoils,
    /// The answer has no sources of this store, by a setting.
    Passes,
}

/// Where a store is, and how to log in.
pub(crate) trait Place: fmt::Debug + Send + Sync {
    /// What kind of store, in one word: `redis`, `jdbc`.
    fn kind(&self) -> &'static str;

    /// For logs and health, without credentials.
    fn shown(&self) -> String;

    /// All that decides what it answers, without credentials.
    fn identity(&self) -> Vec<String>;

    /// The label of requests that have none; nothing where there are no labels.
    fn default_label(&self) -> Option<&str>;

    /// Prepares to ask; nothing is asked yet.
    ///
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    fn open(&self) -> Result<Box<dyn Store>, String>;
}

/// Somebody who can be asked.
pub(crate) trait Store: fmt::Debug + Send + Sync {
    /// The coordinates that have the same answer, as one of them: whoever has no labels leaves them out.
    fn of_one_answer(&self, request: &EnvironmentRequest) -> EnvironmentRequest;

    /// Questions that it takes beside each other, at least one; the next one waits for its turn.
    fn at_once(&self) -> usize {
        AT_ONCE + FIRST_AT_ONCE
    }

    /// The sources for a request, the strongest first, all of one moment.
    fn find<'s>(
        &'s self,
        request: &'s EnvironmentRequest,
    ) -> BoxFuture<'s, Result<Vec<PropertySource>, LookupError>>;

    /// Sees whether anybody answers.
    fn greet(&self) -> BoxFuture<'_, Result<(), LookupError>>;
}

/// Whom to tell that what an application is given has changed.
#[derive(Debug)]
pub(crate) struct Changed {
    pub(crate) applications: Vec<Application>,
    pub(crate) trigger: Trigger,
}

/// Questions that may wait for the keeper; one more is told to come again.
const QUEUE: usize = 256;

/// One store, and what it said.
#[derive(Debug, Clone)]
pub(crate) struct Lookups {
    inner: Arc<Inner>,
    wishes: mpsc::Sender<Wish>,
}

#[derive(Debug)]
struct Inner {
    store: Box<dyn Store>,
    shown: String,
    kind: &'static str,
    deadline: Duration,
    trouble: Trouble,
    turns: Semaphore,
    /// How many there were.
    answers: AtomicU64,
    kept: ArcSwap<Kept>,
    /// Of what is kept, for whoever writes it down.
    news: Notify,
    /// Somebody was not told yet what is kept. Written down it would be told to nobody after a restart.
    is_untold: AtomicBool,
    /// It answered once.
    is_serving: AtomicBool,
    /// When everything kept was last found to be what the store says.
    confirmed: ArcSwapOption<Confirmed>,
    /// Why it is not now.
    error: ArcSwapOption<LookupError>,
    /// Why what is kept would be lost with this process.
    disk_error: ArcSwapOption<String>,
}

type Reply<T> = oneshot::Sender<Result<T, LookupError>>;

/// What the keeper is asked for.
#[derive(Debug)]
enum Wish {
    /// An answer that is not kept.
    Find(EnvironmentRequest, Reply<Arc<Answer>>),
    /// To look everything up again, and to tell whose answers changed if there is a reason.
    Look(Option<Trigger>, Reply<()>),
    /// To keep these as well, as soon as they can be had.
    Want(Vec<EnvironmentRequest>),
}

impl Lookups {
    /// Opens the store and puts in service what is on disk, if `check` says that it is ours; nothing is asked before the
    /// keeper runs. It calls `swapped` after each change of what is answered.
    ///
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(crate) async fn open(
        settings: &Settings,
        check: Check,
        swapped: impl Fn() + Send + Sync + 'static,
        changed: mpsc::Sender<Changed>,
    ) -> Result<(Self, Keeper, Saver), String> {
        let store = settings.place.open()?;
        let shown = settings.place.shown();
        let (file, restored) = AnswersFile::open(settings.file.clone(), check, &shown).await;
        let inner = Arc::new(Inner {
            turns: Semaphore::new(store.at_once()),
            answers: AtomicU64::new(0),
            store,
            shown,
            kind: settings.place.kind(),
            deadline: settings.deadline,
            trouble: settings.trouble,
            is_serving: AtomicBool::new(!restored.kept.is_empty()),
            kept: ArcSwap::new(restored.kept),
            news: Notify::new(),
            is_untold: AtomicBool::new(false),
            confirmed: ArcSwapOption::new(restored.confirmed.map(Confirmed::before).map(Arc::new)),
            error: ArcSwapOption::empty(),
            disk_error: ArcSwapOption::new(restored.trouble.map(Arc::new)),
        });
        inner.tell_of_restored();
        let (wishes, wished) = mpsc::channel(QUEUE);
        let keeper = Keeper::new(
            Arc::clone(&inner),
            settings.interval,
            wished,
            changed,
            Box::new(swapped),
        );
        let saver = Saver::new(Arc::clone(&inner), file);
        Ok((Self { inner, wishes }, keeper, saver))
    }

    /// The sources for a request, the strongest first. Waits only where they are not kept.
    ///
    /// # Errors
    /// [`LookupError`] when they are not kept and cannot be had.
    pub(crate) async fn find(
        &self,
        request: &EnvironmentRequest,
    ) -> Result<Vec<PropertySource>, LookupError> {
        let request = self.inner.store.of_one_answer(request);
        if let Some(answer) = self.inner.kept.load().get(&request) {
            return Ok(answer.sources());
        }
        let found = self.ask(|reply| Wish::Find(request, reply)).await;
        match found {
            Ok(answer) => Ok(answer.sources()),
            Err(error) if self.inner.trouble == Trouble::Passes && error.may_be_passed_over() => {
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }

    /// What is kept for a request; nobody is asked.
    pub(crate) fn kept(&self, request: &EnvironmentRequest) -> Option<Vec<PropertySource>> {
        let answer = self.answer(request)?;
        Some(answer.sources())
    }

    /// The bytes that an answer has; nothing where it is not kept.
    pub(crate) fn bytes(&self, request: &EnvironmentRequest) -> Option<u64> {
        Some(self.answer(request)?.bytes() as u64)
    }

    fn answer(&self, request: &EnvironmentRequest) -> Option<Arc<Answer>> {
        let request = self.inner.store.of_one_answer(request);
        self.inner.kept.load().get(&request)
    }

    /// Looks everything up again that is kept, together with whoever else asks for that.
    ///
    /// # Errors
    /// [`LookupError`] when something of it could not be had; what is kept stays.
    pub(crate) async fn look(&self, because: Option<Trigger>) -> Result<(), LookupError> {
        self.ask(|reply| Wish::Look(because, reply)).await
    }

    /// Keeps what these ask for, too, so that somebody is told when that changes.
    pub(crate) fn want(&self, requests: &[EnvironmentRequest]) {
        let of = |request| self.inner.store.of_one_answer(request);
        // Whoever is left out asks by reading.
        _ = self
            .wishes
            .try_send(Wish::Want(requests.iter().map(of).collect()));
    }

    async fn ask<T>(&self, wish: impl FnOnce(Reply<T>) -> Wish) -> Result<T, LookupError> {
        let (reply, answered) = oneshot::channel();
        let taken = self.wishes.try_send(wish(reply));
        taken.map_err(|_| LookupError::Busy)?;
        answered.await.unwrap_or(Err(LookupError::Busy))
    }

    /// For logs and health, without credentials.
    pub(crate) fn shown(&self) -> &str {
        &self.inner.shown
    }

    /// Whether there is anything to answer from.
    pub(crate) fn is_serving(&self) -> bool {
        self.inner.is_serving.load(Ordering::Acquire)
    }

    /// How long ago everything kept was what the store says.
    pub(crate) fn confirmed_ago(&self) -> Option<Duration> {
        let confirmed = self.inner.confirmed.load();
        confirmed.as_ref()?.ago()
    }

    /// Why nobody can tell whether that is still so.
    pub(crate) fn error(&self) -> Option<String> {
        let error = self.inner.error.load();
        error.as_ref().map(ToString::to_string)
    }

    /// Why what it said would be lost with this process. Waits for nothing.
    pub(crate) fn disk_error(&self) -> Option<String> {
        let error = self.inner.disk_error.load();
        error.as_deref().cloned()
    }
}
