use super::*;

fn ask(
    headers: &[(&'static str, &'static str)],
    body: &str,
    settings: &Settings,
) -> Result<Option<Pushed>, Malformed> {
    let headers = headers
        .iter()
        .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
        .collect();
    let body: Map<String, Value> = serde_json::from_str(body).unwrap();
    recognise(&headers, &body, settings)
}

#[track_caller]
fn check(headers: &[(&'static str, &'static str)], body: &str, expected: Option<&[&str]>) {
    let pushed = ask(headers, body, &Settings::default()).unwrap();
    let guessed = pushed.as_ref().map(|pushed| {
        pushed
            .guessed
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
    });
    assert_eq!(guessed.as_deref(), expected, "{headers:?} {body}");
}

const FOO_DEV: &str = r#"{"commits":[{"added":["foo-dev.yml"],"removed":[],"modified":[]}]}"#;

#[test]
fn commits_name_their_files() {
    let body = r#"{"commits":[{"added":["foo-bar-dev.yml"],"removed":["x/application.yml"],
        "modified":["application-dev.properties","foo-bar.yml"]}]}"#;
    check(
        &[("x-github-event", "push")],
        body,
        Some(&["foo-bar-dev", "foo-bar", "foo", "*", "application-dev"]),
    );
    check(
        &[("x-gitlab-event", "Push Hook")],
        FOO_DEV,
        Some(&["foo-dev", "foo"]),
    );
    check(
        &[("x-git-oschina-event", "Push Hook")],
        FOO_DEV,
        Some(&["foo-dev", "foo"]),
    );
    check(
        &[("x-gogs-event", "push")],
        FOO_DEV,
        Some(&["foo-dev", "foo"]),
    );
}

#[test]
fn hosts_without_file_lists_mean_everyone() {
    check(&[("x-gitea-event", "push")], FOO_DEV, Some(&["*"]));
    check(
        &[("x-gitea-event", "push"), ("x-github-event", "push")],
        FOO_DEV,
        Some(&["foo-dev", "foo"]),
    );
    let cloud = r#"{"push":{"changes":[]}}"#;
    check(
        &[("x-event-key", "repo:push"), ("x-hook-uuid", "u")],
        cloud,
        Some(&["*"]),
    );
    check(&[("x-event-key", "repo:push")], cloud, Some(&[]));
    check(
        &[
            ("x-event-key", "pullrequest:fulfilled"),
            ("x-hook-uuid", "u"),
        ],
        "{}",
        Some(&[]),
    );
    check(
        &[("x-event-key", "repo:refs_changed"), ("x-request-id", "u")],
        r#"{"changes":[]}"#,
        Some(&["*"]),
    );
    check(
        &[("x-event-key", "pr:merged"), ("x-request-id", "u")],
        r#"{"pullRequest":{"id":1}}"#,
        Some(&["*"]),
    );
}

