use std::collections::{BTreeMap, BTreeSet};

use confbus_protocol::PropertyValue;

use crate::{
    Blob, EnvironmentRequest, Layout, RepoPath, Snapshot,
    changes::{Place, changed_documents},
    documents::Syntax,
    effect::{Detail, Effect, differences},
    imports::{self, Target},
    resolve::{Reading, read},
    ways::Ways,
};

/// What a move from one snapshot to another means for those who read them.
///
/// What counts are effective values: those of the strongest source under each key. A comment, a value that a stronger
/// file hides, or a key that moves from file to file with its value changes nothing for anybody.
#[derive(Debug)]
pub struct Comparison<'s> {
    old: &'s Snapshot,
    new: &'s Snapshot,
    layout: &'s Layout,
    changed: BTreeSet<&'s RepoPath>,
    ways: Ways<'s>,
    /// Documents that say something else and that no request so far reads.
    unread: BTreeSet<Place<'s>>,
}

impl<'s> Comparison<'s> {
    /// Compares two snapshots of one repository.
    #[must_use]
    pub fn new(old: &'s Snapshot, new: &'s Snapshot, layout: &'s Layout) -> Self {
        let unread = changed_documents(old, new);
        Self {
            old,
            new,
            layout,
            ways: Ways::to(unread.iter().map(|(path, _)| *path), new),
            changed: unread.iter().map(|(path, _)| *path).collect(),
            unread,
        }
    }

    /// What the move means for a request; what it reads counts as read from now on.
    pub fn effect_on(&mut self, request: &EnvironmentRequest, detail: Detail) -> Effect<'s> {
        self.effect_where(request, detail, &|one, other| one == other)
    }

    /// The same where others say whether two values are one to whoever is given them: what is written need not be what is
    /// answered.
    pub fn effect_where(
        &mut self,
        request: &EnvironmentRequest,
        detail: Detail,
        are_same: &dyn Fn(&PropertyValue, &PropertyValue) -> bool,
    ) -> Effect<'s> {
        if !self.ways.are_open_to(request) {
            return Effect::Same;
        }
        let in_old = read(self.old, self.layout, request);
        let in_new = read(self.new, self.layout, request);
        let (old, new) = match (in_old, in_new) {
            (Ok(old), Ok(new)) => (old, new),
            // It has an answer in neither.
            (Err(_), Err(_)) => return Effect::Same,
            (Err(_), Ok(_)) | (Ok(_), Err(_)) => {
                let (files, keys) = (BTreeSet::new(), BTreeMap::new());
                return Effect::Changed { files, keys };
            }
        };
        let is_read = |path: &RepoPath| {
            let path = path.as_str();
            old.files.contains(path) || new.files.contains(path)
        };
        let mut files = self.changed.clone();
        files.retain(|path| is_read(path));
        if files.is_empty() {
            return Effect::Same;
        }
        self.note_read(&old);
        self.note_read(&new);
        let is_whole = old.problems.is_empty() && new.problems.is_empty();
        let keys = if is_whole {
            differences(&old.contributors, &new.contributors, detail, are_same)
        } else {
            Some(BTreeMap::new())
        };
        keys.map_or(Effect::Same, |keys| Effect::Changed { files, keys })
    }

    fn note_read(&mut self, reading: &Reading<'s>) {
        let broken: BTreeSet<&str> = reading
            .problems
            .iter()
            .map(|problem| problem.origin.path.as_str())
            .collect();
        let places: BTreeSet<(&str, usize)> = reading
            .contributors
            .iter()
            .map(|contributor| (contributor.path, contributor.index))
            .collect();
        self.unread.retain(|(path, index)| {
            let path = path.as_str();
            !broken.contains(path) && !places.contains(&(path, *index))
        });
    }

    /// The files that say something else.
    pub fn changed(&self) -> impl Iterator<Item = &'s RepoPath> {
        self.changed.iter().copied()
    }

    /// Whether a file has changed documents that no request so far reads.
    #[must_use]
    pub fn is_unread(&self, path: &RepoPath) -> bool {
        let mut of_file = self.unread.range((path, 0)..);
        of_file.next().is_some_and(|(first, _)| *first == path)
    }

    /// The files that import a file, in either snapshot.
    #[must_use]
    pub fn importers(&self, path: &RepoPath) -> BTreeSet<&'s RepoPath> {
        let files = self.old.files().iter().chain(self.new.files().iter());
        files
            .filter(|(importer, blob)| {
                imports(importer, blob)
                    .iter()
                    .any(|target| target.leads_to(path))
            })
            .map(|(importer, _)| importer)
            .collect()
    }
}

