//! What differs between any two servers, and says nothing about either: when an error happened, and where a clone lies.

use std::collections::HashMap;

use serde_json::Value;

use super::wire::Answer;

/// The beginnings and ends of the places where Boot's error bodies tell the time.
const TIMES: [(&str, char); 3] = [
    ("{\"timestamp\":", ','),
    ("---\ntimestamp: ", '\n'),
    ("<div id='created'>", '<'),
];
/// How Spring names a document of a file that has several: `{uri}/Config resource 'file [{path}' via location '…`.
const DOCUMENT: &str = "Config resource 'file [";

/// An error body without its time.
pub(super) fn without_time(answer: &mut Answer) {
    if answer.status < 400 {
        return;
    }
    let Ok(text) = str::from_utf8(&answer.body) else {
        return;
    };
    for (begin, end) in TIMES {
        let Some((before, after)) = text.split_once(begin) else {
            continue;
        };
        if let Some(end) = after.find(end) {
            answer.body = format!("{before}{begin}\"…\"{}", &after[end..]).into_bytes();
            return;
        }
    }
}

/// Takes credentials out of the names of property sources, which begin with the address of the repository; tells whether
/// there were any. The user of ssh is part of the address.
pub(super) fn without_credentials(answer: &mut Answer) -> bool {
    let Ok(mut text) = str::from_utf8(&answer.body).map(str::to_owned) else {
        return false;
    };
    let environment: Value = serde_json::from_str(&text).unwrap_or_default();
    let sources = environment["propertySources"].as_array();
    let names = sources
        .into_iter()
        .flatten()
        .filter_map(|source| source["name"].as_str());
    for name in names {
        if let Some(bare) = bare(name) {
            let member = |name: &str| format!("\"name\":{}", Value::from(name));
            text = text.replace(&member(name), &member(&bare));
        }
    }
    let found = text.as_bytes() != answer.body;
    answer.body = text.into_bytes();
    found
}

fn bare(name: &str) -> Option<String> {
    let (scheme, rest) = name.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (user, host) = authority.rsplit_once('@')?;
    let user = match (scheme, user.split(':').next()) {
        ("ssh", Some(user)) => format!("{user}@"),
        _ => String::new(),
    };
    Some(format!("{scheme}://{user}{host}{path}"))
}

/// Where the two servers keep their clones of a repository, learnt from the first names that tell, by its URI.
#[derive(Debug, Default)]
pub(super) struct Checkouts {
    by_repository: HashMap<String, [String; 2]>,
}

impl Checkouts {
    /// Puts the same words in place of both clones.
    pub(super) fn hide(&mut self, old: &mut Answer, new: &mut Answer) {
        let names = |answer: &Answer| -> Vec<(String, String)> {
            let environment = serde_json::from_slice(&answer.body).unwrap_or_default();
            documents(&environment)
        };
        for (old, new) in names(old).into_iter().zip(names(new)) {
            self.learn(old, new);
        }
        for (repository, [of_old, of_new]) in &self.by_repository {
            replace(&mut old.body, repository, of_old);
            replace(&mut new.body, repository, of_new);
        }
    }

    /// What follows the clone in both paths is the place within the repository.
    fn learn(&mut self, (repository, old): (String, String), (other, new): (String, String)) {
        if repository != other || repository.is_empty() {
            return;
        }
        let same = old
            .rsplit('/')
            .zip(new.rsplit('/'))
            .take_while(|(old, new)| old == new);
        let length: usize = same.map(|(segment, _)| segment.len() + 1).sum();
        let folder = |path: &str| Some(path[..path.len().checked_sub(length)?].to_owned());
        if let (Some(old), Some(new)) = (folder(&old), folder(&new))
            && [&old, &new]
                .into_iter()
                .all(|folder| folder.starts_with('/'))
        {
            self.by_repository.entry(repository).or_insert([old, new]);
        }
    }
}

