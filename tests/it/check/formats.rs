use std::{fs, path::Path, process::Command};

use serde_json::Value;

use super::{check, directory, document};
use crate::support::Ran;

const BROKEN: &[(&str, &str)] = &[
    ("shop.yml", "pool: small\n  max: 40\n"),
    ("billing.yml", "db:\n  password: hunter2\n"),
];

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Test", "-c", "user.email=test@example.com"]);
    let status = command
        .args(arguments)
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(status.success(), "git {arguments:?}");
}

/// A checkout with a commit on `main`, and a branch `change` that is checked out.
fn checkout(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = directory(files);
    git(folder.path(), &["init", "-q", "-b", "main"]);
    git(folder.path(), &["add", "-A"]);
    git(folder.path(), &["commit", "-q", "-m", "first"]);
    git(folder.path(), &["switch", "-q", "-c", "change"]);
    folder
}

fn write(folder: &Path, path: &str, text: &str) {
    fs::write(folder.join(path), text).unwrap();
}

#[test]
fn the_exit_code_is_the_answer() {
    let good = directory(&[("shop.yml", "pool.max: 1\n")]);
    let warned = directory(&[("shop.yml", "password: hunter2\n")]);
    let broken = directory(BROKEN);
    assert_eq!(check(good.path(), &[]).code, Some(0));
    assert_eq!(check(warned.path(), &[]).code, Some(0));
    assert_eq!(check(warned.path(), &["--deny-warnings"]).code, Some(1));
    assert_eq!(check(broken.path(), &[]).code, Some(1));
    assert_eq!(check(&good.path().join("nowhere"), &[]).code, Some(2));
    assert_eq!(check(good.path(), &["--against", "main"]).code, Some(2));
    write(good.path(), "bad.properties", "confbus.limits.files=many\n");
    let settings = good.path().join("bad.properties");
    let arguments = ["--config", settings.to_str().unwrap()];
    assert_eq!(check(good.path(), &arguments).code, Some(78));
}

#[test]
fn no_form_tells_a_secret() {
    let folder = checkout(&[("billing.yml", "db:\n  password: swordfish\n  host: a\n")]);
    let broken = "db:\n  host: b\n  password: hunter2\n  host: c\n";
    let warned = "db:\n  password: hunter2\n  url: https://ana:hunter2@host/\n  \
                  sql: jdbc:pg://host/db?user=a&password=hunter2\n  note: ${api.token:hunter2}\n  copy: ${db.note:hunter2}\n";
    for text in [broken, warned] {
        write(folder.path(), "billing.yml", text);
        for format in ["text", "github", "gitlab", "sarif", "markdown", "json"] {
            let ran = check(folder.path(), &["--against", "main", "--format", format]);
            assert!(ran.stdout.contains("billing.yml"), "{ran:?}");
            for secret in ["hunter2", "swordfish"] {
                assert!(!ran.stdout.contains(secret), "{format}: {}", ran.stdout);
            }
        }
    }
}

#[test]
fn nothing_of_a_file_becomes_a_command_or_drives_a_terminal() {
    let forged = "::stop-commands::x";
    let folder = checkout(&[("shop.yml", "a: 1\n")]);
    let twice = format!("\"a\\n{forged}\\e[2J\": 1\n");
    write(folder.path(), "broken.yml", &twice.repeat(2));
    write(folder.path(), "shop.yml", &twice);
    let name = format!("ev\n{forged}\u{1b}[2J.yml");
    write(folder.path(), &name, "b: 1\n\"b\": 2\n");
    write(folder.path(), &name.replace("ev", "fine"), "b: 1\n");
    let path = folder.path().to_str().unwrap();
    for format in ["text", "github", "gitlab", "sarif", "markdown", "json"] {
        let arguments = ["--color", "always", "check", path, "--against", "main"];
        let ran = Ran::confbus(&[&arguments[..], &["--format", format]].concat());
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let mut lines = ran.stdout.split(['\n', '\r']);
        let is_forged = lines.any(|line| line.starts_with(forged));
        let drives = ran.stdout.contains("\u{1b}[2J");
        assert!(!is_forged && !drives, "{format}: {:?}", ran.stdout);
    }
}

#[test]
fn annotations_of_github_stand_on_their_lines() {
    let folder = directory(BROKEN);
    let ran = check(folder.path(), &["--format", "github"]);
    let first = ran.stdout.lines().next().unwrap();
    assert!(
        first.starts_with("::error file=shop.yml,line=2,endLine=2,col=3,endColumn=6,title=CB2001"),
        "{first}"
    );
    assert!(ran.stdout.contains("::warning file=billing.yml,line=2,"));
}

