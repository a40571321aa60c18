use std::{collections::BTreeSet, sync::Arc};

use confbus_protocol::Properties;

use crate::{
    Blob, FileChange, RepoPath, Snapshot,
    documents::{Document, Flaw, Syntax},
    parsed::Parsed,
};

/// A document: its file, and its place there.
pub(crate) type Place<'s> = (&'s RepoPath, usize);

/// The documents that say something else in two snapshots: added, removed or changed.
///
/// A comment, white space or the order of keys is no change; a file that cannot be read counts by its bytes, as one
/// document at least.
pub(crate) fn changed_documents<'s>(old: &'s Snapshot, new: &'s Snapshot) -> BTreeSet<Place<'s>> {
    let changes = old.files().changes(new.files());
    let places = |change: FileChange<'s>| {
        let places = changed_in(&change).into_iter();
        places.map(move |index| (change.path, index))
    };
    changes.into_iter().flat_map(places).collect()
}

fn changed_in(change: &FileChange<'_>) -> Vec<usize> {
    let Some(syntax) = Syntax::of(change.path.as_str()) else {
        return Vec::new();
    };
    let parse = |blob: &Arc<Blob>| blob.parsed(syntax);
    let (old, new) = (change.old.map(parse), change.new.map(parse));
    let (old, new) = (documents(old.as_deref()), documents(new.as_deref()));
    let is_broken = old.is_err() || new.is_err();
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    let least = usize::from(is_broken);
    (0..old.len().max(new.len()).max(least))
        .filter(|index| is_broken || differ(old.get(*index), new.get(*index)))
        .collect()
}

fn documents(parsed: Option<&Parsed>) -> Result<&[Document], &Flaw> {
    parsed.map_or(Ok(&[]), Parsed::documents)
}

/// A document for a platform that is not ours is read by nobody.
fn differ(old: Option<&Document>, new: Option<&Document>) -> bool {
    let counts = |document: &&Document| document.header().fits_platform();
    match (old.filter(counts), new.filter(counts)) {
        (Some(old), Some(new)) => !same_values(&old.properties, &new.properties),
        (old, new) => old.is_some() || new.is_some(),
    }
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
            ("second.yml", "a: 1\n---\nb: 1"),
            ("removed.properties", "a=1"),
            ("broken.yml", "a: ["),
            (
                "platform.yml",
                "spring.config.activate.on-cloud-platform: kubernetes\na: 1",
            ),
            ("note.txt", "one"),
        ]);
        let new = snapshot(&[
            ("same.yml", "a: 1"),
            ("comment.yml", "# why\n\nb:   2\na: 1"),
            ("value.yml", "a: 2"),
            ("type.yml", "a: '1'"),
            ("split.yml", "a: 1\n---\nb: 2"),
            ("second.yml", "a: 1\n---\nb: 2"),
            ("added.yml", "a: 1"),
            ("empty.yml", "# nothing yet"),
            ("broken.yml", "a: [["),
            (
                "platform.yml",
                "spring.config.activate.on-cloud-platform: kubernetes\na: 2",
            ),
            ("note.txt", "two"),
        ]);
        let changed: Vec<_> = changed_documents(&old, &new)
            .iter()
            .map(|(path, index)| format!("{path}#{index}"))
            .collect();
        assert_eq!(
            changed,
            [
                "added.yml#0",
                "broken.yml#0",
                "removed.properties#0",
                "second.yml#1",
                "split.yml#0",
                "split.yml#1",
                "type.yml#0",
                "value.yml#0"
            ]
        );
    }
}
