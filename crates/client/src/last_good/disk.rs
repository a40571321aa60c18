//! One file, replaced as a whole, which only its owner reads and writes.

use std::{
    fs::{self, File, Permissions},
    io::{self, Read, Write},
    path::Path,
};

/// Nobody writes a larger file; a larger one is not ours.
const MAX_BYTES: u64 = 256 << 20;

/// Reads a file, if it is only ours to write.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let file = File::open(path)?;
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

/// What others can write is refused; what others can read is closed to them.
#[cfg(unix)]
fn restrict(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o022 != 0 {
        return Err(io::Error::other(
            "others may write it; delete it, or `chmod 600` it if you trust it",
        ));
    }
    if mode & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))
    } else {
        Ok(())
    }
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
