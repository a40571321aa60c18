use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, TryLockError},
    time::{Duration, UNIX_EPOCH},
};

use aws_lc_rs::digest::{Context, SHA256};
use confbus_protocol::{CommitId, Label};
use confbus_resolution::{Blob, BlobId, RepoPath, Snapshot};
use notify::RecursiveMode;
use tokio::sync::mpsc;

use super::{Watcher, read, walk, watch};
use crate::look::{Blobs, Limits, LookError, Modified, Query, Refs, Version, View};

/// Which directories are read, and within which bounds.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// None below another.
    pub(crate) roots: Vec<Root>,
    /// For logs and health.
    pub(crate) display_uri: String,
    /// How long a look may take.
    pub(crate) deadline: Duration,
    /// Bounds of one snapshot.
    pub(crate) limits: Limits,
}

/// A directory and where its files stand in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Root {
    /// With a final `/`; empty for all.
    pub(crate) path: String,
    /// On this machine.
    pub(crate) directory: PathBuf,
}

/// Reads directories; every label names their files as they are now.
#[derive(Debug, Clone)]
pub(crate) struct Directories {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    reader: Mutex<Reader>,
}

impl Directories {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            inner: Arc::new(Inner {
                settings,
                reader: Mutex::default(),
            }),
        }
    }

    /// For logs and health.
    pub(crate) fn display_uri(&self) -> &str {
        &self.inner.settings.display_uri
    }

    /// Tells `bell` when a file changes.
    pub(crate) fn watch(&self, bell: mpsc::Sender<()>) -> Option<Watcher> {
        let roots = self.inner.settings.roots.iter();
        let places: Vec<_> = roots
            .filter(|root| root.directory.is_dir())
            .map(|root| (root.directory.clone(), RecursiveMode::Recursive))
            .collect();
        watch(&places, bell)
    }

    /// Reads all files.
    ///
    /// # Errors
    /// [`LookError`] when there are too many, when a directory is gone that was there before, or when the disk does not answer.
    pub(crate) async fn look(&self, query: Query) -> Result<View, LookError> {
        let inner = Arc::clone(&self.inner);
        let reading = tokio::task::spawn_blocking(move || {
            // A look that is stuck on a disk keeps the reader; another would only be stuck behind it.
            match inner.reader.try_lock() {
                Ok(mut reader) => reader.read(&inner.settings),
                Err(TryLockError::Poisoned(reader)) => reader.into_inner().read(&inner.settings),
                Err(TryLockError::WouldBlock) => Err(LookError::Busy),
            }
        });
        let deadline = self.inner.settings.deadline;
        let read = tokio::time::timeout(deadline, reading)
            .await
            .map_err(|_| LookError::Late(deadline))?;
        let version = read.map_err(|_| LookError::Busy)??;
        Ok(view(query.labels, version))
    }
}

fn view(labels: Vec<Label>, version: Version) -> View {
    let commit = version.snapshot.version();
    let names = labels.iter().map(|label| (label.to_string(), commit));
    let refs = Refs {
        branches: names.collect(),
        ..Refs::default()
    };
    View {
        news: true,
        listed: true,
        refs: Arc::new(refs),
        labels: labels
            .into_iter()
            .map(|label| (label, Ok(version.clone())))
            .collect(),
        fetched: Some(Ok(())),
    }
}

/// What is kept from one look to the next.
#[derive(Debug, Default)]
struct Reader {
    blobs: Blobs,
    /// Directories that were there once: one that vanishes is a mount that went away, not configuration that was deleted.
    seen: BTreeSet<PathBuf>,
}

impl Reader {
    fn read(&mut self, settings: &Settings) -> Result<Version, LookError> {
        let (mut files, mut modified, mut bytes) = (BTreeMap::new(), HashMap::new(), 0);
        for root in &settings.roots {
            if !self.is_there(root)? {
                continue;
            }
            for (path, file) in walk(&root.directory, settings.limits)? {
                // A file may vanish between listing and reading; then it is simply not there.
                let (Some(path), Ok(metadata)) = (
                    RepoPath::parse(&format!("{}{path}", root.path)),
                    fs::metadata(&file),
                ) else {
                    continue;
                };
                let seconds = metadata.modified().ok();
                let seconds = seconds.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
                let Some(blob) = self.blob(&file, metadata.len(), settings.limits)? else {
                    continue;
                };
                bytes += blob.bytes().map_or(0, |bytes| bytes.len() as u64);
                if files.len() >= settings.limits.files || bytes > settings.limits.total_bytes {
                    return Err(too_large(settings.limits));
                }
                let seconds = seconds.map_or(0, |since| since.as_secs().cast_signed());
                modified.insert(path.clone(), seconds);
                files.insert(path, blob);
            }
        }
        self.blobs.forget_unused();
        Ok(Version {
            snapshot: Arc::new(Snapshot::new(name(&files), files)),
            modified: Modified::Each(Arc::new(modified)),
            has_links: false,
            authorship: None,
        })
    }

