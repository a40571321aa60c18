//! Many readers while versions come.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use confbus_client::{Live, testing};
use serde::Deserialize;
use serde_json::json;

const READERS: u64 = 4;
const VERSIONS: u64 = 5_000;

/// Both are the number of the version.
#[derive(Debug, PartialEq, Deserialize)]
struct Pair {
    left: u64,
    right: u64,
}

#[tokio::test]
async fn no_reader_sees_half_a_version_or_an_older_one() {
    let (client, mut server) = testing::client([("pair.left", json!(0)), ("pair.right", json!(0))]);
    let pair: Live<Pair> = client.bind("pair").live().unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let reader = || {
        let (pair, over) = (pair.clone(), Arc::clone(&over));
        thread::spawn(move || read_until(&over, &pair))
    };
    let readers: Vec<_> = (0..READERS).map(|_| reader()).collect();
    for number in 1..=VERSIONS {
        let version = [("pair.left", json!(number)), ("pair.right", json!(number))];
        server.push_async(version).await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    let reads: u64 = readers.into_iter().map(|one| one.join().unwrap()).sum();
    assert!(reads >= READERS, "{reads} reads");
    assert_eq!(pair.load().left, VERSIONS);
}

fn read_until(over: &AtomicBool, pair: &Live<Pair>) -> u64 {
    let (mut reads, mut last) = (0, 0);
    while !over.load(Ordering::Relaxed) {
        let now = pair.load();
        assert_eq!(now.left, now.right);
        assert!(now.left >= last, "{} after {last}", now.left);
        last = now.left;
        reads += 1;
        // Whoever writes has a turn on a machine with few cores.
        thread::yield_now();
    }
    reads
}
