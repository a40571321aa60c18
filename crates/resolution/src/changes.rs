use std::{collections::BTreeSet, sync::Arc};

use confbus_protocol::Properties;

use crate::{
    Blob, RepoPath, Snapshot,
    documents::{Document, Syntax},
};

/// The configuration files whose meaning differs between two snapshots: added, removed or changed.
///
/// A comment, white space or the order of keys is no change; a file that cannot be read counts by its bytes.
#[must_use]
pub fn changed_files(old: &Snapshot, new: &Snapshot) -> BTreeSet<RepoPath> {
    let paths = old.files().chain(new.files()).map(|(path, _)| path);
    paths
        .filter(|path| differs(path, old.file(path), new.file(path)))
        .cloned()
        .collect()
}

fn differs(path: &RepoPath, old: Option<&Arc<Blob>>, new: Option<&Arc<Blob>>) -> bool {
    let Some(syntax) = Syntax::of(path.as_str()) else {
        return false;
    };
    let (Some(old), Some(new)) = (old, new) else {
        return true;
    };
    if old.id() == new.id() {
        return false;
    }
    match (old.documents(syntax), new.documents(syntax)) {
        (Ok(old), Ok(new)) => !same_documents(old, new),
        _ => true,
    }
}

fn same_documents(old: &[Document], new: &[Document]) -> bool {
    old.len() == new.len()
        && old
            .iter()
            .zip(new)
            .all(|(old, new)| same_values(&old.properties, &new.properties))
}

/// Whether both hold the same, wherever it stands in the file.
fn same_values(old: &Properties, new: &Properties) -> bool {
    old.len() == new.len()
        && old.iter().all(|(key, property)| {
            new.get(key)
                .is_some_and(|other| other.value == property.value)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::snapshot;

    #[test]
    fn only_what_means_something_else_has_changed() {
        let old = snapshot(&[
            ("same.yml", "a: 1"),
            ("comment.yml", "a: 1\nb: 2"),
            ("value.yml", "a: 1"),
            ("type.yml", "a: 1"),
            ("split.yml", "a: 1\nb: 2"),
            ("removed.properties", "a=1"),
            ("broken.yml", "a: ["),
            ("note.txt", "one"),
        ]);
        let new = snapshot(&[
            ("same.yml", "a: 1"),
            ("comment.yml", "# why\n\nb:   2\na: 1"),
            ("value.yml", "a: 2"),
            ("type.yml", "a: '1'"),
            ("split.yml", "a: 1\n---\nb: 2"),
            ("added.xml", "<!DOCTYPE properties><properties/>"),
            ("broken.yml", "a: [["),
            ("note.txt", "two"),
        ]);
        let changed: Vec<_> = changed_files(&old, &new)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            changed,
            [
                "added.xml",
                "broken.yml",
                "removed.properties",
                "split.yml",
                "type.yml",
                "value.yml"
            ]
        );
    }
}
