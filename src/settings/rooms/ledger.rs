use std::{
    env,
    path::{Path, PathBuf},
};

use super::git;
use crate::{
    environment_repository::{BackendSettings, Settings as RepositorySettings},
    inspection, ledger, pins,
    settings::reader::Reader,
};

/// Says where clones are, also where there are none.
const GIT: &str = "spring.cloud.config.server.git";

/// What survives a restart beside configuration.
pub(super) struct Kept {
    pub(super) ledger: ledger::Settings,
    pub(super) pins: pins::Settings,
    /// The file of the waves.
    pub(super) waves: Option<PathBuf>,
    pub(super) inspection: inspection::Settings,
    /// Where the answers of stores are, values among them, as clones have them.
    pub(super) folder_of_answers: PathBuf,
}

/// Where that lies: as configured, else beside the clones of Git where those survive one, too.
///
/// Servers on one machine differ in their ports, so the files are named after it.
pub(super) fn ledger(reader: &Reader, repository: Option<&RepositorySettings>, port: u16) -> Kept {
    let configured = reader.text("confbus.ledger.directory").map(PathBuf::from);
    let clones = repository.and_then(clones);
    let folder_of_answers = clones.clone().or_else(|| {
        let is_said = reader.has(&format!("{GIT}.basedir"));
        configured.clone().filter(|_| !is_said)
    });
    let kept = clones.filter(|folder| is_kept(folder));
    let directory = configured.or(kept);
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
        folder_of_answers: folder_of_answers.unwrap_or_else(|| git::base_directory(reader, GIT)),
    }
}

/// Where the clones of Git are, where there is a backend of Git.
fn clones(repository: &RepositorySettings) -> Option<PathBuf> {
    repository
        .backends
        .iter()
        .find_map(|backend| match backend {
            BackendSettings::Git(git) => Some(git.default.reach.base_directory.clone()),
            BackendSettings::Native(_)
            | BackendSettings::Vault(_)
            | BackendSettings::Lookups(_) => None,
        })
}

/// The system empties its folder for temporary files.
fn is_kept(folder: &Path) -> bool {
    folder != env::temp_dir().join("confbus")
}
