//! A file that says which commits were in service, so that a restart serves them again before it hears from the remote, and
//! where each label has been, so that its generation goes on.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use confbus_protocol::{CommitId, Label};
use serde::{Deserialize, Serialize};
use tracing::warn;

use super::trail::{Trail, Trails};
use crate::json_file;

/// The file, and one beside it that is there as long as nothing follows what the file says.
#[derive(Debug)]
pub(crate) struct Remembered {
    file: Option<PathBuf>,
    /// Nothing that was in service is missing in the file.
    is_whole: AtomicBool,
}

/// What was in service, and where labels have been.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) labels: HashMap<Label, Vec<CommitId>>,
    pub(super) trails: Trails,
}

/// One label, with the commits in service if there are any.
pub(super) struct Entry<'a> {
    pub(super) label: &'a Label,
    pub(super) commits: Vec<CommitId>,
    pub(super) trail: &'a Trail,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Saved {
    Trails {
        floor: u64,
        labels: BTreeMap<String, SavedLabel>,
    },
    /// As it was before there were generations.
    Commits(BTreeMap<String, Vec<String>>),
}

#[derive(Serialize, Deserialize)]
struct SavedLabel {
    generation: u64,
    /// In service, newest first.
    commits: Vec<String>,
    /// Those that ever were, newest first.
    served: Vec<String>,
}

impl Remembered {
    /// Uses the files beside a clone; they need not exist.
    pub(super) fn beside(clone: &Path) -> Self {
        Self {
            file: Some(clone.with_extension("served.json")),
            is_whole: AtomicBool::new(false),
        }
    }

    /// For files that are where they were after a restart.
    pub(super) fn nothing() -> Self {
        Self {
            file: None,
            is_whole: AtomicBool::new(false),
        }
    }

    /// What was saved; nothing when there is no file or it makes no sense. From here on it may be out of date at any time.
    pub(super) fn load(&self) -> Memory {
        let Some(file) = &self.file else {
            return Memory::default();
        };
        // Before anything is in service that the file does not say.
        let is_whole = fs::remove_file(end_mark(file)).is_ok();
        self.is_whole.store(true, Ordering::Relaxed);
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Memory::default(),
            Err(cause) => {
                warn!(error = %cause, "what was in service cannot be read; labels start anew");
                return Memory::default();
            }
        };
        let Ok(saved) = serde_json::from_str::<Saved>(&text) else {
            warn!("what was in service is damaged; labels start anew");
            return Memory::default();
        };
        let mut memory = Memory::of(saved);
        if !is_whole {
            memory.trails = memory.trails.go_ahead();
            // Another such stop must not lead back here.
            self.save(memory.entries(), memory.trails.floor());
        }
        memory
    }

    /// Replaces the file as a whole. A failure costs freshness after a restart, never an answer.
    pub(super) fn save<'a>(&self, entries: impl Iterator<Item = Entry<'a>>, floor: u64) {
        let Some(file) = &self.file else { return };
        let labels = entries.map(|entry| (entry.label.to_string(), SavedLabel::of(&entry)));
        let saved = Saved::Trails {
            floor,
            labels: labels.collect(),
        };
        let bytes = serde_json::to_vec_pretty(&saved).expect("a map of text always serialises");
        let replaced = json_file::replace(file, |writer| writer.write_all(&bytes));
        self.is_whole.store(replaced.is_ok(), Ordering::Relaxed);
        if let Err(cause) = replaced {
            warn!(error = %cause, "what is in service cannot be saved");
        }
    }

    /// Says that nothing follows what was saved last.
    pub(super) fn end(&self) {
        let Some(file) = &self.file else { return };
        if self.is_whole.load(Ordering::Relaxed) && file.exists() {
            // Without it generations go ahead after the next start, which costs nothing.
            _ = File::create(end_mark(file));
        }
    }
}

fn end_mark(file: &Path) -> PathBuf {
    file.with_extension("end")
}

