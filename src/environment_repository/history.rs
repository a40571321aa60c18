mod judged;
#[cfg(test)]
mod tests;
mod verdicts;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use confbus_protocol::CommitId;
use confbus_resolution::{Problem, Problems, ResolveError, Snapshot};

use super::{
    Because, FindError, Found, Held, Past,
    trail::{Heard, Trail},
};
use crate::look::Version;
use judged::{Judged, bounded, needed};
use verdicts::Verdict;
pub(super) use verdicts::{Case, HeldReaders, Judge, Verdicts};

/// What a label names, and the earlier versions that still answer where that one is broken.
///
/// A version is in service before anybody has looked for what is wrong with it; until then everything before it is kept,
/// which answers the same.
#[derive(Debug)]
pub(super) struct History {
    newest: Judged,
    /// Newest first; empty when the newest has no problems.
    earlier: Vec<Judged>,
    /// The label is a commit id, which never moves.
    pinned: bool,
    /// Where the label has been.
    trail: Arc<Trail>,
    last_asked: Arc<AtomicU64>,
}

/// How a label comes from one version to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Read anew, but nothing is different; to hold it spares reading it again.
    SameFiles,
    /// To another commit or other files.
    Moved,
}

/// Orders labels by when they were asked for, without a clock.
static ASKED: AtomicU64 = AtomicU64::new(0);

impl History {
    /// The first version of a label.
    pub(super) fn new(version: Version, pinned: bool, trail: Arc<Trail>) -> Self {
        Self::from_parts(Judged::not_yet(version), Vec::new(), pinned, trail)
    }

    /// The versions that were in service before a stop, newest first: all of them were needed.
    pub(super) fn restored(
        versions: Vec<Version>,
        pinned: bool,
        trail: Arc<Trail>,
    ) -> Option<Self> {
        let mut versions = versions.into_iter().map(Judged::restored);
        let newest = versions.next()?;
        Some(Self::from_parts(newest, versions.collect(), pinned, trail))
    }

    /// What follows when the label names `version`, and whether that is another one; `None` when nothing follows.
    pub(super) fn next(&self, version: Version, heard: Heard) -> Option<(Self, Step)> {
        if Arc::ptr_eq(&self.newest.version.snapshot, &version.snapshot) {
            return None;
        }
        let mut trail = Arc::clone(&self.trail);
        let (newest, earlier, step) = if same(&self.newest.version.snapshot, &version.snapshot) {
            let newest = Judged {
                version,
                ..self.newest.clone()
            };
            (newest, self.earlier.clone(), Step::SameFiles)
        } else {
            let before = std::iter::once(&self.newest).chain(&self.earlier).cloned();
            let earlier = bounded(before.collect());
            trail = Arc::new(trail.moved(version.snapshot.version(), heard));
            (Judged::not_yet(version), earlier, Step::Moved)
        };
        let next = Self {
            newest,
            earlier,
            pinned: self.pinned,
            trail,
            last_asked: Arc::clone(&self.last_asked),
        };
        Some((next, step))
    }

    /// Whether all is known about what is wrong.
    pub(super) fn is_judged(&self) -> bool {
        self.versions().all(|judged| judged.verdict.is_some())
    }

    /// The snapshots to look into, the oldest first: all of them as soon as one is new, since more may be known by now of who
    /// needs the others.
    pub(super) fn judgeable(&self) -> impl Iterator<Item = &Arc<Snapshot>> {
        let is_judged = self.is_judged();
        let versions = self.versions().rev().filter(move |_| !is_judged);
        versions.map(|judged| &judged.version.snapshot)
    }

    /// A snapshot of which all is known.
    pub(super) fn basis(&self) -> Option<(Arc<Snapshot>, Problems)> {
        self.versions().find_map(|judged| {
            let problems = judged.verdict.as_ref()?.problems().clone();
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
            .all(|judged| judged.verdict.is_some());
        let earlier = if all_known {
            needed(&newest, earlier)
        } else {
            earlier
        };
        Self {
            newest,
            earlier,
            pinned: self.pinned,
            trail: Arc::clone(&self.trail),
            last_asked: Arc::clone(&self.last_asked),
        }
    }

    fn from_parts(newest: Judged, earlier: Vec<Judged>, pinned: bool, trail: Arc<Trail>) -> Self {
        let history = Self {
            newest,
            earlier,
            pinned,
            trail,
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

    /// What is wrong with the newest version: files that cannot be used, and what somebody cannot be given.
    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.newest.verdict.iter().flat_map(Verdict::all)
    }

    pub(super) fn is_pinned(&self) -> bool {
        self.pinned
    }

    /// Where the label has been; nothing for a commit id, which has been nowhere else.
    pub(super) fn trail(&self) -> Option<&Arc<Trail>> {
        (!self.pinned).then_some(&self.trail)
    }

    /// Where the label has been, or the one place of a commit id.
    pub(super) fn whole_trail(&self) -> &Trail {
        &self.trail
    }

    /// How often the label has moved.
    pub(super) fn generation(&self) -> u64 {
        self.trail.generation()
    }

    /// Notes that somebody asked for the label.
    pub(super) fn touch(&self) {
        self.last_asked
            .store(ASKED.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(super) fn last_asked(&self) -> u64 {
        self.last_asked.load(Ordering::Relaxed)
    }

    /// All that may answer, newest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Version> {
        self.versions().map(|judged| &judged.version)
    }

    /// The commits in service, newest first.
    pub(super) fn commits(&self) -> Vec<CommitId> {
        self.versions()
            .map(|judged| judged.version.snapshot.version())
            .collect()
    }

    /// The newest earlier version in whose files nothing is wrong where this problem is.
    pub(super) fn last_without(&self, problem: &Problem) -> Option<CommitId> {
        let is_there = |other: &Problem| other.origin.path == problem.origin.path;
        let good = self.earlier.iter().find(|judged| {
            let verdict = judged.verdict.as_ref();
            !verdict.is_some_and(|verdict| verdict.all().any(is_there))
        })?;
        Some(good.version.snapshot.version())
    }

    /// The newest of these, and behind it only what is settled.
    pub(super) fn over(&self, settled: &Self) -> Self {
        let earlier = settled.versions().cloned().collect();
        let (newest, trail) = (self.newest.clone(), Arc::clone(&self.trail));
        Self::from_parts(newest, bounded(earlier), false, trail)
    }

    /// With only those of its earlier versions that are of these commits, unless all are.
    pub(super) fn among(&self, commits: &[CommitId]) -> Option<Self> {
        let is_one = |judged: &&Judged| commits.contains(&judged.version.snapshot.version());
        let earlier: Vec<_> = self.earlier.iter().filter(is_one).cloned().collect();
        let (newest, trail) = (self.newest.clone(), Arc::clone(&self.trail));
        let is_less = earlier.len() < self.earlier.len();
        is_less.then(|| Self::from_parts(newest, earlier, self.pinned, trail))
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
                    past: Past::default(),
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
            held: Some(Held {
                wanted,
                because: Because::Problems(problems),
            }),
            past: Past::default(),
        })
    }
}

/// A commit is the same commit; a work tree is the same when its files are.
fn same(one: &Snapshot, other: &Snapshot) -> bool {
    one.version() == other.version() && one.files().changes(other.files()).is_empty()
}
