//! W5: plain files, beside nginx with the same bytes.

use super::load::{Load, compete, remarks};
use super::part::part;
use super::record::{Bound, Record};
use super::repositories::R3K;
use super::server::{Cores, Running};
use super::stage::{HOT, Stage};
use super::workload::{Context, Workload};

pub(super) const WORKLOAD: Workload = Workload {
    name: "W5",
    about: "plain files",
    needs: &["git", "nginx", "fcgiwrap", "wrk"],
    run,
};

/// A file, how it is asked for, and the least ratio to nginx.
struct File {
    variant: &'static str,
    name: &'static str,
    text: String,
    fields: Vec<String>,
    least: f64,
}

fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    let files = [text(), binary()];
    let stage = Stage::new(context, &R3K)?;
    let committed = files.each_ref();
    stage.commit(&committed.map(|file| (file.name.to_owned(), file.text.clone())))?;
    let confbus = stage.confbus(context, Cores::Split, &[])?;
    let mut records = Vec::new();
    for file in &files {
        let measure = || measure(context, &stage, &confbus, file);
        records.extend(part("W5", file.variant, measure));
    }
    Ok(records)
}

/// 2 KiB with placeholders that are filled in.
fn text() -> File {
    let line = "server ${service.name}.internal listens on port 8080, weight 10\n";
    File {
        variant: "2 KiB text",
        name: "upstream.conf",
        text: line.repeat(2048 / line.len()),
        fields: Vec::new(),
        least: 1.2,
    }
}

/// 1 MiB as it is.
fn binary() -> File {
    File {
        variant: "1 MiB binary",
        name: "table.bin",
        text: (0..131_072).map(|row| format!("{row:07}\n")).collect(),
        fields: vec!["Accept: application/octet-stream".to_owned()],
        least: 0.8,
    }
}

fn measure(
    context: &Context,
    stage: &Stage,
    confbus: &Running,
    file: &File,
) -> anyhow::Result<[Record; 2]> {
    let paths = vec![format!("{HOT}/{}", file.name)];
    let mut files = stage.files()?;
    files.add_answers(confbus, &paths, &file.fields)?;
    let nginx = files.serve(Cores::Split)?;
    let load = |name: &str, server| {
        let mut load = Load::new(name, server, paths.clone()).briefly();
        load.fields.clone_from(&file.fields);
        load
    };
    let (nginx, confbus) = (&nginx, confbus);
    let loads = [load("nginx", nginx), load("confbus", confbus)];
    let check = |round| loads[1].same_bodies(&loads[0], round);
    let contest = compete(context, "W5", &loads, stage.folder(), check)?;

    let record = |measure: &str| Record::new("W5", file.variant, measure).peer("nginx");
    let rate = contest.ratio(1, 0, |turn| turn.requests_per_second)?;
    let cpu = contest.ratio(1, 0, |turn| turn.cpu_us)?;
    Ok([
        record("requests/s ÷ nginx")
            .figure(&rate, "×")
            .beyond(Bound::AtLeast(file.least))
            .note(remarks(context, &contest)),
        record("CPU per request ÷ nginx").figure(&cpu, "×"),
    ])
}
