//! Errors with codes: each has a page, each page an error, and both can be read without a network.

use std::{collections::BTreeSet, fs, path::Path};

use regex::Regex;

use crate::support::{ConfigRepo, Ran, TestServer};

/// Every code that stands as a text of its own in the sources.
fn codes_in(folder: &Path, code: &Regex, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes_in(&path, code, found);
        } else if !path.ends_with("catalogue.rs") && path.extension().is_some_and(|end| end == "rs")
        {
            let text = fs::read_to_string(&path).unwrap();
            let product = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            found.extend(
                code.captures_iter(product)
                    .map(|found| format!("CB{}", &found[1])),
            );
        }
    }
}

fn pages() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors");
    let files = fs::read_dir(folder).unwrap();
    let names = files.map(|file| {
        file.unwrap()
            .path()
            .file_stem()
            .unwrap()
            .display()
            .to_string()
    });
    names.collect()
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // As text, or as a number in the table of codes.
    let code = Regex::new(r#"(?:"CB|= )(\d{4})(?:"|, ")"#).unwrap();
    let mut used = BTreeSet::new();
    for folder in ["src", "crates"] {
        codes_in(&root.join(folder), &code, &mut used);
    }
    assert_eq!(used, pages());
}

#[test]
fn every_page_is_shown_offline() {
    for code in pages() {
        let ran = Ran::confbus(&["help", &code]);
        assert_eq!(ran.code, Some(0));
        for text in [&*format!("# {code}: "), "## Before", "## After"] {
            assert!(ran.stdout.contains(text), "{}", ran.stdout);
        }
    }
    let ran = Ran::confbus(&["help", "cb0000"]);
    assert_eq!(ran.code, Some(6));
    assert!(ran.stderr.contains("CB1001"), "{}", ran.stderr);
}

#[test]
fn without_a_repository_the_slip_of_the_pen_is_named() {
    let ran = Ran::confbus(&["serve"]);
    assert_eq!(ran.code, Some(78));
    let said = "error[CB1001]: no repository is configured\n  = help: set spring.cloud.config.server.git.uri";
    assert!(ran.stderr.starts_with(said), "{}", ran.stderr);

    let url = (
        "SPRING_CLOUD_CONFIG_SERVER_GIT_URL",
        "https://s3cret@git.example/config",
    );
    let ran = Ran::with(&["serve"], &[url], "");
    assert_eq!(ran.code, Some(78));
    for text in [
        "error[CB1001]",
        "warning[CB8001]",
        "did you mean `spring.cloud.config.server.git.uri`?",
        "  --> SPRING_CLOUD_CONFIG_SERVER_GIT_URL",
    ] {
        assert!(ran.stderr.contains(text), "{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("s3cret"));
}

#[test]
fn mistakes_have_their_kind() {
    let uri = "--spring.cloud.config.server.git.uri=/tmp/none";
    for (setting, code) in [
        ("--spring.cloud.config.server.git.timeout=soon", "CB8002"),
        ("--spring.profiles.active=mongodb", "CB8005"),
        ("--spring.security.user.password=changeit", "CB7003"),
        (
            "--spring.cloud.config.server.git.username={cipher}0",
            "CB7001",
        ),
        ("--config=nowhere.yml", "CB8006"),
    ] {
        let ran = Ran::confbus(&["serve", setting, uri, "--encrypt.key=not-s3cret-for-long"]);
        assert_eq!(ran.code, Some(78), "{ran:?}");
        assert!(
            ran.stderr.contains(&format!("error[{code}]")),
            "{}",
            ran.stderr
        );
        let ran = Ran::confbus(&[
            "serve",
            "--log-format=json",
            setting,
            uri,
            "--encrypt.key=not-s3cret-for-long",
        ]);
        let codes: Vec<_> = ran
            .stderr
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["code"].clone())
            .collect();
        assert!(codes.contains(&code.into()), "{}", ran.stderr);
    }
}

#[test]
fn warnings_of_a_start_have_codes_too() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        ("management.server.address", "127.0.0.1"),
        ("spring.cloud.config.server.git.skip-ssl-validation", "true"),
        ("spring.cloud.config.server.git.forcepul", "true"),
    ]);
    for (code, text) in [
        ("CB8001", "forcepul"),
        ("CB8003", "`management.server.address` has no effect"),
        ("CB8004", "skip-ssl-validation=true"),
    ] {
        let line = server.line_with(text);
        assert!(line.contains(code), "{line}");
    }
}
