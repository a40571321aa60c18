//! The disk of a server has no room, or may not be written.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::{READS, SOON, ask, push_and_settle, push_for};
use crate::figure::Figure;
use crate::rig::{LOOK_SECONDS, Rig};

/// Some looks.
const LASTS: Duration = Duration::from_secs(4 * LOOK_SECONDS);

/// A disk of its own in memory, which ends with it.
struct Disk(PathBuf);

impl Disk {
    /// For the first server, which is not there yet.
    fn make(path: PathBuf, options: &str) -> anyhow::Result<Self> {
        fs::create_dir_all(&path)?;
        let kind = ["-t", "tmpfs", "-o", options, "none"].map(OsStr::new);
        let arguments = kind.into_iter().chain([path.as_os_str()]);
        run(Command::new("mount").args(arguments)).context("needs the right to mount")?;
        Ok(Self(path))
    }

    fn remount(&self, options: &str) -> anyhow::Result<()> {
        let options = format!("remount,{options}");
        run(Command::new("mount").args(["-o", &options]).arg(&self.0))
    }

    /// Takes all the room that is left.
    fn fill(&self) -> anyhow::Result<()> {
        let ballast = self.0.join("ballast");
        let mut size = 1 << 20;
        let mut bytes = Vec::new();
        while size > 0 {
            bytes.resize(bytes.len() + size, 0_u8);
            if fs::write(&ballast, &bytes).is_err() {
                bytes.truncate(bytes.len() - size);
                size /= 2;
            }
        }
        // What could be written stays, and nothing else fits.
        fs::write(&ballast, &bytes).or_else(|_| fs::write(&ballast, &bytes[..bytes.len() / 2]))?;
        Ok(())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whoever still has files open keeps it alive until he ends.
        _ = run(Command::new("umount").arg("--lazy").arg(&self.0));
    }
}

/// A disk that is read-only until this is dropped.
struct Closed<'d>(&'d Disk);

impl Disk {
    /// Covers it with a view of itself that nobody may write. To change it itself is not allowed while a server has files
    /// open for writing, so what is open already can be written on.
    fn close(&self) -> anyhow::Result<Closed<'_>> {
        run(Command::new("mount").arg("--bind").args([&self.0, &self.0]))?;
        let closed = Closed(self);
        run(Command::new("mount")
            .args(["-o", "remount,ro,bind"])
            .arg(&self.0))?;
        Ok(closed)
    }
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        // Lazily: somebody may look at it now.
        _ = run(Command::new("umount").arg("--lazy").arg(&self.0.0));
    }
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", complaint.trim());
    Ok(())
}

/// A server on a disk of its own, and another one on a common one.
async fn on(rig: &mut Rig, options: &str) -> anyhow::Result<Disk> {
    let mut server = rig.new_server(&[])?;
    let disk = Disk::make(server.disk(), options)?;
    server.start().await?;
    rig.servers.push(server);
    rig.add_server(&[]).await?;
    rig.add_clients(6).await?;
    rig.read(READS);
    rig.settle(SOON).await?;
    Ok(disk)
}

/// It is what it was for what is served, and then it is well again.
async fn lasts(rig: &mut Rig, fault: &'static str) -> anyhow::Result<()> {
    rig.note_fault(fault, true);
    push_for(rig, LASTS, 0).await?;
    let version = super::version(rig, 0, "/orders/prod/main").await?;
    let is_new = version.as_deref() == Some(&*rig.repository.newest());
    let what = "commits arrive while it lasts (1: yes)";
    rig.figure(Figure::new(what, f64::from(u8::from(is_new)), ""));
    ensure!(ask(rig, 0).await?.status == 200, "nothing is served");
    Ok(())
}

async fn over(rig: &mut Rig, fault: &'static str) -> anyhow::Result<()> {
    rig.note_fault(fault, false);
    let took = push_and_settle(rig).await?;
    rig.figure(Figure::time("everywhere when it was over, after", took));
    Ok(())
}

pub(crate) async fn d6(rig: &mut Rig) -> anyhow::Result<()> {
    let disk = on(rig, "size=4m,mode=0755").await?;
    disk.fill()?;
    lasts(rig, "disk-full").await?;
    rig.servers[0].kill()?;
    rig.servers[0].start().await?;
    super::served(rig, 0, SOON).await?;
    disk.remount("size=16m")?;
    over(rig, "disk-full").await?;
    end(rig, disk).await
}

pub(crate) async fn d7(rig: &mut Rig) -> anyhow::Result<()> {
    let disk = on(rig, "size=16m,mode=0755").await?;
    let closed = disk.close()?;
    lasts(rig, "disk-read-only").await?;
    drop(closed);
    over(rig, "disk-read-only").await?;
    end(rig, disk).await
}

pub(crate) async fn d12(rig: &mut Rig) -> anyhow::Result<()> {
    let disk = on(rig, "size=16m,nr_inodes=400,mode=0755").await?;
    for number in 0..400 {
        // Until there is no room for another one.
        if fs::write(disk.0.join(format!("ballast-{number}")), "").is_err() {
            break;
        }
    }
    lasts(rig, "disk-full").await?;
    for number in 0..400 {
        _ = fs::remove_file(disk.0.join(format!("ballast-{number}")));
    }
    over(rig, "disk-full").await?;
    end(rig, disk).await
}

/// The server goes on elsewhere, so that its disk can go.
async fn end(rig: &mut Rig, disk: Disk) -> anyhow::Result<()> {
    rig.servers[0].kill()?;
    drop(disk);
    rig.servers[0].lose_disk()?;
    rig.servers[0].start().await?;
    rig.settle(SOON).await.map(|_| ())
}
