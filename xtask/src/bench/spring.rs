//! W1 beside the original: a real Spring Cloud Config Server, built from its published artifacts, on the same Git remote.

mod answers;
mod server;

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;

use super::record::{Bound, Record};
use super::repositories::R3K;
use super::rounds::Contest;
use super::server::{Cores, Running};
use super::stage::{HOT, Stage};
use super::workload::{Context, Workload};
use super::wrk::{CONNECTIONS, Report, Requests};
use crate::interop;

pub(super) const WORKLOAD: Workload = Workload {
    name: "W1-spring",
    about: "hot read beside the real Spring Cloud Config Server",
    needs: &["git", "nginx", "fcgiwrap", "wrk"],
    run,
};

/// Until the second compiler has seen everything.
const WARM_UP_SECONDS: u32 = 60;

/// So slow a server needs longer turns to have answered often enough.
const SECONDS: u32 = 10;

const CONFBUS: usize = 0;

/// How Spring is set up, and by what factor it is to be surpassed.
struct Mode {
    name: &'static str,
    setting: Option<&'static str>,
    factor: f64,
}

const MODES: [Mode; 2] = [
    Mode {
        name: "Spring, default",
        setting: None,
        factor: 5_000.0,
    },
    Mode {
        name: "Spring, refresh-rate=3600",
        setting: Some("--spring.cloud.config.server.git.refresh-rate=3600"),
        factor: 2_500.0,
    },
];

/// What a turn showed.
#[derive(serde::Serialize)]
struct Turn {
    contestant: usize,
    /// With as many connections as everywhere.
    rate: f64,
    cpu_us: f64,
    /// With one connection.
    service_us: f64,
    service_cpu_us: f64,
    resident_kib: u64,
}

fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    let jar = match interop::spring_config_server() {
        Ok(jar) => jar,
        Err(error) if error.is::<interop::Unavailable>() => return Ok(absent(&error)),
        Err(error) => return Err(error),
    };
    let stage = Stage::new(context, &R3K)?;
    let mut servers = vec![stage.confbus(context, Cores::Split, &[])?];
    for mode in &MODES {
        servers.push(server::start(&jar, &stage, mode.setting)?);
        server::pause(&servers[servers.len() - 1])?;
    }
    let compared = compare(&servers)?;
    warm_up(context, &servers, stage.folder())?;
    let contest = Contest::alternate(context.rounds, servers.len(), |round, contestant| {
        let turn = turn(context, &servers, contestant, stage.folder())?;
        context.note_run(WORKLOAD.name, &turn)?;
        eprintln!(
            "  round {} {contestant} {:9.1}/s  {:9.2} us CPU",
            round + 1,
            turn.rate,
            turn.cpu_us
        );
        Ok(turn)
    })?;
    let mut records = Vec::new();
    for (mode, spring) in MODES.iter().zip(1..) {
        records.extend(told(mode, spring, &contest, &compared)?);
    }
    Ok(records)
}

fn absent(why: &anyhow::Error) -> Vec<Record> {
    let record = |mode: &Mode| {
        Record::new(WORKLOAD.name, mode.name, "requests/s ÷ Spring").absent(why.to_string())
    };
    MODES.iter().map(record).collect()
}

