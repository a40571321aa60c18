//! `confbus.limits.*` of connections and requests, and what the threads that serve them have.

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    http::{Limits, Rates},
    settings::{reader::Reader, rooms::SECOND},
};

/// More would only wait for one another.
const MAX_THREADS: usize = 256;
/// Below and above, a server is of no use to anybody.
const CONNECTIONS: RangeInclusive<usize> = 1..=1 << 20;
/// From the least that is read at once to what nobody could mean.
const HEAD: RangeInclusive<usize> = 8 << 10..=1 << 20;

pub(super) fn limits(reader: &mut Reader, defaults: Limits) -> Limits {
    let rates = rates(reader, defaults.rates);
    let mut bytes = |name: &str, default| reader.bytes(&format!("confbus.limits.{name}"), default);
    let body = bytes("body-bytes", defaults.body);
    let webhook = bytes("webhook-bytes", defaults.webhook);
    let target = bytes("target-bytes", defaults.target);
    let head = bytes("head-bytes", defaults.head);
    if !HEAD.contains(&head) {
        let text = "`confbus.limits.head-bytes` is not between 8KB and 1MB";
        reader.refuse("confbus.limits.head-bytes", text, None);
    }
    let names = reader.number("confbus.limits.names", defaults.names);
    let path_segments = reader.number("confbus.limits.path-segments", defaults.path_segments);
    let mut time =
        |name: &str, default| timeout(reader, &format!("confbus.limits.{name}"), default);
    Limits {
        body,
        webhook,
        target,
        head,
        names,
        path_segments,
        rates,
        idle_timeout: time("idle-timeout", defaults.idle_timeout),
        head_timeout: time("head-timeout", defaults.head_timeout),
        body_timeout: time("body-timeout", defaults.body_timeout),
        send_timeout: time("send-timeout", defaults.send_timeout),
        handshake_timeout: time("handshake-timeout", defaults.handshake_timeout),
        connections: within(
            reader,
            "confbus.limits.connections",
            defaults.connections,
            CONNECTIONS,
        ),
        connections_per_address: reader.number(
            "confbus.limits.connections-per-address",
            defaults.connections_per_address,
        ),
        requests: within(
            reader,
            "confbus.limits.requests",
            defaults.requests,
            CONNECTIONS,
        ),
        this_machine: reader.flag("confbus.limits.this-machine", defaults.this_machine),
        threads: within(
            reader,
            "confbus.server.threads",
            defaults.threads,
            1..=MAX_THREADS,
        ),
        kept_bytes: reader.bytes("confbus.server.kept-bytes", defaults.kept_bytes),
        ..defaults
    }
}

fn rates(reader: &mut Reader, defaults: Rates) -> Rates {
    let mut rate =
        |name: &str, default| reader.number(&format!("confbus.limits.rates.{name}"), default);
    Rates {
        encryption: rate("encryption", defaults.encryption),
        webhooks: rate("webhooks", defaults.webhooks),
        refreshes: rate("refreshes", defaults.refreshes),
        decisions: rate("decisions", defaults.decisions),
    }
}

fn within(reader: &mut Reader, key: &str, default: usize, range: RangeInclusive<usize>) -> usize {
    let number = reader.number(key, default);
    if !range.contains(&number) {
        let (least, most) = range.into_inner();
        let text = format!("`{key}` is not between {least} and {most}");
        reader.refuse(key, text, None);
    }
    number
}

/// Nobody could keep one of no length.
fn timeout(reader: &mut Reader, key: &str, default: Duration) -> Duration {
    let timeout = reader.duration(key, SECOND, default);
    if timeout.is_zero() {
        reader.refuse(key, format!("`{key}` is zero"), None);
    }
    timeout
}
