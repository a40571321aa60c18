//! Reads what the git hosts send: who pushed what, as the extractors of Spring Cloud Config Monitor see it.

use confbus_protocol::CommitId;
use http::HeaderMap;
use indexmap::IndexSet;
use serde_json::{Map, Value};

use super::{Provider, Pushed, Settings, guess};

/// The payload has the provider's name on it and another shape.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{field}` is not {expected}")]
pub(crate) struct Malformed {
    field: &'static str,
    expected: &'static str,
}

/// What one extractor finds.
type Extracted = Result<Option<Touched>, Malformed>;

/// What was touched.
enum Touched {
    Files(Vec<String>),
    Unknown,
}

/// What a JSON delivery says, or `None` when it is about something else than a push.
///
/// A push without files is a push: a branch that was moved, made or deleted names another commit than before.
pub(crate) fn recognise(
    headers: &HeaderMap,
    body: &Map<String, Value>,
    settings: &Settings,
) -> Result<Option<Pushed>, Malformed> {
    let delivery = Delivery {
        headers,
        body,
        settings,
    };
    let pushed = match delivery.touched()? {
        Some(Touched::Files(paths)) => of_paths(paths, settings),
        Some(Touched::Unknown) => Pushed {
            guessed: vec!["*".into()],
            ..Pushed::default()
        },
        None if delivery.moves_a_reference() => Pushed::default(),
        None => return Ok(None),
    };
    Ok(Some(Pushed {
        reference: delivery.reference(),
        after: delivery.after(),
        ..pushed
    }))
}

/// What a form says: `path` may be repeated, and a single one may be a comma list.
pub(crate) fn form_paths(body: &[u8], settings: &Settings) -> Option<Pushed> {
    let mut paths: Vec<String> = url::form_urlencoded::parse(body)
        .filter(|(key, _)| key == "path")
        .map(|(_, value)| value.into_owned())
        .collect();
    if let [single] = paths.as_slice() {
        paths = single
            .split(',')
            .map(|path| path.trim().to_owned())
            .filter(|path| !path.is_empty())
            .collect();
    } else if paths.is_empty() {
        return None;
    }
    Some(of_paths(paths, settings))
}

fn of_paths(paths: Vec<String>, settings: &Settings) -> Pushed {
    let guessed = guess::names(&paths, settings.max_paths, settings.max_dashes);
    Pushed {
        paths,
        guessed,
        ..Pushed::default()
    }
}

struct Delivery<'a> {
    headers: &'a HeaderMap,
    body: &'a Map<String, Value>,
    settings: &'a Settings,
}

