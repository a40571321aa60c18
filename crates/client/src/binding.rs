use std::{fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};

use crate::{
    Live, Rejection, Snapshot, bind::guarded, client::Alive, live::Bound, store::Probes,
    trial::Refuser,
};

/// A section, or a value made of the whole configuration, on its way to a type.
///
/// Made by [`Client::bind`](crate::Client::bind) and [`Client::bind_with`](crate::Client::bind_with). Checks are added
/// one by one; [`once`](Self::once) or [`live`](Self::live) ends it.
///
/// ```
/// # use confbus_client::{Live, Rejection, testing};
/// # let (client, mut server) = testing::client([("pool.max", 10)]);
/// # #[derive(serde::Deserialize, PartialEq)] struct Pool { max: u32 }
/// let pool: Live<Pool> = client
///     .bind("pool")
///     .validate(|pool: &Pool| match pool.max {
///         1..=100 => Ok(()),
///         other => Err(Rejection::at("pool.max", format!("expected 1 to 100, found {other}"))),
///     })
///     .live()?;
/// assert!(server.push([("pool.max", 0)]).is_err());
/// assert_eq!(pool.load().max, 10);
/// # Ok::<_, Rejection>(())
/// ```
#[must_use = "nothing is bound before `once` or `live`"]
pub struct Binding<T> {
    alive: Arc<Alive>,
    recipe: Recipe<T>,
}

/// How a value is made, and what has to be true of it.
pub(crate) struct Recipe<T> {
    /// Where keys of its rejections are looked up; empty for the whole configuration.
    pub(crate) prefix: String,
    build: Build<T>,
    checks: Vec<Check<T>>,
    probes: Vec<Probe<T>>,
}

type Build<T> = Box<dyn Fn(&Snapshot) -> Result<T, Rejection> + Send + Sync>;
type Check<T> = Box<dyn Fn(&T) -> Result<(), Rejection> + Send + Sync>;
type Ask<T> = Box<dyn Fn(Arc<T>) -> BoxFuture<'static, Result<(), Rejection>> + Send + Sync>;

struct Probe<T> {
    ask: Ask<T>,
    within: Duration,
}

impl<T> Binding<T> {
    pub(crate) fn new(
        alive: Arc<Alive>,
        prefix: &str,
        build: impl Fn(&Snapshot) -> Result<T, Rejection> + Send + Sync + 'static,
    ) -> Self {
        Self {
            alive,
            recipe: Recipe::new(prefix, build),
        }
    }

    /// Adds a check of the application's own, which runs before any value moves. Its panic is a refusal.
    ///
    /// A [`Rejection::at`] a key finds the line on which it was written. Crates such as `garde` and `validator` fit in by
    /// `.validate(|pool: &Pool| pool.validate().map_err(Rejection::new))`. It must not wait for a refresh, which waits for it.
    pub fn validate<F>(mut self, check: F) -> Self
    where
        F: Fn(&T) -> Result<(), Rejection> + Send + Sync + 'static,
    {
        self.recipe.checks.push(Box::new(check));
        self
    }

    /// Adds a check that may wait, such as opening a connection with the new credentials.
    ///
    /// It is asked about every value that moves, after all sections were built and validated and before any is swapped;
    /// probes run one after the other, in the order in which they were bound. No answer within the time, or a panic, is a
    /// refusal, and a probe that is out of time is dropped where it waits. The first value is probed by
    /// [`live_probed`](Self::live_probed) only. A probe does not wait for [`Client::refresh`](crate::Client::refresh): that
    /// waits for the probe.
    ///
    /// ```
    /// # use confbus_client::{Live, Rejection, testing};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Rejection> {
    /// # let (client, mut server) = testing::client([("db.address", "127.0.0.1:1")]);
    /// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    /// let address: Live<String> = client
    ///     .bind("db.address")
    ///     .probe(
    ///         |address: std::sync::Arc<String>| async move {
    ///             tokio::net::TcpStream::connect(address.as_str()).await.map(drop).map_err(Rejection::new)
    ///         },
    ///         Duration::from_secs(2),
    ///     )
    ///     .live()?;
    /// let reachable = listener.local_addr().unwrap().to_string();
    /// server.push_async([("db.address", reachable.clone())]).await?;
    /// assert!(server.push_async([("db.address", "127.0.0.1:2")]).await.is_err());
    /// assert_eq!(*address.load(), reachable);
    /// # Ok(()) }
    /// ```
    pub fn probe<F, Answer>(mut self, ask: F, within: Duration) -> Self
    where
        F: Fn(Arc<T>) -> Answer + Send + Sync + 'static,
        Answer: Future<Output = Result<(), Rejection>> + Send + 'static,
    {
        let ask = Box::new(move |value| ask(value).boxed());
        self.recipe.probes.push(Probe { ask, within });
        self
    }

    /// The value of this moment, validated.
    ///
    /// What may be missing is an `Option`: an error is a refusal of the version while the client is new, see
    /// [`Client::connect`](crate::Client::connect).
    ///
    /// # Errors
    /// [`Rejection`] naming the key, its place, and what was expected.
    pub fn once(self) -> Result<T, Rejection> {
        let Self { alive, recipe } = self;
        let _underway = alive.trial.begin();
        let turn = alive.store.try_turn();
        let base = alive.store.snapshot();
        let rejection = match recipe.build(&base) {
            Ok(value) => {
                alive.trial.agree(&recipe.prefix);
                return Ok(value);
            }
            Err(rejection) => rejection,
        };
        let refused = alive.refused(base.version(), &recipe.prefix, &rejection, Refuser::Value);
        let stepped_back = refused.and_then(|last_good| {
            let value = recipe.build(&last_good.snapshot).ok()?;
            let step = alive.step_back(turn.as_ref()?, &last_good, Probes::Skipped);
            step.now_or_never()?.then_some(value)
        });
        stepped_back.ok_or(rejection)
    }
}

