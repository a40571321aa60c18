use std::path::{Path, PathBuf};

use url::Url;

use crate::{
    commit_status::{Host, Kind, Settings},
    settings::{code, reader::Reader},
};

const AT: &str = "confbus.commit-status";

/// What all three hosts take, in characters.
const LONGEST: usize = 255;

/// Off without a kind; the outer `None` when it cannot be used.
pub(super) fn commit_status(reader: &mut Reader) -> Option<Option<Settings>> {
    let key = format!("{AT}.kind");
    let kind = match reader.text(&key).as_deref() {
        Some("github") => Kind::GitHub,
        Some("gitlab") => Kind::GitLab,
        Some("gitea") => Kind::Gitea,
        Some(_) => {
            let text = format!("`{key}` is neither `github` nor `gitlab` nor `gitea`");
            reader.refuse(&key, text, None);
            return None;
        }
        None => {
            reader.have_no_effect(&format!("{AT}."), &[], &format!("`{key}` says no host"));
            return Some(None);
        }
    };
    let host = host(reader, kind);
    let token_file = token_file(reader);
    let context = context(reader);
    let target_url = target_url(reader);
    Some(Some(Settings {
        host: host?,
        token_file: token_file?,
        context: context?,
        target_url: target_url?,
    }))
}

fn host(reader: &mut Reader, kind: Kind) -> Option<Host> {
    let key = format!("{AT}.api-url");
    let Some(text) = reader.text(&key) else {
        let usual = Host::usual(kind);
        if usual.is_none() {
            let text = format!("there is no `{key}`, and every Gitea has its own");
            reader.refuse(
                &format!("{AT}.kind"),
                text,
                Some("https://gitea.example.org"),
            );
        }
        return usual;
    };
    let host = Host::at(kind, &text);
    match &host {
        None => {
            let text = format!("`{key}` is no http or https address, or holds more than that");
            reader.refuse(&key, text, Some("https://git.example.org/api/v4"));
        }
        Some(host) if !host.is_https() && !host.is_here() => {
            reader.warn(
                code::INSECURE,
                format!("`{key}` is not https: the token is sent in clear"),
            );
        }
        Some(_) => {}
    }
    host
}

/// It has to be there at the start, so that a slip of the pen shows.
fn token_file(reader: &mut Reader) -> Option<PathBuf> {
    let key = format!("{AT}.token-file");
    let Some(text) = reader.text(&key) else {
        let text = format!("there is no `{key}`");
        let hint = "a file with a token that may write commit statuses";
        reader.refuse(&format!("{AT}.kind"), text, Some(hint));
        return None;
    };
    let path = Path::new(text.strip_prefix("file:").unwrap_or(&text));
    if !path.is_file() {
        let text = format!("`{key}` names no file: {}", path.display());
        reader.refuse(&key, text, None);
        return None;
    }
    Some(path.to_owned())
}

fn context(reader: &mut Reader) -> Option<String> {
    let key = format!("{AT}.context");
    let context = reader.text_or(&key, "confbus");
    if context.chars().count() > LONGEST || context.contains(char::is_control) {
        let text = format!("`{key}` is not one line of at most {LONGEST} characters");
        reader.refuse(&key, text, None);
        return None;
    }
    Some(context)
}

/// The outer `None` when it cannot be used.
fn target_url(reader: &mut Reader) -> Option<Option<String>> {
    let key = format!("{AT}.target-url");
    let Some(text) = reader.text(&key) else {
        return Some(None);
    };
    let url = Url::parse(&text).ok();
    let is_web = url.is_some_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_web || text.chars().count() > LONGEST {
        let text = format!("`{key}` is no http or https address of at most {LONGEST} characters");
        reader.refuse(&key, text, None);
        return None;
    }
    Some(Some(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings, or what is wrong; warnings in both cases.
    fn read(said: &[(&str, &str)]) -> (Option<Option<Settings>>, String, Vec<String>) {
        let arguments = said.iter();
        let arguments = arguments.map(|(key, value)| (format!("{AT}.{key}"), (*value).to_owned()));
        let mut reader = Reader::of(arguments.collect(), Vec::new());
        let settings = commit_status(&mut reader);
        let (problems, warnings) = reader.finish();
        let problems = problems.iter().map(ToString::to_string).collect();
        let warnings = warnings.iter().map(ToString::to_string);
        (settings, problems, warnings.collect())
    }

    #[test]
    fn a_kind_and_a_token_are_enough() {
        let (settings, problems, warnings) = read(&[("kind", "github"), ("token-file", file!())]);
        let settings = settings.unwrap().unwrap();
        assert_eq!((problems.as_str(), warnings.len()), ("", 0));
        assert_eq!(Some(settings.host), Host::usual(Kind::GitHub));
        assert_eq!(settings.context, "confbus");
        assert_eq!(settings.target_url, None);
    }

    #[test]
    fn it_is_off_without_a_kind() {
        let (settings, _, warnings) = read(&[]);
        assert!(settings.unwrap().is_none() && warnings.is_empty());
        let (settings, _, warnings) = read(&[("context", "x")]);
        assert!(settings.unwrap().is_none());
        assert!(warnings[0].contains("no effect"), "{warnings:?}");
    }

    #[test]
    fn mistakes_are_named() {
        let token = ("token-file", file!());
        let long = format!("https://wiki.example/{}", "x".repeat(LONGEST));
        let cases: [(&[(&str, &str)], &str); 8] = [
            (&[("kind", "svn")], "neither `github`"),
            (
                &[("kind", "gitlab")],
                "there is no `confbus.commit-status.token-file`",
            ),
            (
                &[("kind", "gitlab"), ("token-file", "/nowhere")],
                "names no file",
            ),
            (&[("kind", "gitea"), token], "every Gitea has its own"),
            (
                &[("kind", "gitea"), token, ("api-url", "gitea")],
                "no http or https",
            ),
            (
                &[("kind", "github"), token, ("context", "a\nb")],
                "not one line",
            ),
            (
                &[("kind", "github"), token, ("target-url", "/here")],
                "no http or https",
            ),
            (
                &[("kind", "github"), token, ("target-url", long.as_str())],
                "at most 255",
            ),
        ];
        for (said, expected) in cases {
            let (settings, problems, _) = read(said);
            assert!(settings.is_none(), "{said:?}");
            assert!(problems.contains(expected), "{problems}");
        }
    }

    #[test]
    fn a_token_in_clear_is_warned_of() {
        for (api, number) in [
            ("http://gitea.example", 1),
            ("http://127.0.0.1:3000", 0),
            ("http://[::1]:3000", 0),
            ("https://gitea.example", 0),
        ] {
            let said = [("kind", "gitea"), ("token-file", file!()), ("api-url", api)];
            let (settings, problems, warnings) = read(&said);
            assert!(settings.is_some(), "{problems}");
            assert_eq!(warnings.len(), number, "{warnings:?}");
        }
    }
}
