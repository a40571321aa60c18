//! What an answer costs that nobody has asked for: files are parsed, sources are put together, placeholders are filled in.
//!
//! A new server, one kept-alive connection, one request at a time, every address asked for once. From the time of each
//! request the median of a kept answer's is taken away, which is the way there and back. Load and server have a core each,
//! the load looks for its answer without sleeping, and answers of large files are left out: a file of 64 KiB is a hundred
//! ordinary ones.

use std::time::Instant;

use anyhow::{Context as _, ensure};

use super::FORMATS;
use crate::bench::http::Connection;
use crate::bench::record::{Bound, Record};
use crate::bench::repositories::{R3K, application};
use crate::bench::rounds::{Summary, percentile};
use crate::bench::server::{Cores, Running};
use crate::bench::stage::{HOT, Stage};
use crate::bench::workload::Context;

/// Answers that are longer hold a large file.
const LARGE: usize = 16 * 1024;

/// How often a kept answer is asked for.
const KEPT: usize = 2_000;

/// In microseconds, one round.
struct Round {
    p50: f64,
    p99: f64,
    /// Of a kept answer, there and back.
    kept_p50: f64,
    kept_p99: f64,
}

pub(super) fn measure(context: &Context, stage: &Stage) -> anyhow::Result<[Record; 2]> {
    let mut rounds = Vec::new();
    for number in 1..=context.rounds {
        let server = stage.confbus(context, Cores::Split, &[])?;
        let round = round(&server)?;
        let Round {
            p50,
            p99,
            kept_p50,
            kept_p99,
        } = round;
        eprintln!(
            "  round {number} first answers: p50 {p50:.0} us, p99 {p99:.0} us; kept ones there and back: p50 {kept_p50:.0} us, p99 {kept_p99:.0} us"
        );
        rounds.push(round);
    }
    let summary = |figure: fn(&Round) -> f64| Summary::of(rounds.iter().map(figure).collect());
    let record = |measure: &str| Record::new("W4", "first answers", measure);
    let kept = summary(|round| round.kept_p99)?;
    Ok([
        record("p99 of the server's work")
            .figure(&summary(|round| round.p99)?, "µs")
            .target(Bound::AtMost(150.0))
            .note(format!(
                "time of each first request minus the median of a kept one, there and back; p99 of the kept ones {:.0} µs",
                kept.median
            )),
        record("p50 of the server's work")
            .figure(&summary(|round| round.p50)?, "µs")
            .beyond(Bound::AtMost(60.0)),
    ])
}

fn round(server: &Running) -> anyhow::Result<Round> {
    let mut connection = Connection::open(server.port)?;
    let mut kept = Vec::new();
    for _ in 0..KEPT {
        kept.push(timed(&mut connection, HOT)?.0);
    }
    let kept_p50 = percentile(&kept, 0.5).context("nothing was asked")?;

    let mut first = Vec::new();
    for path in paths() {
        let (time, length) = timed(&mut connection, &path)?;
        if length <= LARGE {
            first.push(time - kept_p50);
        }
    }
    let share = |times: &[f64], share| percentile(times, share).context("nothing was asked");
    Ok(Round {
        p50: share(&first, 0.5)?,
        p99: share(&first, 0.99)?,
        kept_p50,
        kept_p99: share(&kept, 0.99)?,
    })
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

/// Microseconds from the request to the end of its answer, and the body's length.
fn timed(connection: &mut Connection, path: &str) -> anyhow::Result<(f64, usize)> {
    let start = Instant::now();
    let answer = connection.get(path)?;
    let time = start.elapsed().as_secs_f64() * 1e6;
    ensure!(
        answer.status == 200,
        "{path} is answered with {}",
        answer.status
    );
    Ok((time, answer.body.len()))
}
