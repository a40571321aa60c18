//! What an answer costs that nobody has asked for: files are parsed, sources are put together, placeholders are filled in.
//!
//! A new server, one kept-alive connection, one request at a time, every address asked for once. From the time of each
//! request the median of a kept answer's is taken away, which is the way there and back. Load and server have a core each,
//! and neither of the cores sleeps meanwhile: waking one takes longer than what is measured. Answers of large files are left
//! out, since a file of 64 KiB is a hundred ordinary ones.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::FORMATS;
use crate::bench::http::Connection;
use crate::bench::machine::{pin_this_thread, pinned_to};
use crate::bench::record::{Bound, Record};
use crate::bench::repositories::{R3K, application};
use crate::bench::rounds::{Summary, percentile};
use crate::bench::server::{Cores, Running};
use crate::bench::stage::{HOT, Stage};
use crate::bench::threads::cpu_nanoseconds;
use crate::bench::workload::Context;
use crate::shell::{KillOnDrop, find_program};

/// Answers that are longer hold a large file.
const LARGE: usize = 16 * 1024;

/// How often a kept answer is asked for.
const KEPT: usize = 2_000;

/// After an answer, until the server sleeps and all of its CPU time is counted.
const SETTLE: Duration = Duration::from_micros(50);

/// In microseconds, one round.
struct Round {
    first: Times,
    kept: Times,
}

/// Of many requests.
#[derive(Default)]
struct Times {
    /// From a request to the end of its answer.
    total: Vec<f64>,
    /// CPU time of the server.
    cpu: Vec<f64>,
}

pub(super) fn measure(context: &Context, stage: &Stage) -> anyhow::Result<Vec<Record>> {
    let _awake = keep_awake(0)?;
    let mut rounds = Vec::new();
    for number in 1..=context.rounds {
        let server = stage.confbus(context, Cores::Split, &[])?;
        let measured = thread::scope(|scope| {
            let measuring = scope.spawn(|| round(&server));
            measuring.join().expect("measuring does not panic")
        })?;
        eprintln!(
            "  round {number} first answers p99 {:.0} us, CPU {:.0} us; kept ones p99 {:.0} us, CPU {:.0} us",
            share(&measured.first.total, 0.99)?,
            share(&measured.first.cpu, 0.99)?,
            share(&measured.kept.total, 0.99)?,
            share(&measured.kept.cpu, 0.99)?,
        );
        rounds.push(measured);
    }
    let of_rounds = |figure: fn(&Round) -> anyhow::Result<f64>| {
        let figures: anyhow::Result<Vec<_>> = rounds.iter().map(figure).collect();
        Summary::of(figures?)
    };
    let record = |measure: &str| Record::new("W4", "first answers", measure);
    let kept = of_rounds(|round| share(&round.kept.total, 0.99))?;
    Ok(vec![
        record("p99 of the server's work")
            .figure(&of_rounds(|round| round.work(0.99))?, "µs")
            .target(Bound::AtMost(150.0))
            .note(format!(
                "from a request to its answer, minus the median of a kept one; a kept one's p99 is {:.0} µs",
                kept.median
            )),
        record("p50 of the server's work")
            .figure(&of_rounds(|round| round.work(0.5))?, "µs")
            .beyond(Bound::AtMost(60.0)),
        record("p99 of the server's CPU time")
            .figure(&of_rounds(|round| share(&round.first.cpu, 0.99))?, "µs")
            .note("sockets included"),
    ])
}

impl Round {
    /// What a first answer takes longer than a kept one.
    fn work(&self, part: f64) -> anyhow::Result<f64> {
        Ok(share(&self.first.total, part)? - share(&self.kept.total, 0.5)?)
    }
}

fn round(server: &Running) -> anyhow::Result<Round> {
    pin_this_thread(1);
    let mut connection = Connection::open(server.port)?;
    connection.never_sleep()?;
    let mut kept = Times::default();
    for _ in 0..KEPT {
        kept.ask(server, &mut connection, HOT)?;
    }
    let mut first = Times::default();
    for path in paths() {
        first.ask(server, &mut connection, &path)?;
    }
    Ok(Round { first, kept })
}

impl Times {
    /// One request; an answer that is long counts nothing.
    fn ask(
        &mut self,
        server: &Running,
        connection: &mut Connection,
        path: &str,
    ) -> anyhow::Result<()> {
        let cpu = cpu_nanoseconds(server.id())?;
        let start = Instant::now();
        let answer = connection.get(path)?;
        let total = start.elapsed();
        ensure!(
            answer.status == 200,
            "{path} is answered with {}",
            answer.status
        );
        while start.elapsed() < total + SETTLE {
            std::hint::spin_loop();
        }
        let cpu = cpu_nanoseconds(server.id())?.saturating_sub(cpu);
        if answer.body.len() <= LARGE {
            self.total.push(total.as_secs_f64() * 1e6);
            self.cpu.push(cpu.as_secs_f64() * 1e6);
        }
        Ok(())
    }
}

fn share(times: &[f64], share: f64) -> anyhow::Result<f64> {
    percentile(times, share).context("nothing was asked")
}

/// Each application in one format or as an environment, each of its profiles.
fn paths() -> impl Iterator<Item = String> {
    (0..R3K.files).map(|number| {
        let name = application(number / 3);
        let profile = ["default", "dev", "prod"][number as usize % 3];
        match FORMATS.get(number as usize / 3 % 4) {
            Some(format) => format!("/main/{name}-{profile}.{format}"),
            None => format!("/{name}/{profile}/main"),
        }
    })
}

/// Something that runs on a core whenever nothing else would; nothing where the system cannot do that.
fn keep_awake(core: usize) -> anyhow::Result<Option<KillOnDrop>> {
    if find_program("chrt").is_none() {
        return Ok(None);
    }
    let mut idle: Command = pinned_to(core, "chrt");
    idle.args(["--idle", "0", "sh", "-c", "while :; do :; done"]);
    KillOnDrop::spawn(&mut idle).map(Some)
}
