use std::{
    collections::{BTreeMap, HashMap},
    fs,
    io::{self, Write as _},
    path::PathBuf,
};

use confbus_protocol::{CommitId, Label};
use tracing::warn;

/// A file that says which commits were in service, so that a restart serves them again before it hears from the remote.
#[derive(Debug)]
pub(crate) struct Remembered {
    file: PathBuf,
}

impl Remembered {
    /// Uses this file; it need not exist.
    pub(crate) fn at(file: PathBuf) -> Self {
        Self { file }
    }

    /// What was saved; nothing when there is no file or it makes no sense.
    pub(super) fn load(&self) -> HashMap<Label, Vec<CommitId>> {
        let text = match fs::read_to_string(&self.file) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return HashMap::new(),
            Err(cause) => {
                warn!(error = %cause, "what was in service cannot be read; labels start anew");
                return HashMap::new();
            }
        };
        let saved: BTreeMap<String, Vec<String>> =
            serde_json::from_str(&text).unwrap_or_else(|_| {
                warn!("what was in service is damaged; labels start anew");
                BTreeMap::new()
            });
        let commits = |ids: Vec<String>| ids.iter().filter_map(|id| CommitId::parse(id)).collect();
        saved
            .into_iter()
            .filter_map(|(label, ids)| Some((Label::parse(&label).ok()?, commits(ids))))
            .collect()
    }

    /// Replaces the file as a whole. A failure costs freshness after a restart, never an answer.
    pub(super) fn save<'a>(&self, labels: impl Iterator<Item = (&'a Label, Vec<CommitId>)>) {
        let text: BTreeMap<&str, Vec<String>> = labels
            .map(|(label, commits)| {
                (
                    label.as_str(),
                    commits.iter().map(ToString::to_string).collect(),
                )
            })
            .collect();
        if let Err(cause) = self
            .replace(&serde_json::to_vec_pretty(&text).expect("a map of text always serialises"))
        {
            warn!(error = %cause, "what is in service cannot be saved");
        }
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let folder = self.file.parent().ok_or(io::ErrorKind::InvalidInput)?;
        fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(&self.file)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let remembered = Remembered::at(folder.path().join("below/served.json"));
        assert!(remembered.load().is_empty());

        let label = Label::parse("feature(_)x").unwrap();
        let commits = vec![CommitId::from_bytes([1; 20]), CommitId::from_bytes([2; 20])];
        remembered.save([(&label, commits.clone())].into_iter());
        assert_eq!(remembered.load(), HashMap::from([(label, commits)]));
    }

    #[test]
    fn a_damaged_file_is_no_reason_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("served.json");
        fs::write(&file, "{").unwrap();
        assert!(Remembered::at(file).load().is_empty());
    }
}
