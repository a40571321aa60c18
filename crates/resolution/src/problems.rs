use std::{collections::BTreeMap, sync::Arc};

use crate::{Blob, Layout, Problem, RepoPath, Searched, Snapshot, documents::Syntax};

/// What is wrong with the configuration files in the search locations of a snapshot, whoever may ask for them. Cheap to
/// clone.
///
/// Placeholders in search paths count as `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    of_files: Arc<BTreeMap<RepoPath, Box<[Problem]>>>,
}

impl Problems {
    /// Reads all files.
    #[must_use]
    pub fn of(snapshot: &Snapshot, layout: &Layout) -> Self {
        let searched = Searched::by_anyone(layout);
        let files = snapshot.files().iter();
        let of_files =
            files.filter_map(|(path, blob)| Some((path.clone(), judge(&searched, path, blob)?)));
        Self {
            of_files: Arc::new(of_files.collect()),
        }
    }

    /// The problems of `new`, from these of `old`: only files that are not the same are read.
    #[must_use]
    pub fn after(&self, old: &Snapshot, new: &Snapshot, layout: &Layout) -> Self {
        let searched = Searched::by_anyone(layout);
        let mut after = self.clone();
        for change in old.files().changes(new.files()) {
            let problems = change
                .new
                .and_then(|blob| judge(&searched, change.path, blob));
            if let Some(problems) = problems {
                Arc::make_mut(&mut after.of_files).insert(change.path.clone(), problems);
            } else if after.of_files.contains_key(change.path) {
                Arc::make_mut(&mut after.of_files).remove(change.path);
            }
        }
        after
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of_files.is_empty()
    }

    /// All problems, file by file.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.of_files.values().flatten()
    }

    /// The files that cannot be used, sorted.
    pub fn files(&self) -> impl Iterator<Item = &RepoPath> {
        self.of_files.keys()
    }

    /// Whether a file cannot be used.
    #[must_use]
    pub fn are_in(&self, path: &RepoPath) -> bool {
        self.of_files.contains_key(path)
    }
}

/// What is wrong with a file; `None` if nothing is, or if nobody looks for it where it lies.
fn judge(searched: &Searched, path: &RepoPath, blob: &Blob) -> Option<Box<[Problem]>> {
    let syntax = Syntax::of(path.as_str()).filter(|_| searched.holds(path))?;
    let remarks = blob.remarks(syntax)?;
    let flaws = remarks.flaws.iter();
    let problems: Box<[_]> = flaws.map(|flaw| flaw.in_file(path.as_str())).collect();
    (!problems.is_empty()).then_some(problems)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{layout, snapshot};

    fn shown(problems: &Problems) -> Vec<String> {
        problems.iter().map(ToString::to_string).collect()
    }

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
        let problems = Problems::of(&snapshot, &layout(&["teams/{application}"]));
        assert_eq!(
            shown(&problems),
            [
                "bar.properties:1:17: spring.profiles no longer selects a document",
                "foo.yml:1:1: nothing cannot be a key",
                "teams/blue/x.yml:1:36: spring.config.activate.on-profile: expected a profile",
            ]
        );
    }

    #[test]
    fn only_what_changed_is_judged_anew() {
        let (broken, good) = ("a: [", "a: 1");
        let old = snapshot(&[
            ("stays.yml", broken),
            ("mended.yml", broken),
            ("gone.yml", broken),
            ("spoilt.yml", good),
            ("other.yml", broken),
        ]);
        let new = snapshot(&[
            ("stays.yml", broken),
            ("mended.yml", good),
            ("spoilt.yml", broken),
            ("other.yml", "~: 1"),
            ("more.yml", broken),
        ]);
        let layout = layout(&[]);
        let before = Problems::of(&old, &layout);
        let after = before.after(&old, &new, &layout);
        assert_eq!(after, Problems::of(&new, &layout));
        let files: Vec<_> = after.files().map(RepoPath::as_str).collect();
        assert_eq!(files, ["more.yml", "other.yml", "spoilt.yml", "stays.yml"]);
        assert!(Arc::ptr_eq(
            &after.after(&new, &new, &layout).of_files,
            &after.of_files
        ));
    }
}
