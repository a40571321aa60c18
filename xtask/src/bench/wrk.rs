//! The load: wrk with kept-alive connections.

use std::process::Command;

use anyhow::{Context as _, ensure};

use super::server::pinned_to;
use crate::shell::output;

/// Enough to keep one core of server busy, few enough not to queue for long.
const CONNECTIONS: u32 = 32;

/// The rate over one turn, after a second of warming up.
pub(super) fn requests_per_second(port: u16, path: &str, seconds: u32) -> anyhow::Result<f64> {
    load(port, path, 1)?;
    let report = load(port, path, seconds)?;
    rate(&report).with_context(|| format!("wrk says:\n{report}"))
}

fn load(port: u16, path: &str, seconds: u32) -> anyhow::Result<String> {
    let mut wrk: Command = pinned_to(1, "wrk");
    wrk.args(["--threads", "1", "--connections", &CONNECTIONS.to_string()]);
    wrk.args([
        "--duration",
        &format!("{seconds}s"),
        &format!("http://127.0.0.1:{port}{path}"),
    ]);
    output(&mut wrk)
}

fn rate(report: &str) -> anyhow::Result<f64> {
    for failure in ["Non-2xx or 3xx responses", "Socket errors"] {
        ensure!(!report.contains(failure), "not every request was answered");
    }
    let rate = report
        .lines()
        .find_map(|line| line.strip_prefix("Requests/sec:"))
        .context("no rate")?;
    Ok(rate.trim().parse()?)
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn the_rate_is_read_from_the_report() {
        assert_eq!(
            rate("  100 requests in 1.00s, 2MB read\nRequests/sec:  48123.45\nTransfer/sec: 2MB\n")
                .unwrap(),
            48123.45
        );
    }

    #[test]
    fn a_run_with_errors_has_no_rate() {
        assert!(rate("  Non-2xx or 3xx responses: 7\nRequests/sec:  48123.45\n").is_err());
        assert!(rate("unable to connect").is_err());
    }
}
