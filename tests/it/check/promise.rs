use std::collections::BTreeSet;

use confbus::{
    Settings, Sources,
    diagnostics::Severity,
    findings::{Findings, Subject},
};

use crate::support::{ConfigRepo, TestServer};

/// Commits of each kind.
const ENOUGH: usize = 100;
/// Commits in all, should chance be against us.
const MOST: usize = 600;

const ADDRESSES: [&str; 6] = [
    "billing/default",
    "billing/prod",
    "orders/default",
    "orders/prod",
    "shop/default",
    "shop/prod",
];

const GOOD: [(&str, &str); 5] = [
    (
        "shop.yml",
        "pool:\n  max: 20\n  hosts: [a, b]\nname: 'Shop'\n",
    ),
    (
        "shop-prod.yml",
        "pool:\n  max: 30\n---\nspring.config.activate.on-profile: prod\na: \"b\"\n",
    ),
    (
        "billing.yml",
        "fee: 3\npool:\n  max: 1\nlist:\n  - a\n  - b: 1\n",
    ),
    ("billing-prod.properties", "fee=4\nname=caf\\u00e9\n"),
    (
        "shop.schema.json",
        r#"{"properties": {"pool": {"additionalProperties": false, "required": ["max"],
            "properties": {"max": {"type": "integer", "maximum": 32}, "hosts": {"type": "array"}}}}}"#,
    ),
];

/// What a slip of the hand leaves behind.
const SLIPS: [&str; 16] = [
    "\t", " ", "  ", ":", ": ", "\"", "'", "[", "]", "{", "-", "*", "\\u", "4", "\n", "#",
];

/// A file with a slip or two.
fn spoilt(random: &mut fastrand::Rng, text: &str) -> String {
    let mut characters: Vec<String> = text.chars().map(String::from).collect();
    for _ in 0..random.usize(1..3) {
        let at = random.usize(0..characters.len());
        match random.u8(0..3) {
            0 => _ = characters.remove(at),
            1 => characters.insert(at, random.choice(SLIPS).unwrap().to_owned()),
            _ => characters[at] = random.choice(SLIPS).unwrap().to_owned(),
        }
    }
    characters.concat()
}

fn settings() -> Settings {
    let nothing = tempfile::NamedTempFile::with_suffix(".properties").unwrap();
    let address = ("spring.cloud.config.server.git.uri", "file:///dev/null");
    let sources = Sources {
        file: Some(nothing.path().to_owned()),
        arguments: vec![(address.0.to_owned(), address.1.to_owned())],
        ..Sources::default()
    };
    Settings::load(&sources).unwrap()
}

/// The addresses that the server does not give this commit.
fn held(server: &TestServer, commit: &str) -> BTreeSet<String> {
    let is_held = |address: &&str| {
        let answer = server.get(&format!("/{address}"));
        answer.status != 200 || answer.json()["version"] != commit
    };
    ADDRESSES
        .into_iter()
        .filter(is_held)
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_commit_that_passes_is_held_from_nobody_and_one_that_fails_is_held() {
    let repo = ConfigRepo::from_sample();
    let first = repo.push("all is well", &GOOD);
    let server = TestServer::start(&repo).ready();
    server.serves(&first);
    let settings = settings();
    let mut random = fastrand::Rng::with_seed(20);
    let (mut passed, mut failed) = (0, 0);
    for _ in 0..MOST {
        if passed >= ENOUGH && failed >= ENOUGH {
            break;
        }
        let file = random.usize(0..GOOD.len());
        let text = spoilt(&mut random, GOOD[file].1);
        let mut files = GOOD;
        files[file].1 = &text;
        let commit = repo.push("a slip", &files);
        let subject = Subject {
            directory: repo.path(),
            commit: Some(commit.clone()),
            ..Subject::default()
        };
        let findings = Findings::of(&subject, &settings).unwrap();
        let errors = findings.diagnostics.iter();
        let errors: Vec<_> = errors
            .filter(|one| one.severity == Severity::Error)
            .collect();
        let told: BTreeSet<_> = errors.iter().flat_map(|one| one.held.clone()).collect();
        server.serves(&commit);
        assert_eq!(
            held(&server, &commit),
            told,
            "{}:\n{text}\n{errors:?}",
            files[file].0
        );
        assert_eq!(errors.is_empty(), told.is_empty(), "{errors:?}");
        if errors.is_empty() {
            passed += 1;
        } else {
            failed += 1;
        }
    }
    assert!(passed >= ENOUGH && failed >= ENOUGH, "{passed}, {failed}");
}
