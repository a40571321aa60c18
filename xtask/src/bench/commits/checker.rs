//! A client that reads all along and compares the content of each answer with the commit that the answer names.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::pusher::{Content, Pusher};
use crate::bench::http::Connection;
use crate::bench::repositories::{R3K, application};
use crate::bench::stage::HOT;

const PAUSE: Duration = Duration::from_millis(1);

/// What one answer said.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Said {
    version: String,
    shared: u32,
    /// Nothing for applications whose files stay as they are.
    application: Option<u32>,
}

/// Everything that answers said.
#[derive(Debug, Default)]
pub(super) struct Seen {
    said: HashSet<Said>,
    first: HashMap<String, Instant>,
    answers: usize,
}

/// Reads until the other end of the channel is dropped: by turns the application that changes, and another one.
pub(super) fn read_until(stop: &Receiver<()>, port: u16) -> anyhow::Result<Seen> {
    let mut connection = Connection::open(port)?;
    let mut seen = Seen::default();
    let others = 2..R3K.files / 3;
    let mut other = others.clone().cycle();
    while stop.recv_timeout(PAUSE) == Err(RecvTimeoutError::Timeout) {
        seen.read(&mut connection, HOT, true)?;
        let number = other.next().context("there are other applications")?;
        let path = format!("/{}/prod/main", application(number));
        seen.read(&mut connection, &path, false)?;
    }
    Ok(seen)
}

impl Seen {
    fn read(
        &mut self,
        connection: &mut Connection,
        path: &str,
        changes: bool,
    ) -> anyhow::Result<()> {
        let answer = connection.get(path)?;
        ensure!(
            answer.status == 200,
            "{path} is answered with {}",
            answer.status
        );
        let text = std::str::from_utf8(&answer.body)?;
        let said = Said::parse(text, changes).with_context(|| format!("{path} says {text}"))?;
        if changes && !self.first.contains_key(&said.version) {
            self.first.insert(said.version.clone(), Instant::now());
        }
        self.answers += 1;
        self.said.insert(said);
        Ok(())
    }

    pub(super) fn answers(&self) -> usize {
        self.answers
    }

    /// When a commit was seen for the first time.
    pub(super) fn first(&self, commit: &str) -> Option<Instant> {
        self.first.get(commit).copied()
    }

    /// The last commit of a turn may be too late to be seen.
    ///
    /// # Errors
    /// Names a commit that was never served.
    pub(super) fn hold_all_but_last(&self, commits: &[&str]) -> anyhow::Result<()> {
        let Some((_, earlier)) = commits.split_last() else {
            return Ok(());
        };
        for &commit in earlier {
            ensure!(
                self.first.contains_key(commit),
                "{commit} was pushed and not served within its turn"
            );
        }
        Ok(())
    }

    /// # Errors
    /// Names an answer that does not fit its commit.
    pub(super) fn check(&self, pusher: &Pusher<'_>) -> anyhow::Result<()> {
        for said in &self.said {
            let content = pusher.content(&said.version);
            let content = content.with_context(|| format!("nobody pushed {}", said.version))?;
            ensure!(said.fits(content), "{said:?} is answered, but {content:?}");
        }
        Ok(())
    }
}

impl Said {
    /// Of the sources the first one counts: the application's own file comes before all others.
    fn parse(body: &str, changes: bool) -> Option<Self> {
        let version = after(body, r#""version":""#)?.split('"').next()?;
        let application = if changes {
            Some(number(after(body, r#""service.revision":"#)?)?)
        } else {
            None
        };
        Some(Self {
            version: version.to_owned(),
            shared: number(after(body, r#""common.revision":"#)?)?,
            application,
        })
    }

    fn fits(&self, content: Content) -> bool {
        self.shared == content.shared
            && self
                .application
                .is_none_or(|revision| revision == content.application)
    }
}

fn after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    Some(&text[text.find(start)? + start.len()..])
}

fn number(text: &str) -> Option<u32> {
    let end = text.find(|it: char| !it.is_ascii_digit())?;
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"version":"3f9c","propertySources":[{"source":{"service.revision":7}},
        {"source":{"service.revision":1}},{"source":{"common.revision":8}}]}"#;

    #[test]
    fn an_answer_says_its_version_and_its_revisions() {
        let said = Said::parse(BODY, true).unwrap();
        assert_eq!(said.version, "3f9c");
        assert_eq!((said.shared, said.application), (8, Some(7)));
        assert_eq!(Said::parse(BODY, false).unwrap().application, None);
        assert_eq!(Said::parse("{}", false), None);
    }

    #[test]
    fn only_the_last_commit_of_a_turn_may_stay_unseen() {
        let mut seen = Seen::default();
        assert!(seen.hold_all_but_last(&[]).is_ok());
        assert!(seen.hold_all_but_last(&["last"]).is_ok());
        let error = seen.hold_all_but_last(&["first", "last"]).unwrap_err();
        assert!(error.to_string().starts_with("first was pushed"));
        seen.first.insert("first".to_owned(), Instant::now());
        assert!(seen.hold_all_but_last(&["first", "last"]).is_ok());
    }

    #[test]
    fn an_answer_of_two_commits_is_found_out() {
        let said = Said::parse(BODY, true).unwrap();
        let content = |shared, application| Content {
            shared,
            application,
        };
        assert!(said.fits(content(8, 7)));
        for (shared, application) in [(7, 7), (9, 7), (8, 6), (8, 8)] {
            assert!(!said.fits(content(shared, application)));
        }
    }
}
