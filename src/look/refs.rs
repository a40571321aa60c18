use std::collections::{BTreeMap, HashSet};

use confbus_protocol::{CommitId, Label};

/// All branches and tags at one moment, and what they name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refs {
    pub(crate) branches: BTreeMap<String, CommitId>,
    pub(crate) tags: BTreeMap<String, CommitId>,
    /// The branch that is checked out.
    pub(crate) head: Option<String>,
}

/// What a label names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The branch that is checked out in a work tree.
    CheckedOut(CommitId),
    /// Any other commit.
    Commit(CommitId),
}

/// Before the name of a branch, as Git itself allows it.
const BRANCH_PREFIXES: [&str; 5] = [
    "refs/heads/",
    "heads/",
    "refs/remotes/origin/",
    "remotes/origin/",
    "origin/",
];
const TAG_PREFIXES: [&str; 2] = ["refs/tags/", "tags/"];

const FULL_PREFIXES: [&str; 2] = ["refs/heads/", "refs/tags/"];

impl Refs {
    /// What the label names: exact names only, a branch before a tag of the same name. Never an expression.
    pub(crate) fn resolve(&self, label: &Label) -> Option<Target> {
        let text = label.as_str();
        if text == "HEAD" {
            return self.branch(self.head.as_deref()?);
        }
        let names = Self::names(text);
        names.iter().find_map(|name| self.full(name))
    }

    /// What a remote has to be asked for to tell what a label names: a text that stands for refs.
    pub(crate) fn behind(&self, label: &Label) -> Option<String> {
        if label.as_str() == "HEAD" {
            return self.head.as_ref().map(|head| format!("refs/heads/{head}"));
        }
        Some(label.as_str().to_owned())
    }

    /// Whether one of these refs, by their plain names, may decide what a label names.
    pub(crate) fn decide(&self, names: &HashSet<&str>, label: &Label) -> bool {
        let text = label.as_str();
        if text == "HEAD" {
            return self
                .head
                .as_deref()
                .is_some_and(|head| names.contains(head));
        }
        let branch = without(text, &BRANCH_PREFIXES);
        let plain = [Some(text), branch, without(text, &TAG_PREFIXES)];
        plain.into_iter().flatten().any(|name| names.contains(name))
    }

    /// What a branch or tag is called, without what stands before it.
    pub(crate) fn plain(reference: &str) -> &str {
        without(reference, &FULL_PREFIXES).unwrap_or(reference)
    }

    /// The full names of refs that a text may stand for, whether such refs are there or not, most likely first.
    pub(crate) fn names(text: &str) -> Vec<String> {
        let branch = |name: &str| format!("refs/heads/{name}");
        let tag = |name: &str| format!("refs/tags/{name}");
        let shorter = [
            without(text, &BRANCH_PREFIXES).map(branch),
            without(text, &TAG_PREFIXES).map(tag),
        ];
        let full = text.starts_with("refs/heads/") || text.starts_with("refs/tags/");
        let exact = (!full).then(|| [branch(text), tag(text)]);
        exact
            .into_iter()
            .flatten()
            .chain(shorter.into_iter().flatten())
            .collect()
    }

    /// Whether the text might be a commit id, which only the object database can tell.
    pub(crate) fn may_be_commit(label: &Label) -> bool {
        let text = label.as_str();
        (7..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// Whether the text is a full commit id, whether anybody has it or not.
    pub(crate) fn is_full_commit(label: &Label) -> bool {
        CommitId::parse(label.as_str()).is_some()
    }

    /// Whether the label names a branch or tag.
    pub(crate) fn knows(&self, label: &Label) -> bool {
        self.resolve(label).is_some()
    }

    /// What branches and tags are called, in short.
    pub(crate) fn plain_names(&self) -> impl Iterator<Item = &str> {
        self.branches
            .keys()
            .chain(self.tags.keys())
            .map(String::as_str)
    }

    /// Every commit that a branch or tag names.
    pub(crate) fn tips(&self) -> impl Iterator<Item = CommitId> {
        self.branches.values().chain(self.tags.values()).copied()
    }

    fn full(&self, name: &str) -> Option<Target> {
        match name.strip_prefix("refs/heads/") {
            Some(name) => self.branch(name),
            None => self.tag(name.strip_prefix("refs/tags/")?),
        }
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

fn without<'t>(text: &'t str, prefixes: &[&str]) -> Option<&'t str> {
    prefixes.iter().find_map(|prefix| text.strip_prefix(prefix))
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
            (
                "refs(_)remotes(_)origin(_)feature(_)x",
                Target::Commit(id(2)),
            ),
            ("refs(_)tags(_)both", Target::Commit(id(5))),
            ("tags(_)both", Target::Commit(id(5))),
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
    fn a_full_name_is_no_shorter_name_of_something_else() {
        let mut refs = refs();
        for name in ["refs/heads/main", "refs/tags/v1", "refs/heads/gone"] {
            refs.branches.insert(name.to_owned(), id(9));
        }
        for (label, target) in [
            ("refs(_)heads(_)main", Some(Target::CheckedOut(id(1)))),
            ("refs(_)tags(_)v1", Some(Target::Commit(id(4)))),
            ("refs(_)heads(_)gone", None),
            (
                "refs(_)heads(_)refs(_)heads(_)main",
                Some(Target::Commit(id(9))),
            ),
        ] {
            let label = Label::parse(label).unwrap();
            assert_eq!(refs.resolve(&label), target, "{label}");
        }
    }

    #[test]
    fn a_remote_is_asked_for_what_decides_a_label() {
        for label in [
            "main",
            "HEAD",
            "origin(_)both",
            "refs(_)heads(_)main",
            "refs(_)tags(_)v1",
            "tags(_)v1",
        ] {
            let label = Label::parse(label).unwrap();
            for reference in Refs::names(&refs().behind(&label).unwrap()) {
                let name = HashSet::from([Refs::plain(&reference)]);
                assert!(refs().decide(&name, &label), "{reference} {label}");
            }
            assert!(!refs().decide(&HashSet::from(["other"]), &label), "{label}");
        }
    }

    #[test]
    fn texts_stand_for_full_names() {
        let cases: [(&str, &[&str]); 4] = [
            ("refs/heads/main", &["refs/heads/main"]),
            ("refs/tags/v1", &["refs/tags/v1"]),
            ("main", &["refs/heads/main", "refs/tags/main"]),
            (
                "origin/x",
                &["refs/heads/origin/x", "refs/tags/origin/x", "refs/heads/x"],
            ),
        ];
        for (text, names) in cases {
            assert_eq!(Refs::names(text), names, "{text}");
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
