//! Reads what the git hosts send: who pushed what, as the extractors of Spring Cloud Config Monitor see it.

#[cfg(test)]
mod tests;

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
