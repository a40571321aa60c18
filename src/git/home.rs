//! A home of a worker's own: libgit2 looks for known hosts in its user's, and there alone. What it finds there also tells
//! which kind of key to ask a host for; it has several.

use std::{
    fs::{self, DirBuilder},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink},
    path::{Path, PathBuf},
};

use super::{Settings, ssh::KnownHosts};

/// Makes the home that a repository's worker needs; `None` where it is to have its user's.
///
/// # Errors
/// When it cannot be made.
pub(super) fn make(settings: &Settings) -> io::Result<Option<PathBuf>> {
    let Some(host) = settings.address.ssh_host() else {
        return Ok(None);
    };
    let hosts = &settings.reach.access.ssh.hosts;
    if matches!(hosts, KnownHosts::OfUser | KnownHosts::Anybody) {
        return Ok(None);
    }
    let home = settings.mirror.path().with_extension("home");
    fill(&home, host, hosts)?;
    Ok(Some(home))
}

fn fill(home: &Path, host: &str, hosts: &KnownHosts) -> io::Result<()> {
    // Of an earlier start, with other settings.
    match fs::remove_dir_all(home) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let folder = home.join(".ssh");
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    let file = folder.join("known_hosts");
    match hosts {
        // What changes there counts with the next look.
        KnownHosts::File(path) => symlink(std::path::absolute(path)?, file),
        KnownHosts::Pinned(key) => fs::File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)?
            .write_all(key.line(host).as_bytes()),
        KnownHosts::OfUser | KnownHosts::Nobody | KnownHosts::Anybody => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn nothing_of_an_earlier_home_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let listed = folder.path().join("hosts");
        fs::write(&listed, "git.example ssh-ed25519 AAAA\n").unwrap();
        let home = folder.path().join("config.home");
        let known = home.join(".ssh/known_hosts");
        fill(&home, "git.example", &KnownHosts::File(listed.clone())).unwrap();
        assert_eq!(fs::read_link(&known).unwrap(), listed);
        fill(&home, "git.example", &KnownHosts::Nobody).unwrap();
        assert!(!known.exists() && home.join(".ssh").is_dir());
        let mode = fs::metadata(home.join(".ssh")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o700);
        // The list itself is not ours to remove.
        assert!(listed.exists());
    }
}
