//! Documents as named sources of an environment.

use std::{borrow::Cow, sync::Arc};

use confbus_protocol::PropertySource;

use crate::{
    contributors::Contributor,
    layout::{Layout, Places, Root},
};

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
    let name = document(contributor, &format!("[{checkout}/{path}"));
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
        document(contributor, &format!("[{path}]"))
    }
}

fn document(contributor: &Contributor<'_>, file: &str) -> String {
    let Contributor {
        location, index, ..
    } = contributor;
    format!("Config resource 'file {file}' via location '{location}' (document #{index})")
}
