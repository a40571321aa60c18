use std::{collections::HashMap, fs, path::Path};

use confbus_resolution::{Blob, BlobId, RepoPath};
use git2::{ObjectType, Oid};

use super::objects::{blob_id, unreadable};
use crate::{
    files::{read, walk},
    look::{Limits, LookError, Pieces},
};

type Ids = HashMap<RepoPath, BlobId>;

/// Sends the files of a work tree as they are now, edits and untracked files included, as far as they differ from those
/// before, and gives the ids of all.
pub(super) fn send(
    root: &Path,
    limits: Limits,
    before: &Ids,
    pieces: &mut Pieces<'_>,
) -> Result<Ids, LookError> {
    let (mut ids, mut bytes) = (HashMap::new(), 0);
    for (path, file) in walk(root, limits)? {
        let Some(path) = RepoPath::parse(&path) else {
            continue;
        };
        // A file may vanish between listing and reading; then it is simply not there.
        let Ok(metadata) = fs::metadata(&file) else {
            continue;
        };
        let blob = if metadata.len() > limits.file_bytes {
            Blob::too_large(id(path.as_str().as_bytes())?, metadata.len())
        } else {
            let Some(content) = read(&file, limits)? else {
                continue;
            };
            Blob::new(id(&content)?, content)
        };
        bytes += blob.bytes().map_or(0, |bytes| bytes.len() as u64);
        if bytes > limits.total_bytes {
            return Err(LookError::TooLarge(format!(
                "the files of the work tree have more than {} bytes",
                limits.total_bytes
            )));
        }
        if before.get(&path) != Some(&blob.id()) {
            pieces.file(&path, &blob);
        }
        ids.insert(path, blob.id());
    }
    let gone = before.keys().filter(|path| !ids.contains_key(*path));
    gone.for_each(|path| pieces.without(path));
    Ok(ids)
}

fn id(content: &[u8]) -> Result<BlobId, LookError> {
    let id = Oid::hash_object(ObjectType::Blob, content).map_err(unreadable)?;
    Ok(blob_id(id))
}