#[test]
fn reports_are_what_hosts_read() {
    let folder = directory(BROKEN);
    let report = |format: &str| -> Value {
        let ran = check(folder.path(), &["--format", format]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let gitlab = report("gitlab");
    assert_eq!(gitlab[0]["check_name"], "CB2001");
    assert_eq!(gitlab[0]["severity"], "critical");
    assert_eq!(gitlab[0]["location"]["path"], "shop.yml");
    assert_eq!(gitlab[0]["location"]["lines"]["begin"], 2);
    assert_ne!(gitlab[0]["fingerprint"], gitlab[1]["fingerprint"]);

    let sarif = report("sarif");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    for result in run["results"].as_array().unwrap() {
        assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]));
    }
    let place = &run["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "shop.yml");
    assert_eq!(place["region"]["startColumn"], 3);

    let document = report("json");
    assert_eq!(document["schema"], "confbus.check/1");
    assert_eq!(document["ok"], false);
    let first = &document["diagnostics"][0];
    assert_eq!(first["effect"]["held"], serde_json::json!(["shop/default"]));
    assert_eq!(first["end_column"], 6);
}

#[test]
fn only_what_a_change_breaks_fails_it_and_what_it_changes_is_shown() {
    let folder = checkout(&[
        ("application.yml", "region: eu\n"),
        ("shop.yml", "pool:\n  max: 20\n"),
        ("shop-prod.yml", "pool:\n  max: 30\n"),
        ("old.yml", "a: [\n"),
    ]);
    write(folder.path(), "shop.yml", "pool:\n  max: 21\n  min: 1\n");
    write(folder.path(), "untracked.yml", "a: 1\n");
    write(folder.path(), ".gitignore", "ignored.yml\n");
    write(folder.path(), "ignored.yml", "a: [\n");
    let arguments = ["--against", "main"];
    let ran = check(folder.path(), &arguments);
    assert_eq!(ran.code, Some(0), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("error before[CB2013]"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("~ pool.max   20 → 21   shop.yml:2"),
        "{}",
        ran.stdout
    );
    let document = document(folder.path(), &arguments);
    let changes = document["changes"].as_array().unwrap();
    let changed: Vec<_> = changes
        .iter()
        .map(|one| {
            let keys = one["keys"].as_array().unwrap().iter();
            let keys: Vec<_> = keys.map(|key| key["key"].as_str().unwrap()).collect();
            (one["address"].as_str().unwrap(), keys.join(" "))
        })
        .collect();
    assert_eq!(
        changed,
        [
            ("shop/default", "pool.max pool.min".to_owned()),
            ("shop/prod", "pool.min".to_owned()),
            ("untracked/default", "a".to_owned()),
        ]
    );
    assert_eq!(check(folder.path(), &[]).code, Some(1));

    write(folder.path(), "shop-prod.yml", "pool:\n\tmax: 30\n");
    let ran = check(folder.path(), &arguments);
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("shop/prod would stay at "),
        "{}",
        ran.stdout
    );
    let markdown = check(
        folder.path(),
        &["--against", "main", "--format", "markdown"],
    );
    assert!(markdown.stdout.starts_with("<!-- confbus check -->\n"));
    assert!(markdown.stdout.contains("shop-prod.yml:2:1"));
    // The tab that the sentence quotes is one character of code, and no entity of it is shown as such.
    let quotes = markdown.stdout.matches("<code>").count();
    assert!(
        quotes > 1 && !markdown.stdout.contains('`'),
        "{}",
        markdown.stdout
    );
    // What lies there is one thing, and what was committed another.
    let committed = check(folder.path(), &["--against", "main", "--commit", "HEAD"]);
    assert_eq!(committed.code, Some(0), "{}", committed.stdout);
    assert!(
        committed.stdout.contains("changes nothing"),
        "{}",
        committed.stdout
    );
}

#[test]
fn schemas_may_come_from_elsewhere() {
    let folder = directory(&[("shop.yml", "pool.max: 40\n")]);
    let schemas = directory(&[(
        "shop.schema.json",
        r#"{"properties": {"pool": {"properties": {"max": {"maximum": 32}}}}}"#,
    )]);
    assert_eq!(check(folder.path(), &[]).code, Some(0));
    let ran = check(
        folder.path(),
        &["--schema", schemas.path().to_str().unwrap()],
    );
    assert_eq!(ran.code, Some(1), "{}", ran.stdout);
}

#[test]
fn settings_say_where_files_lie_and_files_of_the_checkout_are_no_settings() {
    let folder = directory(&[
        (
            "application.yml",
            "server.port: not a port\nconfbus.nonsense: 1\n",
        ),
        ("teams/shop/shop.yml", "a: [\n"),
    ]);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_confbus"));
        let output = command
            .arg("check")
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    assert_eq!(run(&[]).0, Some(0));
    let settings = directory(&[(
        "server.properties",
        "spring.cloud.config.server.git.search-paths=teams/{application}\n",
    )]);
    let settings = settings.path().join("server.properties");
    let (code, told) = run(&["--config", settings.to_str().unwrap()]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("teams/shop/shop.yml:1:4"), "{told}");
}

#[test]
fn colours_are_for_whoever_wants_them() {
    let folder = directory(BROKEN);
    let plain = check(folder.path(), &[]);
    assert!(!plain.stdout.contains('\u{1b}'));
    let coloured = Ran::confbus(&[
        "--color",
        "always",
        "check",
        folder.path().to_str().unwrap(),
    ]);
    assert!(coloured.stdout.contains('\u{1b}'));
}
