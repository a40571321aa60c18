//! A server has less than it would like: descriptors, memory, time, and readers of what it says.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rustix::process::Signal;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::measure::{Quiet, p99};
use super::{READS, SECOND, SOON, ask, get, push_and_settle, push_for};
use crate::figure::Figure;
use crate::rig::Rig;

/// What P6 leaves to a server besides what it has, and how many connections want one.
const SPARE: usize = 10;
const CROWD: usize = 200;
/// A server without descriptors needs less.
const BUSY: f64 = 0.8;
/// Of P13, half of them each.
const IDLERS: usize = 1_000;
/// Of P8: a tenth of the time.
const RUNS: Duration = Duration::from_millis(10);
const RESTS: Duration = Duration::from_millis(90);
/// Of P7: where groups are made.
const GROUPS: &str = "/sys/fs/cgroup/memory";
/// In bytes.
const MEMORY: &str = "134217728";
/// Of P16: more than a pipe takes.
const LINES: usize = 3_000;

async fn one(rig: &mut Rig) -> anyhow::Result<()> {
    rig.add_server(&[]).await?;
    rig.add_clients(3).await?;
    rig.read(READS);
    rig.settle(SOON).await.map(|_| ())
}

pub(crate) async fn p6(rig: &mut Rig) -> anyhow::Result<()> {
    one(rig).await?;
    let usage = rig.servers[0].usage()?;
    let limit = usage.descriptors + SPARE;
    prlimit(rig, &limit.to_string())?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, rig.servers[0].port()));
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        crowd.push(TcpStream::connect(address).await?);
    }
    let before = rig.servers[0].usage()?.busy;
    let began = Instant::now();
    tokio::time::sleep(5 * SECOND).await;
    let busy = (rig.servers[0].usage()?.busy - before) / began.elapsed().as_secs_f64();
    rig.figure(Figure::new("cores in use without descriptors", busy, ""));
    ensure!(busy < BUSY, "it uses {busy:.2} cores for nothing");
    drop(crowd);
    prlimit(rig, "4096")?;
    push_and_settle(rig).await.map(|_| ())
}

/// Sets how many descriptors the first server may have.
fn prlimit(rig: &Rig, descriptors: &str) -> anyhow::Result<()> {
    let mut command = Command::new("prlimit");
    command.arg("--pid").arg(rig.servers[0].id()?.to_string());
    let status = command.arg(format!("--nofile={descriptors}:")).status()?;
    ensure!(status.success(), "prlimit: {status}");
    Ok(())
}

/// A group of processes with a limit, which ends with it.
struct Group(PathBuf);

impl Group {
    /// For processes that this one starts until it leaves again.
    fn enter(name: &str) -> anyhow::Result<Self> {
        let group = Self(Path::new(GROUPS).join(name));
        fs::create_dir(&group.0).context("needs the right to make control groups")?;
        fs::write(group.0.join("memory.limit_in_bytes"), MEMORY)?;
        join(&group.0)?;
        Ok(group)
    }

    fn leave(&self) -> anyhow::Result<()> {
        join(Path::new(GROUPS))
    }

    /// In bytes.
    fn most(&self) -> anyhow::Result<f64> {
        let most = fs::read_to_string(self.0.join("memory.max_usage_in_bytes"))?;
        Ok(most.trim().parse()?)
    }
}

fn join(group: &Path) -> anyhow::Result<()> {
    Ok(fs::write(
        group.join("cgroup.procs"),
        std::process::id().to_string(),
    )?)
}

impl Drop for Group {
    fn drop(&mut self) {
        // A group that still has processes stays, and limits nobody else.
        _ = fs::remove_dir(&self.0);
    }
}

pub(crate) async fn p7(rig: &mut Rig) -> anyhow::Result<()> {
    let group = Group::enter(&format!("confbus-{}", std::process::id()))?;
    let started = rig.add_server(&[]).await.map(|_| ());
    group.leave()?;
    started?;
    rig.add_clients(3).await?;
    rig.read(READS);
    rig.settle(SOON).await?;
    push_for(rig, 10 * SECOND, 0).await?;
    let push = rig.repository.push_bulk(5_000)?;
    rig.tell(0, &push).await?;
    rig.settle(SOON).await?;
    let most = group.most()? / f64::from(1 << 20);
    rig.figure(Figure::new("memory at most", most, "MiB"));
    let ended = rig.servers[0].ended()?;
    ensure!(ended.is_none(), "it ended with {ended:?}");
    // Before its group goes.
    rig.servers[0].stop().await?;
    rig.servers[0].start().await?;
    rig.settle(SOON).await.map(|_| ())
}

pub(crate) async fn p8(rig: &mut Rig) -> anyhow::Result<()> {
    one(rig).await?;
    let until = Instant::now() + 15 * SECOND;
    let mut pushes = 0;
    while Instant::now() < until {
        if pushes % 20 == 0 {
            rig.repository.push_shared()?;
        }
        pushes += 1;
        rig.servers[0].signal(Signal::STOP)?;
        tokio::time::sleep(RESTS).await;
        rig.servers[0].signal(Signal::CONT)?;
        tokio::time::sleep(RUNS).await;
    }
    let took = push_and_settle(rig).await?;
    rig.figure(Figure::time(
        "everywhere when it had all its time again, after",
        took,
    ));
    Ok(())
}

pub(crate) async fn p13(rig: &mut Rig) -> anyhow::Result<()> {
    let quiet = Quiet::measure(rig).await?;
    let since = rig.recorder.now();
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, rig.servers[0].port()));
    let mut idlers = Vec::new();
    for number in 0..IDLERS {
        let mut idler = TcpStream::connect(address).await?;
        let request = "GET /orders/prod/main HTTP/1.1\r\nHost: 127.0.0.1\r\n";
        idler.write_all(request.as_bytes()).await?;
        if number % 2 == 0 {
            // Asks again and again, and reads nothing.
            let again = format!("\r\n{request}").repeat(50);
            idler.write_all(again.as_bytes()).await?;
        }
        idlers.push(idler);
    }
    rig.figure(Figure::new("idle connections", IDLERS as f64, ""));
    push_for(rig, 10 * SECOND, 0).await?;
    let faulty = p99(rig, since)?;
    drop(idlers);
    quiet.judge(rig, faulty).await
}

pub(crate) async fn p16(rig: &mut Rig) -> anyhow::Result<()> {
    let mut server = rig.new_server(&[])?;
    server.variables = vec![("RUST_LOG", "trace".to_owned())];
    // Nobody reads the other end.
    let (unread, log) = std::io::pipe()?;
    server.start_with_log(Stdio::from(log)).await?;
    rig.servers.push(server);
    for number in 0..LINES {
        let path = format!("/orders/prod-{number}/main");
        let answer = get(rig, 0, &path).await;
        answer.with_context(|| format!("read {number} while the log is stuck"))?;
    }
    ensure!(ask(rig, 0).await?.status == 200, "nothing is served");
    rig.add_clients(3).await?;
    rig.read(READS);
    push_and_settle(rig).await?;
    rig.servers[0].kill()?;
    drop(unread);
    rig.servers[0].start().await.map(|_| ())
}
