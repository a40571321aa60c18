use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{Probed, Registration, Standing, Trouble};
use crate::metrics::Registries;

/// Between two looks whether there is something to answer from.
const UNTIL_SERVING: Duration = Duration::from_millis(250);

/// The first pause after a failure; twice as long after each further one, up to the interval of the registry.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How long the end of the server waits for the registry.
const LEAVE: Duration = Duration::from_secs(3);

/// Keeps the server on the list of one registry.
#[derive(Debug)]
pub(super) struct Keeper<R> {
    registration: R,
    standing: Standing,
    metrics: Registries,
    /// Whether the registry may list the server, by what was sent.
    may_be_listed: bool,
    /// In a row.
    failures: u32,
    /// What was said of it in the log.
    trouble: Option<Trouble>,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Register,
    Renew,
}

impl<R: Registration> Keeper<R> {
    pub(super) fn new(registration: R, metrics: Registries) -> Self {
        Self {
            registration,
            standing: Standing::new(R::NAME),
            metrics,
            may_be_listed: false,
            failures: 0,
            trouble: None,
        }
    }

    pub(super) fn standing(&self) -> Standing {
        self.standing.clone()
    }

    /// Asks the registry, and tells it nothing.
    pub(super) async fn probe(mut self) -> Probed {
        let place = self.registration.place();
        let answer = self.registration.probe().await;
        Probed { place, answer }
    }

    /// Works until `stop`, and then takes the registration back.
    pub(super) async fn run(mut self, is_serving: impl Fn() -> bool, stop: CancellationToken) {
        let worked = stop.run_until_cancelled(self.work(&is_serving)).await;
        debug_assert!(worked.is_none(), "it never ends by itself");
        if self.may_be_listed {
            self.leave().await;
        }
    }

    async fn work(&mut self, is_serving: &impl Fn() -> bool) {
        while !is_serving() {
            sleep(UNTIL_SERVING).await;
        }
        let mut next = Next::Register;
        loop {
            next = self.tell(next).await;
            let is_unknown = next == Next::Register && self.failures == 0;
            // Who is not known any more waits for nothing.
            if !is_unknown {
                sleep(self.pause()).await;
            }
        }
    }

    /// Tells the registry once; answers with what to tell it then.
    async fn tell(&mut self, next: Next) -> Next {
        match next {
            Next::Register => {
                self.may_be_listed = true;
                let registered = self.registration.register().await;
                self.count("register", registered.as_ref().err());
                match registered {
                    Ok(by) => {
                        info!(
                            event = "registry.registered",
                            registry = R::NAME,
                            by,
                            "registered"
                        );
                        self.trouble = None;
                        self.taken(&by);
                        Next::Renew
                    }
                    Err(trouble) => self.failed(trouble, Next::Register),
                }
            }
            Next::Renew => {
                let renewed = self.registration.renew().await;
                self.count("renew", renewed.as_ref().err());
                match renewed {
                    Ok(Some(by)) => {
                        if self.trouble.take().is_some() {
                            info!(
                                event = "registry.reachable",
                                registry = R::NAME,
                                by,
                                "the registry answers again"
                            );
                        }
                        self.taken(&by);
                        Next::Renew
                    }
                    Ok(None) => {
                        debug!(
                            registry = R::NAME,
                            "the registry does not know this server any more"
                        );
                        self.failures = 0;
                        Next::Register
                    }
                    Err(trouble) => self.failed(trouble, Next::Renew),
                }
            }
        }
    }

    fn taken(&mut self, by: &str) {
        self.failures = 0;
        self.standing.taken(by);
    }

    /// Warns of what is new.
    fn failed(&mut self, trouble: Trouble, next: Next) -> Next {
        self.failures = self.failures.saturating_add(1);
        self.standing.failed(&trouble.to_string());
        if self.trouble.as_ref() != Some(&trouble) {
            warn!(event = "registry.unreachable", registry = R::NAME, error.text = %trouble, "the registry was not told that this server is here");
            self.trouble = Some(trouble);
        }
        next
    }