#[test]
fn a_generic_body_names_paths() {
    check(
        &[],
        r#"{"path":["foo.yml","bar-x.yml"]}"#,
        Some(&["foo", "bar-x", "bar"]),
    );
    check(
        &[("x-github-event", "push")],
        r#"{"path":"foo.yml"}"#,
        Some(&["foo"]),
    );
    check(&[], r#"{"path":[]}"#, Some(&[]));
    for nothing in ["{}", r#"{"path":null}"#, r#"{"path":5}"#, r#"{"other":1}"#] {
        check(&[], nothing, None);
    }
}

#[test]
fn a_push_without_files_is_still_a_push() {
    check(
        &[("x-github-event", "push")],
        r#"{"deleted":true,"commits":[]}"#,
        Some(&[]),
    );
    check(
        &[("x-github-event", "push")],
        r#"{"commits":[{}]}"#,
        Some(&[]),
    );
    check(&[("x-gitlab-event", "Tag Push Hook")], FOO_DEV, Some(&[]));
    for (header, event) in [
        ("x-github-event", "ping"),
        ("x-github-event", "PUSH"),
        ("x-gitlab-event", "System Hook"),
        ("x-gogs-event", "fork"),
    ] {
        check(&[(header, event)], FOO_DEV, None);
    }
}

#[test]
fn a_host_that_is_off_is_not_heard() {
    let mut settings = Settings::default();
    settings.github.enabled = false;
    assert_eq!(
        ask(&[("x-github-event", "push")], FOO_DEV, &settings),
        Ok(None)
    );
}

#[test]
fn other_shapes_are_refused() {
    let push = ("x-github-event", "push");
    for body in [
        r#"{"path":["a.yml",7,null]}"#,
        r#"{"commits":5}"#,
        r#"{"commits":[5]}"#,
        r#"{"commits":[{"modified":"a.yml"}]}"#,
        r#"{"commits":[{"modified":[5]}]}"#,
    ] {
        assert!(ask(&[push], body, &Settings::default()).is_err(), "{body}");
    }
    check(&[push], r#"{"commits":[{"modified":null}]}"#, Some(&[]));
}

#[test]
fn the_reference_is_read_where_it_is_written() {
    for (body, expected) in [
        (r#"{"ref":"refs/heads/main"}"#, Some("refs/heads/main")),
        (r#"{"ref":"main"}"#, None),
        (
            r#"{"push":{"changes":[{"new":{"type":"branch","name":"main"}}]}}"#,
            Some("refs/heads/main"),
        ),
        (
            r#"{"push":{"changes":[{"new":null,"old":{"type":"tag","name":"v1"}}]}}"#,
            Some("refs/tags/v1"),
        ),
        (r#"{"push":{"changes":[{},{}]}}"#, None),
        (
            r#"{"changes":[{"ref":{"id":"refs/heads/x"}}]}"#,
            Some("refs/heads/x"),
        ),
    ] {
        let headers = [("x-github-event", "push"), ("x-event-key", "repo:push")];
        let pushed = ask(&headers, body, &Settings::default()).unwrap().unwrap();
        assert_eq!(pushed.reference.as_deref(), expected, "{body}");
    }
}

#[test]
fn the_commit_is_read_where_it_is_written() {
    let commit = "9f2c1ab0c7d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7";
    let nothing = "0".repeat(40);
    let body = |text: &str| text.replace("COMMIT", commit).replace("NOTHING", &nothing);
    for (text, is_there) in [
        (r#"{"ref":"refs/heads/main","after":"COMMIT"}"#, true),
        (r#"{"ref":"refs/heads/main","after":"NOTHING"}"#, false),
        (r#"{"ref":"refs/heads/main","after":"c1"}"#, false),
        (r#"{"ref":"refs/heads/main"}"#, false),
        (
            r#"{"push":{"changes":[{"new":{"target":{"hash":"COMMIT"}}}]}}"#,
            true,
        ),
        (r#"{"push":{"changes":[{"new":null}]}}"#, false),
        (
            r#"{"changes":[{"ref":{"id":"refs/heads/x"},"toHash":"COMMIT"}]}"#,
            true,
        ),
        (r#"{"changes":[{"toHash":"COMMIT"},{}]}"#, false),
    ] {
        let headers = [("x-github-event", "push"), ("x-event-key", "repo:push")];
        let pushed = ask(&headers, &body(text), &Settings::default()).unwrap();
        let after = pushed.unwrap().after.map(|commit| commit.to_string());
        assert_eq!(after.as_deref(), is_there.then_some(commit), "{text}");
    }
}

#[test]
fn forms_repeat_their_field_or_list_in_it() {
    for (form, expected) in [
        (
            "path=foo.yml&path=foo-dev.yml",
            Some(&["foo", "foo-dev"][..]),
        ),
        ("path=a%2Cb.yml", Some(&["a", "b"])),
        ("path=", Some(&[])),
        ("payload=%7B%7D", None),
        ("", None),
    ] {
        let guessed =
            form_paths(form.as_bytes(), &Settings::default()).map(|pushed| pushed.guessed);
        assert_eq!(
            guessed,
            expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
            "{form}"
        );
    }
}
