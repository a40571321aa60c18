use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use confbus_protocol::CommitId;
use confbus_resolution::{Layout, Problem, ResolveError, Snapshot};

use super::{FindError, Found, Held};
use crate::look::Version;

/// Earlier versions that may be needed at once; each heals a file that every newer one has broken.
const MAX_EARLIER: usize = 16;

/// What a label names, and the earlier versions that still answer where that one is broken.
#[derive(Debug)]
pub(super) struct History {
    newest: Judged,
    /// Newest first; empty when the newest has no problems.
    earlier: Vec<Judged>,
    /// The label is a commit id, which never moves.
    pinned: bool,
    last_asked: AtomicU64,
}

/// A version and which of its files cannot be used.
#[derive(Debug, Clone)]
struct Judged {
    version: Version,
    problems: Arc<[Problem]>,
}

/// How a label comes from one version to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Read anew, but nothing is different; to hold it spares reading it again.
    SameFiles,
    /// To another commit or other files.
    Moved,
}

impl Judged {
    fn new(version: Version, layout: &Layout) -> Self {
        let problems = version.snapshot.problems(layout).into();
        Self { version, problems }
    }

    fn broken(&self) -> BTreeSet<&str> {
        self.problems
            .iter()
            .map(|problem| problem.origin.path.as_str())
            .collect()
    }
}

/// Orders labels by when they were asked for, without a clock.
static ASKED: AtomicU64 = AtomicU64::new(0);

impl History {
    /// The first version of a label.
    pub(super) fn new(version: Version, pinned: bool, layout: &Layout) -> Self {
        Self::from_parts(Judged::new(version, layout), Vec::new(), pinned)
    }

    /// The versions that were in service before a stop, newest first.
    pub(super) fn restored(versions: Vec<Version>, layout: &Layout) -> Option<Self> {
        let mut judged = versions
            .into_iter()
            .map(|version| Judged::new(version, layout));
        let newest = judged.next()?;
        let earlier = needed(&newest, judged.collect());
        Some(Self::from_parts(newest, earlier, false))
    }

    /// What follows when the label names `version`, and whether that is another one; `None` when nothing follows.
    pub(super) fn next(&self, version: Version, layout: &Layout) -> Option<(Self, Step)> {
        if Arc::ptr_eq(&self.newest.version.snapshot, &version.snapshot) {
            return None;
        }
        let is_same = same(&self.newest.version.snapshot, &version.snapshot);
        let newest = Judged::new(version, layout);
        let step = if is_same {
            Step::SameFiles
        } else {
            Step::Moved
        };
        let earlier = if is_same {
            self.earlier.clone()
        } else {
            needed(
                &newest,
                std::iter::once(&self.newest)
                    .chain(&self.earlier)
                    .cloned()
                    .collect(),
            )
        };
        let next = Self::from_parts(newest, earlier, self.pinned);
        next.last_asked.store(self.last_asked(), Ordering::Relaxed);
        Some((next, step))
    }

    fn from_parts(newest: Judged, earlier: Vec<Judged>, pinned: bool) -> Self {
        let history = Self {
            newest,
            earlier,
            pinned,
            last_asked: AtomicU64::new(0),
        };
        history.touch();
        history
    }

    /// What the label names.
    pub(super) fn newest(&self) -> &Version {
        &self.newest.version
    }

    /// Files of the newest version that cannot be used.
    pub(super) fn problems(&self) -> &[Problem] {
        &self.newest.problems
    }

