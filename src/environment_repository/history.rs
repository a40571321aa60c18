use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use confbus_protocol::CommitId;
use confbus_resolution::{Layout, Problem, Problems, RepoPath, ResolveError, Snapshot};

use super::{FindError, Found, Held};
use crate::look::Version;

/// Earlier versions that may be needed at once; each heals a file that every newer one has broken.
const MAX_EARLIER: usize = 16;

/// What a label names, and the earlier versions that still answer where that one is broken.
///
/// A version is in service before anybody has looked for broken files in it; until then everything before it is kept,
/// which answers the same.
#[derive(Debug)]
pub(super) struct History {
    newest: Judged,
    /// Newest first; empty when the newest has no problems.
    earlier: Vec<Judged>,
    /// The label is a commit id, which never moves.
    pinned: bool,
    last_asked: Arc<AtomicU64>,
}

/// A version and which of its files cannot be used, once that is known.
#[derive(Debug, Clone)]
struct Judged {
    version: Version,
    problems: Option<Problems>,
}

/// How a label comes from one version to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Read anew, but nothing is different; to hold it spares reading it again.
    SameFiles,
    /// To another commit or other files.
    Moved,
}

/// What is wrong with the files of snapshots of one repository.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    of_snapshots: HashMap<usize, (Arc<Snapshot>, Problems)>,
}

impl Verdicts {
    /// Judges snapshots one after the other; each costs what is different from the one before it, the first from `basis`.
    pub(super) fn of(
        snapshots: Vec<Arc<Snapshot>>,
        mut basis: Option<(Arc<Snapshot>, Problems)>,
        layout: &Layout,
    ) -> Self {
        let mut verdicts = Self::default();
        for snapshot in snapshots {
            let problems = match &basis {
                Some((old, problems)) => problems.after(old, &snapshot, layout),
                None => Problems::of(&snapshot, layout),
            };
            let verdict = (Arc::clone(&snapshot), problems);
            verdicts
                .of_snapshots
                .insert(address(&snapshot), verdict.clone());
            basis = Some(verdict);
        }
        verdicts
    }

    fn on(&self, snapshot: &Arc<Snapshot>) -> Option<&Problems> {
        let (_, problems) = self.of_snapshots.get(&address(snapshot))?;
        Some(problems)
    }
}

/// Tells snapshots apart as long as they are held.
fn address(snapshot: &Arc<Snapshot>) -> usize {
    Arc::as_ptr(snapshot).addr()
}

impl Judged {
    fn not_yet(version: Version) -> Self {
        Self {
            version,
            problems: None,
        }
    }

    fn with(&self, verdicts: &Verdicts) -> Self {
        let known = self.problems.as_ref();
        Self {
            version: self.version.clone(),
            problems: known
                .or_else(|| verdicts.on(&self.version.snapshot))
                .cloned(),
        }
    }

    fn is_good(&self) -> bool {
        self.problems.as_ref().is_some_and(Problems::is_empty)
    }

    fn breaks(&self, path: &RepoPath) -> bool {
        let problems = self.problems.as_ref();
        problems.is_some_and(|problems| problems.are_in(path))
    }
}

/// Orders labels by when they were asked for, without a clock.
static ASKED: AtomicU64 = AtomicU64::new(0);

impl History {
    /// The first version of a label.
    pub(super) fn new(version: Version, pinned: bool) -> Self {
        Self::from_parts(Judged::not_yet(version), Vec::new(), pinned)
    }

    /// The versions that were in service before a stop, newest first: all of them were needed.
    pub(super) fn restored(versions: Vec<Version>) -> Option<Self> {
        let mut versions = versions.into_iter().map(Judged::not_yet);
        let newest = versions.next()?;
        Some(Self::from_parts(newest, versions.collect(), false))
    }

    /// What follows when the label names `version`, and whether that is another one; `None` when nothing follows.
    pub(super) fn next(&self, version: Version) -> Option<(Self, Step)> {
        if Arc::ptr_eq(&self.newest.version.snapshot, &version.snapshot) {
            return None;
        }
        let (newest, earlier, step) = if same(&self.newest.version.snapshot, &version.snapshot) {
            let problems = self.newest.problems.clone();
            let newest = Judged { version, problems };
            (newest, self.earlier.clone(), Step::SameFiles)
        } else {
            let before = std::iter::once(&self.newest).chain(&self.earlier).cloned();
            let earlier = bounded(before.collect());
            (Judged::not_yet(version), earlier, Step::Moved)
        };
        let next = Self {
            newest,
            earlier,
            pinned: self.pinned,
            last_asked: Arc::clone(&self.last_asked),
        };
        Some((next, step))
    }

    /// Whether all is known about broken files.
    pub(super) fn is_judged(&self) -> bool {
        self.judgeable().next().is_none()
    }

    /// The snapshots nobody has looked into yet, the oldest first.
    pub(super) fn judgeable(&self) -> impl Iterator<Item = &Arc<Snapshot>> {
        let unknown = self.versions().rev();
        let unknown = unknown.filter(|judged| judged.problems.is_none());
        unknown.map(|judged| &judged.version.snapshot)
    }

