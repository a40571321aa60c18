use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{
    environment_repository::{BackendSettings, Settings as RepositorySettings},
    ledger, pins,
    settings::reader::Reader,
};

/// Where the ledger, the pins and the waves survive a restart: as configured, else beside the clones of Git where those survive one, too.
///
/// Servers on one machine differ in their ports, so the files are named after it.
pub(super) fn ledger(
    reader: &Reader,
    repository: Option<&RepositorySettings>,
    port: u16,
) -> (ledger::Settings, pins::Settings, Option<PathBuf>) {
    let configured = reader.text("confbus.ledger.directory").map(PathBuf::from);
    let directory = configured.or_else(|| repository.and_then(beside_clones));
    let file = |name: &str| Some(directory.as_ref()?.join(format!("{name}-{port}.json")));
    let ledger = ledger::Settings {
        file: file("ledger"),
    };
    let pins = pins::Settings { file: file("pins") };
    (ledger, pins, file("waves"))
}

/// The system empties its folder for temporary files.
fn beside_clones(repository: &RepositorySettings) -> Option<PathBuf> {
    let clones = repository
        .backends
        .iter()
        .find_map(|backend| match backend {
            BackendSettings::Git(git) => Some(git.default.reach.base_directory.clone()),
            BackendSettings::Native(_) | BackendSettings::Vault(_) => None,
        });
    clones.filter(|folder| is_kept(folder))
}

fn is_kept(folder: &Path) -> bool {
    folder != env::temp_dir().join("confbus")
}
