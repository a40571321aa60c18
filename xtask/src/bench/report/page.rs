//! The page itself.

use std::collections::BTreeSet;
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
    if lines.iter().any(|line| !line.judged) {
        text.push_str(" **Some lines are trials of too few rounds, which are not judged.**");
    }
    text
}

/// Missed lines, void ones and absent ones, each with what is known about it; nothing when there are none.
fn missed(lines: &[Line], reasons: &Reasons) -> String {
    let mut text = String::new();
    for line in lines.iter().filter(|line| line.record.is_missed()) {
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

/// Usually one machine; several when lines were measured here and there.
fn machines(lines: &[Line]) -> String {
    let descriptions: BTreeSet<_> = lines
        .iter()
        .map(|line| {
            let machine = &line.machine;
            format!(
                "{}, {} cores, {} MiB, Linux {}; {}; confbus at {}, turns of {} s",
                machine.cpu,
                machine.cores,
                machine.memory_mib,
                machine.kernel,
                machine.programs.join(", "),
                line.commit,
                line.seconds
            )
        })
        .collect();
    let mut text = String::new();
    for description in descriptions {
        write_to(&mut text, format_args!("- {}", inline(&description)));
    }
    text + "\n"
}

/// Notes may hold whole logs; in a page they are one line.
fn inline(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ")
}

fn write_to(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string takes everything");
}