impl Delivery<'_> {
    /// The first extractor that finds something; GitHub's comes first because Gitea and Gogs send its headers, too.
    fn touched(&self) -> Extracted {
        let extractors: [fn(&Self) -> Extracted; 7] = [
            |delivery| delivery.commits(Provider::Github, "push"),
            Self::generic,
            |delivery| delivery.commits(Provider::Gitlab, "Push Hook"),
            |delivery| Ok(delivery.bitbucket()),
            |delivery| Ok(delivery.gitea()),
            |delivery| delivery.commits(Provider::Gitee, "Push Hook"),
            |delivery| delivery.commits(Provider::Gogs, "push"),
        ];
        extractors
            .into_iter()
            .find_map(|extractor| extractor(self).transpose())
            .transpose()
    }

    fn commits(&self, provider: Provider, event: &str) -> Extracted {
        if self.event(provider) != Some(event) {
            return Ok(None);
        }
        let mut files = IndexSet::new();
        for commit in list(self.body.get("commits"), "commits")? {
            let commit = commit.as_object().ok_or(Malformed {
                field: "commits",
                expected: "a list of objects",
            })?;
            for field in ["added", "removed", "modified"] {
                files.extend(texts(list(commit.get(field), field)?, field)?);
            }
        }
        Ok((!files.is_empty()).then(|| Touched::Files(files.into_iter().collect())))
    }

    fn generic(&self) -> Extracted {
        Ok(match self.body.get("path") {
            Some(Value::String(path)) => Some(Touched::Files(vec![path.clone()])),
            Some(Value::Array(paths)) => Some(Touched::Files(texts(paths, "path")?)),
            _ => None,
        })
    }

    fn bitbucket(&self) -> Option<Touched> {
        let has_header = |name| {
            self.headers
                .get(name)
                .is_some_and(|value| !value.is_empty())
        };
        let known = match self.event(Provider::Bitbucket)? {
            "repo:push" | "pullrequest:fulfilled" => {
                has_header("x-hook-uuid") && self.cloud_changes().is_some()
            }
            "repo:refs_changed" => {
                has_header("x-request-id") && self.data_center_changes().is_some()
            }
            "pr:merged" => has_header("x-request-id"),
            _ => false,
        };
        known.then_some(Touched::Unknown)
    }

    fn cloud_changes(&self) -> Option<&Vec<Value>> {
        self.body.get("push")?.get("changes")?.as_array()
    }

    fn data_center_changes(&self) -> Option<&Vec<Value>> {
        self.body.get("changes")?.as_array()
    }

    fn gitea(&self) -> Option<Touched> {
        let push = self.event(Provider::Gitea) == Some("push")
            && self.body.get("commits").is_some_and(Value::is_array);
        push.then_some(Touched::Unknown)
    }

    /// Whether this is about a branch or a tag that was made, moved or deleted, whatever the extractors read in it.
    fn moves_a_reference(&self) -> bool {
        Provider::ALL.into_iter().any(|provider| {
            matches!(
                (provider, self.event(provider)),
                (
                    Provider::Github | Provider::Gitea | Provider::Gogs,
                    Some("push" | "create" | "delete")
                ) | (
                    Provider::Gitlab | Provider::Gitee,
                    Some("Push Hook" | "Tag Push Hook")
                ) | (
                    Provider::Bitbucket,
                    Some("repo:push" | "repo:refs_changed" | "pullrequest:fulfilled" | "pr:merged")
                )
            )
        })
    }

    fn event(&self, provider: Provider) -> Option<&str> {
        if !self.settings.of(provider).enabled {
            return None;
        }
        self.headers.get(provider.event_header())?.to_str().ok()
    }

    /// `ref` where it is written out; Bitbucket's own forms when there is one change only.
    fn reference(&self) -> Option<String> {
        if let Some(reference) = self.body.get("ref").and_then(Value::as_str) {
            return reference.starts_with("refs/").then(|| reference.to_owned());
        }
        if let Some([change]) = self.data_center_changes().map(Vec::as_slice) {
            return change.get("ref")?.get("id")?.as_str().map(str::to_owned);
        }
        let [change] = self.cloud_changes()?.as_slice() else {
            return None;
        };
        let now = ["new", "old"]
            .iter()
            .find_map(|side| change.get(side).filter(|side| side.is_object()))?;
        let name = now.get("name")?.as_str()?;
        match now.get("type")?.as_str()? {
            "branch" => Some(format!("refs/heads/{name}")),
            "tag" => Some(format!("refs/tags/{name}")),
            _ => None,
        }
    }

    /// `after` where it is written out; Bitbucket's own forms when there is one change only.
    fn after(&self) -> Option<CommitId> {
        let changed = || match self.data_center_changes().map(Vec::as_slice) {
            Some([change]) => change.get("toHash"),
            Some(_) => None,
            None => match self.cloud_changes()?.as_slice() {
                [change] => change.get("new")?.get("target")?.get("hash"),
                _ => None,
            },
        };
        let text = self.body.get("after").or_else(changed)?.as_str()?;
        CommitId::parse(text).filter(|commit| *commit != NOTHING)
    }
}

/// What a ref names that is gone.
const NOTHING: CommitId = CommitId::from_bytes([0; 20]);

fn list<'a>(value: Option<&'a Value>, field: &'static str) -> Result<&'a [Value], Malformed> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(Malformed {
            field,
            expected: "a list",
        }),
    }
}

fn texts(items: &[Value], field: &'static str) -> Result<Vec<String>, Malformed> {
    let text = |item: &Value| {
        item.as_str().map(str::to_owned).ok_or(Malformed {
            field,
            expected: "a list of texts",
        })
    };
    items.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
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
}
