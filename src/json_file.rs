//! Files of our own that hold JSON, whole or not at all.

mod kept;

use std::{
    fs::{self, DirBuilder},
    io::{self, BufWriter, Write},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

pub(crate) use kept::{Check, Kept};

/// How the name of a file ends that is not whole yet.
const ASIDE: &str = ".new";

/// Reads a file of at most `longest` bytes.
///
/// # Errors
/// Where the text makes no sense, without any of it.
pub(crate) fn read<T: DeserializeOwned>(file: &Path, longest: u64) -> io::Result<T> {
    parse(&bytes(file, longest)?)
}

fn bytes(file: &Path, longest: u64) -> io::Result<Vec<u8>> {
    if fs::metadata(file)?.len() > longest {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    fs::read(file)
}

fn parse<T: DeserializeOwned>(text: &[u8]) -> io::Result<T> {
    // What serde says quotes the text.
    serde_json::from_slice(text).map_err(|error| {
        io::Error::other(format!("line {}, column {}", error.line(), error.column()))
    })
}

/// Makes a folder and those above it where they are missing, for their owner alone.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Gives a file a new content, aside, in a folder that is made if need be; only its owner may read it. Each file has one
/// writer: what is aside has one name, so that a crash leaves one at most, and not after the next write.
pub(crate) fn replace(
    file: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    make_folder(folder)?;
    let mut fresh = aside(file, folder)?;
    let mut writer = BufWriter::new(&mut fresh);
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    fresh.as_file().sync_all()?;
    fresh.persist(file)?;
    Ok(())
}

/// A new file beside this one.
fn aside(file: &Path, folder: &Path) -> io::Result<NamedTempFile> {
    let name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut leftover = file.to_owned().into_os_string();
    leftover.push(ASIDE);
    match fs::remove_file(leftover) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut aside = tempfile::Builder::new();
    aside.prefix(name).suffix(ASIDE).rand_bytes(0);
    aside.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crash_left_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.json");
        let left = folder.path().join("a.json.new");
        fs::write(&left, "a part").unwrap();
        let mut during = Vec::new();
        replace(&file, |writer| {
            let found = fs::read_dir(folder.path())?.flatten();
            during = found.map(|entry| entry.path()).collect();
            writer.write_all(b"1")
        })
        .unwrap();
        assert_eq!(during, [left]);
        assert_eq!(fs::read_to_string(&file).unwrap(), "1");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
