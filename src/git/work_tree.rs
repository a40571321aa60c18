use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use confbus_protocol::CommitId;
use confbus_resolution::{Blob, RepoPath, Snapshot};
use git2::{ObjectType, Oid, Repository};

use super::{
    Limits, LookError,
    objects::{Blobs, blob_id, unreadable},
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
    for (path, file) in files(root, limits)? {
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
        let Ok(content) = fs::read(&file) else {
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
        entries.insert(path, blobs.get(id, || Ok(Blob::new(id, content)))?);
    }
    Ok(Snapshot::new(commit, entries))
}

/// Every file below `root` with its path there; links that lead outside are left out, and so is `.git`.
fn files(root: &Path, limits: Limits) -> Result<Vec<(String, PathBuf)>, LookError> {
    let inside = root
        .canonicalize()
        .map_err(|_| LookError::NoRepository("the work tree is gone".into()))?;
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), root.to_path_buf(), 0)];
    while let Some((prefix, folder, depth)) = folders.pop() {
        let Ok(listing) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in listing.flatten() {
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let place = entry.path();
            if name == ".git"
                || !place
                    .canonicalize()
                    .is_ok_and(|real| real.starts_with(&inside))
            {
                continue;
            }
            let path = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}/{name}")
            };
            if place.is_dir() {
                if depth < 64 {
                    folders.push((path, place, depth + 1));
                }
            } else {
                found.push((path, place));
            }
            if found.len() + folders.len() > limits.files {
                return Err(LookError::TooLarge(format!(
                    "the work tree has more than {} files",
                    limits.files
                )));
            }
        }
    }
    Ok(found)
}
