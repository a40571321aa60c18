//! Random repositories: what is explained is what applications get, and no secret is told on the way.

use std::fmt::Write as _;

use fastrand::Rng;
use serde_json::Value;

use super::{FILES, shown, start};
use crate::support::{ConfigRepo, Ran, Request, TestServer, expect_that};

const ROUNDS: u64 = 10;
const CASES: usize = 20;
const PATHS: [&str; 6] = [
    "application.yml",
    "application-prod.yml",
    "shop.yml",
    "shop-prod.yml",
    "shop-eu.yml",
    "shop.properties",
];
const KEYS: [&str; 8] = [
    "pool.max",
    "pool.min",
    "list[0]",
    "list[1]",
    "list[2].name",
    "text",
    "db.password",
    "url",
];
/// What every secret begins with.
const PLANTED: &str = "planted-";

fn value(rng: &mut Rng, key: &str) -> String {
    let number = rng.u32(..5);
    match key {
        "db.password" => format!("{PLANTED}{number}"),
        "url" => match rng.u32(..4) {
            0 => format!("amqp://ana:{PLANTED}{number}@host"),
            1 => "at ${db.password}".to_owned(),
            2 => format!("is ${{api.token:{PLANTED}{number}}}"),
            _ => "at ${text}".to_owned(),
        },
        "text" => ["a", "b ${pool.max}", "c"][rng.usize(..3)].to_owned(),
        _ => number.to_string(),
    }
}

/// One document, some keys of it.
fn document(rng: &mut Rng, is_yaml: bool) -> String {
    let mut text = String::new();
    for key in KEYS {
        if rng.bool() {
            continue;
        }
        let value = value(rng, key);
        _ = match is_yaml {
            true => writeln!(text, "{key}: \"{value}\""),
            false => writeln!(text, "{key}={value}"),
        };
    }
    text
}

fn files(rng: &mut Rng) -> Vec<(&'static str, String)> {
    let file = |path: &'static str| {
        let is_yaml = path.ends_with(".yml");
        let text = match is_yaml && rng.bool() {
            true => format!("{}---\n{}", document(rng, true), document(rng, true)),
            false => document(rng, is_yaml),
        };
        (path, format!("{text}own: 1\n"))
    };
    PATHS.into_iter().map(file).collect()
}

/// All that write a key: the end of the source's name, the place, and whether it wins.
fn expected(environment: &Value, key: &str) -> Vec<(String, String, bool)> {
    let sources = environment["propertySources"].as_array().unwrap();
    let list = key.find('[').map(|bracket| &key[..=bracket]);
    let decides = |source: &Value| {
        let mut keys = source["source"].as_object().unwrap().keys();
        keys.any(|other| other == key || list.is_some_and(|list| other.starts_with(list)))
    };
    let winner = sources.iter().position(decides);
    let written = sources.iter().enumerate().filter_map(|(index, source)| {
        let written = source["source"].get(key)?;
        let name = source["name"].as_str().unwrap().to_owned();
        let origin = written["origin"].as_str().unwrap().to_owned();
        Some((name, origin, winner == Some(index)))
    });
    written.collect()
}

/// Whether the name of a source is that of this document.
fn is_named(name: &str, source: &Value) -> bool {
    let (file, document) = (source["file"].as_str().unwrap(), &source["document"]);
    match name.split_once("(document #") {
        Some((_, index)) => {
            name.contains(&format!("/{file}' via")) && index == format!("{document})")
        }
        None => name.ends_with(&format!("/{file}")) && *document == 0,
    }
}

fn check(
    server: &TestServer,
    environment: &Value,
    profiles: &str,
    key: &str,
) -> Result<(), String> {
    let expected = expected(environment, key);
    let path = format!("explanations/shop/{profiles}?key={key}")
        .replace('[', "%5B")
        .replace(']', "%5D");
    if expected.is_empty() {
        let absent = server.get(&format!("/_/api/{path}"));
        return expect_that(absent.status == 404, absent);
    }
    let view = shown(server, &path);
    let sources = view["sources"].as_array().unwrap();
    expect_that(sources.len() == expected.len(), &view)?;
    for (source, (name, origin, wins)) in sources.iter().zip(expected) {
        let place = format!("{}:{}", source["line"], source["column"]);
        expect_that(place == origin && source["wins"] == wins, (&view, &name))?;
        expect_that(is_named(&name, source), (&view, &name))?;
    }
    expect_that(!view.to_string().contains(PLANTED), &view)
}

#[test]
fn what_is_explained_is_what_applications_get() {
    let repo = ConfigRepo::from_sample();
    repo.push("a shop", &FILES);
    let server = start(&repo, &[]).ready();
    for seed in 0..ROUNDS {
        let mut rng = Rng::with_seed(seed);
        let files = files(&mut rng);
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        let commit = repo.push("random", &files);
        server.serves(&commit);
        for case in 0..CASES {
            let profiles = ["prod", "eu", "prod,eu", "dev"][rng.usize(..4)];
            let key = KEYS[rng.usize(..KEYS.len())];
            let v2 = "application/vnd.spring-cloud.config-server.v2+json";
            let request = Request::get(&format!("/shop/{profiles}")).header("Accept", v2);
            let environment = server.send(&request).json();
            check(&server, &environment, profiles, key).unwrap_or_else(|seen| {
                panic!(
                    "seed {seed}, case {case}, {profiles} {key}: {seen}\n{environment:#}\n{files:?}"
                )
            });
        }
        let all = shown(&server, "configurations/shop/prod,eu").to_string();
        assert!(!all.contains(PLANTED), "seed {seed}: {all}");
    }
    let url = server.url();
    for arguments in [
        &["get", "shop/prod,eu"][..],
        &["get", "shop/prod,eu", "--json"],
        &["get", "shop/prod,eu", "--format=yaml"],
        &["explain", "shop/prod,eu", "url"],
        &["explain", "shop/prod,eu", "db.password"],
        &["diff", "shop/prod", "shop/eu"],
    ] {
        let ran = Ran::confbus(&[arguments, &["--server", &url]].concat());
        assert!(matches!(ran.code, Some(0 | 6)), "{ran:?}");
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!all.contains(PLANTED), "{arguments:?}: {all}");
    }
}
