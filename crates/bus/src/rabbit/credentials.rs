use std::{
    io,
    path::{Path, PathBuf},
};

use tokio::io::AsyncReadExt as _;

use super::{failure::Failure, settings::RabbitSettings};

/// More than any name, password, certificate chain or key store of this use.
const LARGEST_FILE: u64 = 1024 * 1024;

/// User name and password for one connection: files are read anew, so that they may change at any time.
pub(super) async fn credentials(settings: &RabbitSettings) -> Result<(String, String), Failure> {
    let username = match &settings.username_file {
        Some(file) => line(file).await?,
        None => settings.username.clone(),
    };
    let password = match &settings.password_file {
        Some(file) => line(file).await?,
        None => settings.password.reveal().to_owned(),
    };
    Ok((username, password))
}

/// The text of a file without the end of its line.
async fn line(path: &Path) -> Result<String, Failure> {
    let text = String::from_utf8(read(path).await?)
        .map_err(|_shows_the_text| unreadable(path, io::ErrorKind::InvalidData.into()))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A file of ours, if it is not too large.
pub(super) async fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let reading = async {
        let file = tokio::fs::File::open(path).await?;
        file.take(LARGEST_FILE + 1).read_to_end(&mut bytes).await
    };
    match reading.await {
        Ok(length) if length as u64 > LARGEST_FILE => {
            Err(unreadable(path, io::ErrorKind::FileTooLarge.into()))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(unreadable(path, error)),
    }
}

fn unreadable(path: &Path, error: io::Error) -> Failure {
    Failure::File(PathBuf::from(path), error)
}
