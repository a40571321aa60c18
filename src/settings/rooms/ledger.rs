use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{
    environment_repository::{BackendSettings, Settings as RepositorySettings},
    inspection, ledger, pins,
    settings::reader::Reader,
};

/// What survives a restart beside configuration.
pub(super) struct Kept {
    pub(super) ledger: ledger::Settings,
    pub(super) pins: pins::Settings,
    /// The file of the waves.
    pub(super) waves: Option<PathBuf>,
    pub(super) inspection: inspection::Settings,
}

/// Where that lies: as configured, else beside the clones of Git where those survive one, too.
///
/// Servers on one machine differ in their ports, so the files are named after it.
pub(super) fn ledger(reader: &Reader, repository: Option<&RepositorySettings>, port: u16) -> Kept {
    let configured = reader.text("confbus.ledger.directory").map(PathBuf::from);
    let directory = configured.or_else(|| repository.and_then(beside_clones));
    let file = |name: &str| Some(directory.as_ref()?.join(format!("{name}-{port}.json")));
    let key = |directory: &PathBuf| directory.join(format!("fingerprints-{port}.key"));
    Kept {
        ledger: ledger::Settings {
            file: file("ledger"),
        },
        pins: pins::Settings { file: file("pins") },
        waves: file("waves"),
        inspection: inspection::Settings {
            key_file: directory.as_ref().map(key),
        },
    }
}

/// The system empties its folder for temporary files.
fn beside_clones(repository: &RepositorySettings) -> Option<PathBuf> {
    let clones = repository
        .backends
        .iter()
        .find_map(|backend| match backend {
            BackendSettings::Git(git) => Some(git.default.reach.base_directory.clone()),
            BackendSettings::Native(_)
            | BackendSettings::Vault(_)
            | BackendSettings::Lookups(_) => None,
        });
    clones.filter(|folder| is_kept(folder))
}

fn is_kept(folder: &Path) -> bool {
    folder != env::temp_dir().join("confbus")
}