/// Repository and path of every property source that is one of several documents.
fn documents(environment: &Value) -> Vec<(String, String)> {
    let sources = environment["propertySources"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let names = sources.iter().filter_map(|source| source["name"].as_str());
    names
        .filter_map(|name| {
            let (repository, rest) = name.split_once(DOCUMENT)?;
            let path = rest.split(['\'', ']']).next()?;
            Some((repository.to_owned(), path.to_owned()))
        })
        .collect()
}

fn replace(body: &mut Vec<u8>, repository: &str, folder: &str) {
    let begin = format!("{repository}{DOCUMENT}");
    if let Ok(text) = str::from_utf8(body)
        && text.contains(&begin)
    {
        *body = text
            .replace(&format!("{begin}{folder}/"), &format!("{begin}…/"))
            .into_bytes();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn time(status: u16, body: &str, expected: &str) {
        let mut answer = Answer::of(status, &[], body);
        without_time(&mut answer);
        assert_eq!(String::from_utf8(answer.body).unwrap(), expected);
    }

    #[test]
    fn errors_lose_their_time() {
        time(
            404,
            r#"{"timestamp":"2026-11-21T14:25:10.178Z","status":404}"#,
            r#"{"timestamp":"…","status":404}"#,
        );
        time(
            404,
            r#"{"timestamp":1795270000000,"status":404}"#,
            r#"{"timestamp":"…","status":404}"#,
        );
        time(
            500,
            "---\ntimestamp: \"2026\"\nstatus: 500\n",
            "---\ntimestamp: \"…\"\nstatus: 500\n",
        );
        time(
            404,
            "<div id='created'>Sat Nov 21</div><p>",
            "<div id='created'>\"…\"</div><p>",
        );
        time(
            200,
            r#"{"timestamp":"1","a":2}"#,
            r#"{"timestamp":"1","a":2}"#,
        );
    }

    #[test]
    fn credentials_leave_names_and_nothing_else() {
        for (name, expected) in [
            (
                "https://ana:s3cret@host/x.git/a.yml",
                "https://host/x.git/a.yml",
            ),
            ("https://host/x@y/a.yml", "https://host/x@y/a.yml"),
            ("ssh://git:s3cret@host/x/a.yml", "ssh://git@host/x/a.yml"),
            ("ssh://git@host/x/a.yml", "ssh://git@host/x/a.yml"),
            ("git@host:x/a.yml", "git@host:x/a.yml"),
        ] {
            let body = |name| json!({ "propertySources": [{ "name": name, "source": { "url": "amqp://a:b@c" } }] });
            let mut answer = Answer::of(200, &[], &body(name).to_string());
            assert_eq!(without_credentials(&mut answer), name != expected, "{name}");
            assert_eq!(
                String::from_utf8(answer.body).unwrap(),
                body(expected).to_string()
            );
        }
    }

    fn environment(repository: &str, paths: &[&str]) -> Answer {
        let sources: Vec<_> = paths
            .iter()
            .map(|path| json!({ "name": format!("{repository}{DOCUMENT}{path}' via location '' (document #0)") }))
            .collect();
        Answer::of(200, &[], &json!({ "propertySources": sources }).to_string())
    }

    #[test]
    fn clones_may_lie_anywhere() {
        let mut checkouts = Checkouts::default();
        let mut old = environment(
            "uri/",
            &["/tmp/config-repo-1/a.yml", "/tmp/config-repo-1/sub/b.yml"],
        );
        let mut new = environment("uri/", &["/var/x/a.yml", "/var/x/sub/b.yml"]);
        checkouts.hide(&mut old, &mut new);
        assert!(old.body == new.body, "{checkouts:?}");
    }

    #[test]
    fn a_file_elsewhere_in_the_repository_is_another_file() {
        let mut checkouts = Checkouts::default();
        for (old, new, same) in [
            ("/tmp/1/a.yml", "/var/x/a.yml", true),
            ("/tmp/1/sub/a.yml", "/var/x/a.yml", false),
            ("/tmp/1/a.yml", "/var/x/b.yml", false),
        ] {
            let (mut old, mut new) = (environment("uri/", &[old]), environment("uri/", &[new]));
            checkouts.hide(&mut old, &mut new);
            assert_eq!(old.body == new.body, same);
        }
    }

    #[test]
    fn native_files_have_no_clone() {
        let (mut old, mut new) = (
            environment("", &["/tmp/1/a.yml"]),
            environment("", &["/var/x/a.yml"]),
        );
        Checkouts::default().hide(&mut old, &mut new);
        assert!(old.body != new.body);
    }
}