    /// A fleet of servers does not speak at the same time; nobody is later than the registry asks for.
    fn pause(&self) -> Duration {
        let interval = self.registration.interval();
        let pause = match self.failures {
            0 => interval,
            failures => interval.min(FIRST_PAUSE * 2_u32.saturating_pow(failures.min(16) - 1)),
        };
        pause.mul_f64(0.8 + 0.2 * fastrand::f64())
    }

    async fn leave(&mut self) {
        let left = timeout(LEAVE, self.registration.deregister()).await;
        let left = left.unwrap_or(Err(Trouble::Late));
        self.count("deregister", left.as_ref().err());
        match left {
            Ok(()) => info!(
                event = "registry.left",
                registry = R::NAME,
                "taken off the list"
            ),
            Err(trouble) => {
                warn!(event = "registry.unreachable", registry = R::NAME, error.text = %trouble, "the registry lists this server until its lease ends");
            }
        }
        self.standing.gone();
    }

    fn count(&self, request: &'static str, trouble: Option<&Trouble>) {
        self.metrics.told(R::NAME, request, trouble.is_none());
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::VecDeque,
        sync::{
            Arc, Mutex,
            atomic::{AtomicBool, Ordering},
        },
    };

    use http::StatusCode;

    use super::*;

    type Says = Result<Option<String>, Trouble>;

    /// A registry that answers what it was told to, and then that all is well; `None` is no answer at all to who leaves.
    #[derive(Clone, Default)]
    struct Registry {
        says: Arc<Mutex<VecDeque<Says>>>,
        heard: Arc<Mutex<Vec<&'static str>>>,
    }

    impl Registry {
        fn answer(&self, request: &'static str) -> Says {
            self.heard.lock().unwrap().push(request);
            let said = self.says.lock().unwrap().pop_front();
            said.unwrap_or_else(|| Ok(Some("one".to_owned())))
        }

        fn heard(&self) -> Vec<&'static str> {
            self.heard.lock().unwrap().clone()
        }

