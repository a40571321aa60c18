//! What the cases rest on: that the fixtures are the recorded ones.

use std::collections::BTreeMap;

use anyhow::ensure;
use indexmap::IndexMap;
use libtest_mimic::Trial;

use super::{fixtures::Fixture, suite};

/// Commits of a repository, by name.
type Commits = BTreeMap<String, String>;

pub(crate) fn trials() -> anyhow::Result<Vec<Trial>> {
    let recorded: IndexMap<String, Commits> = suite::read("commits.json")?;
    let trial = |(name, recorded): (String, Commits)| {
        let title = format!("fixtures::{name}");
        Trial::test(title, move || Ok(has_commits(&name, &recorded)?))
    };
    Ok(recorded.into_iter().map(trial).collect())
}

fn has_commits(name: &str, recorded: &Commits) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let repository = Fixture::read(name)?.repository(&folder.path().join(name), true)?;
    let built: Commits = repository.names().iter().cloned().collect();
    ensure!(
        built == *recorded,
        "built {built:#?}, recorded {recorded:#?}"
    );
    Ok(())
}
