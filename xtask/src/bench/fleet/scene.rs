//! The server between a Git remote and a bus, and pushes to it.

use std::cell::RefCell;

use tempfile::TempDir;

use super::broker::Broker;
use super::clock;
use crate::bench::confbus::Confbus;
use crate::bench::http::Connection;
use crate::bench::push::{self, Push};
use crate::bench::remote::Remote;
use crate::bench::repositories::{self, R3K};
use crate::bench::server::{Cores, Running};
use crate::bench::workload::Context;
use crate::shell::output;

/// What a push concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Concerned {
    /// Every instance: `application.yml` changes.
    All,
    /// The instances of one application.
    One,
}

/// The application of [`Concerned::One`].
const ONE: u32 = 7;

pub(super) struct Scene {
    server: Running,
    remote: Remote,
    head: RefCell<String>,
    _folder: TempDir,
}

impl Scene {
    /// A server whose events go over the broker.
    pub(super) fn over(
        context: &Context,
        broker: &Broker,
        settings: &[&str],
    ) -> anyhow::Result<Self> {
        let port = format!("--spring.rabbitmq.port={}", broker.port());
        let bus = ["--spring.rabbitmq.host=127.0.0.1", &port];
        Self::with(context, &[&bus, settings].concat())
    }

    /// A server whose events go over its streams alone.
    pub(super) fn without_broker(context: &Context) -> anyhow::Result<Self> {
        Self::with(context, &["--spring.cloud.bus.enabled=false"])
    }

    fn with(context: &Context, settings: &[&str]) -> anyhow::Result<Self> {
        let folder = context.folder()?;
        let repository = repositories::copy(&R3K, folder.path())?;
        let remote = Remote::start(folder.path(), folder.path())?;
        let head = output(repositories::git(&repository).args(["rev-parse", "main"]))?;
        let mut settings: Vec<_> = settings.iter().map(|&text| text.to_owned()).collect();
        settings.push(push::setting());
        // Only what is pushed is looked at, so that nobody is faster than the webhook.
        settings.push("--spring.cloud.config.server.git.refresh-rate=-1".to_owned());
        let server = Confbus {
            program: context.server()?,
            uri: &remote.url(R3K.name),
            folder: folder.path(),
            cores: Cores::Free,
            ready: "/actuator/health/bus",
            settings: &settings,
        }
        .start()?;
        // The rest of the history comes behind the first answer.
        remote.settle(&server)?;
        Ok(Self {
            server,
            remote,
            head: RefCell::new(head.trim().to_owned()),
            _folder: folder,
        })
    }

    pub(super) fn port(&self) -> u16 {
        self.server.port
    }

    /// Of the server's process.
    pub(super) fn id(&self) -> u32 {
        self.server.id()
    }

    /// Commits a revision, which every instance that is concerned reads then, and tells the webhook; the moment before
    /// that.
    pub(super) fn push(&self, revision: u32, concerned: Concerned) -> anyhow::Result<i64> {
        let (everybody, text) = repositories::shared(revision);
        let name = match concerned {
            Concerned::All => everybody,
            Concerned::One => format!("{}.yml", repositories::application(ONE)),
        };
        let files = [(name, text)];
        let new = self.remote.commit(R3K.name, &files)?;
        let push = Push::new(&self.head.replace(new.clone()), &new, &files);
        let mut webhook = Connection::open(self.port())?;
        let told = clock::now();
        push.deliver(&mut webhook)?;
        Ok(told)
    }
}