impl Memory {
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.trails.iter().map(|(label, trail)| Entry {
            label,
            commits: self.labels.get(label).cloned().unwrap_or_default(),
            trail,
        })
    }

    fn of(saved: Saved) -> Self {
        let (floor, labels) = match saved {
            Saved::Trails { floor, labels } => (floor, labels),
            Saved::Commits(labels) => {
                let first = |(label, commits): (String, Vec<String>)| {
                    let served = commits.clone();
                    let label_saved = SavedLabel {
                        generation: 1,
                        commits,
                        served,
                    };
                    (label, label_saved)
                };
                (0, labels.into_iter().map(first).collect())
            }
        };
        let (mut in_service, mut resting) = (HashMap::new(), HashMap::new());
        for (label, saved) in labels {
            let Ok(label) = Label::parse(&label) else {
                continue;
            };
            let trail = Trail::new(saved.generation, commits(&saved.served));
            resting.insert(label.clone(), Arc::new(trail));
            if !saved.commits.is_empty() {
                in_service.insert(label, commits(&saved.commits));
            }
        }
        Self {
            labels: in_service,
            trails: Trails::new(resting, floor),
        }
    }
}

impl SavedLabel {
    fn of(entry: &Entry<'_>) -> Self {
        let texts = |commits: &[CommitId]| commits.iter().map(ToString::to_string).collect();
        Self {
            generation: entry.trail.generation(),
            commits: texts(&entry.commits),
            served: texts(entry.trail.served()),
        }
    }
}

fn commits(ids: &[String]) -> Vec<CommitId> {
    ids.iter().filter_map(|id| CommitId::parse(id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: [u8; 2] = [2, 1];

    fn two() -> Vec<CommitId> {
        TWO.map(|number| CommitId::from_bytes([number; 20])).into()
    }

    /// Saves that `main` is at the newest of two commits.
    fn save(remembered: &Remembered) {
        let label = Label::parse("feature(_)x").unwrap();
        let entry = Entry {
            label: &label,
            commits: two(),
            trail: &Trail::new(7, two()),
        };
        remembered.save([entry].into_iter(), 3);
    }

    fn generation(memory: &Memory) -> u64 {
        let (label, trail) = memory.trails.iter().next().unwrap();
        assert_eq!(label.as_str(), "feature/x");
        assert_eq!(memory.labels[label], two());
        assert_eq!(trail.served(), two());
        trail.generation()
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let clone = folder.path().join("below/clone.git");
        let remembered = Remembered::beside(&clone);
        assert!(remembered.load().labels.is_empty());
        save(&remembered);
        remembered.end();
        let memory = Remembered::beside(&clone).load();
        assert_eq!((generation(&memory), memory.trails.floor()), (7, 3));
    }

    #[test]
    fn after_a_stop_that_nobody_saw_coming_generations_go_ahead() {
        let folder = tempfile::tempdir().unwrap();
        let clone = folder.path().join("clone.git");
        let remembered = Remembered::beside(&clone);
        remembered.load();
        save(&remembered);
        let load = || {
            let remembered = Remembered::beside(&clone);
            let generation = generation(&remembered.load());
            (remembered, generation)
        };
        let (_, first) = load();
        let (second, ahead) = load();
        assert!(7 < first && first < ahead);
        second.end();
        assert_eq!(load().1, ahead, "nothing happened before an ordinary stop");
    }

    #[test]
    fn a_file_from_before_there_were_generations_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let commits: Vec<_> = two().iter().map(ToString::to_string).collect();
        let text = serde_json::json!({ "feature/x": commits }).to_string();
        fs::write(folder.path().join("clone.served.json"), text).unwrap();
        let memory = Remembered::beside(&folder.path().join("clone.git")).load();
        assert!(generation(&memory) >= 1);
    }

    #[test]
    fn a_damaged_file_is_no_reason_to_stop() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("clone.served.json"), "{").unwrap();
        let remembered = Remembered::beside(&folder.path().join("clone.git"));
        assert!(remembered.load().labels.is_empty());
    }
}