    pub(super) fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// Notes that somebody asked for the label.
    pub(super) fn touch(&self) {
        self.last_asked
            .store(ASKED.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(super) fn last_asked(&self) -> u64 {
        self.last_asked.load(Ordering::Relaxed)
    }

    /// The commits in service, newest first.
    pub(super) fn commits(&self) -> Vec<CommitId> {
        std::iter::once(&self.newest)
            .chain(&self.earlier)
            .map(|judged| judged.version.snapshot.version())
            .collect()
    }

    /// The answer of the newest version that has one.
    pub(super) fn first_good<T>(
        &self,
        answer: impl Fn(&Version) -> Result<T, ResolveError>,
    ) -> Result<Found<T>, FindError> {
        let wanted = self.newest().snapshot.version();
        let broken = match answer(self.newest()) {
            Ok(value) => {
                return Ok(Found {
                    value,
                    commits: vec![wanted],
                    held: None,
                });
            }
            Err(broken) => broken,
        };
        let good = self.earlier.iter().find_map(|judged| {
            Some((
                judged.version.snapshot.version(),
                answer(&judged.version).ok()?,
            ))
        });
        let Some((version, value)) = good else {
            return Err(broken.into());
        };
        let problems = broken.problems().to_vec();
        Ok(Found {
            value,
            commits: vec![version],
            held: Some(Held { wanted, problems }),
        })
    }
}

/// Of the earlier versions those that heal a file which everything newer has broken, up to the first without problems.
fn needed(newest: &Judged, before: Vec<Judged>) -> Vec<Judged> {
    let mut broken: BTreeSet<String> = newest.broken().into_iter().map(str::to_owned).collect();
    let mut kept: Vec<Judged> = Vec::new();
    for judged in before {
        if broken.is_empty() && kept.last().is_none_or(|last| last.problems.is_empty()) {
            break;
        }
        let still = judged.broken();
        let heals = broken.iter().any(|path| !still.contains(path.as_str()));
        if heals || still.is_empty() {
            broken.retain(|path| still.contains(path.as_str()));
            kept.push(judged);
        }
    }
    // The last one heals most: it goes last.
    if kept.len() > MAX_EARLIER {
        kept.drain(MAX_EARLIER - 1..kept.len() - 1);
    }
    kept
}

/// A commit is the same commit; a work tree is the same when its files are.
fn same(one: &Snapshot, other: &Snapshot) -> bool {
    let files = |snapshot: &Snapshot| {
        let files = snapshot
            .files()
            .iter()
            .map(|(path, blob)| (path.clone(), blob.id()));
        files.collect::<Vec<_>>()
    };
    one.version() == other.version() && files(one) == files(other)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use confbus_resolution::{Blob, BlobId, RepoPath};

    use super::*;
    use crate::look::Modified;

    /// A version whose files are good (`a: 1`) or broken (`a: [`).
    fn version(number: u8, files: &[(&str, bool)]) -> Version {
        let blob = |path: &str, good: bool| {
            let mut id = [number; 20];
            id[0] = u8::from(good);
            id[1] = path.as_bytes()[0];
            let bytes: &[u8] = if good { b"a: 1\n" } else { b"a: [\n" };
            Arc::new(Blob::new(BlobId(id), bytes.to_vec()))
        };
        let files: BTreeMap<_, _> = files
            .iter()
            .map(|(path, good)| (RepoPath::parse(path).unwrap(), blob(path, *good)))
            .collect();
        Version {
            snapshot: Arc::new(Snapshot::new(CommitId::from_bytes([number; 20]), files)),
            modified: Modified::Together(0),
        }
    }

    fn layout() -> Layout {
        Layout::default()
    }

    fn numbers(history: &History) -> Vec<u8> {
        history
            .commits()
            .iter()
            .map(|commit| commit.as_bytes()[0])
            .collect()
    }

    fn after(steps: &[&[(&str, bool)]]) -> History {
        let mut versions = steps
            .iter()
            .zip(1..)
            .map(|(files, number)| version(number, files));
        let first = History::new(versions.next().unwrap(), false, &layout());
        versions.fold(first, |history, version| {
            history.next(version, &layout()).unwrap().0
        })
    }

    #[test]
    fn a_good_version_needs_no_earlier_one() {
        assert_eq!(
            numbers(&after(&[
                &[("a.yml", true)],
                &[("a.yml", true), ("b.yml", true)]
            ])),
            [2]
        );
    }

    #[test]
    fn a_broken_file_keeps_the_last_good_version() {
        let history = after(&[
            &[("a.yml", true), ("b.yml", true)],
            &[("a.yml", false), ("b.yml", true)],
            &[("a.yml", false), ("b.yml", false)],
        ]);
        assert_eq!(numbers(&history), [3, 2, 1]);
        assert_eq!(history.problems().len(), 2);
    }

    #[test]
    fn a_version_that_heals_nothing_is_dropped() {
        let history = after(&[
            &[("a.yml", true)],
            &[("a.yml", false)],
            &[("a.yml", false), ("b.yml", true)],
        ]);
        assert_eq!(numbers(&history), [3, 1]);
    }

    #[test]
    fn mending_ends_it() {
        assert_eq!(
            numbers(&after(&[
                &[("a.yml", true)],
                &[("a.yml", false)],
                &[("a.yml", true)]
            ])),
            [3]
        );
    }
}