    /// A snapshot of which all is known.
    pub(super) fn basis(&self) -> Option<(Arc<Snapshot>, Problems)> {
        self.versions().find_map(|judged| {
            let problems = judged.problems.clone()?;
            Some((Arc::clone(&judged.version.snapshot), problems))
        })
    }

    /// The same with what was found out; once that is everything, only with the earlier versions that are needed.
    pub(super) fn with(&self, verdicts: &Verdicts) -> Self {
        let newest = self.newest.with(verdicts);
        let earlier: Vec<_> = self
            .earlier
            .iter()
            .map(|judged| judged.with(verdicts))
            .collect();
        let all_known = std::iter::once(&newest)
            .chain(&earlier)
            .all(|judged| judged.problems.is_some());
        let earlier = if all_known {
            needed(&newest, earlier)
        } else {
            earlier
        };
        Self {
            newest,
            earlier,
            pinned: self.pinned,
            last_asked: Arc::clone(&self.last_asked),
        }
    }

    fn from_parts(newest: Judged, earlier: Vec<Judged>, pinned: bool) -> Self {
        let history = Self {
            newest,
            earlier,
            pinned,
            last_asked: Arc::default(),
        };
        history.touch();
        history
    }

    fn versions(&self) -> impl DoubleEndedIterator<Item = &Judged> {
        std::iter::once(&self.newest).chain(&self.earlier)
    }

    /// What the label names.
    pub(super) fn newest(&self) -> &Version {
        &self.newest.version
    }

    /// Files of the newest version that cannot be used.
    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.newest.problems.iter().flat_map(Problems::iter)
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
        self.versions()
            .map(|judged| judged.version.snapshot.version())
            .collect()
    }

    /// The newest earlier version in which a file can be used.
    pub(super) fn last_good_for(&self, path: &RepoPath) -> Option<CommitId> {
        let good = self.earlier.iter().find(|judged| !judged.breaks(path))?;
        Some(good.version.snapshot.version())
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
    let problems = newest.problems.iter().flat_map(Problems::files);
    let mut broken: BTreeSet<RepoPath> = problems.cloned().collect();
    let mut kept: Vec<Judged> = Vec::new();
    for judged in before {
        if broken.is_empty() && kept.last().is_none_or(Judged::is_good) {
            break;
        }
        let heals = broken.iter().any(|path| !judged.breaks(path));
        if heals || judged.is_good() {
            broken.retain(|path| judged.breaks(path));
            kept.push(judged);
        }
    }
    bounded(kept)
}

/// The last one heals most: it stays.
fn bounded(mut earlier: Vec<Judged>) -> Vec<Judged> {
    if earlier.len() > MAX_EARLIER {
        earlier.drain(MAX_EARLIER - 1..earlier.len() - 1);
    }
    earlier
}

/// A commit is the same commit; a work tree is the same when its files are.
fn same(one: &Snapshot, other: &Snapshot) -> bool {
    one.version() == other.version() && one.files().changes(other.files()).is_empty()
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

    fn numbers(history: &History) -> Vec<u8> {
        history
            .commits()
            .iter()
            .map(|commit| commit.as_bytes()[0])
            .collect()
    }

    fn judged(history: &History) -> History {
        let unknown = history.judgeable().cloned().collect();
        history.with(&Verdicts::of(unknown, history.basis(), &Layout::default()))
    }

    fn unjudged(steps: &[&[(&str, bool)]]) -> History {
        let mut versions = steps
            .iter()
            .zip(1..)
            .map(|(files, number)| version(number, files));
        let first = History::new(versions.next().unwrap(), false);
        versions.fold(first, |history, version| history.next(version).unwrap().0)
    }

    /// Judged after each step, or once in the end: that makes no difference.
    fn after(steps: &[&[(&str, bool)]]) -> History {
        let mut versions = steps
            .iter()
            .zip(1..)
            .map(|(files, number)| version(number, files));
        let first = judged(&History::new(versions.next().unwrap(), false));
        let each = versions.fold(first, |history, version| {
            judged(&history.next(version).unwrap().0)
        });
        assert_eq!(numbers(&each), numbers(&judged(&unjudged(steps))));
        each
    }

    #[test]
    fn what_nobody_looked_into_yet_keeps_what_was_before_it() {
        let steps: &[&[(&str, bool)]] = &[&[("a.yml", true)], &[("a.yml", true), ("b.yml", true)]];
        let history = unjudged(steps);
        assert_eq!(numbers(&history), [2, 1]);
        assert!(!history.is_judged() && judged(&history).is_judged());
    }

    #[test]
    fn steps_that_nobody_looked_into_are_bounded() {
        let file = [("a.yml", false)];
        let steps: Vec<&[(&str, bool)]> = vec![&file; 2 * MAX_EARLIER];
        let history = unjudged(&steps);
        assert_eq!(history.commits().len(), 1 + MAX_EARLIER);
        assert_eq!(numbers(&history).last(), Some(&1));
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
        assert_eq!(history.problems().count(), 2);
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
