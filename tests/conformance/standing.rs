//! The two lists of cases that are not answered as recorded.

use std::{collections::BTreeMap, fs};

use anyhow::{Context as _, ensure};
use serde::Deserialize;

use super::suite::{self, Expectation};

/// How confbus stands to the cases.
pub(crate) struct Standing {
    differences: BTreeMap<String, Difference>,
    not_yet: BTreeMap<String, String>,
}

/// A case that confbus answers otherwise on purpose.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    id: String,
    /// Why, for the reader of the list.
    #[serde(rename = "reason")]
    _reason: String,
    expect: Expectation,
}

impl Standing {
    pub(crate) fn read() -> anyhow::Result<Self> {
        let differences: Vec<Difference> = suite::read("differences.json")?;
        let text = fs::read_to_string(suite::folder().join("not-yet.txt"))?;
        let lines = text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entry = |line: &str| {
            let (id, reason) = line
                .split_once(' ')
                .with_context(|| format!("not-yet.txt: no reason: `{line}`"))?;
            Ok((id.to_owned(), reason.trim().to_owned()))
        };
        let not_yet = lines
            .map(entry)
            .collect::<anyhow::Result<BTreeMap<_, _>>>()?;
        let differences: BTreeMap<_, _> = differences
            .into_iter()
            .map(|difference| (difference.id.clone(), difference))
            .collect();
        Ok(Self {
            differences,
            not_yet,
        })
    }

    /// What confbus answers instead of what is recorded.
    pub(crate) fn ours(&self, id: &str) -> Option<&Expectation> {
        self.differences
            .get(id)
            .map(|difference| &difference.expect)
    }

    /// What is missing before the case can pass.
    pub(crate) fn missing(&self, id: &str) -> Option<&str> {
        self.not_yet.get(id).map(String::as_str)
    }

    /// That nothing is listed twice or does not exist.
    pub(crate) fn check(&self, is_case: impl Fn(&str) -> bool) -> anyhow::Result<()> {
        for id in self.differences.keys().chain(self.not_yet.keys()) {
            ensure!(is_case(id), "`{id}` is listed, but no case");
        }
        for id in self.not_yet.keys() {
            ensure!(
                !self.differences.contains_key(id),
                "`{id}` is on both lists"
            );
        }
        Ok(())
    }
}
