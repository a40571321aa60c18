use std::{collections::BTreeMap, sync::Arc};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::{Blob, BlobId, RepoPath, Snapshot};
use git2::{ObjectType, Oid, Repository, Tree};

use super::refs::{commit_id, oid};
use crate::look::{Blobs, Limits, LookError, Refs, Target};

/// Folders below folders; Git itself knows no limit.
const MAX_DEPTH: usize = 64;
/// A link may lead to a link, but not in a circle.
const MAX_LINKS: usize = 8;
/// Bytes of what a link leads to; no system knows longer paths.
const MAX_TARGET: usize = 4096;
const LINK_MODE: i32 = 0o120_000;

type Entries = BTreeMap<RepoPath, Arc<Blob>>;

/// Seconds since 1970 of a commit.
pub(super) fn committed(repository: &Repository, commit: CommitId) -> Result<i64, LookError> {
    Ok(repository
        .find_commit(oid(commit))
        .map_err(unreadable)?
        .time()
        .seconds())
}

/// A commit that is named by its id, full or from seven digits on, and can be reached from a branch or tag.
pub(super) fn reachable_commit(
    repository: &Repository,
    refs: &Refs,
    label: &Label,
) -> Option<Target> {
    if !Refs::may_be_commit(label) {
        return None;
    }
    let text = label.as_str().to_ascii_lowercase();
    let commit = repository.find_commit_by_prefix(&text).ok()?.id();
    let mut walk = repository.revwalk().ok()?;
    refs.tips().try_for_each(|tip| walk.push(oid(tip))).ok()?;
    walk.flatten()
        .any(|reached| reached == commit)
        .then(|| Target::Commit(commit_id(commit)))
}

/// All files of a commit.
pub(super) fn snapshot(
    repository: &Repository,
    commit: CommitId,
    limits: Limits,
    blobs: &mut Blobs,
) -> Result<Snapshot, LookError> {
    let tree = repository
        .find_commit(oid(commit))
        .and_then(|commit| commit.tree())
        .map_err(unreadable)?;
    let mut walk = Walk {
        repository,
        limits,
        blobs,
        entries: BTreeMap::new(),
        links: Vec::new(),
        bytes: 0,
    };
    walk.tree(&tree, "", 0)?;
    let Walk {
        mut entries, links, ..
    } = walk;
    follow_links(&mut entries, links, limits)?;
    Ok(Snapshot::new(commit, entries))
}

struct Walk<'a> {
    repository: &'a Repository,
    limits: Limits,
    blobs: &'a mut Blobs,
    entries: Entries,
    links: Vec<(String, String)>,
    bytes: u64,
}

impl Walk<'_> {
    fn tree(&mut self, tree: &Tree<'_>, folder: &str, depth: usize) -> Result<(), LookError> {
        if depth > MAX_DEPTH {
            return Err(LookError::TooLarge(format!(
                "folders are nested deeper than {MAX_DEPTH}: {folder}"
            )));
        }
        for entry in tree {
            // A name that is not UTF-8 cannot be asked for.
            let Ok(name) = entry.name() else { continue };
            let path = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            match entry.kind() {
                Some(ObjectType::Tree) => self.tree(
                    &self.repository.find_tree(entry.id()).map_err(unreadable)?,
                    &path,
                    depth + 1,
                )?,
                Some(ObjectType::Blob) if entry.filemode() == LINK_MODE => {
                    self.link(path, entry.id())?;
                }
                Some(ObjectType::Blob) => self.file(&path, entry.id())?,
                _ => {}
            }
        }
        Ok(())
    }

    fn make_room(&self, taken: usize) -> Result<(), LookError> {
        if taken < self.limits.files {
            return Ok(());
        }
        let limit = self.limits.files;
        Err(LookError::TooLarge(format!(
            "the commit has more than {limit} files"
        )))
    }

    fn link(&mut self, path: String, id: Oid) -> Result<(), LookError> {
        self.make_room(self.links.len())?;
        let (size, _) = self
            .repository
            .odb()
            .and_then(|odb| odb.read_header(id))
            .map_err(unreadable)?;
        if size > MAX_TARGET {
            return Ok(());
        }
        let blob = self.repository.find_blob(id).map_err(unreadable)?;
        if let Ok(target) = str::from_utf8(blob.content()) {
            self.links.push((path, target.to_owned()));
        }
        Ok(())
    }

    fn file(&mut self, path: &str, id: Oid) -> Result<(), LookError> {
        let Some(path) = RepoPath::parse(path) else {
            return Ok(());
        };
        self.make_room(self.entries.len())?;
        let (repository, limits) = (self.repository, self.limits);
        let blob = self
            .blobs
            .try_get(blob_id(id), || read(repository, id, limits))?;
        self.bytes += blob.bytes().map_or(0, |bytes| bytes.len() as u64);
        if self.bytes > limits.total_bytes {
            return Err(LookError::TooLarge(format!(
                "the files of the commit have more than {} bytes",
                limits.total_bytes
            )));
        }
        self.entries.insert(path, blob);
        Ok(())
    }
}

