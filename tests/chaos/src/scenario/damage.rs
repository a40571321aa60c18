//! The clone of a server is damaged while it serves.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::measure::{Quiet, p99};
use super::{SECOND, SOON, ask, push_and_settle, push_for, restart};
use crate::figure::Figure;
use crate::rig::Rig;

/// For starts and for clones that are made anew, on a machine that has other things to do.
const MENDED: Duration = Duration::from_secs(20);
/// How long is looked whether something spins.
const REST: Duration = Duration::from_secs(5);
/// A server with two cores and a few reads needs less.
const BUSY: f64 = 0.8;

/// What Git leaves behind when it is killed.
const LOCKS: [&str; 8] = [
    "refs/remotes/origin/main.lock",
    "refs/heads/main.lock",
    "shallow.lock",
    "config.lock",
    "packed-refs.lock",
    "index.lock",
    "HEAD.lock",
    "FETCH_HEAD.lock",
];

pub(crate) async fn d3(rig: &mut Rig) -> anyhow::Result<()> {
    let quiet = Quiet::measure(rig).await?;
    let since = rig.recorder.now();
    for lock in LOCKS {
        leave_locks(rig, &[lock])?;
        let took = push_and_settle(rig).await.context(lock)?;
        rig.figure(Figure::time(format!("{lock}: everywhere after"), took));
    }
    let faulty = p99(rig, since)?;
    rig.servers[0].kill()?;
    leave_locks(rig, &LOCKS)?;
    rig.servers[0].start().await?;
    let took = push_and_settle(rig).await?;
    let what = "all of them, at a start: everywhere after";
    rig.figure(Figure::time(what, took));
    quiet.judge(rig, faulty).await
}

fn leave_locks(rig: &Rig, locks: &[&str]) -> anyhow::Result<()> {
    for clone in clones(rig)? {
        for lock in locks {
            let path = clone.join(lock);
            fs::create_dir_all(path.parent().context("no folder")?)?;
            fs::write(path, "")?;
        }
    }
    Ok(())
}

pub(crate) async fn d4(rig: &mut Rig) -> anyhow::Result<()> {
    let quiet = Quiet::measure(rig).await?;
    let since = rig.recorder.now();
    for kept in [0, 2, 20, 80] {
        let push = rig.repository.push_all()?;
        for clone in clones(rig)? {
            cut_off(&clone, &push.commit, kept)?;
        }
        rig.tell(0, &push).await?;
        let took = rig.settle(MENDED).await;
        let took = took.with_context(|| format!("after a commit of {kept} bytes"))?;
        let what = format!("{kept} bytes of a commit: everywhere after");
        rig.figure(Figure::time(what, took));
    }
    push_for(rig, REST, 0).await?;
    let faulty = p99(rig, since)?;
    rests(rig).await?;
    recovers(rig).await?;
    quiet.judge(rig, faulty).await
}

/// Writes a begin of an object where the whole one would be looked for.
fn cut_off(clone: &Path, id: &str, kept: usize) -> anyhow::Result<()> {
    let (folder, name) = id.split_at_checked(2).context("no id")?;
    let folder = clone.join("objects").join(folder);
    fs::create_dir_all(&folder)?;
    // As a disk leaves it that was full: the begin of a good one.
    let whole = [0x78, 0x01, 0x8d, 0xcd, 0x31, 0x0a, 0xc2, 0x30, 0x14].repeat(10);
    let path = folder.join(name);
    if path.exists() {
        let good = fs::read(&path)?;
        fs::remove_file(&path)?;
        return Ok(fs::write(path, &good[..kept.min(good.len())])?);
    }
    Ok(fs::write(path, &whole[..kept])?)
}

/// Whether nothing spins when there is nothing to do.
async fn rests(rig: &mut Rig) -> anyhow::Result<()> {
    let before = rig.servers[0].usage()?.busy;
    tokio::time::sleep(REST).await;
    let busy = (rig.servers[0].usage()?.busy - before) / REST.as_secs_f64();
    rig.figure(Figure::new("cores in use afterwards", busy, ""));
    ensure!(busy < BUSY, "it uses {busy:.2} cores for nothing");
    Ok(())
}

/// Whether what is on disk afterwards is good for a start.
async fn recovers(rig: &mut Rig) -> anyhow::Result<()> {
    let took = restart(rig, 0, MENDED).await?;
    rig.figure(Figure::time("first answer after another start", took));
    push_and_settle(rig).await.map(|_| ())
}

pub(crate) async fn d5(rig: &mut Rig) -> anyhow::Result<()> {
    let quiet = Quiet::measure(rig).await?;
    let since = rig.recorder.now();
    for (how, damage) in DAMAGE {
        let mut hit = 0;
        for clone in clones(rig)? {
            hit += each_pack(&clone, damage)?;
        }
        ensure!(hit > 0, "there is no pack to damage");
        let took = push_and_settle(rig).await.context(how)?;
        rig.figure(Figure::time(format!("{how}: everywhere after"), took));
        ensure!(ask(rig, 0).await?.status == 200, "{how}: no answer");
        tokio::time::sleep(SECOND).await;
    }
    let faulty = p99(rig, since)?;
    for (how, damage) in DAMAGE {
        rig.servers[0].kill()?;
        for clone in clones(rig)? {
            each_pack(&clone, damage)?;
        }
        rig.servers[0].start().await?;
        let took = super::served(rig, 0, MENDED).await.context(how)?;
        let what = format!("{how}: first answer after a start");
        rig.figure(Figure::time(what, took));
        rig.settle(SOON).await?;
        push_and_settle(rig).await.context(how)?;
    }
    quiet.judge(rig, faulty).await
}

type Damage = fn(&Path) -> anyhow::Result<()>;

const DAMAGE: [(&str, Damage); 3] = [
    ("packs cut off", |pack| {
        let bytes = fs::read(pack)?;
        replace(pack, &bytes[..bytes.len() / 2])
    }),
    ("bytes of packs changed", |pack| {
        let mut bytes = fs::read(pack)?;
        for byte in bytes.iter_mut().skip(20).step_by(13) {
            *byte ^= 0x55;
        }
        replace(pack, &bytes)
    }),
    ("packs without index", |pack| {
        Ok(fs::remove_file(pack.with_extension("idx"))?)
    }),
];

/// In place, as a disk would: whoever has the file open has the damage, too.
fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut permissions = fs::metadata(path)?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    fs::set_permissions(path, permissions)?;
    Ok(fs::write(path, bytes)?)
}

fn each_pack(clone: &Path, damage: Damage) -> anyhow::Result<usize> {
    let mut hit = 0;
    let packs = find(clone, &|path| {
        path.extension()
            .is_some_and(|extension| extension == "pack")
    })?;
    for pack in packs {
        // The server may remove it meanwhile.
        hit += usize::from(damage(&pack).is_ok());
    }
    Ok(hit)
}

/// The clones of the first server.
fn clones(rig: &Rig) -> anyhow::Result<Vec<PathBuf>> {
    let heads = find(&rig.servers[0].disk(), &|path| path.ends_with("HEAD"))?;
    let folders = heads.iter().filter_map(|head| head.parent());
    let clones: Vec<_> = folders
        .filter(|folder| folder.join("objects").is_dir())
        .map(Path::to_owned)
        .collect();
    ensure!(!clones.is_empty(), "there is no clone");
    Ok(clones)
}

fn find(folder: &Path, is: &dyn Fn(&Path) -> bool) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // What the server removes meanwhile is not found.
        let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if is(&path) {
                found.push(path);
            }
        }
    }
    Ok(found)
}
