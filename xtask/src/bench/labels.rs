//! W3: every kind of label, beside the default branch, and what the remote notices of it.

use std::collections::HashMap;

use anyhow::{Context as _, ensure};

use super::http::Connection;
use super::load::{Load, compete, remarks, sample};
use super::part::part;
use super::record::{Bound, Record};
use super::remote::Mark;
use super::repositories::{MANY_LABELS, branch, git, tag};
use super::server::{Cores, Running};
use super::stage::{Stage, all};
use super::workload::{Context, Workload};
use crate::shell::output;

pub(super) const WORKLOAD: Workload = Workload {
    name: "W3",
    about: "reads of branches, tags, commits and unknown labels",
    needs: &["git", "nginx", "fcgiwrap", "wrk"],
    run,
};

/// How many commits are asked for by their ids.
const COMMITS: u32 = 100;

/// As people shorten them.
const SHORT: usize = 10;

/// A kind of label with the addresses that have it.
struct Kind {
    name: &'static str,
    paths: Vec<String>,
    status: u16,
}

fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    let stage = Stage::new(context, &MANY_LABELS)?;
    // Without polling, whatever the remote is asked is asked for a read.
    let settings = ["--spring.cloud.config.server.git.refresh-rate=-1"];
    let confbus = stage.confbus(context, Cores::Split, &settings)?;

    let versions = Versions::of(&stage)?;
    let scene = Scene {
        context,
        stage,
        confbus,
        versions,
    };
    let mut records = part("W3", "known labels", || scene.known());
    records.extend(part("W3", "unknown label", || scene.unknown()));
    Ok(records)
}

/// The server with what it must answer.
struct Scene<'a> {
    context: &'a Context,
    stage: Stage,
    confbus: Running,
    versions: Versions,
}

impl Scene<'_> {
    fn known(&self) -> anyhow::Result<Vec<Record>> {
        let kinds = known(&self.versions);
        let mark = self.stage.remote.mark()?;
        for kind in &kinds {
            let all = kind.paths.iter();
            self.versions.check(&self.confbus, kind, all)?;
        }
        let mut records = self.compare(&kinds)?;
        records.push(self.asked("known labels", mark)?.target(Bound::AtMost(0.0)));
        Ok(records)
    }

    fn unknown(&self) -> anyhow::Result<Vec<Record>> {
        let unknown = Kind {
            status: 404,
            ..Kind::new("unknown label", unknown())
        };
        let mark = self.stage.remote.mark()?;
        let main = Kind::new("main", all(|_| "main".to_owned()));
        let mut records = self.compare(&[main, unknown])?;
        records.push(self.asked("unknown label", mark)?);
        Ok(records)
    }

    /// Each kind beside the first one.
    fn compare(&self, kinds: &[Kind]) -> anyhow::Result<Vec<Record>> {
        let load = |kind: &Kind| {
            Load::new(kind.name, &self.confbus, kind.paths.clone()).answered_with(kind.status)
        };
        let loads: Vec<_> = kinds.iter().map(load).collect();
        let check = |round| {
            kinds.iter().try_for_each(|kind| {
                let some = sample(&kind.paths, round);
                self.versions.check(&self.confbus, kind, some)
            })
        };
        let contest = compete(self.context, "W3", &loads, self.stage.folder(), check)?;
        let note = remarks(self.context, &contest);
        let record = |(index, kind): (usize, &Kind)| {
            let ratio = contest.ratio(index, 0, |turn| turn.requests_per_second)?;
            Ok(Record::new("W3", kind.name, "requests/s ÷ W2")
                .peer("W2")
                .figure(&ratio, "×")
                .target(Bound::AtLeast(0.95))
                .note(note.clone()))
        };
        kinds.iter().enumerate().skip(1).map(record).collect()
    }

    /// How often the remote was asked for anything since then.
    fn asked(&self, variant: &str, mark: Mark) -> anyhow::Result<Record> {
        let requests = self.stage.remote.requests_since(mark)?.len();
        Ok(
            Record::new("W3", variant, "requests at the Git remote caused by reads")
                .count(requests as f64, self.context.rounds as usize, "requests")
                .note("first reads, which also compare the versions, and all rounds; no polling"),
        )
    }
}

