//! The answers of Spring Cloud Config Server, recorded, against ours. `README.md` here tells more.
#![expect(clippy::print_stderr, reason = "a test program talks to its terminal")]

mod difference;
mod directives;
mod directory;
mod expectation;
mod fixtures;
mod json;
mod player;
mod remote;
mod repository;
mod reuse;
mod selftest;
mod server;
mod stage;
mod standing;
mod suite;
mod tokens;
mod wire;

use std::{
    collections::BTreeMap,
    process::ExitCode,
    sync::{Arc, OnceLock},
};

use anyhow::ensure;
use indexmap::IndexMap;
use libtest_mimic::{Arguments, Completion, Trial};

use player::Verdict;
use standing::Standing;
use suite::{Case, Group};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    match reuse::listen().and_then(|()| trials()) {
        Ok(trials) => {
            let conclusion = libtest_mimic::run(&arguments, trials);
            let (asked, given) = reuse::counts();
            eprintln!(
                "{asked} reads that found something were asked again, {given} were answered from memory"
            );
            if conclusion.num_filtered_out == 0 && given < asked / 2 {
                return ExitCode::FAILURE;
            }
            conclusion.exit_code()
        }
        Err(error) => {
            eprintln!("conformance: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The cases of one group that ask the same server; played together by whichever comes first.
struct Play {
    server: String,
    cases: Vec<Case>,
    verdicts: OnceLock<BTreeMap<String, Verdict>>,
}

impl Play {
    fn verdict(&self, id: &str) -> Verdict {
        let verdicts = self
            .verdicts
            .get_or_init(|| player::play(&self.server, &self.cases));
        verdicts[id].clone()
    }
}

fn trials() -> anyhow::Result<Vec<Trial>> {
    let standing = Standing::read()?;
    let mut plays: IndexMap<(String, String), Vec<Case>> = IndexMap::new();
    let mut groups = BTreeMap::new();
    for name in suite::names("cases")? {
        let group: Group = suite::read(&format!("cases/{name}.json"))?;
        for mut case in group.cases {
            let is_new = groups.insert(case.id.clone(), name.clone()).is_none();
            ensure!(is_new, "`{}` is there twice", case.id);
            case.ours = standing.ours(&case.id).cloned();
            plays
                .entry((name.clone(), case.server.clone()))
                .or_default()
                .push(case);
        }
    }
    standing.check(|id| groups.contains_key(id))?;

    let mut trials: Vec<_> = selftest::trials()?;
    let mut rest = Vec::new();
    for ((group, server), cases) in plays {
        let play = Arc::new(Play {
            server,
            cases,
            verdicts: OnceLock::new(),
        });
        let mut of_play = play
            .cases
            .iter()
            .map(|case| trial(&group, case, &play, &standing));
        // The first of each go first: whoever runs them plays the whole, and the others need not wait for it.
        trials.extend(of_play.next());
        rest.extend(of_play);
    }
    trials.extend(rest);
    Ok(trials)
}

fn trial(group: &str, case: &Case, play: &Arc<Play>, standing: &Standing) -> Trial {
    let (id, play) = (case.id.clone(), Arc::clone(play));
    let missing = standing.missing(&id).map(str::to_owned);
    let kind = match (&missing, &case.ours) {
        (Some(_), _) => "not yet",
        (None, Some(_)) => "differs",
        (None, None) => "",
    };
    let name = format!("{group}::{}::{id}", case.server);
    let run = move || match (missing, play.verdict(&id)) {
        (None, Ok(())) => Ok(Completion::Completed),
        (None, Err(problems)) => Err(problems.into()),
        (Some(missing), Err(_)) => Ok(Completion::ignored_with(format!("not yet: {missing}"))),
        (Some(_), Ok(())) => {
            Err("it passes: `cargo xtask conformance --update` takes it off not-yet.txt".into())
        }
    };
    Trial::ignorable_test(name, run).with_kind(kind)
}
