//! What a process takes of the machine.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

const PAGE: u64 = 4096;
/// The system counts in hundredths of a second.
const TICKS: f64 = 100.0;

/// What a process takes, together with those that it started.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Usage {
    /// Memory, in bytes.
    pub memory: u64,
    /// Descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
    /// Time on a processor since it started, in seconds.
    pub busy: f64,
}

/// A process that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Watch(pub(super) u32);

impl Watch {
    /// What it takes now.
    ///
    /// # Errors
    /// When it has ended.
    pub fn usage(self) -> anyhow::Result<Usage> {
        Usage::of(self.0)
    }
}

impl Usage {
    fn of(id: u32) -> anyhow::Result<Self> {
        let mut usage = Self::alone(id)?;
        for child in children(id) {
            // It may end meanwhile.
            let Ok(other) = Self::alone(child) else {
                continue;
            };
            usage.memory += other.memory;
            usage.descriptors += other.descriptors;
            usage.threads += other.threads;
            usage.busy += other.busy;
        }
        Ok(usage)
    }

    fn alone(id: u32) -> anyhow::Result<Self> {
        let folder = PathBuf::from(format!("/proc/{id}"));
        let pages = fs::read_to_string(folder.join("statm"))?;
        let pages = pages.split(' ').nth(1).context("no size")?;
        let stat = fs::read_to_string(folder.join("stat"))?;
        let stat = stat.rsplit(") ").next().unwrap_or_default();
        let ticks = stat.split(' ').skip(11).take(2).map(str::parse::<u32>);
        let ticks: u32 = ticks.sum::<Result<_, _>>().context("no time")?;
        Ok(Self {
            memory: pages.parse::<u64>().context("no size")? * PAGE,
            descriptors: fs::read_dir(folder.join("fd"))?.count(),
            threads: fs::read_dir(folder.join("task"))?.count(),
            busy: f64::from(ticks) / TICKS,
        })
    }
}

/// Those that any of its threads started.
fn children(id: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{id}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_take_something_ourselves() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.memory > 1 << 20, "{usage:?}");
        assert!(usage.descriptors > 2 && usage.threads > 0, "{usage:?}");
    }
}
