//! Where the files of a request are looked for: the root of the tree, then what each search path leads to.

use std::collections::HashSet;

use confbus_protocol::Label;

use crate::{EnvironmentRequest, Layout, Places, ResolveError, SearchLocation, Snapshot};

/// A directory of the tree: empty for the root, otherwise with a final `/`.
pub(crate) type Directory = String;

/// How many paths the placeholders of search paths may expand to.
const EXPANSION_LIMIT: usize = 1_000;

/// The search locations of a plain file: Spring Boot alone knows wildcards in directories of a machine.
pub(crate) fn of_plain_files(
    snapshot: &Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
) -> Result<Vec<Location>, ResolveError> {
    let mut locations = of_request(snapshot, layout, request)?;
    if matches!(layout.places, Places::Directories { .. }) {
        locations.retain(|location| !location.written.contains('*'));
    }
    Ok(locations)
}

/// A directory that is searched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Location {
    pub(crate) directory: Directory,
    /// As shown in names of sources.
    pub(crate) written: String,
}

/// The search locations of a request, the weakest first.
///
/// # Errors
/// When the request's lists of names make too many of them, or a location is no directory.
pub(crate) fn of_request(
    snapshot: &Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
) -> Result<Vec<Location>, ResolveError> {
    let expansions = request.profiles.names().count() * request.application.names().count();
    let label = request.label.as_ref().or(layout.default_label.as_ref());
    let names = Names {
        request,
        label: label.map(Label::as_str),
    };
    let patterns = match &layout.places {
        Places::Tree { search_paths, .. } => search_paths.len(),
        Places::Directories { locations, .. } => locations.len(),
    };
    let labels = names.label.map_or(0, |labels| labels.split(',').count());
    if (expansions + labels) * patterns > EXPANSION_LIMIT {
        return Err(ResolveError::TooLarge);
    }
    match &layout.places {
        Places::Tree { search_paths, .. } => Ok(in_tree(
            snapshot,
            search_paths.iter().flat_map(|path| names.fill_in(path)),
        )),
        Places::Directories {
            locations,
            label_locations,
            ..
        } => {
            if let Some(label) = names.label.filter(|label| label.contains('*')) {
                let location = label.to_owned();
                return Err(ResolveError::Wildcard { location });
            }
            let mut patterns: Vec<_> = locations
                .iter()
                .flat_map(|location| {
                    let written = names.fill_in(&location.written);
                    written.into_iter().zip(names.fill_in(&location.path))
                })
                .collect();
            if *label_locations {
                patterns.extend(of_labels(locations, names.label));
            }
            directories(snapshot, patterns)
        }
    }
}

/// The names that placeholders stand for.
struct Names<'r> {
    request: &'r EnvironmentRequest,
    label: Option<&'r str>,
}

impl Names<'_> {
    /// One text for each profile and application.
    fn fill_in(&self, text: &str) -> Vec<String> {
        let text = self
            .label
            .map_or_else(|| text.to_owned(), |label| text.replace("{label}", label));
        let profiles = self.request.profiles.names();
        profiles
            .flat_map(|profile| {
                let text = text.replace("{profile}", profile);
                let applications = self.request.application.names();
                applications.map(move |application| text.replace("{application}", application))
            })
            .collect()
    }
}

/// The directories of the labels, the first label strongest; not below locations with placeholders.
fn of_labels(
    locations: &[SearchLocation],
    labels: Option<&str>,
) -> impl Iterator<Item = (String, String)> {
    let plain = locations
        .iter()
        .filter(|location| !location.written.contains('{'));
    plain.flat_map(move |SearchLocation { written, path }| {
        let labels = labels
            .into_iter()
            .flat_map(|labels| labels.rsplit(','))
            .map(str::trim)
            .filter(|label| !label.is_empty());
        labels.map(move |label| (format!("{written}{label}/"), format!("{path}{label}/")))
    })
}

/// The root of a tree, and the directories below it that paths lead to.
fn in_tree(snapshot: &Snapshot, patterns: impl Iterator<Item = String>) -> Vec<Location> {
    let mut seen = HashSet::new();
    let distinct = patterns.filter(|pattern| seen.insert(pattern.clone()));
    let found = distinct.flat_map(|pattern| matching(snapshot, &pattern));
    once_each(
        std::iter::once(Directory::new())
            .chain(found)
            .map(as_written),
    )
}

