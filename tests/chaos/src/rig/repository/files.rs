//! What stands in the files, and what it means.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{APPLICATIONS, SHARED};
use crate::content::{Values, digest};
use crate::history::{Name, What};

/// How an application's file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// With a number.
    Good,
    /// With a text where clients want a number.
    Unfit,
    /// Not YAML.
    Broken,
    /// YAML that means a billion values.
    Bomb,
}

impl State {
    pub(super) fn is_broken(self) -> bool {
        matches!(self, Self::Broken | Self::Bomb)
    }
}

/// A file of this moment: how it is, and by which push it became so.
pub(super) type File = (State, u64);
/// By path.
pub(super) type Files = BTreeMap<String, File>;

/// The address that readers ask an application's configuration at.
pub(in crate::rig) fn address(application: &str) -> Name {
    format!("/{application}/prod/main").into()
}

pub(super) fn path_of(application: &str) -> String {
    format!("{application}.yml")
}

/// A push of these files, by address.
pub(super) fn pushed(commit: String, files: &Files) -> What {
    let mut contents = BTreeMap::new();
    let (mut broken, mut unfit) = (BTreeSet::new(), BTreeSet::new());
    for application in APPLICATIONS {
        let address = address(application);
        let state = files.get(&path_of(application)).map(|file| file.0);
        if state.is_some_and(State::is_broken) {
            broken.insert(address);
            continue;
        }
        if state == Some(State::Unfit) {
            unfit.insert(address.clone());
        }
        contents.insert(address, content(application, files));
    }
    What::Pushed {
        commit: commit.into(),
        contents,
        broken,
        unfit,
    }
}

/// What applies to an application.
pub(super) fn content(application: &str, files: &Files) -> Name {
    let of = |path: &str| {
        let file = files.get(path)?;
        Some((format!("{}.stamp", section(path)), value(*file)))
    };
    let both = [SHARED, &path_of(application)];
    let values: Values = both.into_iter().filter_map(of).collect();
    digest(&values)
}

pub(super) fn text(path: &str, file: File) -> String {
    let mut text = format!("{}:\n  stamp: {}\n", section(path), value(file));
    match file.0 {
        State::Good | State::Unfit => {}
        State::Broken => text.push_str(" bad indentation: [\n"),
        State::Bomb => text.push_str(&bomb()),
    }
    text
}

/// Ten times ten times ten…
fn bomb() -> String {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let below = vec![format!("*a{}", level - 1); 10].join(", ");
        _ = writeln!(text, "a{level}: &a{level} [{below}]");
    }
    text
}

/// The section that stands in a file.
fn section(path: &str) -> &'static str {
    if path == SHARED { "common" } else { "service" }
}

fn value((state, stamp): File) -> String {
    match state {
        State::Unfit => format!("number {stamp}"),
        State::Good | State::Broken | State::Bomb => stamp.to_string(),
    }
}
