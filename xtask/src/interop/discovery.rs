//! `cargo xtask interop discovery`: confbus in a real Eureka, found there by a Spring application and by our client.

mod eureka;
mod programs;
mod readers;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use self::eureka::Eureka;
use self::programs::{Confbus, Programs};
use self::readers::{OurClient, SpringClient};
use super::Tally;
use super::eventually::within;
use super::repository::Repository;

/// Leases of the run are three seconds, and Eureka looks for ended ones each second; it doubles a lease that was renewed.
const EVICTED: Duration = Duration::from_secs(20);
/// For what takes a request or two.
const SOON: Duration = Duration::from_secs(10);

/// Everything that was started.
struct Stage<'a> {
    programs: &'a Programs,
    folder: &'a Path,
    repository: Repository,
    /// Two that tell each other.
    peers: [Eureka; 2],
    first: Option<Confbus>,
    second: Option<Confbus>,
    ours: Option<OurClient>,
}

type Step = fn(&mut Stage<'_>) -> anyhow::Result<()>;

/// Each begins where the one before ended.
const STEPS: [(&str, Step); 8] = [
    ("a server is registered with both peers", registered),
    (
        "a Spring application starts from what it found",
        spring_starts,
    ),
    ("our client starts from what it found", ours_starts),
    ("a server that was forgotten registers again", forgotten),
    ("a peer that dies is replaced by the other one", peer_dies),
    ("a killed server is gone within its lease", killed),
    (
        "our client goes on with the server that is left",
        ours_goes_on,
    ),
    ("a server that stops is gone when it has ended", stopped),
];

/// Runs all steps; the first that fails ends the run.
pub(super) fn run() -> anyhow::Result<Tally> {
    let programs = Programs::build()?;
    let folder = tempfile::Builder::new()
        .prefix("confbus-discovery-")
        .tempdir()?;
    let mut tally = Tally::default();
    let repository = Repository::create(folder.path().join("config"))?;
    repository.commit(&[
        ("application.yml", "greeting: hello\n"),
        ("orders.yml", &orders(1)),
    ])?;
    let mut stage = Stage {
        programs: &programs,
        folder: folder.path(),
        repository,
        peers: Eureka::start_two(&programs, folder.path())?,
        first: None,
        second: None,
        ours: None,
    };
    for (name, step) in STEPS {
        let begun = Instant::now();
        if let Err(error) = step(&mut stage) {
            tally.fail(name, &format!("{error:#}"));
            drop(stage);
            println!("logs are kept in {}", folder.keep().display());
            return Ok(tally);
        }
        tally.passed += 1;
        println!("ok {name} ({:.1} s)", begun.elapsed().as_secs_f32());
    }
    Ok(tally)
}

fn orders(max_open: u32) -> String {
    format!("orders:\n  limits:\n    max-open: {max_open}\n")
}

impl Stage<'_> {
    fn confbus(&self) -> anyhow::Result<Confbus> {
        let addresses = self.peers.each_ref().map(Eureka::address);
        Confbus::start(
            self.programs,
            &addresses,
            self.repository.path(),
            self.folder,
        )
    }

    /// Waits until a peer lists just these servers.
    fn listed(&self, peer: usize, ports: &[u16], deadline: Duration) -> anyhow::Result<()> {
        let mut expected = ports.to_vec();
        expected.sort_unstable();
        within(deadline, "not on the list", || {
            let listed = self.peers[peer].listed()?;
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
    for peer in [0, 1] {
        stage.listed(peer, &[first], SOON)?;
    }
    Ok(())
}

/// It was told neither address nor path nor password.
fn spring_starts(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let registry = stage.peers[0].address();
    let spring = SpringClient::start(stage.programs, &registry, stage.folder)?;
    let greeting = spring.value("greeting")?;
    ensure!(greeting == "hello", "greeting is {greeting:?}");
    Ok(())
}

fn ours_starts(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let registries = stage.peers.each_ref().map(Eureka::address).join(",");
    let ours = OurClient::start(stage.programs, &registries, stage.folder)?;
    ours.says("at most 1 open orders", SOON)?;
    stage.ours = Some(ours);
    Ok(())
}

fn forgotten(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let first = stage.first()?.port();
    stage.peers[0].forget(first)?;
    stage.listed(0, &[first], SOON)
}

fn peer_dies(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let first = stage.first()?.port();
    stage.peers[0].kill();
    let begun = Instant::now();
    // Who was not renewed would be gone by then.
    while begun.elapsed() < EVICTED {
        stage.listed(1, &[first], SOON)?;
        std::thread::sleep(Duration::from_millis(500));
    }
    let server = stage.first()?.registered_with()?;
    let expected = stage.peers[1].address();
    ensure!(expected.starts_with(&server), "registered with {server}");
    Ok(())
}

fn killed(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let first = stage.first()?.port();
    let second = stage.second.insert(stage.confbus()?).port();
    stage.listed(1, &[first, second], SOON)?;
    stage.first = None;
    stage.listed(1, &[second], EVICTED)
}

fn ours_goes_on(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    stage.repository.commit(&[("orders.yml", &orders(2))])?;
    let ours = stage.ours.as_ref().context("our client has not started")?;
    ours.says("at most 2 open orders", EVICTED)
}

fn stopped(stage: &mut Stage<'_>) -> anyhow::Result<()> {
    let second = stage.second.take().context("there is no second server")?;
    second.stop()?;
    // Eureka's answers are as old as its cache: a second here.
    stage.listed(1, &[], Duration::from_secs(2))
}
