mod on_disk;

use std::pin::pin;

use confbus_protocol::{Profiles, Properties, Property, PropertyValue};
use futures_util::FutureExt as _;
use tokio::{
    task::{JoinHandle, yield_now},
    time::{advance, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::*;

/// A store that does what its test says.
#[derive(Debug, Clone, Default)]
struct Fake(Arc<Said>);

#[derive(Debug, Default)]
struct Said {
    /// Otherwise as many as anybody asks.
    is_asked_alone: AtomicBool,
    /// Without it nobody answers.
    value: ArcSwapOption<String>,
    /// Takes what lets a question go on, where questions are held.
    held: ArcSwapOption<mpsc::UnboundedSender<oneshot::Sender<()>>>,
}

impl Fake {
    fn say(&self, value: &str) {
        self.0.value.store(Some(Arc::new(value.to_owned())));
    }

    /// Holds questions from now on, in the order in which they are asked.
    fn hold(&self) -> mpsc::UnboundedReceiver<oneshot::Sender<()>> {
        let (holds, held) = mpsc::unbounded_channel();
        self.0.held.store(Some(Arc::new(holds)));
        held
    }
}

impl Place for Fake {
    fn kind(&self) -> &'static str {
        "fake"
    }

    fn shown(&self) -> String {
        "fake://".into()
    }

    fn identity(&self) -> Vec<String> {
        Vec::new()
    }

    fn default_label(&self) -> Option<&str> {
        None
    }

    fn open(&self) -> Result<Box<dyn Store>, String> {
        Ok(Box::new(self.clone()))
    }
}

impl Store for Fake {
    fn of_one_answer(&self, request: &EnvironmentRequest) -> EnvironmentRequest {
        request.clone()
    }

    fn at_once(&self) -> usize {
        if self.0.is_asked_alone.load(Ordering::Relaxed) {
            1
        } else {
            AT_ONCE + FIRST_AT_ONCE
        }
    }

    fn find<'s>(
        &'s self,
        _: &'s EnvironmentRequest,
    ) -> BoxFuture<'s, Result<Vec<PropertySource>, LookupError>> {
        let found = async {
            if let Some(holds) = self.0.held.load_full() {
                let (let_go, held) = oneshot::channel();
                holds.send(let_go).unwrap();
                _ = held.await;
            }
            let value = self.0.value.load_full();
            value.map(|value| sources(&value)).ok_or_else(gone)
        };
        found.boxed()
    }

    fn greet(&self) -> BoxFuture<'_, Result<(), LookupError>> {
        async { Ok(()) }.boxed()
    }
}

fn gone() -> LookupError {
    LookupError::Unreachable {
        kind: "fake",
        why: "gone".into(),
    }
}

fn sources(value: &str) -> Vec<PropertySource> {
    let property = Property::from(PropertyValue::from(value));
    let properties: Properties = [("key".to_owned(), property)].into_iter().collect();
    vec![PropertySource {
        name: "fake".into(),
        source: Arc::new(properties),
    }]
}

fn request(application: &str) -> EnvironmentRequest {
    EnvironmentRequest {
        application: Application::parse(application).unwrap(),
        profiles: Profiles::parse("default").unwrap(),
        label: None,
    }
}

const DEADLINE: Duration = Duration::from_secs(60);

