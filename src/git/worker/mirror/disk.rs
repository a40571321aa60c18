use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use git2::{ErrorClass, Odb, Oid, Repository, RepositoryOpenFlags};

use crate::{
    git::worker::{durable, objects::unreadable},
    look::LookError,
};

/// What the names of folders begin with in which packs come in.
const INCOMING: &str = "incoming";

/// Where packs come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entrance {
    /// Those of looks.
    Looks,
    /// Those of a history, which is brought aside; each by its own number.
    Deepening(u64),
}

/// The directory of a mirror.
///
/// Packs come in through folders of their own and are objects of the mirror once they are on disk; only then are refs
/// written that lead there. So what a power cut may damage is nothing but the last fetch.
#[derive(Debug, Clone)]
pub(in crate::git::worker) struct Disk {
    path: PathBuf,
}

impl Disk {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_path_buf(),
        }
    }

    pub(in crate::git::worker) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes an empty mirror.
    pub(super) fn create(&self) -> Result<(), LookError> {
        let unusable = |error: &dyn std::fmt::Display| {
            LookError::Disk(format!("there can be no clone: {error}"))
        };
        fs::create_dir_all(&self.path).map_err(|error| unusable(&error.kind()))?;
        let mirror =
            Repository::init_bare(&self.path).map_err(|error| unusable(&error.message()))?;
        // What libgit2 itself fetches survives a power cut.
        let durable = mirror
            .config()
            .and_then(|mut config| config.set_bool("core.fsyncObjectFiles", true));
        durable.map_err(|error| unusable(&error.message()))
    }

    /// Removes a mirror.
    pub(super) fn remove(&self) {
        _ = fs::remove_dir_all(&self.path);
    }

    /// Removes what others that came to an end have left locked: nobody else writes here.
    pub(super) fn remove_locks(&self) {
        let mut folders = vec![self.path.join("refs")];
        remove_locks_in(&self.path);
        while let Some(folder) = folders.pop() {
            folders.extend(remove_locks_in(&folder));
        }
    }

    pub(super) fn exists(&self) -> bool {
        self.path.join("objects").is_dir()
    }

    /// Whether what is there is no repository, as far as this can be told: a disk that refuses tells nothing.
    pub(super) fn is_no_repository(&self) -> bool {
        match open_exactly(&self.path) {
            Ok(_) => false,
            Err(error) => error.class() != ErrorClass::Os,
        }
    }

    /// Opens it as looks see it.
    pub(in crate::git::worker) fn open_for_looks(&self) -> Result<Repository, LookError> {
        self.open(Entrance::Looks)
    }

    /// Opens it with all objects that are there, those that just came in included.
    pub(super) fn open(&self, entrance: Entrance) -> Result<Repository, LookError> {
        let mirror = open_exactly(&self.path)
            .map_err(|_| LookError::NoRepository("it was never cloned".into()))?;
        let folder = self.folder(entrance);
        fs::create_dir_all(folder.join("pack")).map_err(|error| failed(&error))?;
        mirror
            .odb()
            .and_then(|odb| odb.add_disk_alternate(&folder.to_string_lossy()))
            .map_err(unreadable)?;
        Ok(mirror)
    }

    /// Where packs of an entrance are written.
    pub(super) fn packs(&self, entrance: Entrance) -> PathBuf {
        self.folder(entrance).join("pack")
    }

    /// Forgets what came in earlier and was not settled.
    pub(super) fn clear_all(&self) {
        let Ok(entries) = fs::read_dir(&self.path) else {
            return;
        };
        for entry in entries.flatten() {
            if entry.file_name().to_string_lossy().starts_with(INCOMING) {
                _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Forgets what came in through an entrance and was not settled.
    pub(super) fn clear(&self, entrance: Entrance) {
        _ = fs::remove_dir_all(self.folder(entrance));
    }

    /// Waits until what came in is on disk, and makes it part of the mirror.
    pub(super) fn settle(&self, entrance: Entrance) -> io::Result<()> {
        let to = self.path.join("objects/pack");
        // Git takes a pack for complete when it finds its index.
        for extension in ["pack", "idx"] {
            for entry in fs::read_dir(self.packs(entrance))? {
                let from = entry?.path();
                if from.extension() != Some(OsStr::new(extension)) {
                    continue;
                }
                durable::sync(&from)?;
                if let Some(name) = from.file_name() {
                    fs::rename(&from, to.join(name))?;
                }
            }
        }
        durable::sync_folder_of(&to.join("any"))
    }

    /// The commits whose parents are not here.
    pub(super) fn shallow(&self) -> Vec<Oid> {
        let text = fs::read_to_string(self.path.join("shallow")).unwrap_or_default();
        text.lines()
            .filter_map(|line| Oid::from_str(line).ok())
            .collect()
    }

    fn set_shallow(&self, commits: &[Oid]) -> Result<(), LookError> {
        let path = self.path.join("shallow");
        if commits.is_empty() {
            return match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&error)),
                _ => Ok(()),
            };
        }
        let lines: String = commits.iter().map(|commit| format!("{commit}\n")).collect();
        durable::replace(&path, &lines).map_err(|error| failed(&error))
    }

    /// Notes more commits whose parents are not here.
    pub(super) fn add_shallow(&self, more: Vec<Oid>) -> Result<(), LookError> {
        if more.is_empty() {
            return Ok(());
        }
        let mut commits = self.shallow();
        commits.extend(more);
        commits.sort();
        commits.dedup();
        self.set_shallow(&commits)
    }

    /// Drops the commits whose parents are here now, and gives those that are left.
    pub(super) fn drop_shallow(&self, odb: &Odb<'_>) -> Result<Vec<Oid>, LookError> {
        let mut commits = self.shallow();
        let is_here = |parent: Oid| odb.exists(parent);
        commits.retain(|commit| !parents(odb, *commit).into_iter().all(is_here));
        self.set_shallow(&commits)?;
        Ok(commits)
    }

    /// Another place, for what has to do with this mirror.
    pub(super) fn beside(&self, what: &str) -> Self {
        Self {
            path: self.path.with_extension(what),
        }
    }

    /// Becomes what another mirror was, which goes; until it is gone it is called otherwise.
    pub(super) fn take_the_place_of(&self, other: &Self, called: &str) -> Result<(), LookError> {
        let old = other.beside(called);
        old.remove();
        if other.path.exists() {
            fs::rename(&other.path, &old.path).map_err(|error| failed(&error))?;
        }
        fs::rename(&self.path, &other.path).map_err(|error| failed(&error))?;
        old.remove();
        Ok(())
    }

    fn folder(&self, entrance: Entrance) -> PathBuf {
        self.path.join(match entrance {
            Entrance::Looks => INCOMING.to_owned(),
            Entrance::Deepening(number) => format!("{INCOMING}-history-{number}"),
        })
    }
}

