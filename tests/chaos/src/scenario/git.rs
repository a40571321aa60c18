//! The Git remote fails.

use std::time::Duration;

use anyhow::ensure;

use super::{SOON, Scenario, ask, get, git_fails, say, served, small};
use crate::proxy::Manner;
use crate::rig::{Rig, State, Tools};

/// A debug build on a machine that has other things to do; the figure is said.
const STARTS: Duration = Duration::from_secs(3);
/// The next look, and the clone.
const CLONES: Duration = Duration::from_secs(15);
/// How often connections are cut within the answers of the remote.
const CUTS: u64 = 20;

pub(super) const G1: Scenario = Scenario {
    name: "G1",
    about: "the remote is down at a start, the disk has everything: it is served at once",
    run: |tools, name| Box::pin(g1(tools, name)),
};

async fn g1(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    rig.note_fault("git-refuses", true);
    rig.git.set(Manner::Refuse);
    rig.servers[0].kill()?;
    let listens = rig.servers[0].start().await?;
    let answers = listens + served(&rig, 0, STARTS).await?;
    say(&format!(
        "first answer {} ms after exec",
        answers.as_millis()
    ));
    ensure!(answers < STARTS, "the first answer took {answers:?}");
    rig.git.set(Manner::Pass);
    rig.note_fault("git-refuses", false);
    Ok(rig)
}

pub(super) const G2: Scenario = Scenario {
    name: "G2",
    about: "the remote is down at the very first start: 503 with Retry-After, ready by itself",
    run: |tools, name| Box::pin(g2(tools, name)),
};

async fn g2(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = Rig::new(tools, name).await?;
    rig.note_fault("git-refuses", true);
    rig.git.set(Manner::Refuse);
    rig.add_server(&[]).await?;
    let response = ask(&rig, 0).await?;
    ensure!(response.status == 503, "answered with {}", response.status);
    ensure!(response.retry_after, "503 without Retry-After");
    rig.git.set(Manner::Pass);
    rig.note_fault("git-refuses", false);
    let ready = served(&rig, 0, CLONES).await?;
    say(&format!(
        "ready {} ms after the remote was back",
        ready.as_millis()
    ));
    rig.add_clients(3).await?;
    rig.read(50);
    Ok(rig)
}

pub(super) const G3: Scenario = Scenario {
    name: "G3",
    about: "the remote refuses connections: reads do not notice",
    run: |tools, name| Box::pin(fails(tools, name, "git-refuses", Manner::Refuse)),
};

pub(super) const G4: Scenario = Scenario {
    name: "G4",
    about: "the remote accepts and says nothing: given up at the deadline, reads do not notice",
    run: |tools, name| Box::pin(fails(tools, name, "git-silent", Manner::BlackHole)),
};

pub(super) const G5: Scenario = Scenario {
    name: "G5",
    about: "the remote sends a byte each half second: given up at the deadline",
    run: |tools, name| {
        let drip = Manner::Drip(Duration::from_millis(500));
        Box::pin(fails(tools, name, "git-drips", drip))
    },
};

async fn fails(
    tools: &Tools,
    name: &str,
    fault: &'static str,
    manner: Manner,
) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    git_fails(&mut rig, fault, manner).await?;
    Ok(rig)
}

pub(super) const G7: Scenario = Scenario {
    name: "G7",
    about: "connections are cut within answers, at twenty places: nothing half is ever served",
    run: |tools, name| Box::pin(g7(tools, name)),
};

async fn g7(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    rig.note_fault("git-cut", true);
    for cut in 1..=CUTS {
        rig.git.set(Manner::CutAfter(cut * 60));
        rig.git.cut();
        let push = rig.repository.push_all()?;
        rig.tell(0, &push).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    rig.git.set(Manner::Pass);
    rig.git.cut();
    rig.note_fault("git-cut", false);
    rig.settle(SOON).await?;
    Ok(rig)
}

pub(super) const G12: Scenario = Scenario {
    name: "G12",
    about: "commits are replaced by force: the new ones are served, nothing goes back",
    run: |tools, name| Box::pin(g12(tools, name)),
};

async fn g12(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    for commits in 1..=3 {
        for _ in 0..commits {
            rig.repository.push_shared()?;
        }
        rig.settle(SOON).await?;
        let push = rig.repository.rewrite("orders", commits)?;
        rig.tell(0, &push).await?;
        rig.settle(SOON).await?;
    }
    Ok(rig)
}

pub(super) const G14: Scenario = Scenario {
    name: "G14",
    about: "the branch goes back by force: old values are a new state that everybody gets",
    run: |tools, name| Box::pin(g14(tools, name)),
};

async fn g14(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    for commits in 1..=3 {
        for _ in 0..commits {
            rig.repository.push_all()?;
        }
        rig.settle(SOON).await?;
        let push = rig.repository.go_back(commits)?;
        rig.tell(0, &push).await?;
        rig.settle(SOON).await?;
    }
    Ok(rig)
}

pub(super) const G18: Scenario = Scenario {
    name: "G18",
    about: "a commit breaks the file of one application: it is held, the others move on, health says where",
    run: |tools, name| Box::pin(g18(tools, name)),
};

async fn g18(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    for application in ["orders", "billing"] {
        rig.repository.push(application, State::Broken)?;
        let push = rig.repository.push("users", State::Good)?;
        rig.tell(0, &push).await?;
        rig.settle(SOON).await?;
        let held = get(&rig, 0, &format!("/{application}/prod/main")).await?;
        ensure!(held.held, "{application} is not held");
        let place = format!("{application}.yml:3:");
        let health = get(&rig, 0, "/actuator/health").await?;
        let health = String::from_utf8_lossy(&health.body).into_owned();
        ensure!(health.contains(&place), "{place} is not in {health}");
    }
    rig.servers[0].kill()?;
    rig.servers[0].start().await?;
    rig.settle(SOON).await?;
    let push = rig.repository.push("orders", State::Good)?;
    rig.tell(0, &push).await?;
    rig.settle(SOON).await?;
    let orders = ask(&rig, 0).await?;
    ensure!(!orders.held, "a mended application is still held");
    Ok(rig)
}