fn told(
    mode: &Mode,
    spring: usize,
    contest: &Contest<Turn>,
    compared: &str,
) -> anyhow::Result<Vec<Record>> {
    let record = |measure| Record::new(WORKLOAD.name, mode.name, measure).peer("Spring");
    let rate = contest.ratio(CONFBUS, spring, |turn| turn.rate)?;
    let cpu = contest.ratio(spring, CONFBUS, |turn| turn.cpu_us)?;
    let memory = contest.ratio(CONFBUS, spring, |turn| turn.resident_kib as f64)?;
    let of_spring = |figure: fn(&Turn) -> f64| contest.figure(spring, figure);
    let absolute = format!(
        "Spring {:.1}/s, {:.1} ms CPU; confbus {:.0}/s, {:.1} us CPU",
        of_spring(|turn| turn.rate)?.median,
        of_spring(|turn| turn.cpu_us / 1000.0)?.median,
        contest.figure(CONFBUS, |turn| turn.rate)?.median,
        contest.figure(CONFBUS, |turn| turn.cpu_us)?.median,
    );
    Ok(vec![
        record("requests/s ÷ Spring")
            .figure(&rate, "×")
            .target(Bound::AtLeast(mode.factor))
            .note(absolute),
        record("CPU per request, Spring ÷ confbus")
            .figure(&cpu, "×")
            .target(Bound::AtLeast(mode.factor))
            .note(format!(
                "Spring Cloud Config Server {}: {compared}",
                server::version()?
            )),
        record("Spring's service time, one connection")
            .figure(&of_spring(|turn| turn.service_us / 1000.0)?, "ms"),
        record("Spring's CPU per request, one connection")
            .figure(&of_spring(|turn| turn.service_cpu_us / 1000.0)?, "ms"),
        record("memory ÷ Spring")
            .figure(&memory, "×")
            .beyond(Bound::AtMost(1.0 / 15.0)),
    ])
}

/// All give the same, or nothing is measured.
fn compare(servers: &[Running]) -> anyhow::Result<String> {
    let [confbus, springs @ ..] = servers else {
        unreachable!("ours is the first")
    };
    let mut told = "";
    for spring in springs {
        server::resume(spring)?;
        told = answers::compare(confbus.port, spring.port)?;
        server::pause(spring)?;
    }
    Ok(told.to_owned())
}

fn warm_up(context: &Context, servers: &[Running], folder: &Path) -> anyhow::Result<()> {
    let seconds = if context.quick {
        context.seconds
    } else {
        WARM_UP_SECONDS
    };
    for spring in &servers[1..] {
        server::resume(spring)?;
        send(spring, CONNECTIONS, seconds.max(SECONDS), folder)?;
        server::pause(spring)?;
    }
    Ok(())
}

/// One server at work while the others stand still.
fn turn(
    context: &Context,
    servers: &[Running],
    contestant: usize,
    folder: &Path,
) -> anyhow::Result<Turn> {
    let server = &servers[contestant];
    let seconds = if contestant == CONFBUS || context.quick {
        context.seconds
    } else {
        context.seconds.max(SECONDS)
    };
    server::resume(server)?;
    server::wait_until_idle(server)?;
    // There is no target for it.
    let (one, one_cpu) = send(server, 1, context.seconds, folder)?;
    let (many, many_cpu) = send(server, CONNECTIONS, seconds, folder)?;
    let turn = Turn {
        contestant,
        rate: many.requests as f64 / many.seconds,
        cpu_us: per_request(many_cpu, &many),
        service_us: one.p50_us as f64,
        service_cpu_us: per_request(one_cpu, &one),
        resident_kib: server.resident_kib()?,
    };
    server::pause(server)?;
    Ok(turn)
}

/// What the load saw, and what the server used meanwhile.
fn send(
    server: &Running,
    connections: usize,
    seconds: u32,
    folder: &Path,
) -> anyhow::Result<(Report, Duration)> {
    let before = server.cpu_time()?;
    let requests = Requests {
        port: server.port,
        paths: &[HOT.to_owned()],
        fields: &[],
        cores: Cores::Split,
        connections,
        seconds,
    };
    let report = requests.send(folder)?;
    let used = server.cpu_time()?.saturating_sub(before);
    ensure!(
        report.requests > 0 && report.status == 0 && report.socket == 0,
        "not every request was answered well: {report:?}"
    );
    Ok((report, used))
}

fn per_request(used: Duration, report: &Report) -> f64 {
    used.as_secs_f64() * 1e6 / report.requests as f64
}
