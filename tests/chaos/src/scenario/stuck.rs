//! A thread of a server does nothing any more.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::{READS, SECOND, SOON, eventually, push_and_settle, served};
use crate::figure::Figure;
use crate::rig::Rig;

/// Where groups of threads are made that can be halted while the rest of their process runs.
const GROUPS: &str = "/sys/fs/cgroup/freezer";
/// The threads that answer.
const THREAD: &str = "http";
/// A debug build on a machine that has other things to do; the figure is said.
const SEEN: Duration = Duration::from_secs(5);

/// A thread that is halted until this is dropped.
struct Halted {
    group: PathBuf,
    thread: String,
}

impl Halted {
    /// Of the threads of a process with this name, the first one.
    fn one_of(process: u32, name: &str) -> anyhow::Result<Self> {
        let thread = thread(process, name)?;
        let group = Path::new(GROUPS).join(format!("confbus-{process}"));
        fs::create_dir(&group).context("needs the right to make control groups")?;
        let halted = Self { group, thread };
        fs::write(halted.group.join("tasks"), &halted.thread)?;
        fs::write(halted.group.join("freezer.state"), "FROZEN")?;
        Ok(halted)
    }
}

impl Drop for Halted {
    fn drop(&mut self) {
        // A group that cannot be removed limits nobody once it is thawed.
        _ = fs::write(self.group.join("freezer.state"), "THAWED");
        _ = fs::write(Path::new(GROUPS).join("tasks"), &self.thread);
        _ = fs::remove_dir(&self.group);
    }
}

fn thread(process: u32, name: &str) -> anyhow::Result<String> {
    for task in fs::read_dir(format!("/proc/{process}/task"))?.flatten() {
        let comm = fs::read_to_string(task.path().join("comm"))?;
        if comm.trim_end() == name {
            return Ok(task.file_name().to_string_lossy().into_owned());
        }
    }
    anyhow::bail!("no thread is called {name}")
}

pub(crate) async fn p15(rig: &mut Rig) -> anyhow::Result<()> {
    rig.add_server(&["confbus.server.threads=2"]).await?;
    served(rig, 0, SOON).await?;
    let halted = Halted::one_of(rig.servers[0].id()?, THREAD)?;
    let (_, seen) = said(rig, "threads are stuck").await?;
    rig.figure(Figure::time("seen after", seen));
    // Whoever waits for that thread is answered once it goes on.
    tokio::time::sleep(SECOND).await;
    drop(halted);
    said(rig, "no thread is stuck any more").await?;
    rig.add_clients(3).await?;
    rig.read(READS);
    rig.settle(SOON).await?;
    push_and_settle(rig).await.map(|_| ())
}

async fn said(rig: &Rig, text: &str) -> anyhow::Result<((), Duration)> {
    let is_said = async || Ok(rig.servers[0].log().contains(text).then_some(()));
    eventually(text, SEEN, is_said).await
}
