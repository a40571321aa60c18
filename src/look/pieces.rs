//! Files on their way to a disk or another process, a few at a time, so that nobody has all of them in memory twice.

use std::{
    collections::{HashMap, HashSet},
    io,
    sync::Arc,
};

use confbus_resolution::{Blob, BlobId, Files, RepoPath, Snapshot};
use serde::{Deserialize, Serialize};

use super::{Blobs, Limits, LookError};

/// Bytes of files in one piece, and a file that may be larger.
const PIECE: usize = 128 * 1024;

/// A blob by its id.
type Id = [u8; 20];

/// A file and what stands in it; `None` for one that is gone.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct File {
    path: String,
    content: Option<Content>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Content {
    Bytes(Id, #[serde(with = "serde_bytes")] Vec<u8>),
    /// What a file before had, of the same files.
    Again(Id),
    /// It has too many bytes to be read, this many.
    TooLarge(Id, u64),
}

/// Where pieces go.
pub(crate) type Sink<'s> = &'s mut dyn FnMut(Vec<File>) -> io::Result<()>;

/// Takes files apart.
pub(crate) struct Pieces<'s> {
    sink: Sink<'s>,
    files: Vec<File>,
    bytes: usize,
    sent: HashSet<Id>,
    /// The sink is broken; what follows is for nobody.
    failed: Option<io::Error>,
}

impl<'s> Pieces<'s> {
    pub(crate) fn new(sink: Sink<'s>) -> Self {
        Self {
            sink,
            files: Vec::new(),
            bytes: 0,
            sent: HashSet::new(),
            failed: None,
        }
    }

    /// A file that is gone.
    pub(crate) fn without(&mut self, path: &RepoPath) {
        self.push(path, None);
    }

    /// A file.
    pub(crate) fn file(&mut self, path: &RepoPath, blob: &Blob) {
        let id = blob.id().0;
        let content = match blob.bytes() {
            Some(_) if !self.sent.insert(id) => Content::Again(id),
            Some(bytes) => {
                self.bytes += bytes.len();
                Content::Bytes(id, bytes.to_vec())
            }
            None => Content::TooLarge(id, blob.size()),
        };
        self.push(path, Some(content));
    }

    fn push(&mut self, path: &RepoPath, content: Option<Content>) {
        let path = path.as_str().to_owned();
        self.bytes += path.len();
        self.files.push(File { path, content });
        if self.bytes > PIECE {
            self.send();
        }
    }

    fn send(&mut self) {
        self.bytes = 0;
        let files = std::mem::take(&mut self.files);
        if !files.is_empty() && self.failed.is_none() {
            self.failed = (self.sink)(files).err();
        }
    }

    /// Sends what is left.
    ///
    /// # Errors
    /// When the sink did not take all.
    pub(crate) fn end(mut self) -> io::Result<()> {
        self.send();
        self.failed.map_or(Ok(()), Err)
    }
}

/// Puts files together again.
#[derive(Debug)]
pub(crate) struct Assembly {
    base: Option<Arc<Snapshot>>,
    changes: Vec<(RepoPath, Option<Arc<Blob>>)>,
    /// Contents that came already.
    again: HashMap<Id, Arc<Blob>>,
    limits: Limits,
}

impl Assembly {
    /// What comes is the difference to the base, or everything.
    pub(crate) fn new(base: Option<Arc<Snapshot>>, limits: Limits) -> Self {
        Self {
            base,
            changes: Vec::new(),
            again: HashMap::new(),
            limits,
        }
    }

    /// Takes the next piece.
    ///
    /// # Errors
    /// When there are too many files, or it makes no sense.
    pub(crate) fn take(&mut self, files: Vec<File>, blobs: &mut Blobs) -> Result<(), LookError> {
        for File { path, content } in files {
            let path = RepoPath::parse(&path).ok_or_else(nonsense)?;
            let blob = content
                .map(|content| self.blob(content, blobs))
                .transpose()?;
            self.changes.push((path, blob));
        }
        // Twice as many may differ as there may be.
        self.limits.check_files(self.changes.len() / 2)
    }

    fn blob(&mut self, content: Content, blobs: &mut Blobs) -> Result<Arc<Blob>, LookError> {
        let (id, blob) = match content {
            Content::Again(id) => return self.again.get(&id).cloned().ok_or_else(nonsense),
            Content::Bytes(id, bytes) => {
                let make = || Blob::new(BlobId(id), bytes);
                (id, blobs.get(BlobId(id), make))
            }
            Content::TooLarge(id, size) => {
                let make = || Blob::too_large(BlobId(id), size);
                (id, blobs.get(BlobId(id), make))
            }
        };
        self.again.insert(id, Arc::clone(&blob));
        Ok(blob)
    }

    /// All files.
    ///
    /// # Errors
    /// When they are more than allowed.
    pub(crate) fn files(self, has_links: bool) -> Result<Files, LookError> {
        let files: Files = match &self.base {
            Some(base) => base.files().with(self.changes),
            None => {
                let files = self.changes.into_iter();
                files
                    .filter_map(|(path, blob)| Some((path, blob?)))
                    .collect()
            }
        };
        self.limits.check_files(files.len())?;
        // What stands where links lead is in memory once.
        if !has_links {
            let lengths = files.iter().filter_map(|(_, blob)| blob.bytes());
            self.limits
                .check_bytes(lengths.map(|bytes| bytes.len() as u64).sum())?;
        }
        Ok(files)
    }
}

fn nonsense() -> LookError {
    LookError::Unreadable("what was put down about files makes no sense".into())
}
