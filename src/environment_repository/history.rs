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
pub(super) use verdicts::{Case, HeldReaders, Judge, Verdicts};
use verdicts::{Fault, Verdict};

/// Earlier versions that may be needed at once; each has none of a fault that every newer one has.
const MAX_EARLIER: usize = 16;

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

/// A version and what is wrong with it, once that is known.
#[derive(Debug, Clone)]
struct Judged {
    version: Version,
    verdict: Option<Verdict>,
    /// It was in service before a stop, when somebody needed it.
    restored: bool,
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
    fn not_yet(version: Version) -> Self {
        Self {
            version,
            verdict: None,
            restored: false,
        }
    }

    fn restored(version: Version) -> Self {
        Self {
            restored: true,
            ..Self::not_yet(version)
        }
    }

    fn with(&self, verdicts: &Verdicts) -> Self {
        let found = verdicts.on(&self.version.snapshot);
        Self {
            version: self.version.clone(),
            verdict: found.or(self.verdict.as_ref()).cloned(),
            restored: self.restored,
        }
    }

    fn is_good(&self) -> bool {
        self.verdict.as_ref().is_some_and(Verdict::is_good)
    }

    /// Whether this fails whom a newer version fails, too.
    fn shares(&self, fault: &Fault) -> bool {
        let verdict = self.verdict.as_ref();
        verdict.is_some_and(|verdict| verdict.has(fault))
    }
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

/// Of the earlier versions those that have none of a fault which everything newer has, up to the first without any. Where a
/// version may be refused to somebody whom nobody knows yet, also the last one before it, and after a start all.
fn needed(newest: &Judged, before: Vec<Judged>) -> Vec<Judged> {
    let mut faults: Vec<Fault> = newest.verdict.iter().flat_map(Verdict::faults).collect();
    let may_be_refused = newest.verdict.as_ref().is_some_and(Verdict::may_be_refused);
    let mut is_last = true;
    let mut kept: Vec<Judged> = Vec::new();
    for judged in before {
        let was_needed = newest.restored && judged.restored;
        let is_wanted = may_be_refused && (std::mem::take(&mut is_last) || was_needed);
        if !is_wanted && faults.is_empty() && kept.last().is_none_or(Judged::is_good) {
            break;
        }
        let heals = faults.iter().any(|fault| !judged.shares(fault));
        if is_wanted || heals || judged.is_good() {
            faults.retain(|fault| judged.shares(fault));
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

    use arc_swap::ArcSwap;
    use confbus_protocol::{Application, Label, Profiles};
    use confbus_resolution::{Blob, BlobId, EnvironmentRequest, Layout, RepoPath};

    use super::*;
    use crate::{
        acceptance::Acceptance,
        environment_repository::{Freshness, Known, repository::Settings},
        look::Modified,
    };

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
            has_links: false,
            authorship: None,
        }
    }

    fn first(version: Version) -> History {
        let trail = Trail::new(1, vec![version.snapshot.version()]);
        History::new(version, false, Arc::new(trail))
    }

    fn next(history: &History, version: Version) -> History {
        history.next(version, Heard::Now).unwrap().0
    }

    fn numbers(history: &History) -> Vec<u8> {
        history
            .commits()
            .iter()
            .map(|commit| commit.as_bytes()[0])
            .collect()
    }

    fn judged(history: &History) -> History {
        let unknown = history.judgeable().cloned().map(Case::new).collect();
        history.with(&Verdicts::of(unknown, history.basis(), &judge(&[])))
    }

    fn judge(known: &[&str]) -> Judge {
        let known = known.iter().map(|application| EnvironmentRequest {
            application: Application::parse(application).unwrap(),
            profiles: Profiles::parse("dev").unwrap(),
            label: None,
        });
        Judge {
            settings: Arc::new(Settings {
                layout: Layout::default(),
                default_label: Label::parse("main").unwrap(),
                try_master_branch: true,
                forget_deleted: false,
                freshness: Freshness::Polled,
                interval: None,
                watches: false,
            }),
            acceptance: Acceptance::default(),
            known: Known::new(ArcSwap::from_pointee(known.collect())),
            held: HeldReaders::default(),
        }
    }

    #[test]
    fn what_is_left_out_answers_nobody() {
        let history = unjudged(&[
            &[("a.yml", true)],
            &[("a.yml", true), ("b.yml", true)],
            &[("a.yml", false)],
        ]);
        let commit = |number| CommitId::from_bytes([number; 20]);
        let less = history.among(&[commit(3), commit(1)]).unwrap();
        assert_eq!(numbers(&less), [3, 1]);
        assert_eq!(numbers(&history.among(&[]).unwrap()), [3]);
        assert!(history.among(&[commit(2), commit(1)]).is_none());
    }

    fn unjudged(steps: &[&[(&str, bool)]]) -> History {
        let mut versions = steps
            .iter()
            .zip(1..)
            .map(|(files, number)| version(number, files));
        let first = first(versions.next().unwrap());
        versions.fold(first, |history, version| next(&history, version))
    }

    /// Judged after each step, or once in the end: that makes no difference.
    fn after(steps: &[&[(&str, bool)]]) -> History {
        let mut versions = steps
            .iter()
            .zip(1..)
            .map(|(files, number)| version(number, files));
        let first = judged(&first(versions.next().unwrap()));
        let each = versions.fold(first, |history, version| judged(&next(&history, version)));
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

    /// With a schema that wants a number, read by `a` on `main`.
    fn with_schema(number: u8, a: &str) -> Version {
        let blob = |id: u8, text: &str| Arc::new(Blob::new(BlobId([id; 20]), text.as_bytes()));
        let schema = r#"{"properties": {"a": {"type": "integer"}}}"#;
        let files = [
            ("a.yml", blob(number, a)),
            ("a.schema.json", blob(0, schema)),
        ];
        let files = files.map(|(path, blob)| (RepoPath::parse(path).unwrap(), blob));
        Version {
            snapshot: Arc::new(Snapshot::new(
                CommitId::from_bytes([number; 20]),
                BTreeMap::from(files),
            )),
            modified: Modified::Together(0),
            has_links: false,
            authorship: None,
        }
    }

    #[test]
    fn what_is_refused_to_somebody_keeps_the_last_version_that_was_not() {
        let main = Label::parse("main").unwrap();
        let judged = |history: &History, known: &[&str]| {
            let cases = history.judgeable().map(|snapshot| {
                let mut case = Case::new(Arc::clone(snapshot));
                case.labels.push(main.clone());
                case
            });
            let verdicts = Verdicts::of(cases.collect(), history.basis(), &judge(known));
            history.with(&verdicts)
        };
        let steps = |known: &[&str]| {
            let first = judged(&first(with_schema(1, "a: 1")), known);
            ["a: x", "a: y", "a: z"]
                .iter()
                .zip(2..)
                .fold(first, |history, (text, number)| {
                    judged(&next(&history, with_schema(number, text)), known)
                })
        };
        let history = steps(&["a"]);
        assert_eq!(numbers(&history), [4, 3, 1]);
        let problems: Vec<_> = history.problems().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            ["a.yml:1:4: `a`: value is not of type \"integer\", says a.schema.json"]
        );
        // Who is not known yet may still fall back on the last one.
        assert_eq!(numbers(&steps(&["other"])), [4, 3]);
        let mended = judged(&next(&history, with_schema(5, "a: 5")), &["a"]);
        assert_eq!(numbers(&mended), [5, 4, 1]);
    }
}
