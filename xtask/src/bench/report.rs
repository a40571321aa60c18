//! `cargo xtask bench report`: what was measured, as a page with charts beside the figures it was made of.

mod bars;
mod curves;
mod page;
mod reasons;
mod svg;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};

use super::record::{Bound, Line, Record};
use super::results;
use super::table;
use crate::shell::{root, target_folder};
use bars::{Bar, Bars};
use reasons::Reasons;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the figures are; of several folders the newest run of each workload counts [default: target/bench].
    #[arg(value_name = "FOLDER")]
    from: Vec<PathBuf>,
    /// Where the page is written [default: docs/performance].
    #[arg(long, value_name = "FOLDER")]
    into: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let from = match &args.from[..] {
        [] => vec![target_folder()?.join("bench")],
        folders => folders.to_vec(),
    };
    let into = args
        .into
        .clone()
        .unwrap_or_else(|| root().join("docs/performance"));
    let files: anyhow::Result<Vec<_>> = from
        .iter()
        .map(|folder| results::read(&folder.join(results::FILE)))
        .collect();
    let mut lines = results::join(files?);
    ensure!(!lines.is_empty(), "nothing was measured yet");
    lines.sort_by_key(|line| place(&line.record.workload));
    write(&lines, &into)?;
    println!("written to {}", into.display());
    Ok(ExitCode::SUCCESS)
}

/// `W8s` comes behind `W8` and before `W10`.
fn place(workload: &str) -> (u32, String) {
    let digits: String = workload.chars().filter(char::is_ascii_digit).collect();
    (digits.parse().unwrap_or(u32::MAX), workload.to_owned())
}

fn write(lines: &[Line], into: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(into).with_context(|| format!("cannot make {}", into.display()))?;
    let charts = charts(lines);
    for (file, _, svg) in &charts {
        fs::write(into.join(file), svg)?;
    }
    let json: Result<Vec<_>, _> = lines.iter().map(serde_json::to_string).collect();
    fs::write(into.join(results::FILE), json?.join("\n") + "\n")?;
    let shown: Vec<_> = charts
        .iter()
        .map(|(file, title, _)| (*file, *title))
        .collect();
    let reasons = Reasons::read(into)?;
    fs::write(into.join("README.md"), page::write(lines, &reasons, &shown))?;
    Ok(())
}

/// File, title and content of each chart that has something to show.
fn charts(lines: &[Line]) -> Vec<(&'static str, &'static str, String)> {
    let records: Vec<_> = lines.iter().map(|line| &line.record).collect();
    let mut charts = Vec::new();
    let mut bars = |file, title, rows: Vec<Bar>| {
        if !rows.is_empty() {
            let svg = Bars { title, rows: &rows }.draw();
            charts.push((file, title, svg));
        }
    };
    bars(
        "margins.svg",
        "How far each figure is on the good side of its target (1 is the target)",
        records.iter().filter_map(|record| margin(record)).collect(),
    );
    bars(
        "nginx.svg",
        "Requests per second, divided by nginx's with the same bytes",
        records
            .iter()
            .filter_map(|record| beside_nginx(record))
            .collect(),
    );
    let series: Vec<_> = records
        .iter()
        .filter(|record| record.curve.len() > 1)
        .map(|record| {
            (
                format!("{}: {}", record.variant, record.measure),
                record.curve.as_slice(),
            )
        })
        .collect();
    if !series.is_empty() {
        let title = "How costs grow (each divided by its first value; both axes logarithmic)";
        charts.push(("growth.svg", title, curves::draw(title, &series)));
    }
    charts
}

/// Nothing without a target, or where figure or target is zero.
fn margin(record: &Record) -> Option<Bar> {
    let margin_of = |figure| record.bound?.margin(figure);
    let margin = margin_of(record.figure?)?;
    let ends = [margin_of(record.min?)?, margin_of(record.max?)?];
    Some(Bar {
        label: format!("{} {}: {}", record.workload, record.variant, record.measure),
        value: margin,
        range: (ends[0].min(ends[1]), ends[0].max(ends[1])),
        target: 1.0,
        met: record.met,
        text: format!(
            "{} {} (target {})",
            table::number(record.figure?),
            record.unit,
            table::target(record)
        ),
    })
}