struct Running {
    fake: Fake,
    lookups: Lookups,
    changes: mpsc::Receiver<Changed>,
    /// One for each swap.
    swaps: Arc<Semaphore>,
    stop: CancellationToken,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A keeper that has greeted its store.
async fn start(trouble: Trouble) -> Running {
    start_with(Fake::default(), trouble).await
}

async fn start_with(fake: Fake, trouble: Trouble) -> Running {
    start_every(Duration::from_secs(3600), fake, trouble).await
}

async fn start_every(interval: Duration, fake: Fake, trouble: Trouble) -> Running {
    open(interval, fake, trouble, None).await.0
}

async fn open(
    interval: Duration,
    fake: Fake,
    trouble: Trouble,
    file: Option<PathBuf>,
) -> (Running, Saver) {
    let settings = Settings {
        place: Arc::new(fake.clone()),
        interval,
        deadline: DEADLINE,
        trouble,
        file,
    };
    let (changed, changes) = mpsc::channel(1);
    let swaps = Arc::new(Semaphore::new(0));
    let swapped = {
        let swaps = Arc::clone(&swaps);
        move || swaps.add_permits(1)
    };
    let opened = Lookups::open(&settings, |_| Ok(()), swapped, changed).await;
    let (lookups, keeper, saver) = opened.unwrap();
    let stop = CancellationToken::new();
    tokio::spawn(keeper.run(stop.clone()));
    lookups.look(None).await.unwrap();
    let running = Running {
        fake,
        lookups,
        changes,
        swaps,
        stop,
    };
    (running, saver)
}

impl Running {
    fn find(&self, application: &str) -> JoinHandle<Result<Vec<PropertySource>, LookupError>> {
        let (lookups, request) = (self.lookups.clone(), request(application));
        tokio::spawn(async move { lookups.find(&request).await })
    }

    fn look(&self) -> JoinHandle<Result<(), LookupError>> {
        let lookups = self.lookups.clone();
        tokio::spawn(async move { lookups.look(Some(Trigger::Push)).await })
    }

