use std::collections::{BTreeMap, BTreeSet};

use confbus_protocol::{Application, Profiles};

use crate::{
    Blob, EnvironmentRequest, Layout, Places, RepoPath, Searched, Snapshot, activation::Expression,
    documents::Syntax, snapshot::directory,
};

/// The name that stands for every application.
const EVERYONE: &str = "application";
/// The profile of whoever names none.
const DEFAULT: &str = "default";
/// Addresses that are found at most.
const LIMIT: usize = 50_000;

type Names = BTreeSet<String>;

/// The addresses that the files of a snapshot are written for: each application that has a file, under each profile that
/// has a file or a document, and under `default`.
///
/// Anybody may ask for others; those read no other files than these, but for lists of names. With more than 50,000 the rest
/// is left out.
#[must_use]
pub fn addresses(snapshot: &Snapshot, layout: &Layout) -> Vec<EnvironmentRequest> {
    let mut found = Found::default();
    let searched = Searched::by_anyone(layout);
    let files = snapshot.files().iter();
    let files: Vec<_> = files.filter(|(path, _)| searched.holds(path)).collect();
    found.read_names(&files);
    for (path, blob) in &files {
        found.read_documents(path, blob);
    }
    found.read_directories(snapshot, layout);
    found.addresses()
}

#[derive(Debug, Default)]
struct Found {
    /// Profiles by application.
    applications: BTreeMap<String, Names>,
    /// Profiles for every application.
    shared: Names,
}

impl Found {
    /// `orders-prod.yml` is of the profile `prod` where there is an `orders.yml`, or where others have that profile.
    fn read_names(&mut self, files: &[(&RepoPath, &std::sync::Arc<Blob>)]) {
        let stems: Names = files.iter().filter_map(|(path, _)| stem(path)).collect();
        let mut left = Vec::new();
        for stem in &stems {
            let splits = stem
                .rmatch_indices('-')
                .map(|(dash, _)| stem.split_at(dash));
            let is_known = |name: &str| name == EVERYONE || stems.contains(name);
            let mut splits = splits.filter(|(name, profile)| profile.len() > 1 && is_known(name));
            match splits.next_back() {
                Some((name, profile)) => self.profile(name, &profile[1..]),
                None => left.push(stem),
            }
        }
        let profiles: Names = self.applications.values().flatten().cloned().collect();
        for stem in left {
            let is_profile =
                |profile: &str| profiles.contains(profile) || self.shared.contains(profile);
            match stem.rsplit_once('-').filter(|(_, last)| is_profile(last)) {
                Some((name, profile)) => self.profile(name, profile),
                None => self.application(stem),
            }
        }
    }

    fn application(&mut self, name: &str) {
        if name != EVERYONE {
            self.applications.entry(name.to_owned()).or_default();
        }
    }

    fn profile(&mut self, application: &str, profile: &str) {
        let profiles = match application {
            EVERYONE => &mut self.shared,
            _ => self.applications.entry(application.to_owned()).or_default(),
        };
        profiles.insert(profile.to_owned());
    }

    /// The profiles that documents ask for, include or have in groups.
    fn read_documents(&mut self, path: &RepoPath, blob: &Blob) {
        let Some(syntax) = Syntax::of(path.as_str()) else {
            return;
        };
        let parsed = blob.parsed(syntax);
        let name = stem(path).unwrap_or_default();
        let mut names = Vec::new();
        for document in parsed.documents().unwrap_or_default() {
            let header = document.header();
            header
                .conditions()
                .for_each(|condition| profiles_in(condition, &mut names));
            names.extend(header.groups.iter().map(|(profile, _)| profile.clone()));
        }
        let owner = self.applications.contains_key(&name);
        let owner = if owner { name.as_str() } else { EVERYONE };
        names
            .iter()
            .for_each(|profile| self.profile(owner, profile));
    }

