//! The figures that are committed, and how far away today's may be.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// In percent. The same program differs by a tenth of a percent from run to run.
const TOLERATED: f64 = 3.0;

/// Instructions per request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Figure {
    name: String,
    instructions: u64,
}

/// In percent, above zero when today's figure is higher than the committed one.
pub(super) struct Change(f64);

impl Figure {
    pub(super) fn new(name: &str, instructions: u64) -> Self {
        Self {
            name: name.to_owned(),
            instructions,
        }
    }

    /// Against the figure of that name.
    pub(super) fn change(&self, committed: &[Self]) -> anyhow::Result<Change> {
        let before = committed.iter().find(|other| other.name == self.name);
        let before =
            before.with_context(|| format!("there is no committed figure {}", self.name))?;
        let (now, before) = (self.instructions as f64, before.instructions as f64);
        Ok(Change(100.0 * (now - before) / before))
    }
}

impl Change {
    pub(super) fn is_worse(&self) -> bool {
        self.0 > TOLERATED
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.instructions)
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+.1} %", self.0)?;
        if self.is_worse() {
            write!(f, ", more than {TOLERATED} % over the committed figure")
        } else if self.0 < -TOLERATED {
            f.write_str(", better: commit it with `cargo xtask instructions --write`")
        } else {
            Ok(())
        }
    }
}

/// One line each, the name and the figure.
pub(super) fn write(file: &Path, figures: &[Figure]) -> anyhow::Result<()> {
    let lines: String = figures.iter().map(|figure| format!("{figure}\n")).collect();
    fs::write(file, lines).with_context(|| format!("cannot write {}", file.display()))
}

pub(super) fn read(file: &Path) -> anyhow::Result<Vec<Figure>> {
    let text = fs::read_to_string(file).with_context(|| {
        format!(
            "there are no figures to compare with in {}; type:\n  cargo xtask instructions --write",
            file.display()
        )
    })?;
    let lines = text.lines().zip(1..);
    lines
        .map(|(line, number)| {
            parsed(line).with_context(|| format!("{}:{number}: no figure", file.display()))
        })
        .collect()
}

fn parsed(line: &str) -> Option<Figure> {
    let (name, instructions) = line.split_once(' ')?;
    let instructions = instructions.parse().ok().filter(|count| *count > 0)?;
    Some(Figure::new(name, instructions))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of a figure where 1000 is committed.
    fn said(instructions: u64) -> (String, bool) {
        let committed = [Figure::new("a", 1000)];
        let change = Figure::new("a", instructions).change(&committed).unwrap();
        (change.to_string(), change.is_worse())
    }

    #[test]
    fn three_percent_more_is_tolerated_and_not_a_bit_beyond() {
        assert_eq!(said(1030), ("+3.0 %".to_owned(), false));
        assert!(said(1031).1);
        assert!(!said(100).1);
        assert!(said(969).0.contains("--write"));
    }

    #[test]
    fn figures_survive_their_file_and_mistakes_have_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("figures");
        let figures = [Figure::new("a", 7), Figure::new("b", 8)];
        write(&file, &figures).unwrap();
        assert_eq!(read(&file).unwrap(), figures);
        fs::write(&file, "a 7\nb 0\n").unwrap();
        let error = read(&file).unwrap_err().to_string();
        assert!(error.contains("figures:2"), "{error}");
    }
}
