use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{course::Course, rule::Rule};
use crate::json_file::Kept;

/// Who is given what is new step by step.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Each for another address.
    pub(crate) rules: Vec<Rule>,
    /// Beside the ledger's file; `None` keeps waves in memory only.
    pub(crate) file: Option<PathBuf>,
}

/// The file of the waves.
#[derive(Debug, Clone)]
pub(super) struct Store(Kept);

const VERSION: u32 = 1;
/// As many as there may be, each with the longest of everything, are smaller.
const LONGEST_FILE: u64 = 8 << 20;

#[derive(Serialize, Deserialize)]
struct Saved {
    waves: Vec<Course>,
}

impl Store {
    pub(super) fn new(file: Option<PathBuf>) -> Self {
        Self(Kept::new(file, VERSION, LONGEST_FILE))
    }

    /// What was saved.
    pub(super) fn load(&self) -> Vec<Course> {
        let lost = "the waves cannot be read and are lost; what they kept back is answered as its label says";
        let saved: Option<Saved> = self.0.load(lost);
        saved.map(|saved| saved.waves).unwrap_or_default()
    }

    /// Replaces the file as a whole; it is on disk after this.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) async fn save(&self, waves: Vec<Course>) -> io::Result<()> {
        self.0.save(Saved { waves }).await
    }
}