impl<T: PartialEq + Send + Sync + 'static> Binding<T> {
    /// A handle on the value, which moves with every accepted version that changes it.
    ///
    /// # Errors
    /// [`Rejection`] when the configuration that is running does not fit.
    pub fn live(self) -> Result<Live<T>, Rejection> {
        let bound = self.bound(Probes::Skipped).now_or_never();
        bound.unwrap_or_else(|| Err(Rejection::new("only probes wait")))
    }

    /// As [`live`](Self::live), with the first value probed, too. No version is taken meanwhile, so a probe must not wait
    /// for this.
    ///
    /// # Errors
    /// [`Rejection`] when the configuration that is running does not fit, or a probe refuses it.
    pub async fn live_probed(self) -> Result<Live<T>, Rejection> {
        self.bound(Probes::Asked).await
    }

    /// Binds to what runs, or else to the last good version, when the client is still new enough to step back to that.
    async fn bound(self, probes: Probes) -> Result<Live<T>, Rejection> {
        let Self { alive, recipe } = self;
        let (store, recipe) = (&alive.store, Arc::new(recipe));
        let underway = alive.trial.begin();
        // Nothing moves meanwhile, unless whoever moves it has us asked.
        let turn = match probes {
            Probes::Asked => Some(store.turn().await),
            Probes::Skipped => store.try_turn(),
        };
        let section = loop {
            let base = store.base();
            let rejection = match Recipe::section(&recipe, &base, probes).await {
                Ok(section) if store.install(&section, &base) => {
                    if probes == Probes::Asked || !recipe.has_probes() {
                        alive.trial.agree(&recipe.prefix);
                    }
                    break section;
                }
                Err(rejection) if store.base().is(&base) => rejection,
                _ => continue,
            };
            let prefix = &recipe.prefix;
            if let Some(last_good) =
                alive.refused(base.version(), prefix, &rejection, Refuser::Section)
                && let Some(turn) = &turn
                && let Ok(section) = Recipe::section(&recipe, &last_good.snapshot, probes).await
                && alive.step_back(turn, &last_good, probes).await
                && store.install(&section, &last_good.snapshot)
            {
                break section;
            }
            return Err(rejection);
        };
        drop((turn, underway));
        Ok(Live::new(section, alive))
    }
}

impl<T> Recipe<T> {
    pub(crate) fn new(
        prefix: &str,
        build: impl Fn(&Snapshot) -> Result<T, Rejection> + Send + Sync + 'static,
    ) -> Self {
        Self {
            prefix: prefix.to_owned(),
            build: Box::new(build),
            checks: Vec::new(),
            probes: Vec::new(),
        }
    }

    /// Builds the value.
    pub(crate) fn make(&self, snapshot: &Snapshot) -> Result<T, Rejection> {
        (self.build)(snapshot)
    }

    /// Builds the value and has it checked.
    pub(crate) fn build(&self, snapshot: &Snapshot) -> Result<T, Rejection> {
        guarded(&self.prefix, || {
            let value = self.make(snapshot)?;
            self.checks.iter().try_for_each(|check| check(&value))?;
            Ok(value)
        })
        .map_err(|rejection| rejection.placed(snapshot, &self.prefix))
    }

    /// Builds the value of a section, and has it probed when that is wanted.
    async fn section(
        recipe: &Arc<Self>,
        snapshot: &Snapshot,
        probes: Probes,
    ) -> Result<Arc<Bound<T>>, Rejection> {
        let value = recipe.build(snapshot)?;
        let section = Arc::new(Bound::new(Arc::clone(recipe), value, snapshot));
        if probes == Probes::Asked {
            recipe.probe(&section.latest(), snapshot).await?;
        }
        Ok(section)
    }

    pub(crate) fn has_probes(&self) -> bool {
        !self.probes.is_empty()
    }

    /// Asks all probes about a value.
    pub(crate) async fn probe(&self, value: &Arc<T>, snapshot: &Snapshot) -> Result<(), Rejection> {
        for probe in &self.probes {
            probe
                .answer(Arc::clone(value))
                .await
                .map_err(|rejection| rejection.placed(snapshot, &self.prefix))?;
        }
        Ok(())
    }
}

impl<T> Probe<T> {
    async fn answer(&self, value: Arc<T>) -> Result<(), Rejection> {
        let answer = async { tokio::time::timeout(self.within, (self.ask)(value)).await };
        match AssertUnwindSafe(answer).catch_unwind().await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Rejection::new(format!(
                "the probe gave no answer within {:?}",
                self.within
            ))),
            Err(_) => Err(Rejection::new("the application's own probe panicked")),
        }
    }
}

/// Names what is bound, and nothing of its value.
impl<T> fmt::Debug for Binding<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding")
            .field("prefix", &self.recipe.prefix)
            .field("checks", &self.recipe.checks.len())
            .field("probes", &self.recipe.probes.len())
            .finish_non_exhaustive()
    }
}
