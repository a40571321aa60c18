//! W1: the same answer over and over, beside nginx with a file of the same bytes.

use super::load::{Load, compete, remarks};
use super::part::part;
use super::record::{Bound, Record};
use super::repositories::R3K;
use super::server::{Cores, Running};
use super::stage::{HOT, Stage, etag};
use super::workload::{Context, Workload};

pub(super) const WORKLOAD: Workload = Workload {
    name: "W1",
    about: "hot read of one environment",
    needs: &["git", "nginx", "fcgiwrap", "wrk"],
    run,
};

const GZIP: &str = "Accept-Encoding: gzip";

const NGINX: usize = 0;
const CONFBUS: usize = 1;

/// The two servers on the same cores.
struct Pair {
    confbus: Running,
    nginx: Running,
    cores: Cores,
}

fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    let stage = Stage::new(context, &R3K)?;
    let mut records = pinned(context, &stage)?;
    records.extend(part("W1", "unpinned", || unpinned(context, &stage)));
    Ok(records)
}

fn pinned(context: &Context, stage: &Stage) -> anyhow::Result<Vec<Record>> {
    let pair = Pair::start(context, stage, Cores::Split)?;
    let mut records = part("W1", "hot", || {
        let [rate, cpu] = measure(context, stage, "hot", &pair.loads())?;
        let rate = rate.target(Bound::AtLeast(1.25));
        Ok([rate, cpu.target(Bound::AtMost(0.8))])
    });
    records.extend(part("W1", "304", || {
        let [nginx, confbus] = pair.loads();
        let loads = [conditional(nginx)?, conditional(confbus)?];
        measure(context, stage, "304", &loads.map(Load::briefly))
    }));
    for (variant, field) in [("new connections", "Connection: close"), ("gzip", GZIP)] {
        let loads = pair.loads().map(|load| load.with_field(field).briefly());
        let measure = || measure(context, stage, variant, &loads);
        records.extend(part("W1", variant, measure));
    }
    Ok(records)
}

/// The same load by somebody who has the answer already.
fn conditional(load: Load<'_>) -> anyhow::Result<Load<'_>> {
    let field = format!("If-None-Match: {}", etag(load.server, HOT)?);
    Ok(load.with_field(field).answered_with(304))
}

fn unpinned(context: &Context, stage: &Stage) -> anyhow::Result<[Record; 2]> {
    let pair = Pair::start(context, stage, Cores::Free)?;
    measure(context, stage, "unpinned", &pair.loads().map(Load::briefly))
}

impl Pair {
    fn start(context: &Context, stage: &Stage, cores: Cores) -> anyhow::Result<Self> {
        let confbus = stage.confbus(context, cores, &[])?;
        let mut files = stage.files()?;
        files.add_answers(&confbus, &[HOT.to_owned()], &[])?;
        files.add_answers(&confbus, &[HOT.to_owned()], &[GZIP.to_owned()])?;
        Ok(Self {
            nginx: files.serve(cores)?,
            confbus,
            cores,
        })
    }

    fn loads(&self) -> [Load<'_>; 2] {
        [("nginx", &self.nginx), ("confbus", &self.confbus)]
            .map(|(name, server)| Load::new(name, server, vec![HOT.to_owned()]).on(self.cores))
    }
}

/// Requests per second and CPU time per request, each divided by nginx's.
fn measure(
    context: &Context,
    stage: &Stage,
    variant: &str,
    loads: &[Load<'_>; 2],
) -> anyhow::Result<[Record; 2]> {
    eprintln!("W1 {variant}");
    let check = |round| loads[CONFBUS].same_bodies(&loads[NGINX], round);
    let contest = compete(context, "W1", loads, stage.folder(), check)?;
    let remarks = remarks(context, &contest);
    let record = |measure: &str| Record::new("W1", variant, measure).peer("nginx");
    let rate = contest.ratio(CONFBUS, NGINX, |turn| turn.requests_per_second)?;
    let cpu = contest.ratio(CONFBUS, NGINX, |turn| turn.cpu_us)?;
    let absolute = format!(
        "confbus {:.0}/s, {:.2} us; nginx {:.0}/s, {:.2} us",
        contest
            .figure(CONFBUS, |turn| turn.requests_per_second)?
            .median,
        contest.figure(CONFBUS, |turn| turn.cpu_us)?.median,
        contest
            .figure(NGINX, |turn| turn.requests_per_second)?
            .median,
        contest.figure(NGINX, |turn| turn.cpu_us)?.median,
    );
    Ok([
        record("requests/s ÷ nginx")
            .figure(&rate, "×")
            .note(if remarks.is_empty() {
                absolute
            } else {
                format!("{absolute}; {remarks}")
            }),
        record("CPU per request ÷ nginx").figure(&cpu, "×"),
    ])
}
