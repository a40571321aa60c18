use std::collections::BTreeMap;

use confbus_resolution::{Layout, Snapshot};
use tokio::time::timeout;

use super::{super::looker::Wanted, doubted::UNTIL_SURE, *};
use crate::{
    environment_repository::{history::History, repository::Freshness, trail::Trail},
    look::{Modified, Refs, Version},
};

/// How long a rest is in which something is swapped after so long, and another repository has news before; and whether
/// that has brought something.
async fn rested(
    pause: Duration,
    swapped_after: Duration,
    error: Option<LookError>,
) -> (Duration, bool) {
    let (served, generation) = (ArcSwap::<Served>::default(), Generation::default());
    let began = Instant::now();
    let swaps = async {
        tokio::time::sleep(swapped_after * 9 / 10).await;
        generation.tell();
        tokio::time::sleep(swapped_after / 10).await;
        served.store(Arc::new(Served {
            error,
            ..Served::default()
        }));
        generation.advance();
    };
    let brought = tokio::select! {
        brought = rest(pause, &served, &generation) => brought,
        never = async { swaps.await; std::future::pending().await } => never,
    };
    (began.elapsed(), brought)
}

#[tokio::test(start_paused = true)]
async fn the_rest_after_a_failure_ends_when_another_look_brings_something() {
    let millis = Duration::from_millis;
    let long = PAUSE_AFTER_FAILURE;
    assert_eq!(rested(long, millis(900), None).await, (millis(900), true));
    let never_at_once = (PAUSE, true);
    assert_eq!(rested(long, millis(100), None).await, never_at_once);
    assert_eq!(rested(long, long * 2, None).await, (long, false));
    let fails = Some(LookError::NotYet);
    assert_eq!(rested(long, millis(900), fails).await, (long, false));
}

#[tokio::test(start_paused = true)]
async fn there_is_no_hope_until_something_is_heard_of_the_repository() {
    let (doubts, idle) = Doubts::that_settled(&[]);
    assert!(!doubts.are_hopeless());
    idle.fail();
    tokio::time::advance(PAUSE_AFTER_FAILURE * 2).await;
    assert!(doubts.are_hopeless(), "a rest alone brings nothing");
    doubts.served.store(Arc::new(Served {
        heard: Some(std::time::Instant::now()),
        ..Served::default()
    }));
    assert!(!doubts.are_hopeless());
    idle.fail();
    assert!(doubts.are_hopeless());
}

/// A settler, and a looker that does what a test says.
struct World {
    doubts: Doubts,
    generation: Generation,
    wanted: mpsc::Receiver<Wanted>,
}

fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

fn commit(number: u8) -> CommitId {
    CommitId::from_bytes([number; 20])
}

/// With `main` and `dev` in service.
fn served() -> Served {
    let history = |number| {
        let version = Version {
            snapshot: Arc::new(Snapshot::new(commit(number), BTreeMap::new())),
            modified: Modified::Together(0),
            has_links: false,
            authorship: None,
        };
        let trail = Arc::new(Trail::new(1, vec![commit(number)]));
        Arc::new(History::new(version, false, trail))
    };
    let labels = [(label("main"), history(1)), (label("dev"), history(2))];
    Served {
        refs: Some(Arc::new(Refs::default())),
        labels: Arc::new(labels.into()),
        ..Served::default()
    }
}

impl World {
    fn new(served: Served) -> Self {
        let (sender, wanted) = mpsc::channel(1);
        let settings = Settings {
            layout: Layout::default(),
            default_label: label("main"),
            try_master_branch: true,
            forget_deleted: false,
            freshness: Freshness::Polled,
            interval: None,
            watches: false,
        };
        let generation = Generation::default();
        let (doubts, settler) = Doubts::new(
            Looks::new(sender),
            Arc::new(ArcSwap::from_pointee(served)),
            Arc::new(settings),
            generation.clone(),
        );
        tokio::spawn(settler.run(CancellationToken::new()));
        Self {
            doubts,
            generation,
            wanted,
        }
    }

    fn raise(&self, text: &str, commits: std::ops::Range<u8>) {
        self.doubts
            .raise(label(text), commits.map(commit).collect());
    }

    /// Ends the next look; what it asks for.
    async fn looks(&mut self, looked: Result<(), LookError>) -> Wish {
        let news = self.generation.clone();
        let news = news.news();
        let wish = self.wanted.recv().await.unwrap().over(looked);
        let told = timeout(PAUSE / 2, news).await;
        assert!(told.is_ok(), "whoever waits is told");
        wish
    }

    fn settled(&self, text: &str, commits: std::ops::Range<u8>) -> Vec<u8> {
        let is_settled = |number: &u8| self.doubts.are_settled(&label(text), commit(*number));
        commits.filter(is_settled).collect()
    }
}

fn fails() -> Result<(), LookError> {
    Err(LookError::NotYet)
}

