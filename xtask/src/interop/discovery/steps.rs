//! What is done with each registry.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::Registry;
use super::programs::{Confbus, Programs};
use super::readers::{Fetches, OurClient, SpringClient};
use crate::interop::Tally;
use crate::interop::eventually::within;
use crate::interop::repository::Repository;

/// For what takes a request or two.
const SOON: Duration = Duration::from_secs(10);
/// How many fetches are enough to meet a server that is not there any more.
const MANY: u64 = 200;

/// Only where there are several that tell each other.
const PEER_DIES: &str = "a peer that dies is replaced by the other one";

/// Everything that was started.
struct Stage<'a> {
    programs: &'a Programs,
    folder: &'a Path,
    repository: Repository,
    first: Option<Confbus>,
    second: Option<Confbus>,
    ours: Option<OurClient>,
    registry: Box<dyn Registry>,
}

type Step = fn(&mut Stage<'_>) -> anyhow::Result<()>;

/// Each begins where the one before ended.
const STEPS: [(&str, Step); 8] = [
    ("a server is registered", registered),
    (
        "a Spring application starts from what it found",
        spring_starts,
    ),
    ("our client starts from what it found", ours_starts),
    ("a server that was forgotten registers again", forgotten),
    (PEER_DIES, peer_dies),
    (
        "of two servers one is killed during reads: no fetch fails, and it is gone within its lease",
        killed,
    ),
    (
        "our client goes on with the server that is left",
        ours_goes_on,
    ),
    ("a server that stops is gone when it has ended", stopped),
];

/// Takes all steps; answers whether all went well.
pub(super) fn all(
    registry: Box<dyn Registry>,
    programs: &Programs,
    folder: &Path,
    tally: &mut Tally,
) -> anyhow::Result<bool> {
    let repository = Repository::create(folder.join("config"))?;
    repository.commit(&[
        ("application.yml", "greeting: hello\n"),
        ("orders.yml", &orders(1)),
    ])?;
    let mut stage = Stage {
        programs,
        folder,
        repository,
        first: None,
        second: None,
        ours: None,
        registry,
    };
    let has_peers = stage.registry.has_peers();
    let steps = STEPS
        .iter()
        .filter(|(name, _)| has_peers || *name != PEER_DIES);
    for (name, step) in steps {
        let begun = Instant::now();
        if let Err(error) = step(&mut stage) {
            tally.fail(name, &format!("{error:#}"));
            return Ok(false);
        }
        tally.passed += 1;
        println!("ok {name} ({:.1} s)", begun.elapsed().as_secs_f32());
    }
    Ok(true)
}

fn orders(max_open: u32) -> String {
    format!("orders:\n  limits:\n    max-open: {max_open}\n")
}

impl Stage<'_> {
    fn confbus(&self) -> anyhow::Result<Confbus> {
        let (programs, registry) = (self.programs, self.registry.as_ref());
        Confbus::start(programs, registry, self.repository.path(), self.folder)
    }

    /// Waits until just these servers are listed.
    fn listed(&self, ports: &[u16], deadline: Duration) -> anyhow::Result<()> {
        let mut expected = ports.to_vec();
        expected.sort_unstable();
        within(deadline, "not on the list", || {
            let listed = self.registry.listed()?;
            ensure!(listed == expected, "{listed:?} instead of {expected:?}");
            Ok(())
        })
    }

    fn first(&self) -> anyhow::Result<&Confbus> {
        self.first.as_ref().context("there is no first server")
    }
}

fn registered(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let first = stage.first.insert(stage.confbus()?).port();
    stage.listed(&[first], SOON)
}

/// It was told neither address nor path nor password.
fn spring_starts(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let spring = SpringClient::start(stage.programs, stage.registry.as_ref(), stage.folder)?;
    let greeting = spring.value("greeting")?;
    ensure!(greeting == "hello", "greeting is {greeting:?}");
    Ok(())
}

fn ours_starts(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let ours = OurClient::start(stage.programs, stage.registry.as_ref(), stage.folder)?;
    ours.says("at most 1 open orders", SOON)?;
    stage.ours = Some(ours);
    Ok(())
}

fn forgotten(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let first = stage.first()?.port();
    stage.registry.forget(first)?;
    stage.listed(&[first], stage.registry.lease())
}

fn peer_dies(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let left = stage.registry.lose_one().context("there is one alone")?;
    let first = stage.first()?.port();
    let begun = Instant::now();
    // Who was not renewed would be gone by then.
    while begun.elapsed() < stage.registry.lease() {
        stage.listed(&[first], SOON)?;
        std::thread::sleep(Duration::from_millis(500));
    }
    let server = stage.first()?.registered_with(stage.registry.name())?;
    ensure!(left.starts_with(&server), "registered with {server}");
    Ok(())
}

fn killed(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let first = stage.first()?.port();
    let second = stage.second.insert(stage.confbus()?).port();
    stage.listed(&[first, second], SOON)?;
    let fetches = Fetches::start(stage.programs, stage.registry.as_ref(), stage.folder)?;
    let before = fetches.reach(MANY)?;
    stage.first = None;
    fetches.reach(before + MANY)?;
    stage.listed(&[second], stage.registry.lease())?;
    let all = fetches.reach(before + 2 * MANY)?;
    println!("  {all} fetches, 0 failed");
    Ok(())
}

fn ours_goes_on(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.repository.commit(&[("orders.yml", &orders(2))])?;
    let ours = stage.ours.as_ref().context("our client has not started")?;
    ours.says("at most 2 open orders", SOON * 2)
}

fn stopped(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let second = stage.second.take().context("there is no second server")?;
    second.stop()?;
    // Eureka's answers are as old as its cache: a second here.
    stage.listed(&[], Duration::from_secs(2))
}
