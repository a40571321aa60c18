use std::{io, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{List, Pin};
use crate::json_file::Kept;

/// Where pins survive a restart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Beside the ledger's file; `None` keeps pins in memory only.
    pub(crate) file: Option<PathBuf>,
}

/// The file of the pins.
#[derive(Debug, Clone)]
pub(super) struct Store(Kept);

const VERSION: u32 = 1;
/// As many pins as there may be, each with the longest of everything, are smaller.
const LONGEST_FILE: u64 = 4 << 20;

#[derive(Serialize)]
struct Saved {
    pins: Arc<List>,
}

#[derive(Deserialize)]
struct Loaded {
    pins: Vec<Pin>,
}

impl Store {
    pub(super) fn new(Settings { file }: Settings) -> Self {
        Self(Kept::new(file, VERSION, LONGEST_FILE))
    }

    pub(super) fn is_kept(&self) -> bool {
        self.0.is_kept()
    }

    /// What was saved.
    pub(super) fn load(&self) -> Vec<Pin> {
        let lost =
            "the pins cannot be read and are lost; what they held is answered as its label says";
        let loaded: Option<Loaded> = self.0.load(lost);
        loaded.map(|loaded| loaded.pins).unwrap_or_default()
    }

    /// Replaces the file as a whole; it is on disk after this.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) async fn save(&self, list: &Arc<List>) -> io::Result<()> {
        let pins = Arc::clone(list);
        self.0.save(Saved { pins }).await
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

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
