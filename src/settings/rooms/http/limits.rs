//! `confbus.limits.*` of connections and requests, and what the threads that serve them have.

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    http::{Limits, Rates},
    settings::{reader::Reader, rooms::SECOND},
};

/// Also says what TLS offers.
pub(super) const HTTP2: &str = "server.http2.enabled";
/// More would only wait for one another.
const MAX_THREADS: usize = 256;
/// Below and above, a server is of no use to anybody.
const CONNECTIONS: RangeInclusive<usize> = 1..=1 << 20;
/// More than GitHub sends, the greatest of all.
const BODY: RangeInclusive<usize> = 0..=32 << 20;
/// From what the name of an application needs to more than anybody in between lets through.
const TARGET: RangeInclusive<usize> = 256..=1 << 20;
/// Longer than that, clients and proxies take a server for dead.
const LONGEST_LAG: Duration = Duration::from_secs(10);
/// From the least that is read at once to what nobody could mean.
const HEAD: RangeInclusive<usize> = 8 << 10..=1 << 20;

pub(super) fn limits(reader: &mut Reader, defaults: Limits) -> Limits {
    let rates = rates(reader, defaults.rates);
    let mut bytes = |name: &str, default, range| {
        let key = format!("confbus.limits.{name}");
        bytes_within(reader, &key, default, range)
    };
    let body = bytes("body-bytes", defaults.body, BODY);
    let webhook = bytes("webhook-bytes", defaults.webhook, BODY);
    let target = bytes("target-bytes", defaults.target, TARGET);
    let head = bytes("head-bytes", defaults.head, HEAD);
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
        lag_timeout: lag_timeout(reader, defaults.lag_timeout),
        lagging_reads: reader.number("confbus.limits.lagging-reads", defaults.lagging_reads),
        this_machine: reader.flag("confbus.limits.this-machine", defaults.this_machine),
        http2: reader.flag(HTTP2, defaults.http2),
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
    check(reader, key, number, range);
    number
}

fn bytes_within(
    reader: &mut Reader,
    key: &str,
    default: usize,
    range: RangeInclusive<usize>,
) -> usize {
    let bytes = reader.bytes(key, default);
    check(reader, key, bytes, range);
    bytes
}

fn check(reader: &mut Reader, key: &str, number: usize, range: RangeInclusive<usize>) {
    if !range.contains(&number) {
        let (least, most) = range.into_inner();
        let text = format!("`{key}` is not between {least} and {most}");
        reader.refuse(key, text, None);
    }
}

/// Nobody waits where it is zero.
fn lag_timeout(reader: &mut Reader, default: Duration) -> Duration {
    const KEY: &str = "confbus.limits.lag-timeout";
    let timeout = reader.duration(KEY, SECOND, default);
    if timeout > LONGEST_LAG {
        let text = format!("`{KEY}` is longer than {} seconds", LONGEST_LAG.as_secs());
        reader.refuse(KEY, text, None);
    }
    timeout
}

/// Nobody could keep one of no length.
fn timeout(reader: &mut Reader, key: &str, default: Duration) -> Duration {
    let timeout = reader.duration(key, SECOND, default);
    if timeout.is_zero() {
        reader.refuse(key, format!("`{key}` is zero"), None);
    }
    timeout
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(key: &str, value: &str) -> (Limits, Vec<String>) {
        let said = vec![(format!("confbus.{key}"), value.to_owned())];
        let mut reader = Reader::of(said, Vec::new());
        let limits = limits(&mut reader, Limits::default());
        let (problems, warnings) = reader.finish();
        assert!(warnings.is_empty(), "{warnings:?}");
        let problems = problems.into_iter().map(|problem| problem.problem);
        (limits, problems.collect())
    }

    #[test]
    fn bounds_are_read_with_their_units() {
        let limits = |key, value| {
            let (limits, problems) = read(key, value);
            assert!(problems.is_empty(), "{problems:?}");
            limits
        };
        assert_eq!(limits("limits.body-bytes", "2KB").body, 2048);
        assert_eq!(limits("limits.webhook-bytes", "2MB").webhook, 2 << 20);
        assert_eq!(limits("limits.head-bytes", "8KB").head, 8 << 10);
        assert_eq!(limits("limits.idle-timeout", "7").idle_timeout, 7 * SECOND);
        assert_eq!(limits("limits.connections", "100").connections, 100);
        assert_eq!(limits("limits.rates.webhooks", "0").rates.webhooks, 0);
        assert!(limits("limits.lag-timeout", "0").lag_timeout.is_zero());
        assert_eq!(limits("limits.lagging-reads", "7").lagging_reads, 7);
        assert!(limits("limits.this-machine", "true").this_machine);
    }

    #[test]
    fn bounds_that_would_end_everything_are_refused() {
        for (key, value) in [
            ("limits.connections", "0"),
            ("limits.requests", "0"),
            ("limits.head-bytes", "4KB"),
            ("limits.target-bytes", "0"),
            ("limits.webhook-bytes", "33MB"),
            ("limits.body-bytes", "1GB"),
            ("limits.head-timeout", "0"),
            ("limits.send-timeout", "0s"),
            ("limits.lag-timeout", "11s"),
            ("limits.rates.refreshes", "-1"),
            ("server.threads", "257"),
        ] {
            let (_, problems) = read(key, value);
            assert_eq!(problems.len(), 1, "{key}: {problems:?}");
            assert!(problems[0].contains(key), "{problems:?}");
        }
    }
}
