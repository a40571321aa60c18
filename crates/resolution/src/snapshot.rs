use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use confbus_protocol::CommitId;

use crate::{Blob, Files, Layout, Problem, RepoPath, Searched, documents::Syntax};

/// All files of one commit; never changes.
#[derive(Debug)]
pub struct Snapshot {
    version: CommitId,
    files: Files,
    directories: OnceLock<Vec<String>>,
}

impl Snapshot {
    /// The files of a commit; a symbolic link inside the tree stands under its own path with what it leads to.
    #[must_use]
    pub fn new(version: CommitId, files: impl Into<Files>) -> Self {
        Self {
            version,
            files: files.into(),
            directories: OnceLock::new(),
        }
    }

    /// The commit.
    #[must_use]
    pub fn version(&self) -> CommitId {
        self.version
    }

    /// The file at a path.
    #[must_use]
    pub fn file(&self, path: &RepoPath) -> Option<&Arc<Blob>> {
        self.find(path.as_str()).map(|(_, blob)| blob)
    }

    /// All files.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// What is wrong with the configuration files in the search locations, whoever may ask for them.
    ///
    /// Placeholders in search paths count as `*`.
    #[must_use]
    pub fn problems(&self, layout: &Layout) -> Vec<Problem> {
        let searched = Searched::by_anyone(layout);
        self.files
            .iter()
            .filter(|(path, _)| searched.holds(path))
            .flat_map(|(path, blob)| problems(path, blob))
            .collect()
    }

    /// The file at a path that may not be one of a file, or not be a path at all.
    pub(crate) fn find(&self, path: &str) -> Option<(&RepoPath, &Arc<Blob>)> {
        self.files.get(path)
    }

    /// All directories with a file somewhere below them, sorted.
    pub(crate) fn directories(&self) -> &[String] {
        self.directories.get_or_init(|| {
            let parents = self.files.iter().flat_map(|(path, _)| {
                let path = path.as_str();
                path.match_indices('/')
                    .map(|(slash, _)| path[..slash].to_owned())
            });
            parents.collect::<BTreeSet<_>>().into_iter().collect()
        })
    }
}

/// What stands before the name of a file: empty, or with a final `/`.
pub(crate) fn directory(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..=slash])
}

fn problems(path: &RepoPath, blob: &Blob) -> Vec<Problem> {
    let Some(syntax) = Syntax::of(path.as_str()) else {
        return Vec::new();
    };
    match blob.documents(syntax) {
        Ok(documents) => documents
            .iter()
            .flat_map(|document| {
                document
                    .header
                    .flaws
                    .iter()
                    .chain(&document.header.flaws_of_choice)
            })
            .map(|flaw| flaw.in_file(path.as_str()))
            .collect(),
        Err(flaw) => vec![flaw.in_file(path.as_str())],
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{layout, snapshot};

    #[test]
    fn problems_are_those_of_configuration_that_somebody_may_ask_for() {
        let snapshot = snapshot(&[
            ("foo.yml", "~: 1"),
            ("bar.properties", "spring.profiles=x"),
            ("good.yml", "a: 1"),
            ("note.json", "["),
            ("elsewhere/x.yml", "a: ["),
            ("teams/blue/x.yml", "spring.config.activate.on-profile: '!'"),
        ]);
        let problems: Vec<_> = snapshot
            .problems(&layout(&["teams/{application}"]))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            problems,
            [
                "bar.properties:1:17: spring.profiles no longer selects a document",
                "foo.yml:1:1: nothing cannot be a key",
                "teams/blue/x.yml:1:36: spring.config.activate.on-profile: expected a profile",
            ]
        );
    }
}
