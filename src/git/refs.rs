use std::collections::BTreeMap;

use confbus_protocol::{CommitId, Label};
use git2::{Oid, Repository};

use super::LookError;

/// All branches and tags at one moment, and what they name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refs {
    branches: BTreeMap<String, CommitId>,
    tags: BTreeMap<String, CommitId>,
    /// The branch that is checked out.
    head: Option<String>,
}

/// What a label names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// The branch that is checked out in a work tree.
    CheckedOut(CommitId),
    /// Any other commit.
    Commit(CommitId),
}

impl Refs {
    /// Reads all branches and tags; one that does not lead to a commit is left out.
    pub(super) fn read(repository: &Repository) -> Result<Self, LookError> {
        let unreadable = |error: git2::Error| LookError::Unreadable(error.message().to_owned());
        let mut refs = Self {
            head: checked_out(repository),
            ..Self::default()
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

    /// What the label names: exact names only, a branch before a tag of the same name. Never an expression.
    pub(super) fn resolve(&self, label: &Label) -> Option<Target> {
        let text = label.as_str();
        if text == "HEAD" {
            return self.branch(self.head.as_deref()?);
        }
        self.branch(text)
            .or_else(|| self.tag(text))
            .or_else(|| {
                self.branch(
                    text.strip_prefix("refs/heads/")
                        .or_else(|| text.strip_prefix("origin/"))?,
                )
            })
            .or_else(|| self.tag(text.strip_prefix("refs/tags/")?))
    }

    /// Whether the text might be a commit id, which only the object database can tell.
    pub(crate) fn may_be_commit(label: &Label) -> bool {
        let text = label.as_str();
        (7..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// Whether the label names a branch or tag.
    pub(crate) fn knows(&self, label: &Label) -> bool {
        self.resolve(label).is_some()
    }

    /// Every commit that a branch or tag names.
    pub(super) fn tips(&self) -> impl Iterator<Item = CommitId> {
        self.branches.values().chain(self.tags.values()).copied()
    }

    fn branch(&self, name: &str) -> Option<Target> {
        let commit = *self.branches.get(name)?;
        Some(if self.head.as_deref() == Some(name) {
            Target::CheckedOut(commit)
        } else {
            Target::Commit(commit)
        })
    }

    fn tag(&self, name: &str) -> Option<Target> {
        self.tags.get(name).copied().map(Target::Commit)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn id(byte: u8) -> CommitId {
        CommitId::from_bytes([byte; 20])
    }

    fn refs() -> Refs {
        Refs {
            branches: [("main", 1), ("feature/x", 2), ("both", 3)]
                .map(|(name, byte)| (name.to_owned(), id(byte)))
                .into(),
            tags: [("v1", 4), ("both", 5)]
                .map(|(name, byte)| (name.to_owned(), id(byte)))
                .into(),
            head: Some("main".into()),
        }
    }

    #[test]
    fn exact_names_are_found() {
        let cases = [
            ("main", Target::CheckedOut(id(1))),
            ("HEAD", Target::CheckedOut(id(1))),
            ("feature(_)x", Target::Commit(id(2))),
            ("origin(_)both", Target::Commit(id(3))),
            ("both", Target::Commit(id(3))),
            ("refs(_)tags(_)both", Target::Commit(id(5))),
            ("v1", Target::Commit(id(4))),
        ];
        for (label, target) in cases {
            assert_eq!(
                refs().resolve(&Label::parse(label).unwrap()),
                Some(target),
                "{label}"
            );
        }
    }

    #[test]
    fn expressions_are_not() {
        for label in [
            "main~1",
            "main^",
            "@{0}",
            "main@{yesterday}",
            ":(_)fix",
            "v1^{commit}",
            "",
            "refs(_)heads",
        ] {
            assert_eq!(
                refs().resolve(&Label::parse(label).unwrap()),
                None,
                "{label}"
            );
        }
    }
}
