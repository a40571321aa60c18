//! What the system allows this process and those that it starts.

/// Thousands of connections with both of their ends fit many times; some programs walk through all numbers up to the limit, so
/// it is no larger.
#[cfg(target_os = "linux")]
const OPEN_FILES: u64 = 65_536;

/// As many open files as are needed, or as many as are allowed.
#[cfg(target_os = "linux")]
pub(super) fn raise_open_files() -> anyhow::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let Some(current) = current else {
        return Ok(());
    };
    let current = Some(raised(current, maximum));
    Ok(setrlimit(Resource::Nofile, Rlimit { current, maximum })?)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn raise_open_files() -> anyhow::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn raised(current: u64, maximum: Option<u64>) -> u64 {
    let most = maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
    current.max(most)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::raised;

    #[test]
    fn a_limit_is_raised_as_far_as_it_may_and_never_lowered() {
        assert_eq!(raised(1_024, Some(20_000)), 20_000);
        assert_eq!(raised(1_024, Some(1_000_000_000)), 65_536);
        assert_eq!(raised(100_000, Some(1_000_000)), 100_000);
        assert_eq!(raised(1_024, None), 65_536);
    }
}
