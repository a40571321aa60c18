//! CPU time of a process in nanoseconds, where the kernel tells it.

use std::fs;
use std::time::Duration;

use anyhow::Context as _;

/// Of all threads that there are; what ended threads used is not in it, so it is for differences over short times.
pub(super) fn cpu_nanoseconds(process: u32) -> anyhow::Result<Duration> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).context("the process has ended")?;
    let mut sum = 0;
    for thread in threads {
        // A thread may end while we look.
        let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else {
            continue;
        };
        sum += running(&text).context("the kernel does not tell schedstat")?;
    }
    Ok(Duration::from_nanos(sum))
}

fn running(schedstat: &str) -> Option<u64> {
    schedstat.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_is_time_on_a_core() {
        assert_eq!(running("1167867 691138 2\n"), Some(1_167_867));
        assert_eq!(running(""), None);
    }
}
