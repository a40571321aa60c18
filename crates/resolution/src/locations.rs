//! Where the files of a request are looked for: the root of the tree, then what each search path leads to.

use std::collections::HashSet;

use crate::{EnvironmentRequest, Layout, Snapshot};

/// A directory of the tree: empty for the root, otherwise with a final `/`.
pub(crate) type Directory = String;

/// How many paths the placeholders of search paths may expand to.
const EXPANSION_LIMIT: usize = 1_000;

/// The search locations of a request, the weakest first; `None` when its lists of names make too many.
pub(crate) fn of_request(
    snapshot: &Snapshot,
    layout: &Layout,
    request: &EnvironmentRequest,
) -> Option<Vec<Directory>> {
    let expansions = request.profiles.names().count() * request.application.names().count();
    if expansions * layout.search_paths.len() > EXPANSION_LIMIT {
        return None;
    }
    let label = request.label.as_ref().or(layout.default_label.as_ref());
    let mut patterns = Vec::new();
    for path in &layout.search_paths {
        let path = label.map_or_else(
            || path.clone(),
            |label| path.replace("{label}", label.as_str()),
        );
        for profile in request.profiles.names() {
            for application in request.application.names() {
                patterns.push(
                    path.replace("{application}", application)
                        .replace("{profile}", profile),
                );
            }
        }
    }
    Some(directories(snapshot, &patterns))
}

/// The search locations of all requests together.
pub(crate) fn of_anyone(snapshot: &Snapshot, layout: &Layout) -> Vec<Directory> {
    let everything = |path: &String| {
        ["{application}", "{profile}", "{label}"]
            .iter()
            .fold(path.clone(), |path, name| path.replace(name, "*"))
    };
    directories(
        snapshot,
        &layout
            .search_paths
            .iter()
            .map(everything)
            .collect::<Vec<_>>(),
    )
}

fn directories(snapshot: &Snapshot, patterns: &[String]) -> Vec<Directory> {
    let mut seen = HashSet::new();
    let mut directories = vec![Directory::new()];
    for pattern in patterns
        .iter()
        .filter(|pattern| seen.insert(pattern.as_str()))
    {
        let Some(segments) = normalise(pattern.split('/')) else {
            continue;
        };
        if segments.iter().any(|segment| segment.contains('*')) {
            let matching = snapshot
                .directories()
                .iter()
                .filter(|directory| matches(&segments, directory));
            directories.extend(matching.map(|directory| format!("{directory}/")));
        } else if !segments.is_empty() {
            directories.push(segments.join("/") + "/");
        }
    }
    let mut seen = HashSet::new();
    directories.retain(|directory| seen.insert(directory.clone()));
    directories
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
fn matches(pattern: &[&str], directory: &str) -> bool {
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
