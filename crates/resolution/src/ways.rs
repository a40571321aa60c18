use std::collections::BTreeSet;

use crate::{EnvironmentRequest, RepoPath, Snapshot, comparison::imports};

/// What every application reads besides its own files.
const SHARED: &str = "application";

/// By which files requests come to changed ones: these themselves, and those that import them, however indirectly.
///
/// Tells without reading a file who may be concerned: a request finds a file only by the names of its applications.
#[derive(Debug)]
pub(crate) struct Ways<'s> {
    /// Without their directories.
    names: BTreeSet<&'s str>,
}

impl<'s> Ways<'s> {
    /// The ways to changed files; those that are not among them stand in `new` as they stood before.
    pub(crate) fn to(changed: impl Iterator<Item = &'s RepoPath>, new: &'s Snapshot) -> Self {
        let mut paths: BTreeSet<&RepoPath> = changed.collect();
        let mut next: Vec<_> = paths.iter().copied().collect();
        let files = new.files().iter().filter(|_| !next.is_empty());
        let mut importers: Vec<_> = files
            .map(|(path, blob)| (path, imports(path, blob)))
            .filter(|(_, targets)| !targets.is_empty())
            .collect();
        while let Some(path) = next.pop() {
            importers.retain(|(importer, targets)| {
                let leads_there = targets.iter().any(|target| target.leads_to(path));
                if leads_there && paths.insert(importer) {
                    next.push(importer);
                }
                !leads_there
            });
        }
        Self {
            names: paths.into_iter().map(name).collect(),
        }
    }

    /// Whether a request may come to one of the files.
    pub(crate) fn are_open_to(&self, request: &EnvironmentRequest) -> bool {
        let mut names = request.application.names().chain([SHARED]);
        names.any(|written| {
            let name = written.rsplit('/').next().unwrap_or(written);
            let files = self.names.range(name..);
            let mut own = files.map_while(|file| file.strip_prefix(name));
            own.any(|rest| rest.starts_with(['.', '-']))
        })
    }
}

fn name(path: &RepoPath) -> &str {
    let path = path.as_str();
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{request, snapshot};

    #[track_caller]
    fn check(changed: &[&str], coordinates: &str, expected: bool) {
        let new = snapshot(&[
            ("foo.yml", "spring.config.import: parts/pool.yml"),
            ("bar.yml", "a: 1"),
            ("parts/pool.yml", "spring.config.import: deep/"),
            ("parts/deep/x.yml", "a: 1"),
        ]);
        let changed: Vec<_> = changed
            .iter()
            .map(|path| RepoPath::parse(path).unwrap())
            .collect();
        let ways = Ways::to(changed.iter(), &new);
        let open = ways.are_open_to(&request(coordinates));
        assert_eq!(open, expected, "{changed:?} {coordinates}");
    }

    #[test]
    fn a_file_is_found_by_its_name() {
        check(&["bar-dev.yml"], "bar/qa", true);
        check(&["teams/bar.yml"], "bar/qa", true);
        check(&["barn.yml"], "bar/qa", false);
        check(&["barn.yml", "bar.properties"], "bar/qa", true);
        check(&["bar.yml"], "foo/dev", false);
        check(&["bar.yml"], "foo,bar/dev", true);
        check(&["x/application-dev.yml"], "foo/dev", true);
    }

    #[test]
    fn a_file_is_found_by_those_that_import_it() {
        check(&["parts/deep/x.yml"], "foo/dev", true);
        check(&["parts/deep/x.yml"], "bar/dev", false);
        check(&["parts/pool-dev.yml"], "foo/dev", true);
        check(&["elsewhere/x.yml"], "foo/dev", false);
    }
}
