//! Checks that wait: after all sections are built, before any moves.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use confbus_client::{Live, Rejection, testing};
use serde_json::json;

const WITHIN: Duration = Duration::from_secs(5);

/// Refuses odd numbers.
async fn even(number: Arc<u32>) -> Result<(), Rejection> {
    tokio::task::yield_now().await;
    if number.is_multiple_of(2) {
        Ok(())
    } else {
        Err(Rejection::new(format!("{number} is odd")))
    }
}

#[tokio::test]
async fn a_probe_refuses_for_everybody() {
    let (client, mut server) = testing::client([("a", json!(1)), ("b", json!(1))]);
    let first: Live<u32> = client.bind("a").live().unwrap();
    let probed: Live<u32> = client.bind("b").probe(even, WITHIN).live().unwrap();

    let rejection = server
        .push_async([("a", json!(3)), ("b", json!(3))])
        .await
        .unwrap_err();
    assert_eq!(rejection.to_string(), "`b`: 3 is odd (test.yml:2:1)");
    assert_eq!((*first.load(), *probed.load()), (1, 1));

    server
        .push_async([("a", json!(5)), ("b", json!(4))])
        .await
        .unwrap();
    assert_eq!((*first.load(), *probed.load()), (5, 4));
}

#[tokio::test]
async fn only_what_moves_and_is_valid_is_probed() {
    let (client, mut server) = testing::client([("a", json!(2)), ("b", json!(2))]);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&asked);
    let _probed = client
        .bind::<u32>("a")
        .probe(
            move |number| {
                noted.lock().unwrap().push(*number);
                even(number)
            },
            WITHIN,
        )
        .live()
        .unwrap();
    let _later = client.bind::<u8>("b").live().unwrap();

    server
        .push_async([("a", json!(2)), ("b", json!(3))])
        .await
        .unwrap();
    server
        .push_async([("a", json!(4)), ("b", json!("x"))])
        .await
        .unwrap_err();
    assert!(asked.lock().unwrap().is_empty());
    server
        .push_async([("a", json!(6)), ("b", json!(3))])
        .await
        .unwrap();
    assert_eq!(*asked.lock().unwrap(), [6]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_or_panics_refuses() {
    let (client, mut server) = testing::client([("a", 2)]);
    let live = client
        .bind::<u32>("a")
        .probe(
            |number| async move {
                match *number {
                    7 => std::future::pending().await,
                    8 => panic!("not this one"),
                    _ => Ok(()),
                }
            },
            WITHIN,
        )
        .live()
        .unwrap();
    let mut refused = async |value| server.push_async([("a", value)]).await.unwrap_err();
    assert_eq!(
        refused(7).await.reason(),
        "the probe gave no answer within 5s"
    );
    assert_eq!(
        refused(8).await.reason(),
        "the application's own probe panicked"
    );
    assert_eq!(*live.load(), 2);
    assert_eq!(
        server.push([("a", 7)]).unwrap_err().reason(),
        "a probe has to wait: use `push_async`"
    );
    server.push([("a", 9)]).unwrap();
    assert_eq!(*live.load(), 9);
}

#[tokio::test]
async fn the_first_value_is_probed_when_asked_for() {
    let (client, _server) = testing::client([("a", 1)]);
    assert!(client.bind::<u32>("a").probe(even, WITHIN).live().is_ok());
    let rejection = client.bind("a").probe(even, WITHIN).live_probed().await;
    assert_eq!(
        rejection.unwrap_err().to_string(),
        "`a`: 1 is odd (test.yml:1:1)"
    );
}

#[tokio::test]
async fn what_is_bound_during_a_probe_is_asked_as_well() {
    let (client, mut server) = testing::client([("a", json!(2)), ("b", json!(1))]);
    let (within, late) = (client.clone(), Arc::new(Mutex::new(None)));
    let kept = Arc::clone(&late);
    let a = client
        .bind::<u32>("a")
        .probe(
            move |_| {
                let (client, kept) = (within.clone(), Arc::clone(&kept));
                async move {
                    *kept.lock().unwrap() = Some(client.bind::<u8>("b").live()?);
                    Ok(())
                }
            },
            WITHIN,
        )
        .live()
        .unwrap();
    server
        .push_async([("a", json!(4)), ("b", json!("x"))])
        .await
        .unwrap_err();
    server
        .push_async([("a", json!(4)), ("b", json!(3))])
        .await
        .unwrap();
    let late = late.lock().unwrap().take().unwrap();
    assert_eq!((*a.load(), *late.load()), (4, 3));
}

#[tokio::test]
async fn a_part_moves_only_when_it_is_another() {
    let (client, mut server) = testing::client([("max", 12)]);
    let max: Live<u32> = client.bind("max").live().unwrap();
    let tens = max.map(|max| max / 10);
    drop(max);
    server.push([("max", 13)]).unwrap();
    server.push([("max", 25)]).unwrap();
    let change = tens.changed().await;
    assert_eq!((*change.old, *change.new, *tens.load()), (1, 2, 2));
    assert_eq!(change.version.as_deref(), Some("test-2"));

    let small = tens.map(|tens| 9_u32.checked_sub(*tens).expect("below a hundred"));
    assert!(server.push([("max", 100)]).is_err());
    assert_eq!((*tens.load(), *small.load()), (2, 7));
}
