//! What a recorder of the crate `metrics` is told.

use std::{collections::HashMap, time::Duration};

use confbus_client::{Client, Rejection, testing};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

use crate::support::{Say, Server, environment, settings};

/// `name{label="value"}` and what was last told; of a histogram, how often.
fn told(snapshotter: &Snapshotter) -> HashMap<String, f64> {
    let all = snapshotter.snapshot().into_vec().into_iter();
    let named = all.map(|(key, _, _, value)| {
        let key = key.key();
        let labels = key
            .labels()
            .map(|label| format!("{}={}", label.key(), label.value()));
        let labels: Vec<_> = labels.collect();
        let value = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(values) => values.len() as f64,
        };
        (
            format!("{} {}", key.name(), labels.join(","))
                .trim()
                .to_owned(),
            value,
        )
    });
    named.collect()
}

#[track_caller]
fn expect(told: &HashMap<String, f64>, expected: &[(&str, f64)]) {
    for (name, value) in expected {
        let found = told.get(&format!("confbus_client_{name}"));
        assert_eq!(found, Some(value), "{name} in {told:#?}");
    }
}

#[tokio::test]
async fn a_recorder_hears_how_versions_fare() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _here = metrics::set_default_local_recorder(&recorder);

    let server = Server::start(Say::Body(environment("c1", r#"{"max":"1"}"#), None)).await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    let max = client.bind::<u32>("max").live().unwrap();
    client.restart_required(["port"]);
    client.ready();
    server.say(Say::Body(
        environment("c2", r#"{"max":"2","port":"1"}"#),
        None,
    ));
    client.refresh().await.unwrap();
    assert_eq!(*max.load(), 2);
    let first = told(&snapshotter);
    expect(
        &first,
        &[
            ("ready", 1.0),
            ("source_info source=server", 1.0),
            ("source_info source=last_good", 0.0),
            ("applies_total result=accepted", 1.0),
            ("apply_duration_seconds result=accepted", 1.0),
            ("restart_required_keys", 1.0),
        ],
    );
    for name in [
        "applied_timestamp_seconds",
        "last_contact_timestamp_seconds",
    ] {
        assert!(
            first[&format!("confbus_client_{name}")] > 1.7e9,
            "{first:#?}"
        );
    }

    server.say(Say::Body(environment("c3", r#"{"max":"s3cret"}"#), None));
    client.refresh().await.unwrap_err();
    let second = told(&snapshotter);
    expect(
        &second,
        &[("applies_total result=refused", 1.0), ("ready", 1.0)],
    );
    assert!(!format!("{second:?}").contains("s3cret"));

    client.leave().await;
    expect(
        &told(&snapshotter),
        &[("ready", 0.0), ("connected transport=stream", 0.0)],
    );
}

#[tokio::test]
async fn a_probe_belongs_to_the_time_that_a_version_takes() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _here = metrics::set_default_local_recorder(&recorder);
    let (client, mut pushing) = testing::client([("max", "1")]);
    let late = |_| async {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Err::<(), _>(Rejection::new("no"))
    };
    let binding = client.bind::<u32>("max");
    let _max = binding.probe(late, Duration::from_secs(5)).live().unwrap();
    pushing.push_async([("max", "2")]).await.unwrap_err();
    let all = snapshotter.snapshot().into_vec().into_iter();
    let took = all.filter_map(|(_, _, _, value)| match value {
        DebugValue::Histogram(values) => Some(values[0].into_inner()),
        _ => None,
    });
    let took: Vec<_> = took.collect();
    assert!(took.len() == 1 && took[0] >= 0.002, "{took:?}");
}
