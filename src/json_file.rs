//! Files of our own that hold JSON, whole or not at all.

mod kept;

use std::{
    fs,
    io::{self, BufWriter, Write},
    path::Path,
};

use serde::de::DeserializeOwned;

pub(crate) use kept::Kept;

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

/// Gives a file a new content, aside, in a folder that is made if need be; only its owner may read it.
pub(crate) fn replace(
    file: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
    let mut writer = BufWriter::new(&mut fresh);
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    fresh.as_file().sync_all()?;
    fresh.persist(file)?;
    Ok(())
}
