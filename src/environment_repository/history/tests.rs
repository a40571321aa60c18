use std::collections::BTreeMap;

use arc_swap::ArcSwap;
use confbus_protocol::{Application, Label, Profiles};
use confbus_resolution::{Blob, BlobId, EnvironmentRequest, Layout, RepoPath};

use super::{judged::MAX_EARLIER, *};
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
