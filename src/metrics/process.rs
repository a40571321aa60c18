//! What the system says of this process, under the names that Prometheus has for it. Its Git workers are processes of their own.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use rustix::{
    process::{Resource, getrlimit},
    time::{ClockId, clock_gettime},
};

use super::{
    description::{
        PROCESS_CPU, PROCESS_MAX_FDS, PROCESS_OPEN_FDS, PROCESS_RESIDENT_MEMORY, PROCESS_START,
        PROCESS_VIRTUAL_MEMORY,
    },
    page::Page,
};

/// Of this process; most of it where `/proc` is.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    started: SystemTime,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            started: SystemTime::now(),
        }
    }
}

impl Process {
    /// Looks at files of the system.
    pub(crate) fn write(&self, page: &mut Page) {
        let started = self.started.duration_since(SystemTime::UNIX_EPOCH);
        let started = started.as_ref().map_or(0.0, Duration::as_secs_f64);
        page.gauge(&PROCESS_START, &[], started);
        page.seconds(&PROCESS_CPU, &[], cpu_seconds());
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        for (what, name) in [
            (&PROCESS_RESIDENT_MEMORY, "VmRSS"),
            (&PROCESS_VIRTUAL_MEMORY, "VmSize"),
        ] {
            if let Some(bytes) = memory(&status, name) {
                page.gauge(what, &[], bytes as f64);
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // One of them is the look itself.
            let open = open.count().saturating_sub(1);
            page.gauge(&PROCESS_OPEN_FDS, &[], open as f64);
        }
        if let Some(most) = getrlimit(Resource::Nofile).current {
            page.gauge(&PROCESS_MAX_FDS, &[], most as f64);
        }
    }
}

fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
}

/// The bytes of a line like `VmRSS:      9120 kB`.
fn memory(status: &str, name: &str) -> Option<u64> {
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let number = line.trim().strip_suffix(" kB")?;
    number.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_its_line_alone() {
        let status = "Name:\tconfbus\nVmHWM:\t   99 kB\nVmRSS:\t    9120 kB\nThreads:\t4\n";
        assert_eq!(memory(status, "VmRSS"), Some(9120 * 1024));
        assert_eq!(memory(status, "VmSize"), None);
        assert_eq!(memory(status, "Threads"), None);
        assert_eq!(memory("VmRSS:\t99999999999999999999 kB", "VmRSS"), None);
    }
}
