use std::{io, path::Path};

use tokio::io::AsyncReadExt as _;

/// More than any name, password, certificate chain or key store of this use.
const LARGEST_FILE: u64 = 1024 * 1024;

/// The text of a file without the end of its line.
pub(crate) async fn line(path: &Path) -> io::Result<String> {
    let text = String::from_utf8(read(path).await?)
        .map_err(|_shows_the_text| io::Error::from(io::ErrorKind::InvalidData))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A file of ours, if it is not too large.
pub(crate) async fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = tokio::fs::File::open(path).await?;
    let length = file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).await?;
    if length as u64 > LARGEST_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}
