use std::collections::BTreeMap;

use confbus_protocol::CommitId;
use confbus_resolution::{Blob, BlobId, RepoPath, Snapshot};
use tempfile::TempDir;

use super::*;
use crate::{
    environment_repository::trail::Trail,
    look::{Authorship, Modified, Version},
};

const LIMITS: Limits = Limits {
    files: 100,
    file_bytes: 1 << 20,
    total_bytes: 8 << 20,
};

fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

/// A version with some files, one of them its own.
fn version(number: u8) -> Version {
    let file = |path: &str, id: u8, text: &str| {
        let blob = Blob::new(BlobId([id; 20]), text.as_bytes());
        (RepoPath::parse(path).unwrap(), Arc::new(blob))
    };
    let large = Arc::new(Blob::too_large(BlobId([250; 20]), 1 << 30));
    let mut files = BTreeMap::from([
        file("own.yml", number, &format!("number: {number}")),
        file("same.yml", 251, "same: true"),
        (RepoPath::parse("large.bin").unwrap(), large),
    ]);
    files.extend(
        number
            .is_multiple_of(2)
            .then(|| file("even.yml", 252, "even: true")),
    );
    Version {
        snapshot: Arc::new(Snapshot::new(CommitId::from_bytes([number; 20]), files)),
        modified: Modified::Together(i64::from(number)),
        has_links: false,
        authorship: (!number.is_multiple_of(3)).then(|| {
            let author = format!("Author {number}");
            Arc::new(Authorship::new(&author, number.into(), "A subject"))
        }),
    }
}

/// What labels name: versions by their numbers, newest first.
fn standing(named: &[(&str, &[u8])], versions: &[Version]) -> Standing {
    let labels = named.iter().map(|(name, numbers)| {
        let versions = numbers
            .iter()
            .map(|number| versions[usize::from(*number)].clone());
        let versions: Vec<_> = versions.collect();
        let commits = versions.iter().map(|version| version.snapshot.version());
        let trail = Arc::new(Trail::new(numbers.len() as u64, commits.collect()));
        let history = History::restored(versions, *name == "0101010", trail).unwrap();
        (label(name), Arc::new(history))
    });
    let resting = Trail::new(9, vec![CommitId::from_bytes([9; 20])]);
    let resting = HashMap::from([(label("resting"), Arc::new(resting))]);
    Standing::new(Arc::new(labels.collect()), Trails::new(resting, 3))
}

/// Everything that labels show.
fn shown(standing: &Standing) -> BTreeMap<String, Vec<String>> {
    let shown = standing.labels.iter().map(|(label, history)| {
        let versions = history.all().map(|version| {
            let files = version.snapshot.files().iter().map(|(path, blob)| {
                let text = blob.bytes().map(String::from_utf8_lossy);
                format!("{}={text:?} {}", path.as_str(), blob.size())
            });
            let files: Vec<_> = files.collect();
            let commit = version.snapshot.version();
            format!(
                "{commit} {:?} {:?} {} {files:?}",
                version.modified,
                version.authorship,
                history.is_pinned()
            )
        });
        (label.to_string(), versions.collect())
    });
    shown.collect()
}

struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }

    fn open(&self) -> LastGood {
        LastGood::beside(&self.folder.path().join("below/clone.git"), LIMITS)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("below/clone.served")
    }

    fn loaded(&self) -> Option<BTreeMap<String, Vec<String>>> {
        self.open().load().map(|before| shown(&before.standing))
    }
}

/// Labels and the numbers of their versions.
type Named = Vec<(&'static str, &'static [u8])>;

/// What a repository may go through.
fn states() -> (Vec<Version>, Vec<Named>) {
    let versions = (0..20).map(version).collect();
    let states = vec![
        vec![("main", &[0][..])],
        vec![("main", &[1, 0]), ("v1", &[0])],
        vec![("main", &[1]), ("v1", &[0]), ("0101010", &[7])],
        vec![("main", &[2]), ("x", &[3, 2, 1])],
        vec![("main", &[0]), ("x", &[4])],
    ];
    (versions, states)
}

#[test]
fn what_was_noted_is_loaded_whenever_the_process_ends() {
    let scene = Scene::new();
    assert!(scene.loaded().is_none());
    let (versions, states) = states();
    let mut last_good = scene.open();
    for (step, state) in states.iter().enumerate() {
        let standing = standing(state, &versions);
        last_good.note(&standing);
        assert_eq!(scene.loaded(), Some(shown(&standing)), "{step}");
        // Another process goes on where this one ended.
        last_good = scene.open();
        last_good.load().unwrap();
    }
}

#[test]
fn a_change_costs_what_differs() {
    let scene = Scene::new();
    let last_good = scene.open();
    let versions: Vec<_> = (0..4).map(version).collect();
    let mut length = 0;
    for (number, most) in [(0, 600), (1, 200), (1, 0), (3, 200)] {
        last_good.note(&standing(&[("main", &[number])], &versions));
        let now = fs::metadata(scene.file()).unwrap().len();
        assert!(now - length <= most, "{number}: {}", now - length);
        length = now;
    }
}