    async fn told(&mut self) -> Vec<String> {
        let changed = self.changes.recv().await.unwrap();
        let applications = changed.applications.iter();
        applications.map(ToString::to_string).collect()
    }
}

#[tokio::test]
async fn a_crowd_of_our_own_is_never_an_answer_with_less() {
    let running = start(Trouble::Passes).await;
    let mut held = running.fake.hold();
    let mut questions = Vec::new();
    for number in 0..FIRST_AT_ONCE {
        questions.push(running.find(&format!("a{number}")));
    }
    let mut holds = Vec::new();
    for _ in 0..FIRST_AT_ONCE {
        holds.push(held.recv().await.unwrap());
    }
    let one_more = running.find("one-more").await.unwrap();
    assert_eq!(one_more, Err(LookupError::Busy));
    drop(holds);
    for question in questions {
        assert_eq!(question.await.unwrap(), Ok(Vec::new()));
    }
}

#[tokio::test]
async fn who_was_answered_without_it_hears_of_it_though_a_round_is_under_way() {
    let mut running = start(Trouble::Passes).await;
    assert_eq!(running.find("a").await.unwrap(), Ok(Vec::new()));
    running.fake.say("1");
    let mut held = running.fake.hold();
    let round = running.look();
    let of_round = held.recv().await.unwrap();
    let again = running.find("a");
    let of_reader = held.recv().await.unwrap();
    of_reader.send(()).unwrap();
    assert_eq!(again.await.unwrap(), Ok(sources("1")));
    assert_eq!(running.swaps.available_permits(), 1);
    of_round.send(()).unwrap();
    assert_eq!(round.await.unwrap(), Ok(()));
    assert_eq!(running.told().await, ["a"]);
    assert_eq!(running.swaps.available_permits(), 1);
}

#[tokio::test]
async fn all_who_were_answered_without_it_hear_of_it_after_a_round_in_vain() {
    let mut running = start(Trouble::Passes).await;
    let names = ["a", "b", "c", "d", "e", "f"];
    for name in names {
        assert_eq!(running.find(name).await.unwrap(), Ok(Vec::new()));
    }
    assert_eq!(running.look().await.unwrap(), Err(gone()));
    running.fake.say("1");
    assert_eq!(running.look().await.unwrap(), Ok(()));
    assert_eq!(running.told().await, names);
    let kept = names.map(|name| running.lookups.kept(&request(name)));
    assert!(kept.iter().all(Option::is_some), "{kept:?}");
    assert_eq!(running.look().await.unwrap(), Ok(()));
    assert!(running.changes.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_wanted_is_had_before_the_interval_is_over() {
    let running = start(Trouble::Spoils).await;
    running.fake.say("1");
    running.lookups.want(&[request("a")]);
    let swapped = timeout(DEADLINE, running.swaps.acquire()).await.unwrap();
    swapped.unwrap().forget();
    let kept = running.lookups.kept(&request("a"));
    assert_eq!(kept, Some(sources("1")));
    // Now it is looked up anyway.
    let mut held = running.fake.hold();
    running.lookups.want(&[request("a")]);
    assert!(timeout(DEADLINE, held.recv()).await.is_err());
}

/// What it asks for may be newer than what the one under way has seen.
#[tokio::test(start_paused = true)]
async fn a_look_gets_the_next_round_as_soon_as_the_one_under_way_is_over() {
    let running = start(Trouble::Spoils).await;
    running.fake.say("1");
    assert_eq!(running.find("a").await.unwrap(), Ok(sources("1")));
    let mut held = running.fake.hold();
    let first = running.look();
    let of_first = held.recv().await.unwrap();
    let mut second = pin!(running.lookups.look(None));
    assert_eq!(second.as_mut().now_or_never(), None);
    while running.lookups.wishes.capacity() < QUEUE {
        yield_now().await;
    }
    of_first.send(()).unwrap();
    assert_eq!(first.await.unwrap(), Ok(()));
    let of_second = timeout(DEADLINE, held.recv()).await.unwrap();
    running.fake.say("2");
    of_second.unwrap().send(()).unwrap();
    assert_eq!(second.await, Ok(()));
    let kept = running.lookups.kept(&request("a"));
    assert_eq!(kept, Some(sources("2")));
}

#[tokio::test(start_paused = true)]
async fn a_store_is_left_alone_after_a_round_that_took_longer_than_the_interval() {
    let interval = DEADLINE / 6;
    let running = start_every(interval, Fake::default(), Trouble::Spoils).await;
    running.fake.say("1");
    assert_eq!(running.find("a").await.unwrap(), Ok(sources("1")));
    let mut held = running.fake.hold();
    let of_first = held.recv().await.unwrap();
    // Tick by tick, and not at one stroke.
    sleep(interval * 7 / 2).await;
    of_first.send(()).unwrap();
    assert!(timeout(interval / 3, held.recv()).await.is_err());
    assert!(timeout(interval, held.recv()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn rounds_go_on_while_nobody_takes_what_changed() {
    let mut running = start(Trouble::Spoils).await;
    running.fake.say("0");
    for name in ["a", "b"] {
        assert_eq!(running.find(name).await.unwrap(), Ok(sources("0")));
    }
    for value in ["1", "2", "3"] {
        running.fake.say(value);
        let round = timeout(DEADLINE, running.look()).await.unwrap();
        assert_eq!(round.unwrap(), Ok(()));
        let kept = running.lookups.kept(&request("a"));
        assert_eq!(kept, Some(sources(value)));
        while running.changes.is_empty() {
            yield_now().await;
        }
    }
    assert_eq!(running.told().await, ["a", "b"]);
    assert_eq!(running.told().await, ["a", "b"]);
}

/// Their turn is their own, so that three quarters of the deadline are enough.
#[tokio::test(start_paused = true)]
async fn who_waits_for_others_does_not_count_as_an_outage() {
    let fake = Fake::default();
    fake.0.is_asked_alone.store(true, Ordering::Relaxed);
    let running = start_with(fake, Trouble::Spoils).await;
    running.fake.say("1");
    let mut held = running.fake.hold();
    let [first, second, third] = ["a", "b", "c"].map(|name| running.find(name));
    for _ in 0..2 {
        let question = held.recv().await.unwrap();
        advance(DEADLINE * 3 / 4).await;
        question.send(()).unwrap();
    }
    assert_eq!(first.await.unwrap(), Ok(sources("1")));
    assert_eq!(second.await.unwrap(), Ok(sources("1")));
    assert_eq!(third.await.unwrap(), Err(LookupError::Busy));
    assert_eq!(running.lookups.error(), None);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_is_answered_all_who_wait_met_an_outage() {
    let fake = Fake::default();
    fake.0.is_asked_alone.store(true, Ordering::Relaxed);
    let running = start_with(fake, Trouble::Passes).await;
    let _held = running.fake.hold();
    let questions = ["a", "b", "c"].map(|name| running.find(name));
    for question in questions {
        let answer = timeout(DEADLINE * 10, question).await.unwrap();
        assert_eq!(answer.unwrap(), Ok(Vec::new()));
    }
    assert!(running.lookups.error().is_some());
}
