use std::{collections::BTreeSet, fs, path::PathBuf};

use confbus::diagnostics::Code;

use super::{check, directory, document};

/// What the examples of all pages are checked with.
const SCHEMA: &str = r#"{
    "properties": {
        "pool": {
            "additionalProperties": false,
            "properties": {"max": {"type": "integer", "maximum": 32}, "min": {"type": "integer"}}
        }
    }
}"#;
const SETTINGS: &str = "encrypt.key=a pass phrase\n\
    confbus.acceptance.ciphers=true\n\
    confbus.acceptance.placeholders=true\n\
    confbus.acceptance.known-placeholders=DB_*\n";

fn pages() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/errors")
}

/// The block behind a heading, and how it is written.
fn block<'p>(page: &'p str, heading: &str) -> (&'p str, &'p str) {
    let (_, behind) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let (_, fenced) = behind.split_once("```").unwrap();
    let (language, text) = fenced.split_once('\n').unwrap();
    (language, text.split_once("```").unwrap().0)
}

fn name(language: &str) -> &'static str {
    match language {
        "yaml" => "shop.yml",
        "properties" => "shop.properties",
        "xml" => "shop.xml",
        "json" => "shop.schema.json",
        other => panic!("a block in {other}"),
    }
}

#[test]
fn every_example_is_what_its_page_says() {
    let elsewhere = directory(&[("settings.properties", SETTINGS)]);
    let settings = elsewhere.path().join("settings.properties");
    for code in Code::ALL {
        let page = fs::read_to_string(pages().join(format!("{code}.md")));
        let page = page.unwrap_or_else(|_| panic!("{code} has no page"));
        assert!(page.starts_with(&format!("# {code}: {}\n\n", code.title())));
        for (heading, is_good) in [("Before", false), ("After", true)] {
            let (language, text) = block(&page, heading);
            let mut files = vec![
                ("application.properties", "open=true\n"),
                ("shop.schema.json", SCHEMA),
            ];
            files.retain(|(other, _)| *other != name(language));
            files.push((name(language), text));
            let folder = directory(&files);
            let settings = settings.to_str().unwrap();
            let arguments = ["--deny-warnings", "--config", settings];
            let ran = check(folder.path(), &arguments);
            let found = document(folder.path(), &arguments);
            let codes = found["diagnostics"].as_array().unwrap().iter();
            let codes: BTreeSet<_> = codes.map(|one| one["code"].as_str().unwrap()).collect();
            let expected = if is_good {
                BTreeSet::new()
            } else {
                BTreeSet::from([format!("{code}")])
            };
            let expected: BTreeSet<_> = expected.iter().map(String::as_str).collect();
            assert_eq!(codes, expected, "{code}, {heading}: {}", ran.stdout);
            assert_eq!(ran.code, Some(i32::from(!is_good)), "{code}, {heading}");
        }
    }
}
