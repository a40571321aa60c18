//! What the cases rest on: the fixtures are the recorded ones, and a wrong answer is noticed.

use std::collections::BTreeMap;

use anyhow::ensure;
use indexmap::IndexMap;
use libtest_mimic::Trial;

use super::{
    expectation,
    fixtures::Fixture,
    suite::{self, Expectation},
    tokens::Tokens,
    wire::Answer,
};

/// Commits of a repository, by name.
type Commits = BTreeMap<String, String>;

/// An answer that is wrong for each of these: what it is called, the expectation, and what is said.
const WRONG: [(&str, &str, &str); 17] = [
    (
        "status",
        r#"{"answer": "404 application/json"}"#,
        "answer: expected 404",
    ),
    (
        "content type",
        r#"{"answer": "200"}"#,
        "answer: expected 200, got 200 app",
    ),
    (
        "header",
        r#"{"answer": "200 application/json", "headers": {"X-A": "c"}}"#,
        "header X-A: expected \"c\"",
    ),
    (
        "header absent",
        r#"{"answer": "200 application/json", "headers": {"X-A": null}}"#,
        "header X-A: expected null",
    ),
    (
        "header present",
        r#"{"answer": "200 application/json", "headers": {"X-B": {"present": true}}}"#,
        "got nothing",
    ),
    (
        "header pattern",
        r#"{"answer": "200 application/json", "headers": {"X-A": {"regex": "[0-9]"}}}"#,
        "header X-A",
    ),
    (
        "text",
        r#"{"answer": "200 application/json", "text": ["a", "b"]}"#,
        "-a⏎",
    ),
    (
        "bytes",
        r#"{"answer": "200 application/json", "base64": "YQ=="}"#,
        "other bytes",
    ),
    (
        "emptiness",
        r#"{"answer": "200 application/json", "empty": true}"#,
        "expected none",
    ),
    (
        "number's spelling",
        r#"{"answer": "200 application/json", "json": {"b":1,"a":[{"x":null}]}}"#,
        "+  \"b\": 1.0",
    ),
    (
        "order",
        r#"{"answer": "200 application/json", "json": {"a":[{"x":null}],"b":1.0}}"#,
        "from line 2",
    ),
    (
        "order of others",
        r#"{"answer": "200 application/json", "json": {"a":[{"x":null}],"b":1.0}, "unordered": ["/a/0"]}"#,
        "from line 2",
    ),
    (
        "error",
        r#"{"answer": "200 application/json", "error": {"status": 200}}"#,
        "expected an error",
    ),
    (
        "sources",
        r#"{"answer": "200 application/json", "sources": ["one"]}"#,
        "\"one\"",
    ),
    (
        "value",
        r#"{"answer": "200 application/json", "values": {"/b": 1}}"#,
        "expected /b = 1, got 1.0",
    ),
    (
        "absence",
        r#"{"answer": "200 application/json", "absent": ["/a/0/x"]}"#,
        "expected nothing at /a/0/x",
    ),
    (
        "pattern",
        r#"{"answer": "200 application/json", "regex": "\\{\"b\""}"#,
        "expected to match",
    ),
];

/// What `WRONG` is tried on.
const ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-A: b\r\n\r\n{\"b\":1.0,\"a\":[{\"x\":null}]}";

pub(crate) fn trials() -> anyhow::Result<Vec<Trial>> {
    let recorded: IndexMap<String, Commits> = suite::read("commits.json")?;
    let commits = recorded.into_iter().map(|(name, recorded)| {
        let title = format!("runner::fixtures::{name}");
        Trial::test(title, move || Ok(has_commits(&name, &recorded)?))
    });
    let wrong = WRONG.into_iter().map(|(name, expected, said)| {
        let title = format!("runner::notices::{}", name.replace(' ', "-"));
        Trial::test(title, move || Ok(is_noticed(expected, said)?))
    });
    Ok(commits.chain(wrong).collect())
}

fn has_commits(name: &str, recorded: &Commits) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let repository = Fixture::read(name)?.repository(&folder.path().join(name), true)?;
    let built: Commits = repository.names().iter().cloned().collect();
    ensure!(
        built == *recorded,
        "built {built:#?}, recorded {recorded:#?}"
    );
    Ok(())
}

fn is_noticed(expected: &str, said: &str) -> anyhow::Result<()> {
    let expected: Expectation = serde_json::from_str(expected)?;
    let answer = Answer::parse(ANSWER.as_bytes(), "GET")?;
    let problems = expectation::problems(&expected, &answer, &Tokens::default())?.join("\n");
    ensure!(
        problems.contains(said),
        "expected to hear {said:?}, got {problems:?}"
    );
    Ok(())
}
