//! The machine: what it is, what its processes use, and who else is busy on it. Only Linux tells all of this.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::shell::find_program;

/// In which the kernel counts CPU time for programs, on every architecture we know.
const TICK: Duration = Duration::from_millis(10);

/// What a figure depends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    pub(super) cpu: String,
    pub(super) cores: usize,
    pub(super) memory_mib: u64,
    pub(super) kernel: String,
    /// The versions of the programs that take part, as they tell them; those that are missing are left out.
    pub(super) programs: Vec<String>,
}

impl Machine {
    pub(super) fn describe() -> Self {
        let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
        let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
        Self {
            cpu,
            cores: thread::available_parallelism().map_or(1, usize::from),
            memory_mib: kib(&memory).unwrap_or_default() / 1024,
            kernel: first_line(Command::new("uname").arg("-r")).unwrap_or_default(),
            programs: versions(),
        }
    }
}

fn versions() -> Vec<String> {
    let programs = [
        ("nginx", "-v"),
        ("wrk", "-v"),
        ("git", "--version"),
        ("java", "-version"),
        ("rabbitmqctl", "version"),
    ];
    let version = |(name, argument): (&str, &str)| {
        find_program(name)?;
        let line = first_line(Command::new(name).arg(argument))?;
        Some(if line.contains(name) {
            line
        } else {
            format!("{name} {line}")
        })
    };
    programs.into_iter().filter_map(version).collect()
}

/// Of standard output, or of standard error, where some programs tell their version.
fn first_line(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    let version = line.split(" Copyright").next().unwrap_or(line);
    Some(version.trim().to_owned())
}

/// The value of the first line `name: value`.
fn field(file: impl AsRef<Path>, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(line.trim_start_matches([' ', '\t', ':']).trim().to_owned())
}

/// Reads `123 kB`.
fn kib(text: &str) -> Option<u64> {
    text.strip_suffix(" kB")?.trim().parse().ok()
}

/// The command on one core where the system can do that (Linux), else anywhere.
pub(super) fn pinned_to(core: usize, program: impl AsRef<Path>) -> Command {
    let program = program.as_ref();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 || find_program("taskset").is_none() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    command
}

/// The calling thread on one core, where the system can do that.
#[cfg(target_os = "linux")]
pub(super) fn pin_this_thread(core: usize) {
    let mut cores = rustix::thread::CpuSet::new();
    cores.set(core);
    // Without it the figures are noisier, not wrong.
    _ = rustix::thread::sched_setaffinity(None, &cores);
}

#[cfg(not(target_os = "linux"))]
pub(super) fn pin_this_thread(_core: usize) {}

/// CPU time of these processes with all of their threads since they were started.
pub(super) fn cpu_time(processes: &[u32]) -> anyhow::Result<Duration> {
    let mut sum = Duration::ZERO;
    for id in processes {
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))
            .with_context(|| format!("process {id} has ended"))?;
        sum += Stat::parse(&stat).context("cannot read /proc")?.own;
    }
    Ok(sum)
}

/// Memory of this process that is in RAM, in KiB.
pub(super) fn resident_kib(process: u32) -> anyhow::Result<u64> {
    field(format!("/proc/{process}/status"), "VmRSS")
        .and_then(|text| kib(&text))
        .context("the kernel does not tell VmRSS")
}

/// Measures how busy the machine is with what we did not start.
#[derive(Debug)]
pub(super) struct Watch {
    started: Instant,
    everybody: Duration,
    ours: Duration,
}

impl Watch {
    /// Nothing where the kernel does not tell.
    pub(super) fn start() -> Option<Self> {
        Some(Self {
            started: Instant::now(),
            everybody: busy()?,
            ours: family()?,
        })
    }

    /// How many cores others kept busy since the start. Processes that we started must have been waited for, or still run.
    pub(super) fn foreign_cores(&self) -> Option<f64> {
        let everybody = busy()?.saturating_sub(self.everybody);
        let ours = family()?.saturating_sub(self.ours);
        Some(everybody.saturating_sub(ours).as_secs_f64() / self.started.elapsed().as_secs_f64())
    }
}

/// CPU time of all cores that was not idle; what the hypervisor took away is not ours either.
fn busy() -> Option<Duration> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    busy_ticks(text.lines().next()?).map(ticks)
}

fn busy_ticks(line: &str) -> Option<u64> {
    let fields = line.strip_prefix("cpu ")?.split_whitespace();
    let fields: Vec<u64> = fields.map_while(|field| field.parse().ok()).collect();
    let [
        user,
        nice,
        system,
        _idle,
        _waiting,
        interrupts,
        soft,
        stolen,
        ..,
    ] = fields[..]
    else {
        return None;
    };
    Some(user + nice + system + interrupts + soft + stolen)
}

/// CPU time of this process and all that descend from it, with those of their children that ended.
fn family() -> Option<Duration> {
    let members = descendants(std::process::id())?;
    Some(members.values().map(|it| it.own + it.children).sum())
}

/// A process and all that descend from it.
pub(super) fn family_of(root: u32) -> anyhow::Result<Vec<u32>> {
    let members = descendants(root).context("the kernel does not tell what runs")?;
    Ok(members.into_keys().collect())
}

fn descendants(root: u32) -> Option<HashMap<u32, Stat>> {
    let all: HashMap<u32, Stat> = fs::read_dir("/proc")
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id: u32| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            Some((id, Stat::parse(&stat)?))
        })
        .collect();
    let parents: HashMap<u32, u32> = all.iter().map(|(id, stat)| (*id, stat.parent)).collect();
    let descends = |mut id: u32| {
        while id != root {
            let Some(&parent) = parents.get(&id) else {
                return false;
            };
            id = parent;
        }
        true
    };
    Some(all.into_iter().filter(|(id, _)| descends(*id)).collect())
}

/// What `/proc/ID/stat` tells.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    parent: u32,
    own: Duration,
    /// Of those that ended and were waited for.
    children: Duration,
}

impl Stat {
    fn parse(text: &str) -> Option<Self> {
        // The name in parentheses may hold anything, parentheses as well.
        let (_, rest) = text.rsplit_once(") ")?;
        let fields: Vec<_> = rest.split_whitespace().collect();
        let count = |index: usize| fields.get(index)?.parse::<u64>().ok();
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            own: ticks(count(11)? + count(12)?),
            children: ticks(count(13)? + count(14)?),
        })
    }
}

fn ticks(count: u64) -> Duration {
    TICK * u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_may_be_called_anything() {
        let text = "7 (a) b) S 3 7 7 0 -1 4194560 1 2 0 0 30 12 5 6 20 0 1 0 99 1 1";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(stat.parent, 3);
        assert_eq!(stat.own, Duration::from_millis(420));
        assert_eq!(stat.children, Duration::from_millis(110));
    }

    #[test]
    fn waiting_is_not_busy() {
        assert_eq!(
            busy_ticks("cpu  10 1 5 1000 700 2 3 4 0 0"),
            Some(10 + 1 + 5 + 2 + 3 + 4)
        );
        assert_eq!(busy_ticks("cpu0 1 2 3"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_uses_memory_and_has_a_family() {
        assert!(resident_kib(std::process::id()).unwrap() > 0);
        assert!(cpu_time(&[std::process::id()]).is_ok());
        assert!(Watch::start().unwrap().foreign_cores().is_some());
    }
}
