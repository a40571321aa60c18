//! What this process holds in memory or writes down is shown to nobody.

use rustix::{
    fs::Mode,
    process::{Resource, Rlimit, setrlimit, umask},
};
use tracing::warn;

/// Lets no crash leave a file with passwords and keys behind, no other process of this user look into this one, and no other
/// user into the files that it makes.
///
/// What the system does not allow is said in the log, and nothing else.
pub fn keep_private() {
    umask(Mode::RWXG | Mode::RWXO);
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
