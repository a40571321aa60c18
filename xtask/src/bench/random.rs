//! W2: any of 3,000 answers, beside nginx with 3,000 files of the same bytes.

use super::load::{Load, compete, remarks};
use super::record::{Bound, Record};
use super::repositories::R3K;
use super::server::Cores;
use super::stage::{HOT, Stage, all};
use super::workload::{Context, Workload};

pub(super) const WORKLOAD: Workload = Workload {
    name: "W2",
    about: "read of one environment of 3,000, at random",
    needs: &["git", "nginx", "fcgiwrap", "wrk"],
    run,
};

const NGINX: usize = 0;
const RANDOM: usize = 1;
const ONE: usize = 2;

fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    let stage = Stage::new(context, &R3K)?;
    let confbus = stage.confbus(context, Cores::Split, &[])?;
    let paths = all(|_| "main".to_owned());
    let nginx = stage.nginx(&confbus, &paths)?;
    let loads = [
        Load::new("nginx, random", &nginx, paths.clone()),
        Load::new("confbus, random", &confbus, paths.clone()),
        // The same choice for the load to make, so that only the server's work differs.
        Load::new("confbus, one", &confbus, vec![HOT.to_owned(); paths.len()]),
    ];
    let check = |round| loads[RANDOM].same_bodies(&loads[NGINX], round);
    let contest = compete(context, "W2", &loads, stage.folder(), check)?;

    let record = |measure: &str| Record::new("W2", "random", measure);
    let rate = |a, b| contest.ratio(a, b, |turn| turn.requests_per_second);
    let cpu = |a, b| contest.ratio(a, b, |turn| turn.cpu_us);
    Ok(vec![
        record("requests/s ÷ nginx")
            .peer("nginx")
            .figure(&rate(RANDOM, NGINX)?, "×")
            .target(Bound::AtLeast(1.35))
            .note(remarks(context, &contest)),
        record("CPU per request ÷ nginx")
            .peer("nginx")
            .figure(&cpu(RANDOM, NGINX)?, "×"),
        record("requests/s ÷ W1")
            .peer("W1")
            .figure(&rate(RANDOM, ONE)?, "×")
            .target(Bound::AtLeast(0.97)),
        record("CPU per request ÷ W1")
            .peer("W1")
            .figure(&cpu(RANDOM, ONE)?, "×"),
    ])
}
