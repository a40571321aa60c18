use std::collections::BTreeSet;

use confbus_protocol::{CommitId, Destination};
use confbus_resolution::changed_files;

use crate::{environment_repository::Moved, webhook::guess_names};

/// Above this, one event for everyone is less work for the broker and for the clients.
const MAX_EVENTS: usize = 50;

/// A file name with more dashes belongs to more names than are worth telling.
const MAX_DASHES: usize = 20;

/// Who is concerned by labels that moved: the applications whose configuration files say something else than before.
///
/// Which part of `foo-bar-dev.yml` is the profile cannot be known, so every name it may belong to is told.
/// A shared file concerns everyone.
pub(super) fn concerned(moved: &[Moved]) -> Vec<Destination> {
    let files = moved
        .iter()
        .flat_map(|moved| changed_files(&moved.old, &moved.new));
    let paths: Vec<String> = files.map(|path| path.as_str().to_owned()).collect();
    let names: BTreeSet<String> = guess_names(&paths, usize::MAX, MAX_DASHES)
        .into_iter()
        .collect();
    if names.contains("*") || names.len() > MAX_EVENTS {
        return vec![Destination::everyone()];
    }
    names
        .iter()
        .map(|name| Destination::complete(name))
        .collect()
}

/// The commit that all of them came to, if a client that runs it already has nothing to ask for.
///
/// Not when several labels moved to different commits, and not when the files of a work tree changed under one.
pub(super) fn common_commit(moved: &[Moved]) -> Option<CommitId> {
    let commit = moved.first()?.new.version();
    let is_common = |moved: &Moved| moved.new.version() == commit && moved.old.version() != commit;
    moved.iter().all(is_common).then_some(commit)
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use confbus_protocol::Label;
    use confbus_resolution::{Blob, BlobId, RepoPath, Snapshot};

    use super::*;

    fn snapshot(number: u8, files: &[(&str, &str)]) -> Arc<Snapshot> {
        let blob = |text: &str| {
            let mut id = [0; 20];
            text.bytes().enumerate().for_each(|(at, byte)| {
                id[at % 20] ^= byte.rotate_left(u32::try_from(at / 20).unwrap());
            });
            Arc::new(Blob::new(BlobId(id), text.as_bytes().to_vec()))
        };
        let files: BTreeMap<_, _> = files
            .iter()
            .map(|(path, text)| (RepoPath::parse(path).unwrap(), blob(text)))
            .collect();
        Arc::new(Snapshot::new(CommitId::from_bytes([number; 20]), files))
    }

    #[track_caller]
    fn check(old: &[(&str, &str)], new: &[(&str, &str)], expected: &[&str]) {
        let moved = Moved {
            repository: "repo".into(),
            label: Label::parse("main").unwrap(),
            old: snapshot(1, old),
            new: snapshot(2, new),
        };
        let told: Vec<_> = concerned(&[moved])
            .iter()
            .map(|destination| destination.as_str().to_owned())
            .collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn only_those_whose_files_changed_are_told() {
        let old = [
            ("orders.yml", "a: 1\n"),
            ("payments.yml", "a: 1\n"),
            ("application.yml", "a: 1\n"),
        ];
        check(
            &old,
            &[("orders.yml", "a: 2\n"), old[1], old[2]],
            &["orders:**"],
        );
        check(
            &old,
            &[old[0], old[1], ("application.yml", "a: 2\n")],
            &["**"],
        );
        check(&old, &[old[0], old[2]], &["payments:**"]);
        check(
            &old,
            &[old[0], old[1], old[2], ("orders-dev.yml", "b: 1\n")],
            &["orders:**", "orders-dev:**"],
        );
    }

    #[test]
    fn a_comment_tells_nobody() {
        check(
            &[("orders.yml", "a: 1\n")],
            &[("orders.yml", "# one\na:  1\n")],
            &[],
        );
    }
}