/// What the documents of a file import.
pub(crate) fn imports(path: &RepoPath, blob: &Blob) -> Vec<Target> {
    let remarks = Syntax::of(path.as_str()).and_then(|syntax| blob.remarks(syntax));
    let Some(remarks) = remarks else {
        return Vec::new();
    };
    let locations = remarks.imports.iter().flat_map(|import| import.split(';'));
    locations
        .filter_map(|location| imports::resolve(location, path.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{layout, request, snapshot};

    type Files<'f> = &'f [(&'f str, &'f str)];

    /// Compares for requests one after the other: the files that change something for them, and what nobody read.
    #[track_caller]
    fn check(old: Files<'_>, new: Files<'_>, requests: &[(&str, &[&str])], unread: &[&str]) {
        let (old, new, layout) = (
            snapshot(old),
            snapshot(new),
            layout(&["teams/{application}"]),
        );
        let mut comparison = Comparison::new(&old, &new, &layout);
        for (coordinates, expected) in requests {
            let files = match comparison.effect_on(&request(coordinates), Detail::Files) {
                Effect::Same => BTreeSet::new(),
                Effect::Changed { files, .. } => files,
            };
            let files: Vec<_> = files.iter().map(|path| path.as_str()).collect();
            assert_eq!(files, *expected, "{coordinates}");
        }
        let left = comparison
            .changed()
            .filter(|path| comparison.is_unread(path));
        let left: Vec<_> = left.map(RepoPath::as_str).collect();
        assert_eq!(left, unread);
    }

    #[test]
    fn only_readers_of_another_value_are_concerned() {
        check(
            &[("foo.yml", "a: 1"), ("bar.yml", "a: 1")],
            &[("foo.yml", "a: 2"), ("bar.yml", "a: 1 # one")],
            &[("foo/dev", &["foo.yml"]), ("bar/dev", &[])],
            &[],
        );
    }

    #[test]
    fn a_hidden_value_is_no_change() {
        check(
            &[("foo.yml", "a: 1\nb: 1"), ("foo-dev.yml", "a: 0")],
            &[("foo.yml", "a: 2\nb: 1"), ("foo-dev.yml", "a: 0")],
            &[("foo/dev", &[]), ("foo/qa", &["foo.yml"])],
            &[],
        );
    }

    #[test]
    fn a_key_that_comes_into_sight_or_moves_within_the_documents_is_a_change() {
        let both =
            |base: &'static str, dev: &'static str| [("foo.yml", base), ("foo-dev.yml", dev)];
        check(
            &both("a: 1\nb: 1", "a: 0"),
            &both("a: 1\nb: 1", "b: 1"),
            &[("foo/dev", &["foo-dev.yml"])],
            &[],
        );
        check(
            &both("a: 1", "b: 2"),
            &both("b: 2", "a: 1"),
            &[("foo/dev", &[])],
            &[],
        );
        check(
            &both("a: 1", "a: 2"),
            &both("a: 2", "a: 1"),
            &[("foo/dev", &["foo-dev.yml", "foo.yml"])],
            &[],
        );
    }

    #[test]
    fn a_key_may_move_with_its_value() {
        check(
            &[("foo.yml", "a: 1"), ("application.yml", "b: 1")],
            &[
                ("foo-dev.properties", "x=1"),
                ("application.yml", "a: 1\nb: 1"),
            ],
            &[
                ("foo/qa", &[]),
                (
                    "foo/dev",
                    &["application.yml", "foo-dev.properties", "foo.yml"],
                ),
            ],
            &[],
        );
    }

    #[test]
    fn what_nobody_reads_is_left() {
        check(
            &[(
                "foo.yml",
                "a: 1\n---\nspring.config.activate.on-profile: qa\nb: 1",
            )],
            &[
                (
                    "foo.yml",
                    "a: 1\n---\nspring.config.activate.on-profile: qa\nb: 2",
                ),
                ("foo-qa.yml", "a: 1"),
                ("teams/foo/foo.yml", "a: 1"),
                ("teams/bar/foo.yml", "a: 1"),
            ],
            &[("foo/dev", &[])],
            &["foo-qa.yml", "foo.yml", "teams/bar/foo.yml"],
        );
    }

    #[test]
    fn a_broken_file_concerns_its_readers() {
        let (good, broken) = (("foo.yml", "a: 1"), ("foo.yml", "a: ["));
        let concerned: &[(&str, &[&str])] = &[("foo/dev", &["foo.yml"]), ("bar/dev", &[])];
        check(&[good], &[broken], concerned, &[]);
        check(&[broken], &[good], concerned, &[]);
        let (old, new) = (("bar.yml", "a: 1"), ("bar.yml", "a: 2"));
        check(
            &[broken, old],
            &[broken, new],
            &[("foo/dev", &[])],
            &["bar.yml"],
        );
    }

    #[test]
    fn an_import_may_add_a_file() {
        check(
            &[("foo.yml", "a: 1"), ("imp/x.yml", "a: 2")],
            &[
                ("foo.yml", "a: 1\nspring.config.import: imp/x.yml"),
                ("imp/x.yml", "a: 2"),
            ],
            &[("foo/dev", &["foo.yml"]), ("bar/dev", &[])],
            &[],
        );
    }

    #[test]
    fn those_who_import_a_file_are_found() {
        let snapshot = snapshot(&[
            ("foo.yml", "spring.config.import: imp/x.yml"),
            ("imp/x.yml", "spring.config.import: deep/"),
            ("imp/deep/foo.yml", "a: 1"),
        ]);
        let layout = layout(&[]);
        let comparison = Comparison::new(&snapshot, &snapshot, &layout);
        let importers = |path: &str| {
            let path = RepoPath::parse(path).unwrap();
            let importers = comparison.importers(&path);
            importers
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(importers("imp/x-dev.yml"), ["foo.yml"]);
        assert_eq!(importers("imp/deep/foo.yml"), ["imp/x.yml"]);
        assert!(importers("foo.yml").is_empty());
    }
}