#[test]
fn a_journal_that_is_cut_or_damaged_gives_what_it_held_earlier() {
    let scene = Scene::new();
    let (versions, states) = states();
    let last_good = scene.open();
    let mut known = vec![BTreeMap::new()];
    for state in &states {
        let standing = standing(state, &versions);
        last_good.note(&standing);
        known.push(shown(&standing));
    }
    let bytes = fs::read(scene.file()).unwrap();
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 4;
        for text in [&damaged[..], &bytes[..at]] {
            fs::write(scene.file(), text).unwrap();
            let found = scene.loaded().unwrap_or_default();
            let is_known = |label: &str| {
                // Each label is as it was at some time; a file may end between two of them.
                known
                    .iter()
                    .any(|state| state.get(label) == found.get(label))
            };
            assert!(found.keys().all(|label| is_known(label)), "byte {at}");
        }
    }
    // What is added behind damage is found.
    fs::write(scene.file(), &bytes[..bytes.len() - 3]).unwrap();
    let last_good = scene.open();
    last_good.load().unwrap();
    let standing = standing(&[("main", &[9])], &versions);
    last_good.note(&standing);
    assert_eq!(scene.loaded(), Some(shown(&standing)));
}

#[test]
fn a_journal_that_outgrew_what_it_holds_is_written_anew() {
    let scene = Scene::new();
    let last_good = scene.open();
    let text = |number: u32| format!("{number}").repeat(100_000);
    for number in 0..40 {
        let blob = Blob::new(BlobId([number as u8; 20]), text(number).into_bytes());
        let path = RepoPath::parse("a.txt").unwrap();
        let files = BTreeMap::from([(path, Arc::new(blob))]);
        let version = Version {
            snapshot: Arc::new(Snapshot::new(
                CommitId::from_bytes([number as u8; 20]),
                files,
            )),
            ..version(0)
        };
        let standing = standing(&[("main", &[0])], &[version]);
        last_good.note(&standing);
        last_good.settle();
        assert_eq!(scene.loaded(), Some(shown(&standing)), "{number}");
        let length = fs::metadata(scene.file()).unwrap().len();
        assert!(length < 3 << 20, "{length}");
    }
}

#[test]
fn a_disk_that_refuses_is_told_of_and_taken_up_again() {
    let scene = Scene::new();
    fs::write(scene.folder.path().join("below"), "in the way").unwrap();
    let last_good = scene.open();
    let versions = [version(0)];
    let standing = standing(&[("main", &[0])], &versions);
    last_good.note(&standing);
    last_good.settle();
    assert!(last_good.trouble().is_some());
    fs::remove_file(scene.folder.path().join("below")).unwrap();
    last_good.note(&standing);
    last_good.settle();
    assert_eq!(last_good.trouble(), None);
    assert_eq!(scene.loaded(), Some(shown(&standing)));
}

#[test]
fn generations_go_on_and_go_ahead_of_what_may_be_lost() {
    let scene = Scene::new();
    let versions = [version(0), version(1)];
    let noted = standing(&[("main", &[1, 0])], &versions);
    scene.open().note(&noted);
    let found = || {
        let standing = scene.open().load().unwrap().standing;
        let main = standing.labels[&label("main")].generation();
        let resting = standing.trails.iter().map(|(_, trail)| trail.generation());
        (main, resting.max().unwrap(), standing.trails.floor())
    };
    assert_eq!(found(), (2, 9, 3));
    // A power cut takes the end of what was written.
    let bytes = fs::read(scene.file()).unwrap();
    fs::write(scene.file(), [&bytes[..], b"cut"].concat()).unwrap();
    let (main, resting, floor) = found();
    assert!(main > 1_000_000 && resting > 1_000_000 && floor > 1_000_000);
    // That is written down, and does not happen twice.
    assert_eq!(found(), (main, resting, floor));
}

#[test]
fn a_note_that_comes_late_changes_nothing() {
    let scene = Scene::new();
    let versions = [version(0), version(1)];
    let (old, new) = (
        standing(&[("main", &[0])], &versions),
        standing(&[("main", &[1])], &versions),
    );
    let last_good = scene.open();
    last_good.note(&new);
    last_good.note(&old);
    assert_eq!(scene.loaded(), Some(shown(&new)));
}

#[test]
fn what_is_beyond_a_lower_limit_is_left_out_and_its_generation_goes_on() {
    let scene = Scene::new();
    let versions: Vec<_> = (0..3).map(version).collect();
    let noted = standing(&[("main", &[1, 0]), ("v1", &[0])], &versions);
    scene.open().note(&noted);
    // An even version has a file more.
    let limits = Limits { files: 3, ..LIMITS };
    let clone = scene.folder.path().join("below/clone.git");
    let before = LastGood::beside(&clone, limits).load().unwrap();
    let labels = &before.standing.labels;
    let names: Vec<_> = labels.keys().map(Label::as_str).collect();
    assert!(!names.contains(&"v1"), "{names:?}");
    let resting = before.standing.trails.iter();
    let resting: Vec<_> = resting.map(|(label, _)| label.to_string()).collect();
    assert!(resting.contains(&"v1".to_owned()), "{resting:?}");
}
