//! Clocks jump, and time stands still.

use std::fs;
use std::path::Path;

use anyhow::ensure;

use super::{READS, SECOND, SOON, push_and_settle};
use crate::figure::Figure;
use crate::history::What;
use crate::rig::Rig;

const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
const JUMPS: [&str; 6] = ["+1d", "-1d", "+1s", "-1s", "+1d", "+0s"];
/// How long a server is suspended.
const SUSPENDED: u32 = 20;
/// More events than that for a commit are a storm.
const STORM: usize = 6;

pub(crate) async fn w8(rig: &mut Rig) -> anyhow::Result<()> {
    let is_there = Path::new(LIBRARY).exists();
    ensure!(is_there, "needs libfaketime: apt-get install faketime");
    let mut server = rig.new_server(&[])?;
    let clock = server.disk().with_file_name("clock");
    fs::write(&clock, "+0s")?;
    server.variables = vec![
        ("LD_PRELOAD", LIBRARY.to_owned()),
        ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("DONT_FAKE_MONOTONIC", "1".to_owned()),
    ];
    server.start().await?;
    rig.servers.push(server);
    rig.add_server(&[]).await?;
    rig.add_clients(6).await?;
    rig.read(READS);
    rig.settle(SOON).await?;
    for jump in JUMPS {
        fs::write(&clock, jump)?;
        let before = rig.recorder.count(is_event);
        let took = push_and_settle(rig).await?;
        tokio::time::sleep(3 * SECOND).await;
        let events = rig.recorder.count(is_event) - before;
        let what = format!("clock at {jump}: everywhere after");
        rig.figure(Figure::time(what, took));
        ensure!(events <= STORM, "{events} events after a jump by {jump}");
    }
    Ok(())
}

fn is_event(what: &What) -> bool {
    matches!(what, What::Event { .. })
}

pub(crate) async fn w9(rig: &mut Rig) -> anyhow::Result<()> {
    let push = rig.repository.push_all()?;
    rig.servers[0].pause()?;
    rig.tell(1, &push).await?;
    tokio::time::sleep(SUSPENDED * SECOND).await;
    rig.servers[0].go_on()?;
    let took = rig.settle(SOON).await?;
    rig.figure(Figure::time("everywhere after it went on", took));
    push_and_settle(rig).await.map(|_| ())
}
