use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{
    environment_repository::{BackendSettings, Settings as RepositorySettings},
    ledger::Settings,
    settings::reader::Reader,
};

/// Where the ledger survives a restart: as configured, else beside the clones of Git where those survive one, too.
///
/// Servers on one machine differ in their ports, so the file is named after it.
pub(super) fn ledger(
    reader: &Reader,
    repository: Option<&RepositorySettings>,
    port: u16,
) -> Settings {
    let configured = reader.text("confbus.ledger.directory").map(PathBuf::from);
    let directory = configured.or_else(|| repository.and_then(beside_clones));
    Settings {
        file: directory.map(|directory| directory.join(format!("ledger-{port}.json"))),
    }
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