#[tokio::test(start_paused = true)]
async fn a_doubt_is_settled_by_the_look_that_begins_long_enough_after_it() {
    let mut world = World::new(served());
    let began = Instant::now();
    let mark = Moment::now();
    world.raise("main", 5..6);
    world.looks(Ok(())).await;
    let main = label("main");
    assert!(!world.doubts.are_settled(&main, commit(5)), "it may lag");
    assert!(world.doubts.has_looked_since(&main, mark));
    assert!(!world.doubts.has_looked_since(&main, Moment::now()));
    // Nobody asks again.
    world.looks(Ok(())).await;
    assert!(began.elapsed() >= UNTIL_SURE, "{:?}", began.elapsed());
    assert_eq!(world.settled("main", 4..7), [5]);
    assert!(!world.doubts.are_settled(&label("dev"), commit(5)));
}

#[tokio::test(start_paused = true)]
async fn a_look_asks_for_the_labels_that_are_doubted() {
    let mut world = World::new(served());
    world.raise("dev", 5..6);
    let names = |names: &[&str]| Wish::Refs(names.iter().map(|&name| name.to_owned()).collect());
    assert_eq!(world.looks(Ok(())).await, names(&["dev"]));
    world.raise("main", 5..6);
    let both = names(&["dev", "main", "master"]);
    assert_eq!(world.looks(Ok(())).await, both, "what may answer for it");
}

#[tokio::test(start_paused = true)]
async fn looks_do_not_follow_one_another_at_once() {
    let mut world = World::new(served());
    for (looked, pause) in [
        (Ok(()), PAUSE),
        (fails(), PAUSE_AFTER_FAILURE),
        (Ok(()), PAUSE),
    ] {
        world.raise("main", 5..6);
        world.looks(looked).await;
        let ended = Instant::now();
        world.raise("main", 6..7);
        world.looks(Ok(())).await;
        assert_eq!(ended.elapsed(), pause);
        tokio::time::sleep(PAUSE).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_only_who_asks_is_looked_for() {
    let mut world = World::new(served());
    world.raise("main", 5..6);
    world.looks(fails()).await;
    assert!(world.doubts.are_hopeless());
    let looks = timeout(UNTIL_SURE * 4, world.wanted.recv()).await;
    assert!(looks.is_err(), "nobody asks");
    world.raise("dev", 6..7);
    world.looks(Ok(())).await;
    assert!(!world.doubts.are_hopeless(), "it has answered");
    assert_eq!(world.settled("main", 5..6), [5], "raised long before");
    assert_eq!(world.settled("dev", 6..7), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_look_for_which_there_was_no_room_says_nothing_of_the_repository() {
    let mut world = World::new(served());
    world.raise("main", 5..6);
    world.looks(Err(LookError::Busy)).await;
    assert!(!world.doubts.are_hopeless());
    // It comes by itself.
    world.looks(Ok(())).await;
    assert_eq!(world.settled("main", 5..6), [5]);
}

#[tokio::test(start_paused = true)]
async fn what_another_look_brings_gives_hope() {
    let mut world = World::new(served());
    world.raise("main", 5..6);
    world.looks(fails()).await;
    tokio::time::sleep(PAUSE * 2).await;
    // Of one label: not all are known to be where they are here.
    world.doubts.served.store(Arc::new(served()));
    world.generation.advance();
    assert!(world.doubts.are_hopeless());
    tokio::time::sleep(PAUSE / 2).await;
    assert!(!world.doubts.are_hopeless());
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_cannot_be_served_settles_nothing() {
    let refused = [(label("main"), LookError::NotYet)];
    let mut world = World::new(Served {
        refused: Arc::new(refused.into()),
        ..served()
    });
    let mark = Moment::now();
    world.raise("main", 5..6);
    world.raise("dev", 5..6);
    world.looks(Ok(())).await;
    assert!(!world.doubts.has_looked_since(&label("main"), mark));
    assert!(world.doubts.has_looked_since(&label("dev"), mark));
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_is_bounded_and_goes_with_its_label() {
    let mut world = World::new(served());
    let most = u8::try_from(MAX_SETTLED).unwrap();
    for commits in [0..most, most..most + 9] {
        world.raise("main", commits);
        world.looks(Ok(())).await;
        world.looks(Ok(())).await;
    }
    let expected: Vec<_> = (9..most + 9).collect();
    assert_eq!(world.settled("main", 0..most + 9), expected);

    let mut without = served();
    Arc::make_mut(&mut without.labels).remove(&label("main"));
    world.doubts.served.store(Arc::new(without));
    world.raise("dev", 5..6);
    world.looks(Ok(())).await;
    assert_eq!(world.settled("main", 0..most + 9), [0; 0]);
}

#[test]
fn a_moment_of_another_process_is_none() {
    let now = Moment::now();
    assert_eq!(Moment::parse(&now.to_string()), Some(now));
    let number = now.0;
    let other = EPOCH.wrapping_add(1);
    for text in [
        format!("{other:x}-{number}"),
        number.to_string(),
        "-".to_owned(),
    ] {
        assert_eq!(Moment::parse(&text), None, "{text}");
    }
}
