//! What an answer costs, from the snapshot to the bytes: three thousand files of some 560 bytes, four of them in each answer.

use std::{collections::BTreeMap, fmt::Write, sync::Arc};

use confbus_protocol::{Application, CommitId, Label, Profiles, Representation};
use confbus_resolution::{
    Blob, BlobId, Budget, Conversion, EnvironmentRequest, Files, Format, Layout, Placeholders,
    Places, Problems, RepoPath, Snapshot, convert, resolve,
};
use divan::{Bencher, counter::ItemsCount};

const APPLICATIONS: usize = 1_000;

fn main() {
    divan::main();
}

/// 18 properties, one of them a list, one with a placeholder.
fn text(name: &str) -> String {
    let mut text =
        format!("service:\n  name: {name}\n  owner: team-${{service.name}}\n  feature:\n");
    for key in 0..12 {
        let _ = writeln!(text, "    key{key:03}: value-of-{key:03}");
    }
    text + &format!(
        "spring:\n  datasource:\n    url: jdbc:postgresql://db.internal:5432/{name}\n    hikari:\n      maximum-pool-size: 20\nendpoints:\n  - http://a-{name}.internal\n  - http://b-{name}.internal\n"
    )
}

fn path(name: &str) -> RepoPath {
    RepoPath::parse(&format!("{name}.yml")).expect("a plain name")
}

fn blob(number: usize, name: &str, budget: &Arc<Budget>) -> Arc<Blob> {
    let mut id = [0; 20];
    id[..8].copy_from_slice(&number.to_be_bytes());
    Arc::new(Blob::new(BlobId(id), text(name).into_bytes()).kept_in(budget))
}

fn files(budget: &Arc<Budget>) -> Files {
    let applications = (0..APPLICATIONS).map(|number| format!("app{number:04}"));
    let names = std::iter::once("application".to_owned()).chain(applications);
    let variants =
        names.flat_map(|name| ["", "-dev", "-prod"].map(|suffix| format!("{name}{suffix}")));
    let file = |(number, name): (usize, String)| (path(&name), blob(number, &name, budget));
    let files: BTreeMap<_, _> = (0..).zip(variants).map(file).collect();
    files.into()
}

/// With room for all of them once they are parsed, or for none.
fn snapshot(room: usize) -> Snapshot {
    let budget = Arc::new(Budget::new(room));
    Snapshot::new(CommitId::from_bytes([7; 20]), files(&budget))
}

const ALL: usize = 64 << 20;
const NONE: usize = 0;

fn layout() -> Layout {
    Layout {
        places: Places::Tree {
            uri: "https://git.example.com/team/configuration".into(),
            checkout: "/var/lib/confbus".into(),
            search_paths: Vec::new(),
        },
        default_label: Label::parse("main").ok(),
        reverse_location_order: false,
    }
}

fn requests() -> Vec<EnvironmentRequest> {
    let request = |number| EnvironmentRequest {
        application: Application::parse(&format!("app{number:04}")).expect("a plain name"),
        profiles: Profiles::parse("prod").expect("a plain name"),
        label: Label::parse("main").ok(),
    };
    (0..APPLICATIONS).map(request).collect()
}

/// Answers one request after the other.
fn answer(
    bencher: Bencher<'_, '_>,
    room: usize,
    of: impl Fn(&Snapshot, &EnvironmentRequest) -> usize + Sync,
) {
    let (snapshot, requests) = (snapshot(room), requests());
    if room > 0 {
        requests
            .iter()
            .for_each(|request| _ = of(&snapshot, request));
    }
    let mut next = requests.iter().cycle();
    bencher
        .with_inputs(|| next.next())
        .bench_local_values(|request| request.map(|request| of(&snapshot, request)));
}

fn json(representation: Representation) -> impl Fn(&Snapshot, &EnvironmentRequest) -> usize {
    let layout = layout();
    move |snapshot, request| {
        let environment = resolve(snapshot, &layout, request).expect("all files are good");
        assert_eq!(environment.property_sources.len(), 4);
        environment.to_json(representation).len()
    }
}

fn text_form(format: Format) -> impl Fn(&Snapshot, &EnvironmentRequest) -> usize {
    let layout = layout();
    let conversion = Conversion {
        format,
        placeholders: Placeholders::Resolve,
        strip_document: true,
    };
    move |snapshot, request| {
        let environment = resolve(snapshot, &layout, request).expect("all files are good");
        convert(&environment, conversion)
            .expect("all keys are good")
            .len()
    }
}

#[divan::bench(sample_count = 1_000, args = [ALL, NONE])]
fn v1(bencher: Bencher<'_, '_>, room: usize) {
    answer(bencher, room, json(Representation::V1));
}

#[divan::bench(sample_count = 1_000, args = [ALL, NONE])]
fn v2(bencher: Bencher<'_, '_>, room: usize) {
    answer(bencher, room, json(Representation::V2));
}

#[divan::bench(sample_count = 1_000, args = [ALL, NONE])]
fn yaml(bencher: Bencher<'_, '_>, room: usize) {
    answer(bencher, room, text_form(Format::Yaml));
}

#[divan::bench(sample_count = 1_000, args = [ALL, NONE])]
fn properties(bencher: Bencher<'_, '_>, room: usize) {
    answer(bencher, room, text_form(Format::Properties));
}

#[divan::bench(sample_count = 1_000, args = [ALL, NONE])]
fn plain_json(bencher: Bencher<'_, '_>, room: usize) {
    answer(bencher, room, text_form(Format::Json));
}

/// The environment alone, without its bytes.
#[divan::bench(sample_count = 1_000, args = [ALL])]
fn environment(bencher: Bencher<'_, '_>, room: usize) {
    let layout = layout();
    answer(bencher, room, move |snapshot, request| {
        resolve(snapshot, &layout, request)
            .map_or(0, |environment| environment.property_sources.len())
    });
}

#[divan::bench]
fn problems_of_all_files(bencher: Bencher<'_, '_>) {
    let layout = layout();
    bencher
        .counter(ItemsCount::new(APPLICATIONS * 3 + 3))
        .with_inputs(|| snapshot(NONE))
        .bench_refs(|snapshot| Problems::of(snapshot, &layout).is_empty());
}

/// One file of all is new: the next snapshot, what differs, and what is wrong with it.
#[divan::bench]
fn one_commit(bencher: Bencher<'_, '_>) {
    let (old, layout) = (snapshot(NONE), layout());
    let problems = Problems::of(&old, &layout);
    let budget = Arc::new(Budget::new(NONE));
    bencher
        .with_inputs(|| blob(usize::MAX, "other", &budget))
        .bench_local_values(|blob| {
            let files = old.files().with([(path("app0500-dev"), Some(blob))]);
            let new = Snapshot::new(CommitId::from_bytes([8; 20]), files);
            problems.after(&old, &new, &layout).is_empty()
        });
}
