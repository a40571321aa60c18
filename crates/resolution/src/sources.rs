//! Documents as named sources of an environment, and the way back from such a name.

use std::{borrow::Cow, sync::Arc};

use confbus_protocol::PropertySource;

use crate::{
    contributors::Contributor,
    layout::{Layout, Places, Root},
};

/// What a longer name begins with.
const DOCUMENT: &str = "Config resource 'file [";

/// The document that a source of an environment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// The file's path in its repository, or below the directory that was configured, without any `]`.
    pub path: String,
    /// Which document of the file, from 0.
    pub document: usize,
}

impl Layout {
    /// The document behind the name of a source of this layout; `None` for names that others give.
    #[must_use]
    pub fn file_of(&self, name: &str) -> Option<SourceFile> {
        match &self.places {
            Places::Tree { uri, checkout, .. } => {
                let name = name.strip_prefix(uri)?.strip_prefix('/')?;
                SourceFile::of(name, |path| path.strip_prefix(checkout)?.strip_prefix('/'))
                    .or_else(|| Some(SourceFile::whole(name)))
            }
            Places::Directories { roots, .. } => {
                let below = |path| below(roots, path);
                let whole = || Some(SourceFile::whole(below(name.strip_prefix("file:")?)?));
                SourceFile::of(name, |path| below(path.strip_suffix(']').unwrap_or(path)))
                    .or_else(whole)
            }
        }
    }
}

/// A path as it is shown, without the root that it lies in.
fn below<'p>(roots: &[Root], path: &'p str) -> Option<&'p str> {
    let below = roots
        .iter()
        .filter_map(|root| path.strip_prefix(&root.shown));
    below.min_by_key(|below| below.len())
}

impl SourceFile {
    fn whole(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            document: 0,
        }
    }

    /// Reads a longer name; `path` finds the file's own in what stands in the bracket.
    fn of<'n>(name: &'n str, path: impl FnOnce(&'n str) -> Option<&'n str>) -> Option<Self> {
        let (name, index) = name.strip_prefix(DOCUMENT)?.rsplit_once(" (document #")?;
        let (file, _location) = name.split_once("' via location '")?;
        Some(Self {
            path: path(file)?.to_owned(),
            document: index.strip_suffix(')')?.parse().ok()?,
        })
    }
}

/// The source that a document makes.
pub(crate) fn of_document(contributor: &Contributor<'_>, layout: &Layout) -> PropertySource {
    let name = match &layout.places {
        Places::Tree { uri, checkout, .. } => name_in_tree(contributor, uri, checkout),
        Places::Directories { roots, .. } => name_in_directory(contributor, roots),
    };
    PropertySource {
        name,
        source: Arc::clone(&contributor.document().properties),
    }
}

/// `<uri>/<path>`, or a longer form for a file with several documents, with a bracket that never closes.
fn name_in_tree(contributor: &Contributor<'_>, uri: &str, checkout: &str) -> String {
    let path = contributor.path;
    if contributor.siblings().len() == 1 {
        return [uri, "/", &without_brackets(path)].concat();
    }
    let name = document(contributor, &format!("{checkout}/{path}"));
    [uri, "/", &without_brackets(&name)].concat()
}

fn without_brackets(name: &str) -> Cow<'_, str> {
    if name.contains(']') {
        name.replace(']', "").into()
    } else {
        name.into()
    }
}

/// `file:<path>`, or a longer form for a file with several documents.
fn name_in_directory(contributor: &Contributor<'_>, roots: &[Root]) -> String {
    let path = roots
        .iter()
        .find_map(|root| root.show(contributor.path))
        .unwrap_or_else(|| contributor.path.to_owned());
    if contributor.siblings().len() == 1 {
        format!("file:{path}")
    } else {
        document(contributor, &format!("{path}]"))
    }
}

fn document(contributor: &Contributor<'_>, file: &str) -> String {
    let Contributor {
        location, index, ..
    } = contributor;
    format!("{DOCUMENT}{file}' via location '{location}' (document #{index})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        resolve_files,
        testing::{layout, request, snapshot},
    };

    #[test]
    fn a_name_leads_back_to_its_document() {
        let snapshot = snapshot(&[
            ("foo.yml", "a: 1\n---\na: 2\n"),
            ("sub/application.yml", "b: 1\n"),
        ]);
        let layout = layout(&["sub"]);
        let files = resolve_files(&snapshot, &layout, &request("foo/dev")).unwrap();
        let found = files.iter().map(|file| {
            let found = layout.file_of(&file.source.name).unwrap();
            assert_eq!(found.path, file.path);
            found.document
        });
        assert_eq!(found.collect::<Vec<_>>(), [0, 1, 0]);
        assert_eq!(layout.file_of("overrides"), None);
    }

    #[test]
    fn directories_of_a_machine_are_not_told() {
        let root = |shown: &str| Root {
            path: String::new(),
            shown: shown.to_owned(),
        };
        let layout = Layout {
            places: Places::Directories {
                locations: Vec::new(),
                label_locations: false,
                roots: vec![root("/srv/config/"), root("/srv/")],
            },
            ..Layout::default()
        };
        for (name, path, document) in [
            ("file:/srv/config/foo.yml", "foo.yml", 0),
            (
                "Config resource 'file [/srv/config/foo.yml]' via location 'file:/srv/config/' (document #2)",
                "foo.yml",
                2,
            ),
        ] {
            let found = layout.file_of(name).unwrap();
            assert_eq!((&*found.path, found.document), (path, document));
        }
        assert_eq!(layout.file_of("vault:foo"), None);
    }
}
