use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use tracing::warn;

use super::{
    coordinates::Coordinates,
    instance::Instance,
    records::{Contents, MAX_KEPT, MAX_REFRESHES, Reader, ReaderKey, Records},
    refresh::Refresh,
};
use crate::json_file;

/// Where the ledger survives a restart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// `confbus.ledger.directory` and a file name of this server; `None` keeps the ledger in memory only.
    pub(crate) file: Option<PathBuf>,
}

/// The file of the ledger. It holds keys, places, reasons and versions, never a value of a configuration.
#[derive(Debug, Clone)]
pub(super) struct Store {
    file: Option<PathBuf>,
}

/// The form of the file. Another number is another form.
const VERSION: u32 = 1;
/// With names of usual length, the bounds of the records allow for a quarter of it.
const LONGEST_FILE: u64 = 256 << 20;

#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    order: u64,
    instances: Vec<Arc<Instance>>,
    readers: Vec<(ReaderKey, Reader)>,
    coordinates: Vec<(Coordinates, Arc<Contents>)>,
    refreshes: Vec<Arc<Refresh>>,
}

impl Store {
    pub(super) fn new(Settings { file }: Settings) -> Self {
        Self { file }
    }

    pub(super) fn is_kept(&self) -> bool {
        self.file.is_some()
    }

    /// What was saved; nothing when there is no file or it makes no sense.
    pub(super) fn load(&self) -> Option<Records> {
        let file = self.file.as_ref()?;
        json_file::remove_leftovers(file);
        match read(file) {
            Ok(saved) => Some(saved.into()),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => {
                warn!(file = %file.display(), error = %cause, "the ledger cannot be read and starts anew");
                None
            }
        }
    }

    /// Replaces the file as a whole.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn save(&self, records: Records) -> io::Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        json_file::replace(file, |writer| {
            Ok(serde_json::to_writer(writer, &Saved::from(records))?)
        })
    }
}

fn read(file: &Path) -> io::Result<Saved> {
    let saved: Saved = json_file::read(file, LONGEST_FILE)?;
    if saved.version == VERSION {
        Ok(saved)
    } else {
        Err(io::Error::other("it is of another version of confbus"))
    }
}

impl From<Records> for Saved {
    fn from(records: Records) -> Self {
        Self {
            version: VERSION,
            order: records.order,
            instances: records.instances.into_values().collect(),
            readers: records.readers.into_iter().collect(),
            coordinates: records.coordinates.into_iter().collect(),
            refreshes: records.refreshes.into(),
        }
    }
}

impl From<Saved> for Records {
    fn from(saved: Saved) -> Self {
        let instances = saved.instances.into_iter().take(MAX_KEPT);
        Self {
            order: saved.order,
            instances: instances
                .map(|instance| (instance.id.clone(), instance))
                .collect(),
            readers: saved.readers.into_iter().take(MAX_KEPT).collect(),
            coordinates: saved.coordinates.into_iter().take(MAX_KEPT).collect(),
            refreshes: saved.refreshes.into_iter().take(MAX_REFRESHES).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use confbus_protocol::BusId;

    use super::*;

    fn records() -> Records {
        let mut records = Records::default();
        let id = BusId::new("orders:dev:8081:ab12").unwrap();
        let coordinates = Coordinates::of_bus_id(&id);
        records.asked_for(&coordinates, 5).0.unchanged("c1", "c2");
        records.instance_mut(&id, 7, || coordinates).names_itself = true;
        records.order = 9;
        records
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("below/ledger.json");
        let store = Store::new(Settings { file: Some(file) });
        assert!(store.load().is_none());
        store.save(records()).unwrap();

        let loaded = store.load().unwrap();
        assert_eq!(format!("{loaded:?}"), format!("{:?}", records()));
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.json");
        let store = Store::new(Settings {
            file: Some(file.clone()),
        });
        store.save(records()).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        for wrong in [
            String::new(),
            text[..text.len() / 2].to_owned(),
            text.replace("\"version\":1", "\"version\":2"),
            text.replace("orders:dev", "orders:*"),
        ] {
            fs::write(&file, wrong).unwrap();
            assert!(store.load().is_none());
        }
    }

    #[test]
    fn without_a_file_nothing_is_kept() {
        let store = Store::new(Settings::default());
        store.save(records()).unwrap();
        assert!(store.load().is_none());
    }
}
