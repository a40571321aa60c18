use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::{Path, PathBuf},
};

use confbus_protocol::{CommitId, Label};
use tracing::warn;

use crate::json_file;

/// A file that says which commits were in service, so that a restart serves them again before it hears from the remote.
#[derive(Debug)]
pub(crate) struct Remembered {
    file: Option<PathBuf>,
}

impl Remembered {
    /// Uses the file beside a clone; it need not exist.
    pub(super) fn beside(clone: &Path) -> Self {
        let file = Some(clone.with_extension("served.json"));
        Self { file }
    }

    /// For files that are where they were after a restart.
    pub(super) fn nothing() -> Self {
        Self { file: None }
    }

    /// What was saved; nothing when there is no file or it makes no sense.
    pub(super) fn load(&self) -> HashMap<Label, Vec<CommitId>> {
        let Some(file) = &self.file else {
            return HashMap::new();
        };
        let text = match fs::read_to_string(file) {
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
        let Some(file) = &self.file else { return };
        let text: BTreeMap<&str, Vec<String>> = labels
            .map(|(label, commits)| {
                (
                    label.as_str(),
                    commits.iter().map(ToString::to_string).collect(),
                )
            })
            .collect();
        let bytes = serde_json::to_vec_pretty(&text).expect("a map of text always serialises");
        if let Err(cause) = json_file::replace(file, |writer| writer.write_all(&bytes)) {
            warn!(error = %cause, "what is in service cannot be saved");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let remembered = Remembered::beside(&folder.path().join("below/clone.git"));
        assert!(remembered.load().is_empty());

        let label = Label::parse("feature(_)x").unwrap();
        let commits = vec![CommitId::from_bytes([1; 20]), CommitId::from_bytes([2; 20])];
        remembered.save([(&label, commits.clone())].into_iter());
        assert_eq!(remembered.load(), HashMap::from([(label, commits)]));
    }

    #[test]
    fn a_damaged_file_is_no_reason_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("clone.served.json"), "{").unwrap();
        let remembered = Remembered::beside(&folder.path().join("clone.git"));
        assert!(remembered.load().is_empty());
    }
}