        /// Waits until it was told so much.
        async fn until(&self, expected: &[&str]) {
            let reached = async {
                while self.heard().len() < expected.len() {
                    sleep(Duration::from_millis(10)).await;
                }
            };
            let within = Duration::from_secs(3600);
            _ = timeout(within, reached).await;
            assert_eq!(self.heard(), expected);
        }
    }

    impl Registration for Registry {
        const NAME: &'static str = "test";

        fn interval(&self) -> Duration {
            Duration::from_secs(30)
        }

        fn place(&self) -> String {
            "a registry".to_owned()
        }

        async fn probe(&mut self) -> Result<(), Trouble> {
            self.answer("probe").map(|_| ())
        }

        async fn register(&mut self) -> Result<String, Trouble> {
            Ok(self.answer("register")?.unwrap_or_default())
        }

        async fn renew(&mut self) -> Result<Option<String>, Trouble> {
            self.answer("renew")
        }

        async fn deregister(&mut self) -> Result<(), Trouble> {
            match self.answer("deregister")? {
                Some(_) => Ok(()),
                None => std::future::pending().await,
            }
        }
    }

    struct Kept {
        registry: Registry,
        standing: Standing,
        serving: Arc<AtomicBool>,
        stop: CancellationToken,
        task: tokio::task::JoinHandle<()>,
    }

    fn kept(says: impl IntoIterator<Item = Says>) -> Kept {
        let registry = Registry::default();
        registry.says.lock().unwrap().extend(says);
        let keeper = Keeper::new(registry.clone(), Registries::default());
        let standing = keeper.standing();
        let serving = Arc::new(AtomicBool::new(true));
        let asked = Arc::clone(&serving);
        let stop = CancellationToken::new();
        let run = keeper.run(move || asked.load(Ordering::SeqCst), stop.clone());
        Kept {
            registry,
            standing,
            serving,
            stop,
            task: tokio::spawn(run),
        }
    }

    fn failing() -> Trouble {
        Trouble::of_status(StatusCode::BAD_GATEWAY)
    }

    #[tokio::test(start_paused = true)]
    async fn it_registers_renews_and_leaves() {
        let kept = kept([]);
        kept.registry.until(&["register", "renew", "renew"]).await;
        assert!(kept.standing.is_listed());
        kept.stop.cancel();
        kept.task.await.unwrap();
        assert_eq!(kept.registry.heard().last(), Some(&"deregister"));
        assert!(!kept.standing.is_listed());
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_told_before_there_is_something_to_answer_from() {
        let kept = kept([]);
        kept.serving.store(false, Ordering::SeqCst);
        sleep(Duration::from_secs(600)).await;
        assert!(kept.registry.heard().is_empty());
        kept.serving.store(true, Ordering::SeqCst);
        kept.registry.until(&["register"]).await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_registered_takes_nothing_back() {
        let kept = kept([]);
        kept.serving.store(false, Ordering::SeqCst);
        sleep(Duration::from_secs(1)).await;
        kept.stop.cancel();
        kept.task.await.unwrap();
        assert!(kept.registry.heard().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_for_a_registry_but_not_for_long() {
        let kept = kept([Ok(Some("one".to_owned())), Ok(None)]);
        kept.registry.until(&["register"]).await;
        kept.stop.cancel();
        let begun = tokio::time::Instant::now();
        kept.task.await.unwrap();
        assert_eq!(kept.registry.heard().last(), Some(&"deregister"));
        assert_eq!(begun.elapsed(), LEAVE);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_forgotten_registers_again_at_once() {
        let kept = kept([Ok(Some("one".to_owned())), Ok(None)]);
        let begun = tokio::time::Instant::now();
        kept.registry
            .until(&["register", "renew", "register"])
            .await;
        // One pause, and not two.
        assert!(begun.elapsed() < Duration::from_secs(31));
    }

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_told_again_and_shown() {
        let kept = kept([Err(failing()), Ok(Some("two".to_owned())), Err(failing())]);
        kept.registry.until(&["register"]).await;
        assert!(kept.standing.now().taken.is_none() && !kept.standing.is_listed());
        kept.registry.until(&["register", "register"]).await;
        assert_eq!(
            kept.standing.now().taken.as_ref().unwrap().0.as_ref(),
            "two"
        );
        kept.registry
            .until(&["register", "register", "renew"])
            .await;
        let error = kept.standing.now().error.clone().unwrap();
        assert_eq!(error.as_ref(), "it fails (502 Bad Gateway)");
        // It goes on with what it did.
        kept.registry
            .until(&["register", "register", "renew", "renew"])
            .await;
        assert!(kept.standing.is_listed());
    }

    #[tokio::test(start_paused = true)]
    async fn who_was_taken_after_a_failure_has_the_whole_interval_again() {
        let kept = kept([Err(failing()), Err(failing())]);
        let tried = ["register", "register", "register"];
        kept.registry.until(&tried).await;
        let begun = tokio::time::Instant::now();
        let renewed = [&tried[..], &["renew"]].concat();
        kept.registry.until(&renewed).await;
        assert!(begun.elapsed() > Duration::from_secs(20));
    }

    #[test]
    fn pauses_grow_up_to_the_interval() {
        let mut keeper = Keeper::new(Registry::default(), Registries::default());
        for (failures, seconds) in [(0, 30.0), (1, 1.0), (3, 4.0), (6, 30.0), (u32::MAX, 30.0)] {
            keeper.failures = failures;
            let part = keeper.pause().as_secs_f64() / seconds;
            assert!((0.8..=1.0).contains(&part), "{failures}: {part}");
        }
    }
}
