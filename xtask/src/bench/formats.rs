//! W4: converted answers with placeholders filled in: kept ones beside W1, and what an answer costs that nobody asked for yet.

mod cold;

use anyhow::ensure;

use super::http::Connection;
use super::load::{Load, compete, remarks};
use super::part::part;
use super::record::{Bound, Record};
use super::repositories::R3K;
use super::server::Cores;
use super::stage::{HOT, Stage};
use super::workload::{Context, Workload};

pub(super) const WORKLOAD: Workload = Workload {
    name: "W4",
    about: "converted answers with placeholders",
    needs: &["git", "nginx", "fcgiwrap", "wrk"],
    run,
};

const FORMATS: [&str; 3] = ["yml", "properties", "json"];

fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    let stage = Stage::new(context, &R3K)?;
    let mut records = part("W4", "kept answers", || hot(context, &stage));
    records.extend(part("W4", "first answers", || {
        cold::measure(context, &stage)
    }));
    Ok(records)
}

/// One address of each format, beside the one of W1.
fn hot(context: &Context, stage: &Stage) -> anyhow::Result<Vec<Record>> {
    let confbus = stage.confbus(context, Cores::Split, &[])?;
    let mut loads = vec![Load::new("environment", &confbus, vec![HOT.to_owned()])];
    for format in FORMATS {
        let path = format!("/main/app0001-prod.{format}");
        loads.push(Load::new(format, &confbus, vec![path]));
    }
    let check = |_| loads[1..].iter().try_for_each(filled_in);
    let contest = compete(context, "W4", &loads, stage.folder(), check)?;
    let note = remarks(context, &contest);
    let record = |(index, format): (usize, &str)| {
        let ratio = contest.ratio(index + 1, 0, |turn| turn.requests_per_second)?;
        Ok(
            Record::new("W4", &format!(".{format}, kept"), "requests/s ÷ W1")
                .peer("W1")
                .figure(&ratio, "×")
                .target(Bound::AtLeast(0.97))
                .note(note.clone()),
        )
    };
    FORMATS.into_iter().enumerate().map(record).collect()
}

/// The placeholder of each file has its value.
fn filled_in(load: &Load<'_>) -> anyhow::Result<()> {
    let path = &load.paths[0];
    let answer = Connection::open(load.server.port)?.get(path)?;
    let text = String::from_utf8_lossy(&answer.body);
    ensure!(
        answer.status == 200 && text.contains("/app0001") && !text.contains("${"),
        "{path} is answered with {} and {text}",
        answer.status
    );
    Ok(())
}
