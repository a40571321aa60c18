use confbus_protocol::CommitId;
use git2::{Oid, Repository};

use super::objects::unreadable;
use crate::look::{LookError, Refs};

/// Reads all branches and tags; one that does not lead to a commit is left out.
pub(super) fn read(repository: &Repository) -> Result<Refs, LookError> {
    let mut refs = Refs {
        head: checked_out(repository),
        ..Refs::default()
    };
    for reference in repository.references().map_err(unreadable)? {
        let reference = reference.map_err(unreadable)?;
        let (Ok(name), Ok(commit)) = (reference.name(), reference.peel_to_commit()) else {
            continue;
        };
        let commit = commit_id(commit.id());
        if let Some(branch) = name.strip_prefix("refs/heads/") {
            refs.branches.insert(branch.to_owned(), commit);
        } else if let Some(tag) = name.strip_prefix("refs/tags/") {
            refs.tags.insert(tag.to_owned(), commit);
        }
    }
    Ok(refs)
}

/// An object id as the wire contract names it.
pub(super) fn commit_id(id: Oid) -> CommitId {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&id.as_bytes()[..20]);
    CommitId::from_bytes(bytes)
}

/// The way back.
pub(super) fn oid(commit: CommitId) -> Oid {
    Oid::from_bytes(commit.as_bytes()).expect("an object id has twenty bytes")
}

fn checked_out(repository: &Repository) -> Option<String> {
    let head = repository.find_reference("HEAD").ok()?;
    let target = head.symbolic_target().ok()??;
    target.strip_prefix("refs/heads/").map(str::to_owned)
}
