//! Single faults, each with what is expected of it, beyond what the checker asks of every history.

mod bus;
mod git;
mod process;
mod webhook;

use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::history::Outcome;
use crate::proxy::Manner;
use crate::rig::{Connection, Response, Rig, Size, Tools};
use crate::run::{Report, conclude};

/// Long enough for everybody to get what was pushed, when nothing fails.
const SOON: Duration = Duration::from_secs(20);

/// What a scenario runs on, small enough for its effect to be seen.
const SMALL: Size = Size {
    servers: 2,
    clients: 6,
    reads: 50,
};

type Running<'a> = Pin<Box<dyn Future<Output = anyhow::Result<Rig>> + 'a>>;

/// A fault with a name.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// As it is typed: the row of the failure matrix.
    pub name: &'static str,
    /// What fails, and what is expected.
    pub about: &'static str,
    run: for<'a> fn(&'a Tools, &'a str) -> Running<'a>,
}

/// All scenarios, in the order of the matrix.
pub static ALL: &[Scenario] = &[
    git::G1,
    git::G2,
    git::G3,
    git::G4,
    git::G5,
    git::G7,
    git::G12,
    git::G14,
    git::G18,
    process::D8,
    bus::B1,
    bus::B2,
    bus::B9,
    bus::B16,
    bus::B18,
    webhook::W1,
    webhook::W2,
    webhook::W5,
    process::P2,
];

impl Scenario {
    /// The one of a name, in any case.
    ///
    /// # Errors
    /// When there is none, with those that there are.
    pub fn find(name: &str) -> anyhow::Result<&'static Self> {
        let mut all = ALL.iter();
        let found = all.find(|scenario| scenario.name.eq_ignore_ascii_case(name));
        found.with_context(|| {
            let known: Vec<_> = ALL.iter().map(|scenario| scenario.name).collect();
            format!(
                "there is no scenario {name}; there are {}",
                known.join(", ")
            )
        })
    }

    /// Runs it, heals everything, and checks the history.
    ///
    /// # Errors
    /// When what the scenario itself expects is not so, or the rig is lost.
    pub async fn run(&self, tools: &Tools) -> anyhow::Result<Report> {
        let rig = (self.run)(tools, self.name).await;
        let rig = rig.with_context(|| format!("{}: {}", self.name, self.about))?;
        conclude(rig, self.name, None, &tools.folder).await
    }
}

/// What most begin with.
async fn small(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    Rig::running(tools, name, SMALL).await
}

/// A fault of the way to Git that lasts for a while of pushes, and that everybody gets over.
async fn git_fails(rig: &mut Rig, name: &'static str, manner: Manner) -> anyhow::Result<()> {
    rig.note_fault(name, true);
    rig.git.set(manner);
    let while_it_lasts = Duration::from_secs(2 * crate::rig::GIT_DEADLINE_SECONDS);
    let until = Instant::now() + while_it_lasts;
    while Instant::now() < until {
        let push = rig.repository.push_shared()?;
        rig.tell(0, &push).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    rig.git.set(Manner::Pass);
    rig.note_fault(name, false);
    rig.settle(SOON).await
}

/// Asks a server for `orders`.
async fn ask(rig: &Rig, server: usize) -> anyhow::Result<Response> {
    get(rig, server, "/orders/prod/main").await
}

async fn get(rig: &Rig, server: usize, path: &str) -> anyhow::Result<Response> {
    let port = rig.servers.get(server).context("no such server")?.port();
    Connection::new(port).get(path).await
}

/// Asks until there is a configuration; how long that took.
async fn served(rig: &Rig, server: usize, within: Duration) -> anyhow::Result<Duration> {
    let began = Instant::now();
    loop {
        let response = ask(rig, server).await?;
        if matches!(crate::rig::outcome(&response), Outcome::Found { .. }) {
            return Ok(began.elapsed());
        }
        if began.elapsed() > within {
            bail!("still answered with {}", response.status);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Says a figure.
#[expect(
    clippy::print_stderr,
    reason = "a command line program talks to its terminal"
)]
fn say(text: &str) {
    eprintln!("  {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenarios_are_found_by_their_names() {
        assert_eq!(Scenario::find("g3").unwrap().name, "G3");
        let error = Scenario::find("G99").unwrap_err().to_string();
        assert!(error.contains("G99") && error.contains("W1"), "{error}");
    }
}
