//! Files of our own that hold JSON, whole or not at all.

mod kept;

use std::{
    fs::{self, DirBuilder},
    io::{self, BufWriter, Write},
    os::unix::fs::DirBuilderExt as _,
    path::Path,
};

use serde::de::DeserializeOwned;

pub(crate) use kept::{Check, Kept};

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

/// Ends the name of a new content that is not in place yet.
const SUFFIX: &str = ".new";

/// Begins it; what stands between is random.
fn prefix(file: &Path) -> io::Result<String> {
    let name = file.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(format!(".{}.", name.display()))
}

/// Removes new contents of a file that were never put in place because their writer was killed. To be called before the
/// file is written.
pub(crate) fn remove_leftovers(file: &Path) {
    // What cannot be read or removed now costs room and nothing else.
    _ = remove_leftovers_of(file);
}

fn remove_leftovers_of(file: &Path) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let prefix = prefix(file)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let random = name
            .to_str()
            .and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(SUFFIX));
        let is_ours =
            random.is_some_and(|random| random.bytes().all(|b| b.is_ascii_alphanumeric()));
        if is_ours && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes a folder and those above it where they are missing, for their owner alone.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Gives a file a new content, aside, in a folder that is made if need be; only its owner may read it.
pub(crate) fn replace(
    file: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    make_folder(folder)?;
    let prefix = prefix(file)?;
    let aside = tempfile::Builder::new()
        .prefix(&prefix)
        .suffix(SUFFIX)
        .tempfile_in(folder);
    let mut fresh = aside?;
    let mut writer = BufWriter::new(&mut fresh);
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    fresh.as_file().sync_all()?;
    fresh.persist(file)?;
    Ok(())
}
