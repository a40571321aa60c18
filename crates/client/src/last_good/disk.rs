//! One file, replaced as a whole, which only its owner reads and writes.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

/// Nobody writes a larger file; a larger one is not ours.
const MAX_BYTES: u64 = 256 << 20;

/// Reads a file, if it is only ours to write.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    restrict(&file)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Replaces a file: a crash leaves the old one or the new one.
pub(super) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or_else(|| Path::new("."));
    // Made with 0600, in the same directory because a rename does not cross file systems.
    let mut file = tempfile::Builder::new()
        .prefix(".confbus-")
        .tempfile_in(directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_directory(directory)
}

/// Follows no link, and waits for nobody who would write to a pipe. All else is asked of what was opened.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::{fs::OFlags, io::Errno};
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits();
    let flags = i32::try_from(flags).map_err(io::Error::other)?;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::LOOP) => io::Error::other("it is no regular file"),
        _ => error,
    })
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

/// What is another's or others can write is refused; what others can read is closed to them.
#[cfg(unix)]
fn restrict(file: &File) -> io::Result<()> {
    use std::{
        fs::Permissions,
        os::unix::fs::{MetadataExt, PermissionsExt},
    };
    let metadata = file.metadata()?;
    let us = rustix::process::geteuid().as_raw();
    if let Some(problem) = mistrusted(metadata.uid(), us, metadata.mode()) {
        return Err(io::Error::other(problem));
    }
    if metadata.mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))
    } else {
        Ok(())
    }
}

/// Why what stands in the file may be another's.
#[cfg(unix)]
fn mistrusted(owner: u32, us: u32, mode: u32) -> Option<&'static str> {
    if owner != us {
        return Some("it belongs to another user; delete it, or `chown` it if you trust it");
    }
    (mode & 0o022 != 0)
        .then_some("others may write it; delete it, or `chmod 600` it if you trust it")
}

#[cfg(not(unix))]
fn restrict(_: &File) -> io::Result<()> {
    Ok(())
}

/// A rename is on disk when its directory is.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn what_is_anothers_or_others_may_write_is_mistrusted() {
        assert_eq!(mistrusted(1000, 1000, 0o100_644), None);
        assert!(mistrusted(1000, 1000, 0o100_620).is_some());
        assert!(mistrusted(1000, 1000, 0o100_602).is_some());
        assert!(mistrusted(1000, 0, 0o100_600).is_some());
        assert!(mistrusted(0, 1000, 0o100_600).is_some());
    }

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        for path in [path.as_path(), &link, directory.path()] {
            let error = read(path).unwrap_err();
            assert_eq!(error.to_string(), "it is no regular file", "{path:?}");
        }
    }
}
