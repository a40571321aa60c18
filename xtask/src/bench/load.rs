//! Turns of load on one server: what is asked, whether the answers are right, and what they cost.

mod remarks;

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::Serialize;

pub(super) use self::remarks::remarks;
use super::http::Connection;
use super::machine::Watch;
use super::rounds::Contest;
use super::server::{Cores, Running};
use super::workload::Context;
use super::wrk::{CONNECTIONS, Report, Requests};

/// Before each turn, so that caches are full and the processor is awake.
const WARM_UP_SECONDS: u32 = 1;

/// So many answers are compared before a round.
const COMPARED: usize = 64;

/// Requests to one server.
pub(super) struct Load<'a> {
    pub(super) name: String,
    pub(super) server: &'a Running,
    pub(super) paths: Vec<String>,
    /// Header fields, `Name: value`.
    pub(super) fields: Vec<String>,
    /// The status of every answer.
    pub(super) status: u16,
    pub(super) cores: Cores,
    /// How long its turns last, when that is not said on the command line.
    seconds: Option<u32>,
}

/// One turn.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Turn {
    load: String,
    round: u32,
    seconds: u32,
    pub(super) requests_per_second: f64,
    /// CPU time of the server's processes for each request.
    pub(super) cpu_us: f64,
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
    pub(super) p999_us: f64,
    pub(super) max_us: f64,
    pub(super) resident_kib: u64,
    /// What part of its core the server used; nothing when it has none to itself.
    busy: Option<f64>,
    /// How many cores others kept busy meanwhile.
    pub(super) foreign: f64,
}

impl<'a> Load<'a> {
    /// Kept-alive requests, answered with 200.
    pub(super) fn new(name: &str, server: &'a Running, paths: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            server,
            paths,
            fields: Vec::new(),
            status: 200,
            cores: Cores::Split,
            seconds: None,
        }
    }

    /// In turns of a second: for figures without a target, and for those of CPU time alone, of which the kernel then still
    /// tells one percent.
    pub(super) fn briefly(mut self) -> Self {
        self.seconds = Some(1);
        self
    }

    pub(super) fn with_field(mut self, field: impl Into<String>) -> Self {
        self.fields.push(field.into());
        self
    }

    pub(super) fn answered_with(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn on(mut self, cores: Cores) -> Self {
        self.cores = cores;
        self
    }

    /// One turn; repeated, as often as is allowed, while others use the machine.
    pub(super) fn turn(
        &self,
        context: &Context,
        round: u32,
        folder: &Path,
    ) -> anyhow::Result<Turn> {
        loop {
            let turn = self.attempt(context, round, folder)?;
            if context.quick || turn.foreign <= context.foreign || !context.may_repeat() {
                return Ok(turn);
            }
        }
    }

    fn attempt(&self, context: &Context, round: u32, folder: &Path) -> anyhow::Result<Turn> {
        let seconds = self.seconds.unwrap_or(context.seconds);
        self.send(WARM_UP_SECONDS, folder)?;
        let watch = Watch::start();
        let before = self.server.cpu_time()?;
        let report = self.send(seconds, folder)?;
        let cpu = self.server.cpu_time()?.saturating_sub(before);
        Ok(Turn {
            load: self.name.clone(),
            round,
            seconds,
            requests_per_second: report.requests as f64 / report.seconds,
            cpu_us: cpu.as_secs_f64() * 1e6 / report.requests as f64,
            p50_us: report.p50_us as f64,
            p99_us: report.p99_us as f64,
            p999_us: report.p999_us as f64,
            max_us: report.max_us as f64,
            resident_kib: self.server.resident_kib()?,
            busy: (self.cores == Cores::Split).then(|| cpu.as_secs_f64() / report.seconds),
            foreign: watch.and_then(|it| it.foreign_cores()).unwrap_or_default(),
        })
    }

    /// Sends requests, and refuses anything but complete answers with the expected status.
    fn send(&self, seconds: u32, folder: &Path) -> anyhow::Result<Report> {
        let requests = Requests {
            port: self.server.port,
            paths: &self.paths,
            fields: &self.fields,
            cores: self.cores,
            connections: CONNECTIONS,
            seconds,
        };
        let report = requests.send(folder)?;
        let failed = if self.status < 400 {
            0
        } else {
            report.requests
        };
        ensure!(
            report.requests > 0 && report.status == failed && report.socket == 0,
            "{}: of {} answers {} had a status of 400 or more, and {} connections failed",
            self.name,
            report.requests,
            report.status,
            report.socket
        );
        Ok(report)
    }

    /// Asks for some of the paths and expects the bytes that another load's server gives; a different choice each round.
    pub(super) fn same_bodies(&self, other: &Load<'_>, round: u32) -> anyhow::Result<()> {
        ensure!(
            self.paths == other.paths,
            "the loads ask for different paths"
        );
        let (mut ours, mut theirs) = (self.connect()?, other.connect()?);
        for path in sample(&self.paths, round) {
            let (ours, theirs) = (
                ours.ask("GET", path, &self.fields, b"")?,
                theirs.ask("GET", path, &other.fields, b"")?,
            );
            ensure!(
                ours.status == self.status && theirs.status == other.status,
                "{path}: the answers have the statuses {} and {}",
                ours.status,
                theirs.status
            );
            ensure!(
                ours.body == theirs.body
                    && ours.field("content-encoding") == theirs.field("content-encoding"),
                "{path}: {} and {} give different bytes",
                self.name,
                other.name
            );
        }
        Ok(())
    }

    fn connect(&self) -> anyhow::Result<Connection> {
        Connection::open(self.server.port)
    }
}

/// Some of many paths, others each round.
pub(super) fn sample(paths: &[String], round: u32) -> impl Iterator<Item = &String> {
    let step = paths.len().div_ceil(COMPARED).max(1);
    paths.iter().skip(round as usize % step).step_by(step)
}

impl Turn {
    /// The same under another name.
    pub(super) fn named(mut self, name: String) -> Self {
        self.load = name;
        self
    }
}

impl std::fmt::Display for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            load,
            round,
            requests_per_second,
            cpu_us,
            p99_us,
            foreign,
            ..
        } = self;
        write!(
            f,
            "round {} {load:24} {requests_per_second:9.0}/s  {cpu_us:7.2} us CPU  p99 {p99_us:6.0} us  others {foreign:.2}",
            round + 1
        )
    }
}

/// Rounds of these loads, the first one being the anchor; `check` is called before each round.
pub(super) fn compete(
    context: &Context,
    workload: &str,
    loads: &[Load<'_>],
    folder: &Path,
    check: impl Fn(u32) -> anyhow::Result<()>,
) -> anyhow::Result<Contest<Turn>> {
    let mut checked = None;
    Contest::hold(context.rounds, loads.len(), |round, contestant| {
        if checked != Some(round) {
            check(round).with_context(|| format!("round {}", round + 1))?;
            checked = Some(round);
        }
        let turn = loads[contestant].turn(context, round, folder)?;
        context.note_run(workload, &turn)?;
        eprintln!("  {turn}");
        Ok(turn)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_another_one_each_round_and_never_large() {
        let paths: Vec<_> = (0..3_000).map(|number| number.to_string()).collect();
        let first: Vec<_> = sample(&paths, 0).collect();
        assert!(first.len() <= COMPARED && first.len() > COMPARED / 2);
        assert!(sample(&paths, 1).all(|path| !first.contains(&path)));
        assert_eq!(sample(&paths[..1], 5).count(), 1);
        assert_eq!(sample(&[], 0).count(), 0);
    }
}
