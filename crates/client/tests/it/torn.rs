//! Many readers while versions come.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use confbus_client::{Client, Live, PropertyValue, Rejection, testing};
use serde::Deserialize;
use serde_json::{Value, json};

const READERS: u64 = 4;
const VERSIONS: u64 = 5_000;
const READS: u64 = 1_000_000;
/// Reads of one reader until somebody else has a turn: machines may have few cores.
const TURN: u64 = 64;

/// Both are the number of the version.
#[derive(Debug, PartialEq, Deserialize)]
struct Pair {
    left: u64,
    right: u64,
}

/// Every other version is refused by one section of two.
fn is_even(pair: &Pair) -> Result<(), Rejection> {
    match pair.left % 2 {
        0 => Ok(()),
        _ => Err(Rejection::at("second.left", "is odd")),
    }
}

fn version(number: u64) -> [(&'static str, Value); 4] {
    let keys = ["first.left", "first.right", "second.left", "second.right"];
    keys.map(|key| (key, json!(number)))
}

#[tokio::test]
async fn no_reader_sees_a_mix_or_an_older_version_or_one_that_was_refused() {
    let (client, mut server) = testing::client(version(0));
    let reader = Reader {
        first: client.bind("first").live().unwrap(),
        second: client.bind("second").validate(is_even).live().unwrap(),
        client,
        last: 0,
    };
    let over = Arc::new(AtomicBool::new(false));
    let read = || {
        let (mut reader, over) = (reader.clone(), Arc::clone(&over));
        thread::spawn(move || reader.read_until(&over))
    };
    let readers: Vec<_> = (0..READERS).map(|_| read()).collect();
    for number in 1..=VERSIONS {
        let pushed = server.push_async(version(number)).await;
        assert_eq!(pushed.is_ok(), number % 2 == 0);
    }
    over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(reader.first.load().left, VERSIONS);
    assert_eq!(reader.second.load().left, VERSIONS);
}

#[derive(Clone)]
struct Reader {
    first: Live<Pair>,
    second: Live<Pair>,
    client: Client,
    last: u64,
}

impl Reader {
    /// Reads until no version comes any more, and it has done its share.
    fn read_until(&mut self, over: &AtomicBool) {
        let mut reads = 0;
        while reads < READS / READERS || !over.load(Ordering::Relaxed) {
            for _ in 0..TURN {
                self.read();
            }
            reads += TURN;
            self.read_snapshot();
            thread::yield_now();
        }
    }

    fn read(&mut self) {
        let (first, second) = (self.first.load(), self.second.load());
        let again = self.first.load();
        for pair in [&*first, &*second, &*again] {
            assert_eq!(pair.left, pair.right);
            assert_eq!(pair.left % 2, 0, "it was refused");
        }
        assert!(
            first.left >= self.last,
            "{} after {}",
            first.left,
            self.last
        );
        self.last = again.left;
        if first.left == again.left {
            // One section after the other moves, and the next version waits for both.
            let apart = first.left.abs_diff(second.left);
            assert!(apart <= 2, "{} beside {}", second.left, first.left);
        }
    }

    /// A unit of work that needs both sections holds one snapshot.
    fn read_snapshot(&self) {
        let snapshot = self.client.snapshot();
        let found = version(0).map(|(key, _)| snapshot.get(key).cloned());
        assert!(
            matches!(found[0], Some(PropertyValue::Integer(_))),
            "{found:?}"
        );
        assert!(found.iter().all(|value| *value == found[0]), "{found:?}");
    }
}