/// The default branch, and every kind of label that the repository knows.
fn known(versions: &Versions) -> Vec<Kind> {
    let Versions { commits, .. } = versions;
    let commit = |number: u32| &commits[number as usize % commits.len()];
    vec![
        Kind::new("main", all(|_| "main".to_owned())),
        Kind::new(
            "1,000 branches",
            all(|number| in_path(&branch(number % MANY_LABELS.branches))),
        ),
        Kind::new("feature(_)x", all(|_| in_path(&branch(0)))),
        Kind::new("tags", all(|number| tag(number % MANY_LABELS.tags))),
        Kind::new("commit ids", all(|number| commit(number).clone())),
        Kind::new(
            "short commit ids",
            all(|number| commit(number)[..SHORT].to_owned()),
        ),
    ]
}

/// A few addresses, as of clients whose branch was deleted; as many of them as of the others, so that the load's choice
/// costs the same.
fn unknown() -> Vec<String> {
    let paths = all(|number| format!("nowhere-{}", number % 10));
    paths[..30]
        .iter()
        .cycle()
        .take(paths.len())
        .cloned()
        .collect()
}

/// A slash would end the label.
fn in_path(label: &str) -> String {
    label.replace('/', "(_)")
}

impl Kind {
    fn new(name: &'static str, paths: Vec<String>) -> Self {
        Self {
            name,
            paths,
            status: 200,
        }
    }
}

/// Which commit each label names, as Git says.
struct Versions {
    labels: HashMap<String, String>,
    /// Of the default branch, newest first.
    commits: Vec<String>,
}

impl Versions {
    fn of(stage: &Stage) -> anyhow::Result<Self> {
        let repository = stage.repository();
        let refs = output(git(&repository).args([
            "for-each-ref",
            // What an annotated tag names, or else the ref itself.
            "--format=%(refname:lstrip=2) %(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)",
        ]))?;
        let pair = |line: &str| {
            let (name, id) = line.split_once(' ')?;
            Some((in_path(name), id.to_owned()))
        };
        let mut labels: HashMap<_, _> = refs.lines().filter_map(pair).collect();
        let count = COMMITS.to_string();
        let log = output(git(&repository).args(["rev-list", "--max-count", &count, "main"]))?;
        let commits: Vec<_> = log.lines().map(str::to_owned).collect();
        for id in &commits {
            labels.insert(id.clone(), id.clone());
            labels.insert(id[..SHORT].to_owned(), id.clone());
        }
        Ok(Self { labels, commits })
    }

    /// Reads these addresses; each answer must name the commit of its label.
    fn check<'a>(
        &self,
        server: &Running,
        kind: &Kind,
        paths: impl Iterator<Item = &'a String>,
    ) -> anyhow::Result<()> {
        let mut connection = Connection::open(server.port)?;
        for path in paths {
            let answer = connection.get(path)?;
            ensure!(
                answer.status == kind.status,
                "{path} is answered with {}",
                answer.status
            );
            let label = path.rsplit('/').next().context("no label")?;
            let answer: serde_json::Value = serde_json::from_slice(&answer.body)?;
            // An error has no version, and neither has a label that Git does not know.
            ensure!(
                answer["version"].as_str() == self.labels.get(label).map(String::as_str),
                "{path} is answered from {}",
                answer["version"]
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn there_are_few_unknown_addresses_in_a_list_as_long_as_the_others() {
        let unknown = unknown();
        assert_eq!(unknown.len(), all(|_| "main".to_owned()).len());
        assert_eq!(unknown.iter().collect::<HashSet<_>>().len(), 30);
    }
}
