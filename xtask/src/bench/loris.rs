//! `cargo xtask loris`: thousands of connections that never end their request, or never take their answer, and how a client
//! that behaves fares beside them.

mod attackers;

use std::{
    path::PathBuf,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use serde::Serialize;

use super::{
    confbus::Confbus,
    http::Connection,
    limits::raise_open_files,
    sample,
    server::{Cores, Running},
};
use crate::shell::release_server;
use attackers::{Attack, Kind, Lives};

const ORDERS: &str = "/orders/prod";
/// Between two requests of the client that behaves.
const PACE: Duration = Duration::from_millis(1);
/// What the client that behaves may be slower beside the others.
const ALLOWED: f64 = 2.0;
/// How late the server may notice that somebody let it wait, and by how much its clock may be behind.
const LATE: Duration = Duration::from_secs(2);
const EARLY: Duration = Duration::from_millis(500);
/// Until the buffers on the way to a reader are full, answers are taken.
const FILLING: Duration = Duration::from_secs(10);
/// `confbus.limits.head-timeout` and `confbus.limits.send-timeout` as they are by default.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Connections that send a head byte by byte.
    #[arg(long, default_value_t = 5_000)]
    heads: usize,
    /// Connections that ask for much and read a byte now and then.
    #[arg(long, default_value_t = 1_000)]
    readers: usize,
    /// Into how many turns a second's bytes are dealt. Strangers are not in step: the fewer the turns, the more of them
    /// speak at once, which the client hears of even when they speak to another server.
    #[arg(long, default_value_t = 1_000)]
    turns: u16,
    /// How long it lasts, in seconds; half as long before and after it the client is alone.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// A built server, instead of building it for release.
    #[arg(long)]
    program: Option<PathBuf>,
}

/// What is printed.
#[derive(Serialize)]
struct Figures {
    heads: usize,
    readers: usize,
    turns: u16,
    requests: usize,
    alone_p50_us: u128,
    alone_p99_us: u128,
    beside_p50_us: u128,
    beside_p99_us: u128,
    p99_ratio: f64,
    heads_closed: Lives,
    readers_closed: Lives,
    most_resident_kib: u64,
    holds: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    raise_open_files()?;
    let program = match &args.program {
        Some(program) => program.clone(),
        None => release_server()?,
    };
    let folder = tempfile::Builder::new()
        .prefix("confbus-loris-")
        .tempdir()?;
    let repository = sample::repository(folder.path())?;
    let server = Confbus {
        program: &program,
        uri: &format!("file://{}", repository.display()),
        folder: folder.path(),
        cores: Cores::Free,
        ready: ORDERS,
        settings: &[],
    }
    .start()?;
    let figures = measure(args, &server)?;
    println!("{}", serde_json::to_string(&figures)?);
    Ok(if figures.holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn measure(args: &Args, server: &Running) -> anyhow::Result<Figures> {
    let attack_time = Duration::from_secs(args.seconds);
    let mut alone = latencies(server.port, attack_time / 2)?;
    let heads = Attack::start(Kind::Head, args.heads, args.turns, server.port)?;
    let readers = Attack::start(Kind::Reader, args.readers, args.turns, server.port)?;
    let mut beside = latencies(server.port, attack_time)?;
    let most_resident_kib = server.resident_kib()?;
    let (heads_closed, readers_closed) = (heads.stop()?, readers.stop()?);
    alone.extend(latencies(server.port, attack_time / 2)?);

    let requests = alone.len() + beside.len();
    let (alone_p99, beside_p99) = (percentile(&mut alone, 99), percentile(&mut beside, 99));
    let p99_ratio = beside_p99.as_secs_f64() / alone_p99.as_secs_f64();
    let holds = p99_ratio <= ALLOWED
        && heads_closed.end_between(HEAD_TIMEOUT - EARLY, HEAD_TIMEOUT + LATE)
        && readers_closed.end_between(SEND_TIMEOUT - EARLY, SEND_TIMEOUT + FILLING + LATE);
    Ok(Figures {
        heads: args.heads,
        readers: args.readers,
        turns: args.turns,
        requests,
        alone_p50_us: percentile(&mut alone, 50).as_micros(),
        alone_p99_us: alone_p99.as_micros(),
        beside_p50_us: percentile(&mut beside, 50).as_micros(),
        beside_p99_us: beside_p99.as_micros(),
        p99_ratio,
        heads_closed,
        readers_closed,
        most_resident_kib,
        holds,
    })
}

/// How long the answers to a client took that behaves, over a connection that it keeps.
fn latencies(port: u16, time: Duration) -> anyhow::Result<Vec<Duration>> {
    let mut connection = Connection::open(port)?;
    let until = Instant::now() + time;
    let mut taken = Vec::new();
    while Instant::now() < until {
        let began = Instant::now();
        let answer = connection.get(ORDERS).context("a client that behaves")?;
        taken.push(began.elapsed());
        ensure!(answer.status == 200, "the answer was {}", answer.status);
        thread::sleep(PACE);
    }
    Ok(taken)
}

fn percentile(taken: &mut [Duration], percent: usize) -> Duration {
    taken.sort_unstable();
    let at = (taken.len() * percent / 100).min(taken.len().saturating_sub(1));
    taken.get(at).copied().unwrap_or_default()
}