/// Where a repository has its packs, those of looks that just came in included.
pub(in crate::git::worker) fn folders_of_packs(repository: &Repository) -> [PathBuf; 2] {
    ["objects", INCOMING].map(|folder| repository.path().join(folder).join("pack"))
}

/// Gives the folders below.
fn remove_locks_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let (folders, files): (Vec<_>, Vec<_>) = entries
        .map(|entry| entry.path())
        .partition(|path| path.is_dir());
    let locks = files
        .iter()
        .filter(|file| file.extension() == Some(OsStr::new("lock")));
    for lock in locks {
        _ = fs::remove_file(lock);
    }
    folders
}

fn failed(error: &io::Error) -> LookError {
    LookError::Disk(error.kind().to_string())
}

/// The parents that a commit names, whether they are left out or not.
fn parents(odb: &Odb<'_>, commit: Oid) -> Vec<Oid> {
    let Ok(object) = odb.read(commit) else {
        return Vec::new();
    };
    let lines = object.data().split(|byte| *byte == b'\n');
    let parents = lines
        .skip(1)
        .map_while(|line| line.strip_prefix(b"parent "));
    let ids = parents.filter_map(|id| Oid::from_str(str::from_utf8(id).ok()?).ok());
    ids.collect()
}

/// Only this very directory: a search upwards could find somebody else's repository.
pub(in crate::git::worker) fn open_exactly(path: &Path) -> Result<Repository, git2::Error> {
    Repository::open_ext(
        path,
        RepositoryOpenFlags::NO_SEARCH,
        std::iter::empty::<&OsStr>(),
    )
}
