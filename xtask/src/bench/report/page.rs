//! The page itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::super::record::{Line, Outcome, Record};
use super::super::table;
use super::reasons::Reasons;

const PAGE: &str = include_str!("page.md");

/// Charts are given by file and title.
pub(super) fn write(lines: &[Line], reasons: &Reasons, charts: &[(&str, &str)]) -> String {
    PAGE.replace("SUMMARY", &summary(lines))
        .replace("MISSED\n", &missed(lines, reasons))
        .replace("TABLE\n", &all(lines))
        .replace("CHARTS\n", &shown(charts))
        .replace("MACHINE\n", &machines(lines))
}

fn summary(lines: &[Line]) -> String {
    let met = |beyond: bool| {
        let judged = lines.iter().filter(|line| line.record.beyond == beyond);
        let judged: Vec<_> = judged.filter_map(|line| line.record.met).collect();
        let met = judged.iter().filter(|&&met| met).count();
        format!("{met} of {} targets", judged.len())
    };
    let mut text = format!("**{} are met**, and {} beyond.", met(false), met(true));
    let void = |line: &&Line| line.record.outcome == Outcome::Void;
    match lines.iter().filter(void).count() {
        0 => {}
        1 => text.push_str(" **1 void line has no figure.**"),
        several => text.push_str(&format!(" **{several} void lines have no figure.**")),
    }
    if lines.iter().any(|line| !line.judged) {
        text.push_str(" **Some lines are trials of too few rounds, which are not judged.**");
    }
    text
}

/// Missed lines, void ones and absent ones, each with what is known about it; those that were asked for come first. Nothing
/// when there are none.
fn missed(lines: &[Line], reasons: &Reasons) -> String {
    let mut text = String::new();
    let mut missed: Vec<_> = lines
        .iter()
        .filter(|line| line.record.is_missed())
        .collect();
    missed.sort_by_key(|line| line.record.beyond);
    for line in missed {
        let record = &line.record;
        let why = match record.outcome {
            Outcome::Measured => reasons.of(record).unwrap_or("Not looked into yet."),
            Outcome::Void | Outcome::Absent => &record.note,
        };
        let (name, figure, target) = (name(record), table::figure(record), table::target(record));
        write_to(
            &mut text,
            format_args!("- **{name}**: {figure}, target {target}. {}", inline(why)),
        );
    }
    for line in lines
        .iter()
        .filter(|line| line.record.outcome == Outcome::Absent)
    {
        let note = inline(&line.record.note);
        write_to(
            &mut text,
            format_args!("- **{}**: absent; {note}", name(&line.record)),
        );
    }
    if text.is_empty() {
        return text;
    }
    format!("## Missed\n\n{text}\n")
}

fn all(lines: &[Line]) -> String {
    let mut text =
        String::from("| line | target | figure | | |\n| --- | --- | --- | --- | --- |\n");
    for line in lines {
        let record = &line.record;
        let cells = [
            name(record),
            table::target(record),
            table::figure(record),
            table::verdict(line).to_owned(),
            record.note.clone(),
        ];
        let cells = cells.map(|cell| inline(&cell).replace('|', "\\|"));
        write_to(&mut text, format_args!("| {} |", cells.join(" | ")));
    }
    text + "\n"
}

fn name(record: &Record) -> String {
    format!("{} {}: {}", record.workload, record.variant, record.measure)
}

fn shown(charts: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (file, title) in charts {
        write_to(&mut text, format_args!("![{title}]({file})\n"));
    }
    text
}

/// Usually one machine and one commit; several when lines were measured here and there.
fn machines(lines: &[Line]) -> String {
    let mut all: BTreeMap<String, (Vec<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for line in lines {
        let (workloads, days) = all.entry(circumstances(line)).or_default();
        if workloads.last() != Some(&line.record.workload.as_str()) {
            workloads.push(&line.record.workload);
        }
        days.extend(line.taken.split('T').next());
    }
    let mut text = String::new();
    for (circumstances, (workloads, days)) in all {
        let days: Vec<_> = days.into_iter().collect();
        let (workloads, days) = (workloads.join(", "), days.join(", "));
        write_to(
            &mut text,
            format_args!("- {workloads} on {days}: {}", inline(&circumstances)),
        );
    }
    text + "\n"
}

/// All that a figure depends on besides the program that is measured, and its commit.
fn circumstances(line: &Line) -> String {
    let machine = &line.machine;
    format!(
        "confbus at {}; turns of {} s; {}, {} cores, {} MiB, Linux {}; {}",
        line.commit,
        line.seconds,
        machine.cpu,
        machine.cores,
        machine.memory_mib,
        machine.kernel,
        machine.programs.join(", "),
    )
}

/// Notes may hold whole logs; in a page they are one line.
fn inline(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ")
}

fn write_to(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes everything");
}
