use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{List, Pin};
use crate::json_file;

/// Where pins survive a restart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Beside the ledger's file; `None` keeps pins in memory only.
    pub(crate) file: Option<PathBuf>,
}

/// The file of the pins.
#[derive(Debug, Clone)]
pub(super) struct Store {
    file: Option<PathBuf>,
}

/// The form of the file. Another number is another form.
const VERSION: u32 = 1;
/// As many pins as there may be, each with the longest of everything, are smaller.
const LONGEST_FILE: u64 = 4 << 20;

#[derive(Serialize)]
struct Saved<'l> {
    version: u32,
    pins: &'l List,
}

#[derive(Deserialize)]
struct Loaded {
    version: u32,
    pins: Vec<Pin>,
}

impl Store {
    pub(super) fn new(Settings { file }: Settings) -> Self {
        Self { file }
    }

    pub(super) fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    /// What was saved. A file that makes no sense is put aside for whoever wants to know what it held.
    pub(super) fn load(&self) -> Vec<Pin> {
        let Some(file) = &self.file else {
            return Vec::new();
        };
        match read(file) {
            Ok(pins) => pins,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(cause) => {
                let aside = file.with_extension("damaged.json");
                let kept = fs::rename(file, &aside).is_ok();
                let aside = kept.then(|| aside.display().to_string());
                warn!(file = %file.display(), error = %cause, aside, "the pins cannot be read and are lost; what they held is answered as its label says");
                Vec::new()
            }
        }
    }

    /// Replaces the file as a whole, aside from the runtime's threads; it is on disk after this.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) async fn save(&self, list: &Arc<List>) -> io::Result<()> {
        let Some(file) = self.file.clone() else {
            return Ok(());
        };
        let list = Arc::clone(list);
        let written = tokio::task::spawn_blocking(move || write(&file, &list)).await;
        written.map_err(io::Error::other)?
    }
}

fn read(file: &Path) -> io::Result<Vec<Pin>> {
    let loaded: Loaded = json_file::read(file, LONGEST_FILE)?;
    if loaded.version == VERSION {
        Ok(loaded.pins)
    } else {
        Err(io::Error::other("it is of another version of confbus"))
    }
}

fn write(file: &Path, pins: &List) -> io::Result<()> {
    let version = VERSION;
    json_file::replace(file, |writer| {
        Ok(serde_json::to_writer(writer, &Saved { version, pins })?)
    })?;
    let folder = file.parent().ok_or(io::ErrorKind::InvalidInput)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use confbus_protocol::CommitId;

    use super::{super::Address, *};

    fn pin() -> Pin {
        Pin {
            id: "1".into(),
            address: Address {
                application: "orders".into(),
                profile: None,
                label: Some("main".into()),
            },
            repository: "repo".into(),
            commit: CommitId::from_bytes([0xab; 20]),
            reason: "INC-812".into(),
            by: "jo".into(),
            since: 1,
            until: 2,
        }
    }

    #[tokio::test]
    async fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("below/pins.json");
        let store = Store::new(Settings {
            file: Some(file.clone()),
        });
        assert!(store.load().is_empty());
        let list = Arc::new(List::of(vec![pin()]));
        store.save(&list).await.unwrap();
        assert_eq!(store.load(), [pin()]);
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[tokio::test]
    async fn a_damaged_file_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pins-8888.json");
        let store = Store::new(Settings {
            file: Some(file.clone()),
        });
        let list = Arc::new(List::of(vec![pin()]));
        store.save(&list).await.unwrap();
        let text = fs::read_to_string(&file).unwrap();
        for wrong in [
            String::new(),
            text[..text.len() / 2].to_owned(),
            text.replace("\"version\":1", "\"version\":2"),
            text.replace("ab", "xy"),
        ] {
            fs::write(&file, &wrong).unwrap();
            assert!(store.load().is_empty());
            let aside = folder.path().join("pins-8888.damaged.json");
            assert_eq!(fs::read_to_string(aside).unwrap(), wrong);
            assert!(!file.exists());
        }
    }
}
