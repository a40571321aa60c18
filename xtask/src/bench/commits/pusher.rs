//! Somebody who pushes one commit a second, and remembers what each of them holds.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use crate::bench::http::Connection;
use crate::bench::push::Push;
use crate::bench::remote::{Floor, Remote};
use crate::bench::repositories::shared;

const EACH: Duration = Duration::from_secs(1);

/// The file of one application besides `application.yml`.
const FILE: &str = "app0001-prod.yml";

/// What the two files say in a commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// `common.revision` of every answer.
    pub(super) shared: u32,
    /// `service.revision` of the application's.
    pub(super) application: u32,
}

/// Who is told of a commit.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target {
    /// The server on this port, by a webhook.
    Server(u16),
    /// Nobody; what the remote has is fetched with as little as possible.
    Nobody,
}

/// A commit somebody was told of.
pub(super) struct Pushed {
    pub(super) commit: String,
    /// When the delivery was sent.
    pub(super) delivered: Instant,
}

pub(super) struct Pusher<'a> {
    remote: &'a Remote,
    repository: &'static str,
    floor: Floor,
    newest: (String, Content),
    contents: HashMap<String, Content>,
}

impl<'a> Pusher<'a> {
    /// Commits both files once, so that each commit from here on has a known content.
    pub(super) fn new(remote: &'a Remote, repository: &'static str) -> anyhow::Result<Self> {
        let content = Content::default();
        let files = [shared(content.shared), application(content.application)];
        let commit = remote.commit(repository, &files)?;
        Ok(Self {
            remote,
            repository,
            floor: remote.floor(repository)?,
            contents: HashMap::from([(commit.clone(), content)]),
            newest: (commit, content),
        })
    }

    /// What a commit of this repository holds.
    pub(super) fn content(&self, commit: &str) -> Option<Content> {
        self.contents.get(commit).copied()
    }

    /// Pushes until the other end of the channel is dropped.
    pub(super) fn push_until(
        &mut self,
        stop: &Receiver<()>,
        target: Target,
    ) -> anyhow::Result<Vec<Pushed>> {
        let mut pushes = Vec::new();
        while stop.recv_timeout(EACH) == Err(RecvTimeoutError::Timeout) {
            pushes.push(self.push(target)?);
        }
        Ok(pushes)
    }

    /// By turns `application.yml` and one application's file.
    fn push(&mut self, target: Target) -> anyhow::Result<Pushed> {
        let (before, mut content) = self.newest.clone();
        let file = if content.shared > content.application {
            content.application += 1;
            application(content.application)
        } else {
            content.shared += 1;
            shared(content.shared)
        };
        let files = [file];
        let commit = self.remote.commit(self.repository, &files)?;
        self.contents.insert(commit.clone(), content);
        self.newest = (commit.clone(), content);
        let delivered = Instant::now();
        match target {
            Target::Server(port) => {
                Push::new(&before, &commit, &files).deliver(&mut Connection::open(port)?)?;
            }
            Target::Nobody => _ = self.floor.fetch(&before, &commit)?,
        }
        Ok(Pushed { commit, delivered })
    }
}

fn application(revision: u32) -> (String, String) {
    let text = format!("service:\n  name: app0001\n  revision: {revision}\n");
    (FILE.to_owned(), text)
}
