use std::{cmp::Ordering, collections::BTreeMap, iter::Peekable, sync::Arc};

use crate::{Blob, RepoPath};

mod cursor;

use cursor::Cursor;

/// How many files stand in one chunk at most: a change copies one, a look-up searches one.
const MOST: usize = 128;

/// A chunk with fewer is joined to a neighbour as soon as it is copied anyway.
const LEAST: usize = 32;

type Entry = (RepoPath, Arc<Blob>);
/// Sorted by path, never empty.
type Chunk = Arc<[Entry]>;

/// Files under their paths, sorted; never changes, and a copy costs nothing.
///
/// They stand in chunks that are shared by all that came of each other by [`Self::with`]: one commit after the other costs
/// the chunks that it touches, and what differs between the two is found without a look at the others.
#[derive(Debug, Clone, Default)]
pub struct Files {
    chunks: Arc<[Chunk]>,
    len: usize,
}

/// What became of the file at a path: what was there, and what is there.
#[derive(Debug, Clone, Copy)]
pub struct FileChange<'f> {
    /// Where.
    pub path: &'f RepoPath,
    /// `None` for a new file.
    pub old: Option<&'f Arc<Blob>>,
    /// `None` for a file that is gone.
    pub new: Option<&'f Arc<Blob>>,
}

impl Files {
    /// The number of files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The file at a path, whatever the text is.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<(&RepoPath, &Arc<Blob>)> {
        let (found, blob) = Cursor::at(&self.chunks, path).entry()?;
        (found.as_str() == path).then_some((found, blob))
    }

    /// All files, sorted by path.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&RepoPath, &Arc<Blob>)> {
        let entries = self.chunks.iter().flat_map(|chunk| chunk.iter());
        entries.map(|(path, blob)| (path, blob))
    }

    /// The files whose paths begin so, sorted.
    pub(crate) fn starting_with<'f>(
        &'f self,
        prefix: &str,
    ) -> impl Iterator<Item = (&'f RepoPath, &'f Arc<Blob>)> {
        let entries = Cursor::at(&self.chunks, prefix);
        entries
            .take_while(move |(path, _)| path.as_str().starts_with(prefix))
            .map(|(path, blob)| (path, blob))
    }

    /// These files with some replaced, added (`Some`) or gone (`None`); the last word about a path counts.
    #[must_use]
    pub fn with(&self, changes: impl IntoIterator<Item = (RepoPath, Option<Arc<Blob>>)>) -> Self {
        let changes: BTreeMap<_, _> = changes.into_iter().collect();
        let mut changes = changes.into_iter().peekable();
        let mut next = Builder::default();
        for (index, chunk) in self.chunks.iter().enumerate() {
            let end = self.chunks.get(index + 1).map(|after| after[0].0.as_str());
            let is_mine = |path: &RepoPath| end.is_none_or(|end| path.as_str() < end);
            if changes.peek().is_some_and(|(path, _)| is_mine(path)) {
                next.edit(chunk, &mut changes, is_mine);
            } else {
                next.share(chunk);
            }
        }
        // Without any chunk before, all changes are still there.
        next.edit(&[], &mut changes, |_| true);
        next.finish()
    }

    /// Where the contents differ, sorted by path.
    #[must_use]
    pub fn changes<'f>(&'f self, new: &'f Self) -> Vec<FileChange<'f>> {
        let (mut old, mut new) = (Cursor::start(&self.chunks), Cursor::start(&new.chunks));
        let mut changes = Vec::new();
        loop {
            old.skip_shared(&mut new);
            let order = match (old.entry(), new.entry()) {
                (None, None) => return changes,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some((old, _)), Some((new, _))) => old.cmp(new),
            };
            let before = order.is_le().then(|| old.next()).flatten();
            let after = order.is_ge().then(|| new.next()).flatten();
            changes.extend(difference(before, after));
        }
    }
}

/// Two entries at one path, or one alone.
fn difference<'f>(old: Option<&'f Entry>, new: Option<&'f Entry>) -> Option<FileChange<'f>> {
    let (path, _) = old.or(new)?;
    let (old, new) = (old.map(|(_, blob)| blob), new.map(|(_, blob)| blob));
    let is_same = old.map(|blob| blob.id()) == new.map(|blob| blob.id());
    (!is_same).then_some(FileChange { path, old, new })
}

impl FromIterator<Entry> for Files {
    /// Of two files at one path the last counts.
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        BTreeMap::from_iter(entries).into()
    }
}

impl From<BTreeMap<RepoPath, Arc<Blob>>> for Files {
    fn from(entries: BTreeMap<RepoPath, Arc<Blob>>) -> Self {
        let mut files = Builder::default();
        files.loose.extend(entries);
        files.finish()
    }
}

/// Chunks in the order of their paths.
#[derive(Default)]
struct Builder {
    chunks: Vec<Chunk>,
    /// What follows and is in no chunk yet.
    loose: Vec<Entry>,
}

impl Builder {
    /// Takes a chunk as it is, unless what stands before it needs company.
    fn share(&mut self, chunk: &Chunk) {
        if self.loose.is_empty() {
            self.chunks.push(Arc::clone(chunk));
        } else {
            self.loose.extend(chunk.iter().cloned());
            self.settle();
        }
    }