fn read(repository: &Repository, id: Oid, limits: Limits) -> Result<Blob, LookError> {
    let (size, _) = repository
        .odb()
        .and_then(|odb| odb.read_header(id))
        .map_err(unreadable)?;
    let size = size as u64;
    if size > limits.file_bytes {
        return Ok(Blob::too_large(blob_id(id), size));
    }
    let blob = repository.find_blob(id).map_err(unreadable)?;
    Ok(Blob::new(blob_id(id), blob.content().to_vec()))
}

/// The content address as the pure core names it.
pub(super) fn blob_id(id: Oid) -> BlobId {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&id.as_bytes()[..20]);
    BlobId(bytes)
}

/// Puts the target of a symbolic link in its place; a target outside the repository is nothing.
fn follow_links(
    entries: &mut Entries,
    mut links: Vec<(String, String)>,
    limits: Limits,
) -> Result<(), LookError> {
    for _ in 0..MAX_LINKS {
        let before = links.len();
        let mut left = Vec::new();
        for (link, target) in links {
            if !follow(entries, &link, &target) {
                left.push((link, target));
            }
            // A few links to folders of links are as many files as there are atoms.
            if entries.len() > limits.files {
                return Err(LookError::TooLarge(format!(
                    "with its links the commit has more than {} files",
                    limits.files
                )));
            }
        }
        links = left;
        if links.is_empty() || links.len() == before {
            break;
        }
    }
    Ok(())
}

fn follow(entries: &mut Entries, link: &str, target: &str) -> bool {
    let Some(target) = within(link, target) else {
        return false;
    };
    let folder = format!("{target}/");
    let found: Vec<_> = entries
        .iter()
        .filter_map(|(path, blob)| {
            let rest = if path.as_str() == target {
                ""
            } else {
                path.as_str().strip_prefix(&folder)?
            };
            let place = if rest.is_empty() {
                link.to_owned()
            } else {
                format!("{link}/{rest}")
            };
            Some((RepoPath::parse(&place)?, Arc::clone(blob)))
        })
        .collect();
    let followed = !found.is_empty();
    entries.extend(found);
    followed
}

/// The path inside the repository that a link leads to.
fn within(link: &str, target: &str) -> Option<String> {
    if target.starts_with('/') {
        return None;
    }
    let mut parts: Vec<&str> = link.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

pub(super) fn unreadable(error: git2::Error) -> LookError {
    LookError::Unreadable(error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_within_the_repository() {
        assert_eq!(within("a/link", "../b/file").as_deref(), Some("b/file"));
        assert_eq!(within("link", "./file").as_deref(), Some("file"));
        assert_eq!(within("a/link", "../../etc/passwd"), None);
        assert_eq!(within("link", "/etc/passwd"), None);
        assert_eq!(within("a/link", ".."), None);
    }
}