    /// What stands where search paths have placeholders.
    fn read_directories(&mut self, snapshot: &Snapshot, layout: &Layout) {
        let Places::Tree { search_paths, .. } = &layout.places else {
            return;
        };
        for (path, _) in snapshot.files().iter() {
            if stem(path).is_none() {
                continue;
            }
            let parts: Vec<_> = directory(path.as_str())
                .trim_end_matches('/')
                .split('/')
                .collect();
            for pattern in search_paths {
                let pattern: Vec<_> = pattern.trim_matches('/').split('/').collect();
                self.read_directory(&pattern, &parts);
            }
        }
    }

    fn read_directory(&mut self, pattern: &[&str], parts: &[&str]) {
        let both = || pattern.iter().zip(parts);
        let fits =
            |(pattern, part): (&&str, &&str)| pattern.contains(['{', '*']) || pattern == part;
        if pattern.len() != parts.len() || !both().all(fits) {
            return;
        }
        for (pattern, part) in both() {
            match *pattern {
                "{application}" => self.application(part),
                "{profile}" => self.profile(EVERYONE, part),
                _ => {}
            }
        }
    }

    fn addresses(mut self) -> Vec<EnvironmentRequest> {
        if self.applications.is_empty() {
            self.applications.insert(EVERYONE.to_owned(), Names::new());
        }
        let shared = &self.shared;
        let pairs = self.applications.iter().flat_map(|(name, own)| {
            let profiles: Names = own.iter().chain(shared).cloned().collect();
            let default = std::iter::once(DEFAULT.to_owned());
            let others = profiles.into_iter().filter(|profile| profile != DEFAULT);
            default.chain(others).map(move |profile| (name, profile))
        });
        let requests = pairs.filter_map(|(name, profile)| {
            Some(EnvironmentRequest {
                application: Application::parse(name).ok()?,
                profiles: Profiles::parse(&profile).ok()?,
                label: None,
            })
        });
        requests.take(LIMIT).collect()
    }
}

/// The name of a configuration file without its extension.
fn stem(path: &RepoPath) -> Option<String> {
    Syntax::of(path.as_str())?;
    let name = &path.as_str()[directory(path.as_str()).len()..];
    let (stem, _) = name.rsplit_once('.')?;
    (!stem.is_empty()).then(|| stem.to_owned())
}

fn profiles_in(condition: &Expression, names: &mut Vec<String>) {
    match condition {
        Expression::Profile(name) => names.push(name.clone()),
        Expression::Not(inner) => profiles_in(inner, names),
        Expression::All(parts) | Expression::Any(parts) => {
            parts.iter().for_each(|part| profiles_in(part, names));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{layout, snapshot};

    #[track_caller]
    fn check(search_paths: &[&str], files: &[(&str, &str)], expected: &[&str]) {
        let found = addresses(&snapshot(files), &layout(search_paths));
        let shown = found
            .iter()
            .map(|request| format!("{}/{}", request.application, request.profiles));
        assert_eq!(shown.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn names_of_files_tell_applications_and_profiles() {
        check(
            &[],
            &[
                ("application.yml", ""),
                ("application-eu.yml", ""),
                ("shop.yml", ""),
                ("shop-prod.yml", ""),
                ("billing-prod.properties", ""),
                ("order-desk.yml", ""),
                ("note.txt", ""),
                ("elsewhere/x.yml", ""),
            ],
            &[
                "billing/default",
                "billing/eu",
                "billing/prod",
                "order-desk/default",
                "order-desk/eu",
                "shop/default",
                "shop/eu",
                "shop/prod",
            ],
        );
        check(
            &[],
            &[("application.yml", "a: 1")],
            &["application/default"],
        );
    }

    #[test]
    fn documents_tell_profiles() {
        check(
            &[],
            &[
                (
                    "shop.yml",
                    "a: 1\n---\nspring.config.activate.on-profile: dev & !qa\na: 2",
                ),
                ("application.yml", "spring.profiles.group.live: [a]"),
            ],
            &["shop/default", "shop/dev", "shop/live", "shop/qa"],
        );
    }

    #[test]
    fn placeholders_of_search_paths_tell_both() {
        check(
            &["teams/{application}/{profile}"],
            &[("teams/blue/dev/application.yml", "a: 1")],
            &["blue/default", "blue/dev"],
        );
    }
}
