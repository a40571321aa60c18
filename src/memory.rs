//! What this process holds in memory is shown to nobody.

use rustix::process::{Resource, Rlimit, setrlimit};
use tracing::warn;

/// Lets no crash leave a file with passwords and keys behind, and no other process of this user look into this one.
///
/// What the system does not allow is said in the log, and nothing else.
pub fn keep_private() {
    let nothing = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let kept = setrlimit(Resource::Core, nothing).and_then(|()| forbid_looks());
    if let Err(error) = kept {
        warn!(%error, "a crash may write what is in memory to disk");
    }
}

#[cfg(target_os = "linux")]
fn forbid_looks() -> rustix::io::Result<()> {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

#[cfg(not(target_os = "linux"))]
fn forbid_looks() -> rustix::io::Result<()> {
    Ok(())
}
