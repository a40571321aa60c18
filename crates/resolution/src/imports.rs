//! What `spring.config.import` in a repository's file may lead to: files and directories of the same tree.

use crate::{
    RepoPath,
    documents::{EXTENSIONS, Syntax},
    locations::{Directory, normalise},
    snapshot::directory,
};

/// One location of an import.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// All files of the request's names in there.
    Directory(Directory),
    /// One file: its path up to the extension, and the extension.
    File {
        stem: String,
        extension: &'static str,
        syntax: Syntax,
    },
}

impl Target {
    /// Whether the file may be read by way of this import.
    pub(crate) fn leads_to(&self, path: &RepoPath) -> bool {
        let path = path.as_str();
        match self {
            Self::Directory(target) => directory(path) == target,
            Self::File {
                stem, extension, ..
            } => {
                let suffix = path
                    .strip_prefix(stem.as_str())
                    .and_then(|rest| rest.strip_suffix(extension))
                    .and_then(|rest| rest.strip_suffix('.'));
                suffix.is_some_and(|suffix| suffix.is_empty() || suffix.starts_with('-'))
            }
        }
    }
}

/// Resolves a location against the file it stands in; `None` for all that is not a relative path inside the tree.
///
/// Spring would follow other locations, and so read files and URLs of the server's on behalf of whoever commits.
pub(crate) fn resolve(location: &str, importer: &str) -> Option<Target> {
    let location = location
        .trim()
        .trim_start_matches("optional:")
        .trim_start_matches("resource:");
    if location.is_empty() || location.starts_with('/') || location.contains([':', '*', '\\']) {
        return None;
    }
    let path = normalise(directory(importer).split('/').chain(location.split('/')))?.join("/");
    if location.ends_with('/') {
        return Some(Target::Directory(if path.is_empty() {
            path
        } else {
            path + "/"
        }));
    }
    let (stem, extension) = path.rsplit_once('.')?;
    let (extension, syntax) = EXTENSIONS
        .into_iter()
        .find(|(known, _)| *known == extension)?;
    Some(Target::File {
        stem: stem.to_owned(),
        extension,
        syntax,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(location: &str, importer: &str, expected: Option<&str>) {
        let shown = resolve(location, importer).map(|target| match target {
            Target::Directory(path) => path,
            Target::File {
                stem, extension, ..
            } => format!("{stem}.{extension}"),
        });
        assert_eq!(shown.as_deref(), expected, "{location} in {importer}");
    }

    #[test]
    fn only_relative_paths_inside_the_tree_count() {
        check("imp/extra.yml", "imp.yml", Some("imp/extra.yml"));
        check("optional:one.yml", "imp/link.yml", Some("imp/one.yml"));
        check("../cycle.yml", "imp/back.yml", Some("cycle.yml"));
        check("impdir/", "impdir.yml", Some("impdir/"));
        for location in [
            "../out.yml",
            "file:out.yml",
            "/etc/x.yml",
            "https://host/x.yml",
            "configtree:imp/",
            "note.txt",
            "",
            "*.yml",
        ] {
            check(location, "imp.yml", None);
        }
    }
}
