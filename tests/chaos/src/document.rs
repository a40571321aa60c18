//! The document that says what fails and what comes of it, from the records of runs.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::figure::Figure;
use crate::matrix::{Proof, Row, SECTIONS, Section, Test};
use crate::run::Record;

/// The begin, which no run changes.
const PREFACE: &str = include_str!("document/preface.md");

/// The whole of it.
#[must_use]
pub fn document(records: &[Record]) -> String {
    let mut text = PREFACE.to_owned();
    summary(&mut text, records);
    plans(&mut text, records);
    for section in SECTIONS {
        table(&mut text, section, records);
    }
    text
}

/// How many rows are shown in which way.
fn summary(text: &mut String, records: &[Record]) {
    let builds: BTreeSet<_> = records.iter().map(|record| record.build.as_str()).collect();
    let builds: Vec<_> = builds.into_iter().collect();
    let rows = || SECTIONS.iter().flat_map(|section| section.rows);
    let count = |is: fn(&Proof) -> bool| rows().filter(|row| is(&row.proof)).count();
    let played = rows().filter_map(|row| record(row, records));
    let passed = played.filter(|record| record.good).count();
    let scenarios = count(|proof| matches!(proof, Proof::Played(..)));
    let tests = count(|proof| matches!(proof, Proof::Tested(_)));
    let excluded = count(|proof| matches!(proof, Proof::Excluded(_)));
    _ = write!(
        text,
        "\nOf {} rows {scenarios} are scenarios, {passed} of which passed; {tests} are tests that everybody runs, \
         {excluded} cannot happen here. Played with: {}.\n",
        rows().count(),
        builds.join("; "),
    );
}

/// The runs in which everything fails by a seed.
fn plans(text: &mut String, records: &[Record]) {
    text.push_str(
        "\n## Runs by plan\n\n\
         | run | seed | minutes | build | pushes | reads | events | applied | faults | figures | result |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for record in records.iter().filter(|record| record.seed.is_some()) {
        _ = writeln!(
            text,
            "| {} | {} | {:.1} | {} | {} | {} | {} | {} | {} | {} | {} |",
            record.run,
            record.seed.unwrap_or_default(),
            record.seconds / 60.0,
            record.build,
            record.pushes,
            record.reads,
            record.events,
            record.applied,
            record.faults,
            figures(&record.figures),
            result(record),
        );
    }
}

fn table(text: &mut String, section: &Section, records: &[Record]) {
    _ = write!(
        text,
        "\n## {}\n\n| row | what fails | what is expected | figures | result |\n| --- | --- | --- | --- | --- |\n",
        section.title
    );
    for row in section.rows {
        let (measured, result) = match row.proof {
            Proof::Played(..) => match record(row, records) {
                Some(record) => (figures(&record.figures), result(record)),
                None => (String::new(), "not run".to_owned()),
            },
            Proof::Tested(tests) => (String::new(), tests_of(tests)),
            Proof::Excluded(why) => (String::new(), format!("excluded: {why}")),
        };
        _ = writeln!(text, "{} {measured} | {result} |", head(row));
    }
}

/// The part of a row's line that no run changes.
#[must_use]
pub fn head(row: &Row) -> String {
    format!("| {} | {} | {} |", row.name, row.fault, row.expected)
}

fn record<'a>(row: &Row, records: &'a [Record]) -> Option<&'a Record> {
    records.iter().find(|record| record.run == row.name)
}

fn tests_of(tests: &[Test]) -> String {
    let tests = tests
        .iter()
        .map(|test| format!("`{}` in `{}`", test.name, test.file));
    format!("tested: {}", tests.collect::<Vec<_>>().join(", "))
}

fn result(record: &Record) -> String {
    if record.good {
        let Record { seconds, reads, .. } = record;
        let build = record.build.rsplit(", ").next().unwrap_or_default();
        return format!("passed in {seconds:.0} s, {reads} reads, {build}");
    }
    let why = record.failed.iter().chain(&record.broken).next();
    let why = why.map_or("", String::as_str).replace(['|', '\n'], " ");
    let more = record.violations;
    format!("**failed**: {why} ({more} broken promises)")
}

/// Those that say the same stand together, from the least to the most.
fn figures(figures: &[Figure]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut said = BTreeSet::new();
    for figure in figures {
        if !said.insert((&figure.what, &figure.unit)) {
            continue;
        }
        let alike = figures.iter().filter(|other| other.what == figure.what);
        let values: Vec<_> = alike.map(|other| other.value).collect();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let line = Figure {
            value: most,
            ..figure.clone()
        }
        .to_string();
        lines.push(if least < most {
            let least = Figure {
                value: least,
                ..figure.clone()
            };
            let (_, most) = line.rsplit_once(": ").unwrap_or_default();
            let least = least.to_string();
            let least = least.trim_end_matches(&figure.unit).trim_end();
            format!("{least} to {most}")
        } else {
            line
        });
    }
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str, good: bool) -> Record {
        Record {
            run: name.to_owned(),
            seed: None,
            build: "confbus 1.2.3, debug build".to_owned(),
            seconds: 12.3,
            pushes: 1,
            reads: 2,
            unanswered: 0,
            events: 3,
            applied: 4,
            refused: 0,
            faults: 5,
            figures: vec![
                Figure::new("after", 12.0, "ms"),
                Figure::new("after", 30.0, "ms"),
            ],
            broken: Vec::new(),
            violations: 0,
            failed: (!good).then(|| "a | b".to_owned()),
            good,
        }
    }

    #[test]
    fn rows_tell_what_came_of_them() {
        let text = document(&[record("G3", true), record("G4", false)]);
        let line = |name: &str| {
            let begin = format!("| {name} |");
            let mut lines = text.lines();
            lines.find(|line| line.starts_with(&begin)).unwrap()
        };
        assert!(
            line("G3").ends_with("| after: 12 to 30 ms | passed in 12 s, 2 reads, debug build |")
        );
        assert!(line("G4").contains("**failed**: a   b"), "{}", line("G4"));
        assert!(line("G5").ends_with("| not run |"));
        assert!(line("C2").contains("tested: `a_start_without_a_server"));
        assert!(text.contains("Played with: confbus 1.2.3, debug build."));
    }
}