fn beside_nginx(record: &Record) -> Option<Bar> {
    let beside =
        record.peer.as_deref() == Some("nginx") && record.measure.starts_with("requests/s");
    if !beside {
        return None;
    }
    let figure = record.figure?;
    Some(Bar {
        label: format!("{} {}", record.workload, record.variant),
        value: figure,
        range: (record.min?, record.max?),
        target: record.bound.map_or(1.0, Bound::value),
        met: record.met,
        text: format!("{} ×", table::number(figure)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::machine::Machine;
    use super::super::rounds::Summary;
    use super::*;

    fn line(figure: f64, bound: Bound) -> Line {
        let summary = Summary::of(vec![figure, figure * 1.1]).unwrap();
        let mut record = Record::new("W1", "hot & <cold>", "requests/s ÷ nginx")
            .peer("nginx")
            .figure(&summary, "×")
            .target(bound)
            .curve(vec![[100.0, 5.0], [1000.0, 5.5]]);
        record.judge();
        Line {
            record,
            taken: "2026-01-31T12:00:00Z".to_owned(),
            commit: "3f9c1e2".to_owned(),
            seconds: 3,
            judged: true,
            machine: Machine {
                cpu: "One".to_owned(),
                cores: 2,
                memory_mib: 1024,
                kernel: "6.1".to_owned(),
                programs: vec!["wrk 4".to_owned()],
            },
        }
    }

    /// Missed, but nobody asked for it.
    fn beyond() -> Line {
        let mut line = line(20.0, Bound::AtMost(8.0));
        line.record.beyond = true;
        line.record.measure = "memory".to_owned();
        line
    }

    fn void() -> Line {
        Line {
            record: Record::new("W1", "gzip", "all figures").note("a wrong answer"),
            judged: true,
            ..line(1.0, Bound::AtMost(8.0))
        }
    }

    #[test]
    fn a_report_has_its_page_its_charts_and_its_figures() {
        let folder = tempfile::tempdir().unwrap();
        let lines = [
            beyond(),
            line(1.3, Bound::AtLeast(1.25)),
            line(0.9, Bound::AtMost(0.8)),
            void(),
        ];
        fs::write(
            folder.path().join("reasons.txt"),
            "W1 hot & <cold>: the kernel takes the rest\n",
        )
        .unwrap();
        write(&lines, folder.path()).unwrap();
        let page = fs::read_to_string(folder.path().join("README.md")).unwrap();
        assert!(page.contains("the kernel takes the rest"), "{page}");
        assert!(page.contains("1 of 2 targets"), "{page}");
        assert!(page.contains("1 void line"), "{page}");
        let places = [
            "requests/s ÷ nginx**: 0.95",
            "a wrong answer",
            "memory**: 21",
            "## All lines",
        ];
        let places = places.map(|text| page.find(text).expect(text));
        assert!(places.is_sorted(), "{page}");
        for told in ["One, 2 cores", "wrk 4", "3f9c1e2", "2026-01-31"] {
            assert!(page.contains(told), "{told}: {page}");
        }
        assert_eq!(
            results::read(&folder.path().join(results::FILE)).unwrap(),
            lines
        );
        for chart in ["margins.svg", "nginx.svg", "growth.svg"] {
            assert!(page.contains(chart), "{page}");
            let svg = fs::read_to_string(folder.path().join(chart)).unwrap();
            assert!(svg.contains("hot &amp; &lt;cold&gt;"), "{svg}");
        }
    }

    #[test]
    fn workloads_are_in_the_order_of_their_numbers() {
        let mut names = ["W10", "W8s", "W2", "W8"];
        names.sort_by_key(|name| place(name));
        assert_eq!(names, ["W2", "W8", "W8s", "W10"]);
    }

    #[test]
    fn a_margin_above_one_is_good_on_either_side() {
        let margin_of = |figure, bound| margin(&line(figure, bound).record).unwrap().value;
        assert!(margin_of(1.3, Bound::AtLeast(1.25)) > 1.0);
        assert!(margin_of(0.7, Bound::AtMost(0.8)) > 1.0);
        assert!(margin(&line(0.0, Bound::AtMost(0.0)).record).is_none());
    }
}
