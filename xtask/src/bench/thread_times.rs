//! CPU time to the nanosecond, which the kernel tells of each thread alone.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// CPU time of all threads of some processes at one moment.
#[derive(Debug, Default)]
pub(super) struct ThreadTimes(HashMap<(u32, String), u64>);

impl ThreadTimes {
    pub(super) fn of(processes: &[u32]) -> anyhow::Result<Self> {
        let mut all = Self::default();
        for &process in processes {
            all.add(process, |_| true)?;
        }
        Ok(all)
    }

    /// The same with those of this process, but for the first one.
    pub(super) fn and_ours(mut self) -> anyhow::Result<Self> {
        let us = std::process::id();
        self.add(us, |thread| thread != us.to_string())?;
        Ok(self)
    }

    /// Nothing for a process that has ended meanwhile.
    fn add(&mut self, process: u32, is_meant: impl Fn(&str) -> bool) -> anyhow::Result<()> {
        let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else {
            return Ok(());
        };
        for thread in threads.flatten() {
            let Ok(text) = fs::read_to_string(thread.path().join("schedstat")) else {
                continue;
            };
            let name = thread.file_name().to_string_lossy().into_owned();
            if is_meant(&name) {
                self.0.insert((process, name), nanoseconds(&text)?);
            }
        }
        Ok(())
    }

    /// Milliseconds of CPU time since then; what a thread did that ended meanwhile is lost.
    pub(super) fn since(&self, earlier: &Self) -> f64 {
        let more = self.0.iter().map(|(thread, now)| {
            let before = earlier.0.get(thread).copied().unwrap_or_default();
            now.saturating_sub(before)
        });
        more.sum::<u64>() as f64 / 1e6
    }
}

/// Keeps this thread busy for so long; the milliseconds of CPU time that it got.
pub(super) fn spin(time: Duration) -> anyhow::Result<f64> {
    let own = || nanoseconds(&fs::read_to_string("/proc/thread-self/schedstat")?);
    let (began, before) = (Instant::now(), own()?);
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
    Ok((own()? - before) as f64 / 1e6)
}

/// The first of three numbers.
fn nanoseconds(text: &str) -> anyhow::Result<u64> {
    let first = text.split_whitespace().next();
    first
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("`{text}` is no schedstat"))
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use super::*;

    #[test]
    fn work_shows() {
        let us = [std::process::id()];
        let before = ThreadTimes::of(&us).unwrap();
        while ThreadTimes::of(&us).unwrap().since(&before) == 0.0 {
            std::hint::black_box(nanoseconds("1 2 3").unwrap());
        }
        assert_eq!(before.since(&before), 0.0);
        assert!(nanoseconds("none").is_err());
        assert!(spin(Duration::from_millis(100)).unwrap() > 0.0);
    }
}
