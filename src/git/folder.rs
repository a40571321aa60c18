//! Whether what lies where a clone belongs, or a file beside it, was put there by us.
//!
//! Whoever may rename a folder on the way can lead what we write elsewhere, and no look at a path is quick enough to
//! notice. So where everybody may make files, nothing is believed that belongs to somebody else.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use rustix::process::geteuid;

/// Links that lead to one another.
const MOST_LINKS: usize = 16;
const EVERYBODY_WRITES: u32 = 0o002;

/// # Errors
/// When a file, or a folder or a link on the way to it, may be somebody else's doing; the message names it.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    walk(&std::path::absolute(path)?, MOST_LINKS)
}

fn walk(path: &Path, links: usize) -> io::Result<()> {
    let mut steps: Vec<_> = path.ancestors().collect();
    steps.reverse();
    let mut is_open = false;
    for step in steps {
        // Below what is not there, or may not be looked at, nothing can be written either.
        let Ok(found) = fs::symlink_metadata(step) else {
            return Ok(());
        };
        if is_open && !is_ours(&found) {
            return Err(refused(step));
        }
        if found.is_symlink() {
            let links = links.checked_sub(1).ok_or_else(|| refused(step))?;
            walk(&target(step)?, links)?;
        }
        let mode = fs::metadata(step).map_or(0, |found| found.permissions().mode());
        is_open = mode & EVERYBODY_WRITES != 0;
    }
    Ok(())
}

fn is_ours(found: &Metadata) -> bool {
    found.uid() == geteuid().as_raw() || found.uid() == 0
}

fn target(link: &Path) -> io::Result<PathBuf> {
    let target = fs::read_link(link)?;
    Ok(link.parent().unwrap_or(link).join(target))
}

fn refused(step: &Path) -> io::Error {
    io::Error::other(format!(
        "{} belongs to somebody else and lies where everybody may write; choose another spring.cloud.config.server.git.basedir",
        step.display()
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    /// Nobody on most systems.
    const ANOTHER: u32 = 65_534;

    fn folder(mode: u32) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).unwrap();
        folder
    }

    #[test]
    fn what_is_ours_or_not_there_yet_is_good() {
        for mode in [0o700, 0o755, 0o1777, 0o777] {
            let folder = folder(mode);
            check(&folder.path().join("clones/config.git")).unwrap();
            fs::create_dir_all(folder.path().join("clones/config.git")).unwrap();
            check(&folder.path().join("clones/config.git")).unwrap();
            symlink("clones", folder.path().join("link")).unwrap();
            check(&folder.path().join("link/config.git")).unwrap();
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_not_followed_for_ever() {
        let folder = folder(0o700);
        symlink("b", folder.path().join("a")).unwrap();
        symlink("a", folder.path().join("b")).unwrap();
        check(&folder.path().join("a/config.git")).unwrap_err();
    }

    #[test]
    fn what_others_put_where_everybody_may_write_is_refused() {
        let open = folder(0o1777);
        let elsewhere = folder(0o700);
        let (made, link) = (open.path().join("made"), open.path().join("link"));
        fs::create_dir(&made).unwrap();
        symlink(elsewhere.path(), &link).unwrap();
        let given = chown(&made, Some(ANOTHER), None)
            .and_then(|()| std::os::unix::fs::lchown(&link, Some(ANOTHER), None));
        if given.is_err() {
            // Only root may give files away.
            return;
        }
        let through = elsewhere.path().join("through");
        symlink(&link, &through).unwrap();
        for path in [&made, &link, &through] {
            let error = check(&path.join("config.git")).unwrap_err().to_string();
            assert!(error.contains("belongs to somebody else"), "{error}");
        }
        let closed = folder(0o755);
        fs::rename(&made, closed.path().join("made")).unwrap();
        check(&closed.path().join("made/config.git")).unwrap();
    }
}
