//! `cargo xtask picture`: what `confbus demo --once` writes, line by line as it came, as a moving picture for pages in light and
//! in dark. Nothing in it is code or comes from elsewhere, and it stands still for whoever wants that.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};

use crate::shell::{KillOnDrop, announce, debug_server, root};

/// Characters of a row; what is longer goes on below, under the second column.
const WIDTH: usize = 96;
const INDENT: &str = "        ";

/// Seconds between two lines, however near or far they were: each can be read, and nobody waits.
const PAUSES: (f64, f64) = (1.2, 2.5);

/// Where the pictures are, and their colours: paper, text, what is well, what is not, what is in between.
const PICTURES: [(&str, [&str; 5]); 2] = [
    (
        "docs/pictures/demo-light.svg",
        ["#f6f8fa", "#1f2328", "#1a7f37", "#cf222e", "#9a6700"],
    ),
    (
        "docs/pictures/demo-dark.svg",
        ["#0d1117", "#e6edf3", "#3fb950", "#ff7b72", "#d29922"],
    ),
];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A built program, instead of building one.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// A line, and when it came, in seconds after the start.
struct Line {
    at: f64,
    text: String,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let program = match &args.program {
        Some(program) => program.clone(),
        None => debug_server()?,
    };
    let lines = paced(record(Command::new(program).args(["demo", "--once"]))?);
    for (file, colours) in PICTURES {
        fs::write(root().join(file), picture(&lines, &colours))?;
        println!("{file}");
    }
    Ok(ExitCode::SUCCESS)
}

/// What the command writes until it ends well.
fn record(command: &mut Command) -> anyhow::Result<Vec<Line>> {
    announce(command);
    let start = Instant::now();
    let mut lines = vec![Line {
        at: 0.0,
        text: "$ confbus demo --once".to_owned(),
    }];
    let mut child = KillOnDrop::spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()))?;
    let said = child.0.stdout.take().context("no output")?;
    for text in BufReader::new(said).lines() {
        lines.push(Line {
            at: start.elapsed().as_secs_f64(),
            text: text?,
        });
    }
    let status = child.0.wait()?;
    ensure!(status.success(), "the demo did not go well: {status}");
    Ok(lines)
}

/// The same at a pace at which people read.
fn paced(lines: Vec<Line>) -> Vec<Line> {
    let (mut before, mut now) = (0.0, 0.0);
    let pace = |line: Line| {
        if line.at > 0.0 {
            now += (line.at - before).clamp(PAUSES.0, PAUSES.1);
        }
        before = line.at;
        Line { at: now, ..line }
    };
    lines.into_iter().map(pace).collect()
}

fn picture(lines: &[Line], colours: &[&str; 5]) -> String {
    let [paper, text, well, bad, between] = colours;
    let end = lines.last().map_or(0.0, |line| line.at) + 0.1;
    let (mut style, mut rows, mut y) = (String::new(), String::new(), 14);
    for (number, line) in lines.iter().enumerate() {
        let from = 100.0 * line.at / end;
        _ = writeln!(
            style,
            "@keyframes k{number}{{0%{{opacity:0}}{from:.1}%,100%{{opacity:1}}}}"
        );
        _ = writeln!(rows, r#"<g style="animation-name:k{number}">"#);
        for (index, row) in wrapped(&line.text).iter().enumerate() {
            y += 20;
            let (first, rest) = match row.split_once(' ') {
                Some((first, rest)) if index == 0 => (first, format!(" {rest}")),
                _ => ("", row.clone()),
            };
            let class = class(first);
            let (first, rest) = (escaped(first), escaped(&rest));
            _ = writeln!(
                rows,
                r#"<text x="18" y="{y}"><tspan class="{class}">{first}</tspan>{rest}</text>"#
            );
        }
        rows += "</g>\n";
    }
    let (width, height) = (WIDTH * 8 + 36, y + 20);
    let story: Vec<_> = lines.iter().map(|line| escaped(&line.text)).collect();
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="t d">
<title id="t">confbus demo --once</title>
<desc id="d">{}</desc>
<style>
text{{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre;fill:{text}}}
.well{{fill:{well}}}.bad{{fill:{bad}}}.between{{fill:{between}}}
g{{animation:{end:.1}s step-end both}}
@media (prefers-reduced-motion:reduce){{g{{animation:none}}}}
{style}</style>
<rect width="100%" height="100%" rx="8" fill="{paper}"/>
{rows}</svg>
"#,
        story.join("\n")
    )
}

/// How a step went, by its name.
fn class(step: &str) -> &'static str {
    match step {
        "good" | "fixed" => "well",
        "refused" | "broken" => "bad",
        "cut" => "between",
        _ => "plain",
    }
}

/// A line in rows, parted between words.
fn wrapped(line: &str) -> Vec<String> {
    let mut rows = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let row = rows.last_mut().expect("there is always a row");
        if row.chars().count() + word.trim_end().chars().count() <= WIDTH {
            *row += word;
        } else {
            rows.push(format!("{INDENT}{word}"));
        }
    }
    rows
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_goes_on_below_and_nothing_is_lost() {
        let long = format!("broken  {}", "a word ".repeat(40));
        let rows = wrapped(&long);
        assert!(rows.len() > 2 && rows[1].starts_with(INDENT), "{rows:?}");
        assert!(
            rows.iter()
                .all(|row| row.trim_end().chars().count() <= WIDTH)
        );
        let words = |text: &str| text.split_whitespace().count();
        assert_eq!(words(&rows.join("")), words(&long));
        assert_eq!(wrapped("short"), ["short"]);
    }

    #[test]
    fn lines_come_one_after_the_other_and_none_waits_long() {
        let line = |at| Line {
            at,
            text: String::new(),
        };
        let times = paced(vec![line(0.0), line(0.4), line(0.45), line(60.0)]);
        let times: Vec<_> = times.iter().map(|line| line.at).collect();
        assert_eq!(times, [0.0, 1.2, 2.4, 4.9]);
    }

    #[test]
    fn a_picture_shows_text_as_it_is() {
        let lines = [Line {
            at: 0.0,
            text: "refused a<b>&c".to_owned(),
        }];
        let drawn = picture(&lines, &PICTURES[0].1);
        let row = r#"<tspan class="bad">refused</tspan> a&lt;b&gt;&amp;c</text>"#;
        assert!(drawn.contains(row), "{drawn}");
    }
}
