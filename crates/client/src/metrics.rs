//! What the client tells a recorder of the crate `metrics`; nothing without the feature.
//!
//! A process has one recorder, so several clients in it share these.

use std::time::{Duration, SystemTime};

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};

use crate::health::{BusHealth, Health, Source};

const READY: &str = "confbus_client_ready";
const SOURCE: &str = "confbus_client_source_info";
const APPLIED: &str = "confbus_client_applied_timestamp_seconds";
const LAST_CONTACT: &str = "confbus_client_last_contact_timestamp_seconds";
const APPLIES: &str = "confbus_client_applies_total";
const APPLY_DURATION: &str = "confbus_client_apply_duration_seconds";
const RESTART: &str = "confbus_client_restart_required_keys";
const CONNECTED: &str = "confbus_client_connected";

/// What the names say, for recorders that show it.
pub(crate) fn describe() {
    describe_gauge!(READY, "1 while what runs has passed everybody who is asked");
    describe_gauge!(SOURCE, "1 for who gave what runs: server or last_good");
    describe_gauge!(
        APPLIED,
        Unit::Seconds,
        "When a version was last applied, since 1970"
    );
    describe_gauge!(
        LAST_CONTACT,
        Unit::Seconds,
        "When a server last answered with a configuration, since 1970"
    );
    describe_counter!(APPLIES, "Versions that were accepted or refused");
    describe_histogram!(
        APPLY_DURATION,
        Unit::Seconds,
        "From the first section that is built to the last that is swapped, probes included"
    );
    describe_gauge!(RESTART, "Keys that only the next start brings");
    describe_gauge!(CONNECTED, "1 while events come, by the way they come");
}

/// Whether everybody agreed to what runs.
pub(crate) fn ready(is_accepted: bool) {
    gauge!(READY).set(f64::from(is_accepted));
}

/// An attempt to move to a version is over.
pub(crate) fn applied(is_accepted: bool, took: Duration) {
    let result = if is_accepted { "accepted" } else { "refused" };
    counter!(APPLIES, "result" => result).increment(1);
    histogram!(APPLY_DURATION, "result" => result).record(took);
    if is_accepted {
        gauge!(APPLIED).set(since_1970(SystemTime::now()));
    }
}

/// The health may be another one than before.
pub(crate) fn health(health: &Health) {
    let is_server = health.source == Source::Server;
    gauge!(SOURCE, "source" => "server").set(f64::from(is_server));
    gauge!(SOURCE, "source" => "last_good").set(f64::from(!is_server));
    if let Some(at) = health.last_contact {
        gauge!(LAST_CONTACT).set(since_1970(at));
    }
    #[expect(clippy::cast_precision_loss, reason = "nobody has so many keys")]
    gauge!(RESTART).set(health.restart.len() as f64);
}

/// Whether events come this way.
pub(crate) fn connected(transport: &'static str, bus: &BusHealth) {
    let is_connected = *bus == BusHealth::Connected;
    gauge!(CONNECTED, "transport" => transport).set(f64::from(is_connected));
}

/// Nothing more is done for whoever asks.
pub(crate) fn left(transport: &'static str) {
    ready(false);
    if transport != "poll" {
        connected(transport, &BusHealth::Off);
    }
}

/// Looks now and then at a bus that tells nobody how it is.
#[cfg(any(feature = "amqp", feature = "kafka"))]
pub(crate) async fn follow(transport: &'static str, bus: confbus_bus::Bus) {
    const PAUSE: Duration = Duration::from_secs(5);
    loop {
        connected(transport, &BusHealth::of(&bus));
        tokio::time::sleep(PAUSE).await;
    }
}

fn since_1970(at: SystemTime) -> f64 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}