/// The directories that locations of a machine name; Spring Boot allows a `*` as the last segment only.
fn directories(
    snapshot: &Snapshot,
    patterns: Vec<(String, String)>,
) -> Result<Vec<Location>, ResolveError> {
    let mut locations = Vec::new();
    for (written, path) in patterns {
        let plain = path.strip_suffix("*/").unwrap_or(&path);
        if plain.contains('*') || (plain.len() < path.len() && !plain.ends_with('/')) {
            return Err(ResolveError::Wildcard { location: written });
        }
        let found = matching(snapshot, &path);
        locations.extend(found.map(|directory| Location {
            directory,
            written: written.clone(),
        }));
    }
    Ok(once_each(locations.into_iter()))
}

fn once_each(locations: impl Iterator<Item = Location>) -> Vec<Location> {
    let mut seen = HashSet::new();
    locations
        .filter(|location| seen.insert(location.directory.clone()))
        .collect()
}

fn as_written(directory: Directory) -> Location {
    Location {
        written: directory.clone(),
        directory,
    }
}

/// The directories that a path with wildcards matches, or the one that a path without names; it need not exist.
fn matching<'s>(snapshot: &'s Snapshot, pattern: &str) -> Box<dyn Iterator<Item = Directory> + 's> {
    let Some(segments) = normalise(pattern.split('/')) else {
        return Box::new(std::iter::empty());
    };
    if segments.iter().any(|segment| segment.contains('*')) {
        let segments: Vec<String> = segments.into_iter().map(str::to_owned).collect();
        let fits = move |directory: &&String| {
            let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
            matches(&segments, directory)
        };
        let found = snapshot.directories().iter().filter(fits);
        return Box::new(found.map(|directory| format!("{directory}/")));
    }
    let path = if segments.is_empty() {
        None
    } else {
        Some(segments.join("/") + "/")
    };
    Box::new(path.into_iter())
}

/// Resolves `.` and `..`; `None` for what leaves the tree.
pub(crate) fn normalise<'s>(segments: impl Iterator<Item = &'s str>) -> Option<Vec<&'s str>> {
    let mut kept = Vec::new();
    for segment in segments {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop()?;
            }
            segment => kept.push(segment),
        }
    }
    Some(kept)
}

/// Whether a directory matches segments of which `**` stands for any number and `*` for any run of characters.
///
/// `?` stands for itself: Spring turns the path into a URI first, which hides it.
pub(crate) fn matches(pattern: &[&str], directory: &str) -> bool {
    let parts: Vec<&str> = directory.split('/').collect();
    wildcard(
        pattern,
        &parts,
        |segment| *segment == "**",
        |segment, part| matches_segment(segment, part),
    )
}

fn matches_segment(pattern: &str, text: &str) -> bool {
    wildcard(
        pattern.as_bytes(),
        text.as_bytes(),
        |byte| *byte == b'*',
        |left, right| left == right,
    )
}

/// Walks with one point of return, so time is bounded by the product of both lengths.
fn wildcard<P, T>(
    pattern: &[P],
    text: &[T],
    is_run: impl Fn(&P) -> bool,
    fits: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut seen, mut back) = (0, 0, None);
    while seen < text.len() {
        match pattern.get(at) {
            Some(run) if is_run(run) => {
                at += 1;
                back = Some((at, seen));
            }
            Some(one) if fits(one, &text[seen]) => (at, seen) = (at + 1, seen + 1),
            _ => {
                let Some((after, from)) = back else {
                    return false;
                };
                back = Some((after, from + 1));
                (at, seen) = (after, from + 1);
            }
        }
    }
    pattern[at..].iter().all(is_run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_directories() {
        for (pattern, directory, expected) in [
            ("sub*", "subA", true),
            ("sub*", "subA/x", false),
            ("*/config", "foo/config", true),
            ("*/config", "config", false),
            ("**", "a/b/c", true),
            ("**/c", "a/b/c", true),
            ("**/c", "c", true),
            ("a/**/c", "a/c", true),
            ("x?", "x1", false),
            ("*a*b*", "xaxbx", true),
        ] {
            let segments: Vec<&str> = pattern.split('/').collect();
            assert_eq!(
                matches(&segments, directory),
                expected,
                "{pattern} against {directory}"
            );
        }
    }

    #[test]
    fn paths_stay_in_the_tree() {
        let normalised = |path: &str| normalise(path.split('/')).map(|segments| segments.join("/"));
        assert_eq!(normalised("/a/./b//c/../d/").as_deref(), Some("a/b/d"));
        assert_eq!(normalised("../a"), None);
        assert_eq!(normalised("a/../../b"), None);
    }
}
