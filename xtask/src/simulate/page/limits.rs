//! What one server was measured to do, from the figures of `docs/performance`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use super::words::rounded;

const FIGURES: &str = "docs/performance/results.jsonl";

/// Workload, variant and measure of a line, and what it is about here.
const LINES: [(&str, &str, &str, &str); 7] = [
    (
        "W1",
        "hot",
        "requests/s ÷ nginx",
        "answers that were made before, on one core",
    ),
    (
        "W1",
        "new connections",
        "requests/s ÷ nginx",
        "the same over a new connection each",
    ),
    (
        "W6",
        "R3k",
        "webhook → first answer with the commit",
        "from a push until its commit is served",
    ),
    (
        "W8",
        "1000 clients",
        "webhook → last applied, p50",
        "until a thousand clients run it, all on one machine, over RabbitMQ",
    ),
    (
        "W8s",
        "1000 clients",
        "webhook → last applied, p50",
        "the same over streams",
    ),
    (
        "W8s",
        "1000 streams",
        "fan-out",
        "an event to a thousand streams",
    ),
    (
        "W9",
        "R3k",
        "1,000 kept-alive connections need",
        "memory of a thousand connections that wait",
    ),
];

/// The part of a line that is shown.
#[derive(Deserialize)]
struct Line {
    workload: String,
    variant: String,
    measure: String,
    unit: String,
    figure: Option<f64>,
    note: String,
}

/// The table, from the root of the workspace.
pub(super) fn table(root: &Path) -> anyhow::Result<String> {
    let file = root.join(FIGURES);
    let text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let all: Result<Vec<Line>, _> = text.lines().map(serde_json::from_str).collect();
    let all = all.with_context(|| format!("{} holds what is no figure", file.display()))?;
    let mut table = String::from("| what | line | figure |\n| --- | --- | --- |\n");
    for (workload, variant, measure, about) in LINES {
        let line = all.iter().find(|line| {
            (&*line.workload, &*line.variant, &*line.measure) == (workload, variant, measure)
        });
        let line = line.with_context(|| format!("{workload} {variant}: {measure} is missing"))?;
        let figure = line
            .figure
            .with_context(|| format!("{workload} {variant}: {measure} has no figure"))?;
        _ = writeln!(
            table,
            "| {about} | {workload} {variant} | {} |",
            said(figure, line)
        );
    }
    Ok(table)
}

/// With the note's first part, which says what a ratio is made of.
fn said(figure: f64, line: &Line) -> String {
    let figure = format!("{} {}", rounded(figure), line.unit);
    match line.note.split(';').next() {
        Some(note) if line.unit == "×" => format!("{figure} nginx: {note}"),
        _ => figure,
    }
}
