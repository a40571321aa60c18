//! Random histories with random faults: whoever asks is given what the newest commit says that was good for it.

use std::{collections::BTreeMap, time::Duration};

use confbus_protocol::{Application, CommitId, Profiles};
use confbus_resolution::{Blob, BlobId, Layout, RepoPath, Snapshot, resolve_files};
use fastrand::Rng;
use tempfile::TempDir;

use super::{testing::Remote, *};
use crate::{Settings, Sources, acceptance::Acceptance, pins, waves};

const HISTORIES: u64 = 200;
const LONGEST: usize = 12;
const APPLICATIONS: [&str; 3] = ["a", "b", "c"];
const FILES: [&str; 6] = [
    "application.yml",
    "a.yml",
    "a-dev.yml",
    "b.yml",
    "b.properties",
    "imported.yml",
];
const SCHEMA: &str = r#"{"properties": {"n": {"maximum": 9}}}"#;
const DEADLINE: Duration = Duration::from_secs(60);

type Files = BTreeMap<&'static str, String>;

fn known() -> Vec<EnvironmentRequest> {
    let requests = APPLICATIONS.iter().map(|application| EnvironmentRequest {
        application: Application::parse(application).unwrap(),
        profiles: Profiles::parse("dev").unwrap(),
        label: None,
    });
    requests.collect()
}

/// Good, beyond what the schema allows, or no YAML or properties at all.
fn content(rng: &mut Rng, path: &str) -> String {
    let value = rng.u32(..8);
    let is_properties = path.ends_with(".properties");
    match rng.u32(..10) {
        0..=5 if is_properties => format!("n={value}\nof-{value}=x"),
        0..=4 => format!("n: {value}\nof-{value}: x"),
        5 => format!("n: {value}\nspring.config.import: imported.yml"),
        6 | 7 if is_properties => "n=12".to_owned(),
        6 | 7 => "n: 12".to_owned(),
        _ if is_properties => "n=\\u12".to_owned(),
        _ => "n: [".to_owned(),
    }
}

/// What one commit changes.
fn step(rng: &mut Rng) -> Vec<(&'static str, Option<String>)> {
    let mut changes = BTreeMap::new();
    for _ in 0..rng.usize(1..4) {
        let path = FILES[rng.usize(..FILES.len())];
        let is_removed = rng.u32(..8) == 0;
        changes.insert(path, (!is_removed).then(|| content(rng, path)));
    }
    changes.into_iter().collect()
}

fn snapshot(files: &Files) -> Snapshot {
    let blob = |text: &str| {
        let mut id = [0_u8; 20];
        for (at, byte) in text.bytes().enumerate() {
            id[at % 20] = byte ^ id[at % 20].rotate_left(3);
        }
        Arc::new(Blob::new(BlobId(id), text.as_bytes()))
    };
    let files = files
        .iter()
        .map(|(path, text)| (RepoPath::parse(path).unwrap(), blob(text)));
    Snapshot::new(
        CommitId::from_bytes([1; 20]),
        files.collect::<BTreeMap<_, _>>(),
    )
}

/// What a commit says to a request, source by source; nothing when it is not good for it.
fn said(files: &Files, request: &EnvironmentRequest) -> Option<String> {
    let snapshot = snapshot(files);
    let found = resolve_files(&snapshot, &Layout::default(), request).ok()?;
    Acceptance::default()
        .check(&snapshot, request, &found)
        .ok()?;
    let sources = found.into_iter().map(|file| file.source);
    Some(shown(&sources.collect::<Vec<_>>()))
}

fn shown(sources: &[confbus_protocol::PropertySource]) -> String {
    let lines = sources.iter().flat_map(|source| {
        let properties = source.source.iter();
        let lines = properties.map(|(key, property)| format!("{key}={}", property.value));
        std::iter::once("--".to_owned()).chain(lines)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A server of the repository, as it starts in this folder.
async fn open(folder: &TempDir) -> (EnvironmentRepository, Tasks) {
    let place = folder.path().display();
    let arguments = [
        (
            "spring.cloud.config.server.git.uri",
            format!("{place}/config"),
        ),
        (
            "spring.cloud.config.server.git.basedir",
            format!("{place}/clones"),
        ),
    ];
    let arguments = arguments.map(|(key, value)| (key.to_owned(), value));
    let sources = Sources {
        arguments: arguments.into(),
        ..Sources::default()
    };
    let settings = Settings::load(&sources).unwrap().repository;
    let tasks = Tasks::default();
    let known = Known::new(ArcSwap::from_pointee(known()));
    let (pins, _) = Pins::open(pins::Settings::default());
    let (waves, _) = Waves::open(waves::Settings::default());
    let opened =
        EnvironmentRepository::open(settings, pins, waves, tasks.clone(), known, Hearers::none())
            .await;
    (opened.unwrap(), tasks)
}

async fn check(repository: &EnvironmentRepository, seen: &[Files], seed: u64) {
    for request in known() {
        let expected = seen.iter().rev().find_map(|files| said(files, &request));
        let found = repository.find_one(&request, None, None).await;
        let found = found.ok().map(|found| shown(&found.value.property_sources));
        let (application, commits) = (&request.application, seen.len());
        assert_eq!(
            found, expected,
            "{application} after {commits} commits with seed {seed}"
        );
    }
}

async fn play(seed: u64) {
    let mut rng = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::new(&folder, "config");
    let mut files = Files::new();
    for schema in ["a.schema.json", "b.schema.json"] {
        files.insert(schema, SCHEMA.to_owned());
        remote.push("main", &[(schema, SCHEMA)]);
    }
    let (mut repository, mut tasks) = open(&folder).await;
    let mut seen = vec![files.clone()];
    for _ in 0..rng.usize(1..=LONGEST) {
        let mut changes = step(&mut rng);
        changes.retain(|(path, text)| text.is_some() || files.contains_key(path));
        for (path, text) in &changes {
            match text {
                Some(text) => files.insert(path, text.clone()),
                None => files.remove(path),
            };
        }
        let changes: Vec<_> = changes
            .iter()
            .map(|(path, text)| (*path, text.as_deref()))
            .collect();
        remote.change("main", &changes);
        repository.look(None, Announce::No).await.unwrap();
        seen.push(files.clone());
        check(&repository, &seen, seed).await;
        if rng.u32(..5) == 0 {
            tasks.stop(DEADLINE).await;
            (repository, tasks) = open(&folder).await;
            check(&repository, &seen, seed).await;
        }
    }
    tasks.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_everybody_is_given_the_newest_commit_that_is_good_for_them() {
    for seed in 0..HISTORIES {
        play(seed).await;
    }
}
