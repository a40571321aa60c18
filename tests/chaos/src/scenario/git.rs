//! The Git remote fails.

use std::time::Duration;

use anyhow::ensure;
use tokio::net::TcpListener;

use super::measure::{Quiet, p99};
use super::{SOON, ask, eventually, git_trouble, push_for, restart, served};
use crate::figure::Figure;
use crate::proxy::{Manner, Said};
use crate::rig::{GIT_DEADLINE_SECONDS, Rig};

/// A debug build on a machine that has other things to do; the figure is said.
const STARTS: Duration = Duration::from_secs(3);
/// The next look, and the clone.
const CLONES: Duration = Duration::from_secs(15);
/// How long a fault lasts: some operations are given up meanwhile.
const LASTS: Duration = Duration::from_secs(2 * GIT_DEADLINE_SECONDS);
/// Until health says what is wrong: the next look, its deadline, and some time to find it out.
const KNOWN: Duration = Duration::from_secs(3 * GIT_DEADLINE_SECONDS);
/// How often connections are cut within the answers of the remote.
const CUTS: u64 = 20;

/// The way to Git fails for a while of pushes, and everybody gets over it.
async fn fails(
    rig: &mut Rig,
    fault: &'static str,
    manner: Manner,
    lasts: Duration,
) -> anyhow::Result<()> {
    rig.note_fault(fault, true);
    rig.git.set(manner);
    push_for(rig, lasts, 0).await?;
    rig.git.set(Manner::Pass);
    rig.note_fault(fault, false);
    let after = rig.settle(SOON).await?;
    rig.figure(Figure::time("everywhere after the remote was back", after));
    Ok(())
}

/// The same for one that takes the time of who asks, beside a time in which nothing fails.
async fn stalls(rig: &mut Rig, fault: &'static str, manner: Manner) -> anyhow::Result<()> {
    let quiet = Quiet::measure(rig).await?;
    let threads = rig.servers[0].usage()?.threads;
    rig.note_fault(fault, true);
    let since = rig.recorder.now();
    rig.git.set(manner);
    let push = rig.repository.push_shared()?;
    rig.tell(0, &push).await?;
    let known = eventually("health says what is wrong", KNOWN, async || {
        git_trouble(rig, 0).await
    });
    let (trouble, known) = known.await?;
    rig.figure(Figure::time("given up, and told by health, after", known));
    ensure!(trouble.len() > 10, "health says no more than {trouble}");
    push_for(rig, LASTS, 0).await?;
    let more = rig.servers[0].usage()?.threads as f64 - threads as f64;
    rig.figure(Figure::new("threads more than before", more, ""));
    let faulty = p99(rig, since)?;
    rig.git.set(Manner::Pass);
    rig.note_fault(fault, false);
    let after = rig.settle(SOON).await?;
    rig.figure(Figure::time("everywhere after the remote was back", after));
    let well = eventually("health is well again", SOON, async || {
        Ok(git_trouble(rig, 0).await?.is_none().then_some(()))
    });
    well.await?;
    quiet.judge(rig, faulty).await
}

pub(crate) async fn g1(rig: &mut Rig) -> anyhow::Result<()> {
    rig.note_fault("git-refuses", true);
    rig.git.set(Manner::Refuse);
    let answers = restart(rig, 0, STARTS).await?;
    rig.figure(Figure::time("first answer after exec", answers));
    ensure!(answers < STARTS, "the first answer took {answers:?}");
    rig.git.set(Manner::Pass);
    rig.note_fault("git-refuses", false);
    Ok(())
}

pub(crate) async fn g2(rig: &mut Rig) -> anyhow::Result<()> {
    rig.note_fault("git-refuses", true);
    rig.git.set(Manner::Refuse);
    rig.add_server(&[]).await?;
    let response = ask(rig, 0).await?;
    ensure!(response.status == 503, "answered with {}", response.status);
    ensure!(response.retry_after, "503 without Retry-After");
    rig.git.set(Manner::Pass);
    rig.note_fault("git-refuses", false);
    let ready = served(rig, 0, CLONES).await?;
    rig.figure(Figure::time("ready after the remote was back", ready));
    rig.add_clients(3).await?;
    rig.read(50);
    Ok(())
}

pub(crate) async fn g3(rig: &mut Rig) -> anyhow::Result<()> {
    fails(rig, "git-refuses", Manner::Refuse, LASTS).await
}

pub(crate) async fn g4(rig: &mut Rig) -> anyhow::Result<()> {
    stalls(rig, "git-silent", Manner::BlackHole).await
}

pub(crate) async fn g5(rig: &mut Rig) -> anyhow::Result<()> {
    let drip = Manner::Drip(Duration::from_millis(500));
    stalls(rig, "git-drips", drip).await
}

pub(crate) async fn g6(rig: &mut Rig) -> anyhow::Result<()> {
    let slow = Manner::Delay(Duration::from_millis(500));
    fails(rig, "git-slow", slow, LASTS).await
}

pub(crate) async fn g7(rig: &mut Rig) -> anyhow::Result<()> {
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
    rig.settle(SOON).await.map(|_| ())
}

pub(crate) async fn g8(rig: &mut Rig) -> anyhow::Result<()> {
    fails(rig, "git-flipped", Manner::Flip(97), LASTS).await
}

pub(crate) async fn g9(rig: &mut Rig) -> anyhow::Result<()> {
    // Somebody who should never be asked.
    let canary = TcpListener::bind(("127.0.0.1", 0)).await?;
    let elsewhere = Said::Redirect(canary.local_addr()?.port());
    let itself = Said::Redirect(rig.git.port());
    let statuses = [401, 403, 404, 429, 500].map(Said::Status);
    let pages = [Said::LoginPage, itself, elsewhere];
    for said in statuses.into_iter().chain(pages) {
        rig.note_fault("git-answers-otherwise", true);
        rig.git.set(Manner::Say(said));
        let push = rig.repository.push_all()?;
        rig.tell(0, &push).await?;
        let known = eventually("health says what is wrong", KNOWN, async || {
            git_trouble(rig, 0).await
        });
        known.await?;
        rig.git.set(Manner::Pass);
        rig.note_fault("git-answers-otherwise", false);
        rig.settle(SOON).await?;
    }
    let asked = tokio::time::timeout(Duration::from_millis(10), canary.accept()).await;
    ensure!(asked.is_err(), "a redirect to another port was followed");
    Ok(())
}