    fn is_there(&mut self, root: &Root) -> Result<bool, LookError> {
        if root.directory.is_dir() {
            self.seen.insert(root.directory.clone());
            return Ok(true);
        }
        if self.seen.contains(&root.directory) {
            let gone = "a directory of the search locations is gone";
            return Err(LookError::NoRepository(gone.into()));
        }
        Ok(false)
    }

    fn blob(
        &mut self,
        file: &Path,
        size: u64,
        limits: Limits,
    ) -> Result<Option<Arc<Blob>>, LookError> {
        if size > limits.file_bytes {
            let id = blob_id(format!("{}\0{size}", file.display()).as_bytes());
            return Ok(Some(Arc::new(Blob::too_large(id, size))));
        }
        let Some(content) = read(file, limits)? else {
            return Ok(None);
        };
        let id = blob_id(&content);
        Ok(Some(self.blobs.get(id, || Blob::new(id, content))))
    }
}

fn too_large(limits: Limits) -> LookError {
    LookError::TooLarge(format!(
        "the search locations hold more than {} files or {} bytes",
        limits.files, limits.total_bytes
    ))
}

fn blob_id(content: &[u8]) -> BlobId {
    let mut context = Context::new(&SHA256);
    context.update(content);
    BlobId(truncated(context))
}

/// What stands for the commit: the same for the same files.
fn name(files: &BTreeMap<RepoPath, Arc<Blob>>) -> CommitId {
    let mut context = Context::new(&SHA256);
    for (path, blob) in files {
        context.update(path.as_str().as_bytes());
        context.update(&[0]);
        context.update(&blob.id().0);
    }
    CommitId::from_bytes(truncated(context))
}

fn truncated(context: Context) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&context.finish().as_ref()[..20]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        files: 3,
        file_bytes: 10,
        total_bytes: 100,
    };

    fn settings(directory: &Path) -> Settings {
        Settings {
            roots: vec![Root {
                path: "srv/".into(),
                directory: directory.to_path_buf(),
            }],
            display_uri: "file:/srv".into(),
            deadline: Duration::from_secs(5),
            limits: LIMITS,
        }
    }

    #[test]
    fn files_stand_below_their_root() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("sub")).unwrap();
        fs::write(folder.path().join("sub/a.yml"), "a: 1").unwrap();
        fs::write(folder.path().join("big.txt"), "more than ten bytes").unwrap();
        let mut reader = Reader::default();
        let read = |reader: &mut Reader| reader.read(&settings(folder.path())).unwrap();

        let first = read(&mut reader);
        let paths: Vec<_> = first
            .snapshot
            .files()
            .iter()
            .map(|(path, blob)| (path.as_str(), blob.bytes().is_some()))
            .collect();
        assert_eq!(paths, [("srv/big.txt", false), ("srv/sub/a.yml", true)]);
        assert!(
            first
                .modified
                .of(&RepoPath::parse("srv/sub/a.yml").unwrap())
                > 0
        );
        assert_eq!(
            read(&mut reader).snapshot.version(),
            first.snapshot.version()
        );
        fs::write(folder.path().join("sub/a.yml"), "a: 2").unwrap();
        assert_ne!(
            read(&mut reader).snapshot.version(),
            first.snapshot.version()
        );
    }

    #[test]
    fn a_directory_that_vanishes_is_no_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("mount");
        let mut reader = Reader::default();
        assert!(reader.read(&settings(&place)).is_ok());
        fs::create_dir(&place).unwrap();
        assert!(reader.read(&settings(&place)).is_ok());
        fs::remove_dir(&place).unwrap();
        assert!(matches!(
            reader.read(&settings(&place)),
            Err(LookError::NoRepository(_))
        ));
    }

    #[cfg(unix)]
    #[test]
    fn pipes_are_no_files_and_what_may_not_be_read_is_no_empty_file() {
        use std::os::unix::net::UnixListener;

        let folder = tempfile::tempdir().unwrap();
        // Like a pipe, this is something in the directory that never ends.
        let _socket = UnixListener::bind(folder.path().join("a.yml")).unwrap();
        fs::write(folder.path().join("b.yml"), "b: 1").unwrap();
        let version = Reader::default().read(&settings(folder.path())).unwrap();
        let paths: Vec<_> = version
            .snapshot
            .files()
            .iter()
            .map(|(path, _)| path.as_str())
            .collect();
        assert_eq!(paths, ["srv/b.yml"]);
        assert!(matches!(
            read(folder.path(), LIMITS),
            Err(LookError::Unreadable(_))
        ));
    }

    #[test]
    fn too_many_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c", "d"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let read = Reader::default().read(&settings(folder.path()));
        assert!(matches!(read, Err(LookError::TooLarge(_))));
    }
}
