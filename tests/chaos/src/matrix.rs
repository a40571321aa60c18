//! Everything that can fail, row by row: what is expected then, and what proves it.

mod broker;
mod client;
mod disk;
mod git;
mod process;
mod webhook;
mod whole;

use std::pin::Pin;

use anyhow::Context as _;

use crate::rig::{Rig, Size, Start};

/// A part of the matrix.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// What fails in it.
    pub title: &'static str,
    /// In their order.
    pub rows: &'static [Row],
}

/// All of them.
pub static SECTIONS: &[Section] = &[
    whole::SECTION,
    git::SECTION,
    disk::SECTION,
    broker::SECTION,
    webhook::SECTION,
    process::SECTION,
    client::SECTION,
];

/// Something that fails.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// As it is typed.
    pub name: &'static str,
    /// What fails.
    pub fault: &'static str,
    /// What is expected then, beyond what the checker asks of every history.
    pub expected: &'static str,
    /// How it is shown.
    pub proof: Proof,
}

/// How something is shown.
#[derive(Debug, Clone, Copy)]
pub enum Proof {
    /// By a scenario.
    Played(Start, Play),
    /// By tests that everybody runs.
    Tested(&'static [Test]),
    /// It cannot happen, or cannot be made happen on a single machine, and why.
    Excluded(&'static str),
}

/// What a scenario does to a rig.
pub type Play = for<'a> fn(&'a mut Rig) -> Playing<'a>;
/// A scenario that runs.
pub type Playing<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + 'a>>;

/// A function of the workspace's tests.
#[derive(Debug, Clone, Copy)]
pub struct Test {
    /// From the root of the repository.
    pub file: &'static str,
    /// Its name.
    pub name: &'static str,
}

/// Every row of every section.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    SECTIONS.iter().flat_map(|section| section.rows)
}

/// Those that are played.
pub fn scenarios() -> impl Iterator<Item = &'static Row> {
    rows().filter(|row| matches!(row.proof, Proof::Played(..)))
}

/// The scenario of a name, in any case.
///
/// # Errors
/// When there is none, with those that there are.
pub fn find(name: &str) -> anyhow::Result<&'static Row> {
    let found = scenarios().find(|row| row.name.eq_ignore_ascii_case(name));
    found.with_context(|| {
        let known: Vec<_> = scenarios().map(|row| row.name).collect();
        let known = known.join(", ");
        format!("there is no scenario {name}; there are {known}")
    })
}

/// Enough of everything for the effect of a fault to be seen.
const SMALL: Size = Size {
    servers: 2,
    clients: 6,
    reads: 50,
};
/// The same with as many reads as a percentile needs.
const WATCHED: Size = Size {
    reads: 200,
    ..SMALL
};

/// Played on servers, clients and readers that have settled.
const fn small(name: &'static str, fault: &'static str, expected: &'static str, play: Play) -> Row {
    played(name, fault, expected, Start::Running(SMALL), play)
}

/// The same with many reads.
const fn watched(
    name: &'static str,
    fault: &'static str,
    expected: &'static str,
    play: Play,
) -> Row {
    played(name, fault, expected, Start::Running(WATCHED), play)
}

/// Played on a remote and a broker alone.
const fn bare(name: &'static str, fault: &'static str, expected: &'static str, play: Play) -> Row {
    played(name, fault, expected, Start::Bare, play)
}

const fn played(
    name: &'static str,
    fault: &'static str,
    expected: &'static str,
    start: Start,
    play: Play,
) -> Row {
    Row {
        name,
        fault,
        expected,
        proof: Proof::Played(start, play),
    }
}

const fn tested(
    name: &'static str,
    fault: &'static str,
    expected: &'static str,
    tests: &'static [Test],
) -> Row {
    Row {
        name,
        fault,
        expected,
        proof: Proof::Tested(tests),
    }
}

const fn excluded(
    name: &'static str,
    fault: &'static str,
    expected: &'static str,
    why: &'static str,
) -> Row {
    Row {
        name,
        fault,
        expected,
        proof: Proof::Excluded(why),
    }
}

const fn test(file: &'static str, name: &'static str) -> Test {
    Test { file, name }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn scenarios_are_found_by_their_names() {
        assert_eq!(find("g3").unwrap().name, "G3");
        let error = find("G99").unwrap_err().to_string();
        assert!(error.contains("G99") && error.contains("W1"), "{error}");
    }

    #[test]
    fn every_name_is_there_once() {
        let names: BTreeSet<_> = rows().map(|row| row.name.to_lowercase()).collect();
        assert_eq!(names.len(), rows().count());
    }

    #[test]
    fn every_test_that_is_named_exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let tests = rows().filter_map(|row| match row.proof {
            Proof::Tested(tests) => Some(tests),
            _ => None,
        });
        for test in tests.flatten() {
            let text = fs::read_to_string(root.join(test.file)).unwrap_or_default();
            let function = format!("fn {}(", test.name);
            assert!(text.contains(&function), "{} in {}", test.name, test.file);
        }
    }
}