    /// Takes the entries of a chunk with the changes that are meant for it.
    fn edit(
        &mut self,
        chunk: &[Entry],
        changes: &mut Peekable<impl Iterator<Item = (RepoPath, Option<Arc<Blob>>)>>,
        is_mine: impl Fn(&RepoPath) -> bool,
    ) {
        let mut entries = chunk.iter().peekable();
        while let Some((path, blob)) = changes.next_if(|(path, _)| is_mine(path)) {
            while let Some(entry) = entries.next_if(|(before, _)| *before < path) {
                self.loose.push(entry.clone());
            }
            entries.next_if(|(same, _)| *same == path);
            self.loose.extend(blob.map(|blob| (path, blob)));
        }
        self.loose.extend(entries.cloned());
        self.settle();
    }

    /// Makes chunks of what is loose, if that is enough for one.
    fn settle(&mut self) {
        if self.loose.len() < LEAST {
            return;
        }
        let pieces = self.loose.len().div_ceil(MOST);
        let size = self.loose.len().div_ceil(pieces);
        let mut loose = self.loose.drain(..);
        for _ in 0..pieces {
            self.chunks.push(loose.by_ref().take(size).collect());
        }
    }

    fn finish(mut self) -> Files {
        self.settle();
        if !self.loose.is_empty() {
            if let Some(last) = self.chunks.pop() {
                self.loose.splice(0..0, last.iter().cloned());
                self.settle();
            } else {
                self.chunks.push(self.loose.drain(..).collect());
            }
        }
        Files {
            len: self.chunks.iter().map(|chunk| chunk.len()).sum(),
            chunks: self.chunks.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::BlobId;

    type Model = BTreeMap<RepoPath, Arc<Blob>>;
    type Change = (u16, Option<u8>);

    fn path(number: u16) -> RepoPath {
        RepoPath::parse(&format!("{number:04}.yml")).unwrap()
    }

    fn blob(content: u8) -> Arc<Blob> {
        Arc::new(Blob::new(BlobId([content; 20]), vec![content]))
    }

    fn edits(changes: &[Change]) -> Vec<(RepoPath, Option<Arc<Blob>>)> {
        let edit = |(number, content): &Change| (path(*number), content.map(blob));
        changes.iter().map(edit).collect()
    }

    fn changed(model: &Model, changes: &[Change]) -> Model {
        let mut model = model.clone();
        for (path, blob) in edits(changes) {
            match blob {
                Some(blob) => model.insert(path, blob),
                None => model.remove(&path),
            };
        }
        model
    }

    fn shown<'f>(
        entries: impl Iterator<Item = (&'f RepoPath, &'f Arc<Blob>)>,
    ) -> Vec<(String, BlobId)> {
        entries
            .map(|(path, blob)| (path.to_string(), blob.id()))
            .collect()
    }

    fn is_well_formed(files: &Files) -> bool {
        let sizes: Vec<_> = files.chunks.iter().map(|chunk| chunk.len()).collect();
        let fits = |size: &usize| (LEAST..=MOST).contains(size);
        match sizes.as_slice() {
            [only] => (1..=MOST).contains(only),
            sizes => sizes.iter().all(fits),
        }
    }

    fn changes(most: usize) -> impl Strategy<Value = Vec<Change>> {
        let change = (0..600_u16, proptest::option::weighted(0.6, 0..4_u8));
        proptest::collection::vec(change, 0..most)
    }

    proptest! {
        #[test]
        fn files_are_what_a_map_is(
            first in changes(900),
            steps in proptest::collection::vec(changes(80), 1..6),
            run in 0..600_u16,
        ) {
            let mut model = changed(&Model::new(), &first);
            let mut files = Files::from(model.clone());
            let whole_run: Vec<_> = (run..run.saturating_add(200)).map(|number| (number, None)).collect();
            for step in steps.iter().chain([&whole_run]) {
                let next_model = changed(&model, step);
                let next = files.with(edits(step));
                prop_assert!(is_well_formed(&next));
                prop_assert_eq!(next.len(), next_model.len());
                prop_assert_eq!(shown(next.iter()), shown(next_model.iter()));
                prop_assert_eq!(shown(next.iter().rev()), shown(next_model.iter().rev()));
                for number in 0..600 {
                    let path = path(number);
                    let found = next.get(path.as_str()).map(|(_, blob)| blob.id());
                    prop_assert_eq!(found, next_model.get(&path).map(|blob| blob.id()));
                }
                let id = |blob: Option<&Arc<Blob>>| blob.map(|blob| blob.id());
                let told: Vec<_> = files.changes(&next).iter()
                    .map(|change| (change.path.clone(), id(change.old), id(change.new)))
                    .collect();
                let all: BTreeMap<_, _> = model.iter().chain(&next_model).collect();
                let expected: Vec<_> = all.into_keys()
                    .map(|path| (path.clone(), id(model.get(path)), id(next_model.get(path))))
                    .filter(|(_, old, new)| old != new)
                    .collect();
                prop_assert_eq!(told, expected);
                (files, model) = (next, next_model);
            }
        }
    }

    #[test]
    fn what_is_not_touched_is_shared() {
        let all: Vec<Change> = (0..3_000).map(|number| (number, Some(1))).collect();
        let files = Files::default().with(edits(&all));
        let next = files.with(edits(&[(1_500, Some(2)), (2_999, None)]));
        let is_shared = |chunk: &&Chunk| files.chunks.iter().any(|old| Arc::ptr_eq(old, chunk));
        assert_eq!(
            next.chunks.iter().filter(is_shared).count(),
            files.chunks.len() - 2
        );
        assert!(files.with([]).chunks.iter().all(|chunk| is_shared(&chunk)));
    }
}
