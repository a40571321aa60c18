//! Refs besides the branch that everybody reads, and what is unusual about that one.

use anyhow::Context as _;
use git2::{FileMode, Oid};

use super::{BRANCH, Push, Repository};

/// Files of a folder that nobody reads.
const OF_A_FOLDER: usize = 1_000;

impl Repository {
    /// Begins a history anew, with another root.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn start_over(&mut self) -> anyhow::Result<Push> {
        self.pushed.clear();
        self.push_all()
    }

    /// Takes the branch away.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn delete(&self) -> anyhow::Result<()> {
        Ok(self.git.find_reference(BRANCH)?.delete()?)
    }

    /// Puts it back where it was.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn restore(&self) -> anyhow::Result<()> {
        self.point(BRANCH)
    }

    /// Puts a reference where the branch is.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn point(&self, reference: &str) -> anyhow::Result<()> {
        let (commit, _) = self.pushed.last().context("no commit")?;
        self.git.reference(reference, *commit, true, "point")?;
        Ok(())
    }

    /// The id of the newest commit.
    #[must_use]
    pub fn newest(&self) -> String {
        self.head()
    }

    /// Adds so many files that nobody reads, and writes every file anew.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn push_bulk(&mut self, files: usize) -> anyhow::Result<Push> {
        self.bulk = Some(self.bulk(files)?);
        self.push_all()
    }

    fn bulk(&self, files: usize) -> anyhow::Result<Oid> {
        let blob = self.git.blob(b"nobody: reads\n")?;
        let mut folder = self.git.treebuilder(None)?;
        for number in 0..OF_A_FOLDER {
            folder.insert(format!("{number:04}.yml"), blob, FileMode::Blob.into())?;
        }
        let folder = folder.write()?;
        let mut all = self.git.treebuilder(None)?;
        for number in 0..files.div_ceil(OF_A_FOLDER) {
            all.insert(format!("{number:04}"), folder, FileMode::Tree.into())?;
        }
        Ok(all.write()?)
    }
}
