//! The contents of many files at once, as when a server starts.
//!
//! libgit2 keeps what other objects build on as long as its database is open. Were files kept in between, the memory that
//! it gives back would be of no use to anybody; so files are read into one piece, and kept once the database is closed.

use std::{ops::Range, path::PathBuf, sync::Arc, thread};

use confbus_resolution::{Blob, RepoPath};
use git2::{Odb, Oid};

use super::{
    objects::{blob_id, unreadable},
    sizes::Packs,
};
use crate::look::{Blobs, Limits, LookError};

/// Files of which it is worth it that another thread reads half.
const MANY: usize = 256;

/// A file that nobody holds in memory.
type Missing = (RepoPath, Oid);

/// Files as they were read.
struct Read {
    files: Vec<(RepoPath, Oid, Content)>,
    bytes: Vec<u8>,
}

enum Content {
    At(Range<usize>),
    TooLarge(u64),
    /// It is in none of the packs on disk.
    Elsewhere,
}

/// The files of these ids; those that no pack in `packs` has are read from `odb`.
pub(super) fn read_all(
    files: impl Iterator<Item = Missing>,
    odb: &Odb<'_>,
    packs: &[PathBuf],
    limits: Limits,
    blobs: &mut Blobs,
) -> Result<Vec<(RepoPath, Arc<Blob>)>, LookError> {
    let (mut all, mut missing) = (Vec::new(), Vec::new());
    for (path, id) in files {
        match blobs.known(blob_id(id)) {
            Some(blob) => all.push((path, blob)),
            None => missing.push((path, id)),
        }
    }
    for read in read_missing(missing, packs, limits)? {
        for (path, id, content) in read.files {
            let blob = blobs.try_get(blob_id(id), || match content {
                Content::At(range) => Ok(Blob::new(blob_id(id), &read.bytes[range])),
                Content::TooLarge(size) => Ok(Blob::too_large(blob_id(id), size)),
                Content::Elsewhere => super::objects::read(odb, id, limits),
            });
            all.push((path, blob?));
        }
    }
    Ok(all)
}

/// Reads files from packs, on two threads if there are many.
fn read_missing(
    mut missing: Vec<Missing>,
    folders: &[PathBuf],
    limits: Limits,
) -> Result<Vec<Read>, LookError> {
    let packs = Packs::of(folders);
    let read = |missing| Read::of(missing, &packs, folders, limits);
    if missing.len() < MANY {
        return Ok(vec![read(missing)?]);
    }
    let rest = missing.split_off(missing.len() / 2);
    thread::scope(|scope| {
        let rest = scope.spawn(|| read(rest));
        let read = read(missing)?;
        let rest = rest.join().map_err(|_| {
            LookError::Unreadable("reading was given up, which is a bug".to_owned())
        })??;
        Ok(vec![read, rest])
    })
}

impl Read {
    fn of(
        missing: Vec<Missing>,
        packs: &Packs,
        folders: &[PathBuf],
        limits: Limits,
    ) -> Result<Self, LookError> {
        let odb = Odb::new().map_err(unreadable)?;
        // Objects stand beside the folder of their packs.
        let objects = folders.iter().filter_map(|packs| packs.parent()?.to_str());
        for objects in objects {
            odb.add_disk_alternate(objects).map_err(unreadable)?;
        }
        let mut sizes = packs.sizes();
        let mut read = Self {
            files: Vec::with_capacity(missing.len()),
            bytes: Vec::new(),
        };
        for (path, id) in missing {
            let content = match sizes.size(id) {
                Some(size) if size > limits.file_bytes => Content::TooLarge(size),
                Some(_) => match odb.read(id) {
                    Ok(object) => read.content(object.data(), limits)?,
                    Err(_) => Content::Elsewhere,
                },
                None => Content::Elsewhere,
            };
            read.files.push((path, id, content));
        }
        Ok(read)
    }

    fn content(&mut self, content: &[u8], limits: Limits) -> Result<Content, LookError> {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(content);
        super::objects::check_bytes(self.bytes.len() as u64, limits)?;
        Ok(Content::At(begin..self.bytes.len()))
    }
}
