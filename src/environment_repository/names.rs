//! What can be asked for, as far as what is in service tells.

use std::collections::BTreeSet;

use confbus_protocol::Label;
use confbus_resolution::is_configuration;

use super::EnvironmentRepository;

/// Names of applications and of labels.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) applications: BTreeSet<String>,
    /// In service.
    pub(crate) labels: BTreeSet<String>,
    /// Branches and tags that can be asked for, as they were listed last.
    pub(crate) refs: BTreeSet<String>,
}

/// What every application reads.
const SHARED: &str = "application";

impl EnvironmentRepository {
    /// The labels in service, the applications after whom files in them are named, and the refs that may come into service.
    pub(crate) fn names(&self) -> Names {
        let mut names = Names::default();
        for repository in self.repositories() {
            for (label, history) in repository.labels() {
                let snapshot = &history.newest().snapshot;
                let stems = snapshot.files().iter();
                let stems = stems.filter_map(|(path, _)| stem(path.as_str()));
                names.applications.extend(without_profiles(stems));
                names.labels.insert(label.to_string());
            }
            let refs = repository.refs();
            let refs = refs.iter().flat_map(|refs| refs.plain_names());
            names
                .refs
                .extend(refs.filter(|name| is_label(name)).map(str::to_owned));
        }
        names
    }
}

/// Whether a ref is asked for by its own name; a comma separates labels.
fn is_label(name: &str) -> bool {
    !name.contains(',') && Label::parse(name).is_ok_and(|label| label.as_str() == name)
}

/// `shop-prod` of `sub/shop-prod.yml`.
fn stem(path: &str) -> Option<&str> {
    let name = path
        .rsplit('/')
        .next()
        .filter(|name| is_configuration(name))?;
    let (stem, _) = name.rsplit_once('.')?;
    Some(stem)
}

/// Applications among the stems of files: `shop`, where there is also `shop-prod`, which is `shop` under a profile.
fn without_profiles<'s>(stems: impl Iterator<Item = &'s str>) -> BTreeSet<String> {
    let stems: BTreeSet<_> = stems.chain([SHARED]).collect();
    let has_profile = |stem: &str| {
        let mut dashes = stem.match_indices('-');
        dashes.any(|(dash, _)| stems.contains(&stem[..dash]))
    };
    let applications = stems.iter().copied();
    applications
        .filter(|stem| *stem != SHARED && !has_profile(stem))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ref_is_asked_for_by_its_name() {
        for (name, expected) in [
            ("main", true),
            ("release/2.0", true),
            ("a,b", false),
            ("a(_)b", false),
        ] {
            assert_eq!(is_label(name), expected, "{name}");
        }
    }

    #[test]
    fn files_are_named_after_applications() {
        let paths = [
            "application-prod.yml",
            "shop.yml",
            "sub/shop-prod.properties",
            "orders-eu.yaml",
            "README.md",
            "nginx.conf",
        ];
        let stems = paths.into_iter().filter_map(stem);
        let applications = without_profiles(stems);
        assert_eq!(Vec::from_iter(applications), ["orders-eu", "shop"]);
    }
}
