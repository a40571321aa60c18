use std::{
    io,
    path::{Path, PathBuf},
};

use super::{failure::Failure, settings::RabbitSettings};
use crate::broker;

/// User name and password for one connection: files are read anew, so that they may change at any time.
pub(super) async fn credentials(settings: &RabbitSettings) -> Result<(String, String), Failure> {
    let username = match &settings.username_file {
        Some(file) => broker::line(file).await.map_err(unreadable(file))?,
        None => settings.username.clone(),
    };
    let password = match &settings.password_file {
        Some(file) => broker::line(file).await.map_err(unreadable(file))?,
        None => settings.password.reveal().to_owned(),
    };
    Ok((username, password))
}

/// A file of ours, if it is not too large.
pub(super) async fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    broker::read(path).await.map_err(unreadable(path))
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure::File(PathBuf::from(path), error)
}
