use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::{Blob, BlobId};
use git2::{Odb, Oid, Repository};

use super::{
    links,
    mirror::folders_of_packs,
    refs::{commit_id, oid},
    sizes::Sizes,
    trees::{Differences, compare},
};
use crate::{
    git::wire::{End, Id},
    look::{Authorship, Limits, LookError, Pieces, Refs, Target},
};

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
    if refs.tips().any(|tip| oid(tip) == commit) {
        return Some(Target::Commit(commit_id(commit)));
    }
    let mut walk = repository.revwalk().ok()?;
    refs.tips().try_for_each(|tip| walk.push(oid(tip))).ok()?;
    // What cannot be read ends the walk: it would be met again without end.
    walk.map_while(Result::ok)
        .any(|reached| reached == commit)
        .then(|| Target::Commit(commit_id(commit)))
}

/// A commit as it is read.
#[derive(Debug, Clone)]
pub(super) struct Commit {
    /// Seconds since 1970.
    pub(super) time: i64,
    pub(super) authorship: Authorship,
    pub(super) tree: Oid,
    pub(super) parent: Option<CommitId>,
}

impl Commit {
    pub(super) fn read(repository: &Repository, commit: CommitId) -> Result<Self, LookError> {
        let commit = repository.find_commit(oid(commit)).map_err(unreadable)?;
        Ok(Self {
            time: commit.time().seconds(),
            authorship: authorship(&commit),
            tree: commit.tree_id(),
            parent: commit.parent_ids().next().map(commit_id),
        })
    }

    /// The base that likely differs least, and its tree: the parent, else the first one that is here.
    pub(super) fn base(&self, repository: &Repository, bases: &[Id]) -> Option<(Id, Oid)> {
        let parent = self.parent.map(|parent| *parent.as_bytes());
        let parent = parent.filter(|parent| bases.contains(parent));
        let mut bases = parent.into_iter().chain(bases.iter().copied());
        bases.find_map(|base| {
            let commit = repository.find_commit(Oid::from_bytes(&base).ok()?);
            Some((base, commit.ok()?.tree_id()))
        })
    }
}

/// Git asks for no encoding of what people write.
fn authorship(commit: &git2::Commit<'_>) -> Authorship {
    let author = commit.author();
    let name = String::from_utf8_lossy(author.name_bytes());
    let subject = commit.summary_bytes().unwrap_or_default();
    let subject = String::from_utf8_lossy(subject);
    Authorship::new(&name, author.when().seconds(), &subject)
}

/// What is to be sent of a tree.
#[derive(Debug)]
pub(super) struct Plan {
    differences: Differences,
    /// What differs from a base, and not all there is.
    pub(super) is_difference: bool,
}

/// Reads trees and blobs of one repository.
pub(super) struct Reader<'r> {
    odb: Odb<'r>,
    /// Folders.
    packs: [PathBuf; 2],
    limits: Limits,
}

impl<'r> Reader<'r> {
    pub(super) fn new(repository: &'r Repository, limits: Limits) -> Result<Self, LookError> {
        Ok(Self {
            odb: repository.odb().map_err(unreadable)?,
            packs: folders_of_packs(repository),
            limits,
        })
    }

    /// What differs from a base that has no links, or everything.
    pub(super) fn plan(&self, tree: Oid, base: Option<Oid>) -> Result<Plan, LookError> {
        let most = self.limits.files;
        if base.is_some() {
            match compare(&self.odb, base, tree, most.saturating_mul(2)) {
                // What a link leads to may have changed without it.
                Ok(differences) if !differences.touches_links => {
                    return Ok(Plan {
                        differences,
                        is_difference: true,
                    });
                }
                // The base may have been lost, and this one be whole.
                Ok(_) | Err(LookError::Unreadable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Plan {
            differences: compare(&self.odb, None, tree, most)?,
            is_difference: false,
        })
    }

    /// Sends what was planned.
    pub(super) fn send(&self, plan: Plan, pieces: &mut Pieces<'_>) -> Result<End, LookError> {
        if plan.differences.touches_links {
            return self.send_with_links(plan.differences, pieces);
        }
        let (mut bytes, mut sizes) = (0, self.sizes(&plan));
        for (path, id) in plan.differences.files {
            let Some(id) = id else {
                pieces.without(&path);
                continue;
            };
            let blob = self.read(id, &mut sizes)?;
            bytes += length(&blob);
            self.limits.check_bytes(bytes)?;
            pieces.file(&path, &blob);
        }
        Ok(End { has_links: false })
    }

    fn send_with_links(
        &self,
        differences: Differences,
        pieces: &mut Pieces<'_>,
    ) -> Result<End, LookError> {
        let (mut entries, mut bytes) = (BTreeMap::new(), 0);
        let mut sizes = Some(Sizes::of(&self.packs));
        for (path, id) in differences.files {
            let Some(id) = id else { continue };
            let blob = Arc::new(self.read(id, &mut sizes)?);
            bytes += length(&blob);
            self.limits.check_bytes(bytes)?;
            entries.insert(path, blob);
        }
        let targets = links::targets(&self.odb, differences.links)?;
        links::follow_all(&mut entries, targets, self.limits)?;
        for (path, blob) in &entries {
            pieces.file(path, blob);
        }
        Ok(End { has_links: true })
    }

    /// Worth it for many files only.
    fn sizes(&self, plan: &Plan) -> Option<Sizes> {
        (!plan.is_difference).then(|| Sizes::of(&self.packs))
    }

    /// A file's content, if it is not too large.
    fn read(&self, id: Oid, sizes: &mut Option<Sizes>) -> Result<Blob, LookError> {
        let told = sizes.as_mut().and_then(|sizes| sizes.size(id));
        let size = match told {
            Some(size) => size,
            None => self.odb.read_header(id).map_err(unreadable)?.0 as u64,
        };
        if size > self.limits.file_bytes {
            return Ok(Blob::too_large(blob_id(id), size));
        }
        let blob = self.odb.read(id).map_err(unreadable)?;
        Ok(Blob::new(blob_id(id), blob.data()))
    }
}

fn length(blob: &Blob) -> u64 {
    blob.bytes().map_or(0, |bytes| bytes.len() as u64)
}

/// The content address as the pure core names it.
pub(super) fn blob_id(id: Oid) -> BlobId {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&id.as_bytes()[..20]);
    BlobId(bytes)
}

pub(super) fn unreadable(error: git2::Error) -> LookError {
    LookError::Unreadable(error.message().to_owned())
}
