//! Whom changed files concern that no known application reads: those that were never seen here, such as instances that
//! fetched their configuration from another server.

use std::collections::BTreeSet;

use confbus_resolution::{Comparison, Layout, RepoPath, Searched};

use super::destinations::EVERYONE;
use crate::{environment_repository::Audience, webhook::guess_names};

/// A file name with more dashes belongs to more names than are worth telling.
const MAX_DASHES: usize = 20;

/// How many files may import each other; more are not followed.
const MAX_IMPORTERS: usize = 1_000;

/// A repository, and what is known of its readers.
pub(super) struct Upstream<'m> {
    pub(super) layout: &'m Layout,
    pub(super) audience: &'m Audience,
    /// The applications that are known to read it.
    pub(super) readers: BTreeSet<&'m str>,
}

/// Whether a file belongs to no application, as its name tells.
pub(super) fn is_shared(path: &RepoPath) -> bool {
    names(path).iter().any(|name| name == EVERYONE)
}

/// What the applications may be called that a file is for, the longest name first.
fn names(path: &RepoPath) -> Vec<String> {
    guess_names(&[path.as_str().to_owned()], 1, MAX_DASHES)
}

impl Upstream<'_> {
    /// Whether a file is found by its place, and not only by way of others that import it.
    pub(super) fn is_searched(&self, path: &RepoPath) -> bool {
        Searched::by_anyone(self.layout).holds(path)
    }

    /// The applications that may read a file, or those that import it.
    pub(super) fn applications(
        &self,
        comparison: &Comparison<'_>,
        path: &RepoPath,
    ) -> BTreeSet<String> {
        let anyone = Searched::by_anyone(self.layout);
        let (mut found, mut seen) = (BTreeSet::new(), BTreeSet::from([path.clone()]));
        let mut next = vec![path.clone()];
        while let Some(path) = next.pop() {
            if anyone.holds(&path) {
                found.extend(self.who_searches(&path));
                continue;
            }
            let importers = comparison.importers(&path).into_iter();
            let others =
                importers.filter(|path| seen.len() < MAX_IMPORTERS && seen.insert((*path).clone()));
            next.extend(others.cloned());
        }
        found
    }

    fn who_searches(&self, path: &RepoPath) -> BTreeSet<String> {
        let names = names(path);
        let for_all = Searched::by_everyone(self.layout).holds(path);
        // A directory that depends on the application says for whom the file is.
        let mut own = if for_all {
            BTreeSet::new()
        } else {
            self.candidates(path, &names)
        };
        own.retain(|name| Searched::by(self.layout, name).holds(path));
        if !own.is_empty() {
            own.into_iter().map(str::to_owned).collect()
        } else if is_shared(path) {
            self.everyone()
        } else {
            self.owners(&names)
        }
    }

    /// Names that the directory of a file may be of.
    fn candidates<'p>(&'p self, path: &'p RepoPath, names: &'p [String]) -> BTreeSet<&'p str> {
        let path = path.as_str();
        let known = self
            .readers
            .iter()
            .copied()
            .filter(|name| path.contains(name));
        let segments = path.split('/').rev().skip(1);
        let names = names
            .iter()
            .map(String::as_str)
            .filter(|name| *name != EVERYONE);
        known.chain(segments).chain(names).collect()
    }

    /// All who read the repository.
    fn everyone(&self) -> BTreeSet<String> {
        match self.audience {
            Audience::Applications(names) => names.iter().cloned().collect(),
            Audience::Known if self.readers.is_empty() => BTreeSet::from([EVERYONE.to_owned()]),
            Audience::Known => self.readers.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    /// The longest name that is known, otherwise all of them.
    fn owners(&self, names: &[String]) -> BTreeSet<String> {
        let known = names
            .iter()
            .find(|name| self.readers.contains(name.as_str()));
        known.map_or_else(
            || names.iter().cloned().collect(),
            |name| BTreeSet::from([name.clone()]),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use confbus_protocol::CommitId;
    use confbus_resolution::{Blob, BlobId, Places, Snapshot};

    use super::*;

    /// Who is concerned by a file that nobody known reads, in a tree with some search paths, when `orders` and
    /// `orders-api` are known.
    #[track_caller]
    fn check(path: &str, audience: &Audience, expected: &[&str]) {
        let places = Places::Tree {
            uri: String::new(),
            checkout: String::new(),
            search_paths: [
                "teams/{application}",
                "by-profile/{profile}",
                "x-{application}-y",
            ]
            .map(str::to_owned)
            .into(),
        };
        let layout = Layout {
            places,
            ..Layout::default()
        };
        let files = [
            ("orders.yml", "spring.config.import: parts/pool.yml"),
            ("other.yml", "a: 1"),
            ("parts/pool.yml", "spring.config.import: deep/"),
            ("parts/deep/orders.yml", "spring.config.import: ../pool.yml"),
        ];
        let blob = |text: &str| {
            Arc::new(Blob::new(
                BlobId([u8::try_from(text.len()).unwrap(); 20]),
                text.as_bytes(),
            ))
        };
        let path_of = |path: &str| RepoPath::parse(path).unwrap();
        let files = files.map(|(path, text)| (path_of(path), blob(text)));
        let snapshot = Snapshot::new(
            CommitId::from_bytes([1; 20]),
            std::collections::BTreeMap::from(files),
        );
        let comparison = Comparison::new(&snapshot, &snapshot, &layout);
        let upstream = Upstream {
            layout: &layout,
            audience,
            readers: ["orders", "orders-api"].into(),
        };
        let found = upstream.applications(&comparison, &path_of(path));
        let found: Vec<_> = found.iter().map(String::as_str).collect();
        assert_eq!(found, expected, "{path}");
    }

    fn team() -> Audience {
        Audience::Applications(vec!["orders*".into()])
    }

    #[test]
    fn the_longest_known_name_is_told_or_else_every_name() {
        let all = Audience::Applications(vec!["*".into()]);
        check("orders-api-dev.yml", &all, &["orders-api"]);
        check("orders-dev.yml", &all, &["orders"]);
        check("new-app-dev.yml", &all, &["new", "new-app", "new-app-dev"]);
        check("application-dev.yml", &all, &["*"]);
    }

    #[test]
    fn a_shared_file_concerns_those_who_read_the_repository() {
        check("application.yml", &team(), &["orders*"]);
        check("by-profile/dev/application.yml", &team(), &["orders*"]);
        check(
            "application.yml",
            &Audience::Known,
            &["orders", "orders-api"],
        );
    }

    #[test]
    fn a_directory_may_be_of_one_application() {
        check("teams/new/application.yml", &team(), &["new"]);
        check("teams/new/new-dev.yml", &team(), &["new"]);
        check("x-orders-y/application.yml", &team(), &["orders"]);
        check("x-unknown-y/application.yml", &team(), &["orders*"]);
        check("x-unknown-y/orders-dev.yml", &team(), &["orders"]);
    }

    #[test]
    fn a_file_elsewhere_concerns_those_who_import_it() {
        check("parts/pool-dev.yml", &team(), &["orders"]);
        check("parts/deep/orders.yml", &team(), &["orders"]);
        check("elsewhere/deep/orders.yml", &team(), &[]);
    }
}
