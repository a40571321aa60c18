use std::{collections::BTreeMap, fs, sync::Arc};

use confbus_protocol::CommitId;
use confbus_resolution::{Blob, RepoPath, Snapshot};
use git2::{ObjectType, Oid, Repository};

use super::objects::{blob_id, unreadable};
use crate::{
    files::{read, walk},
    look::{Blobs, Limits, LookError},
};

/// The files of a work tree as they are now, edits and untracked files included, under the commit that is checked out.
pub(super) fn snapshot(
    repository: &Repository,
    commit: CommitId,
    limits: Limits,
    blobs: &mut Blobs,
) -> Result<Snapshot, LookError> {
    let root = repository
        .workdir()
        .ok_or_else(|| LookError::NoRepository("it has no work tree".into()))?;
    let mut entries = BTreeMap::new();
    let mut bytes = 0;
    for (path, file) in walk(root, limits)? {
        let Some(path) = RepoPath::parse(&path) else {
            continue;
        };
        // A file may vanish between listing and reading; then it is simply not there.
        let Ok(metadata) = fs::metadata(&file) else {
            continue;
        };
        if metadata.len() > limits.file_bytes {
            let id =
                Oid::hash_object(ObjectType::Blob, path.as_str().as_bytes()).map_err(unreadable)?;
            entries.insert(path, Arc::new(Blob::too_large(blob_id(id), metadata.len())));
            continue;
        }
        let Some(content) = read(&file, limits)? else {
            continue;
        };
        bytes += content.len() as u64;
        if bytes > limits.total_bytes {
            return Err(LookError::TooLarge(format!(
                "the files of the work tree have more than {} bytes",
                limits.total_bytes
            )));
        }
        let id = blob_id(Oid::hash_object(ObjectType::Blob, &content).map_err(unreadable)?);
        entries.insert(path, blobs.get(id, || Blob::new(id, content)));
    }
    Ok(Snapshot::new(commit, entries))
}
