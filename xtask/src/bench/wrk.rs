//! The load: wrk with kept-alive connections.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use super::server::Cores;
use crate::shell::output;

/// Enough to keep one core of server busy, few enough not to queue for long.
pub(super) const CONNECTIONS: usize = 32;

/// How long an answer may take before it counts as missing; some peers are slow.
const TIMEOUT: &str = "60s";

const SCRIPT: &str = include_str!("wrk.lua");

/// What wrk is to do.
pub(super) struct Requests<'a> {
    pub(super) port: u16,
    /// One, or several that are asked for in random order.
    pub(super) paths: &'a [String],
    /// Header fields, `Name: value`.
    pub(super) fields: &'a [String],
    pub(super) cores: Cores,
    /// Of each thread.
    pub(super) connections: usize,
    pub(super) seconds: u32,
}

/// What wrk saw; latencies from the first byte sent to the last one received.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(super) struct Report {
    pub(super) requests: u64,
    pub(super) seconds: f64,
    /// Everything received, heads as well.
    pub(super) bytes: u64,
    /// How many answers had a status of 400 or more.
    pub(super) status: u64,
    /// How many connections, reads, writes failed or took too long.
    pub(super) socket: u64,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) p999_us: u64,
    pub(super) max_us: u64,
}

impl Requests<'_> {
    /// Keeps the server busy. `folder` is for the script.
    pub(super) fn send(&self, folder: &Path) -> anyhow::Result<Report> {
        let script = folder.join("wrk.lua");
        fs::write(&script, SCRIPT)?;
        let threads = self.cores.threads();
        let first = self.paths.first().context("nothing is asked for")?;

        let mut wrk = self.cores.load("wrk");
        wrk.args(["--threads", &threads.to_string()])
            .args(["--connections", &(threads * self.connections).to_string()])
            .args(["--duration", &format!("{}s", self.seconds)])
            .args(["--timeout", TIMEOUT])
            .arg("--script")
            .arg(script);
        for field in self.fields {
            wrk.args(["--header", field]);
        }
        wrk.arg(format!("http://127.0.0.1:{}{first}", self.port));
        if self.paths.len() > 1 {
            let paths = folder.join("wrk.paths");
            fs::write(&paths, self.paths.join("\n"))?;
            wrk.arg("--").arg(paths);
        }
        let text = output(&mut wrk)?;
        Report::parse(&text).with_context(|| format!("wrk says:\n{text}"))
    }
}

impl Report {
    fn parse(text: &str) -> anyhow::Result<Self> {
        let result = text.lines().find_map(|line| line.strip_prefix("result "));
        Ok(serde_json::from_str(result.context("no result")?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_is_found_in_what_wrk_says() {
        let report = Report::parse(
            "Running 1s test\nRequests/sec: 9\n\nresult {\"requests\":100,\"seconds\":1.5,\"bytes\":9,\
             \"status\":1,\"socket\":2,\"p50_us\":3,\"p99_us\":4,\"p999_us\":5,\"max_us\":6}\n",
        );
        let report = report.unwrap();
        assert_eq!((report.requests, report.status, report.socket), (100, 1, 2));
        assert_eq!((report.p99_us, report.max_us), (4, 6));
    }

    #[test]
    fn without_a_result_there_is_no_report() {
        assert!(Report::parse("unable to connect").is_err());
    }
}
