//! What most workloads start from: a Git remote with one repository, our server on it, and an nginx with the same answers.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::confbus::Confbus;
use super::http::Connection;
use super::nginx::Files;
use super::remote::{Floor, Remote};
use super::repositories::{self, R3K, Shape};
use super::server::{Cores, Running};
use super::workload::Context;

/// The answer of W1.
pub(super) const HOT: &str = "/app0001/prod/main";

/// Every answer there is for a label: each application of R3k in each of its profiles.
pub(super) fn all(label: impl Fn(u32) -> String) -> Vec<String> {
    let profiles = ["default", "dev", "prod"];
    let path = |number: u32| {
        let application = repositories::application(number / 3);
        let profile = profiles[number as usize % 3];
        format!("/{application}/{profile}/{}", label(number))
    };
    (0..R3K.files).map(path).collect()
}

/// A remote with one repository, and a folder that goes with it.
pub(super) struct Stage {
    pub(super) remote: Remote,
    name: &'static str,
    folder: TempDir,
}

impl Stage {
    pub(super) fn new(context: &Context, shape: &Shape) -> anyhow::Result<Self> {
        let folder = context.folder()?;
        repositories::copy(shape, folder.path())?;
        Ok(Self {
            remote: Remote::start(folder.path(), folder.path())?,
            name: shape.name,
            folder,
        })
    }

    /// For files of the load.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The repository itself, which may be read while it is served.
    pub(super) fn repository(&self) -> PathBuf {
        self.remote.folder(self.name)
    }

    /// Commits files to `main` of the remote; the commit's id.
    pub(super) fn commit(&self, files: &[(String, String)]) -> anyhow::Result<String> {
        self.remote.commit(self.name, files)
    }

    /// Our server with an empty disk, without a bus and with these further settings, ready when it gives an environment
    /// and has nothing else to do.
    pub(super) fn confbus(
        &self,
        context: &Context,
        cores: Cores,
        settings: &[&str],
    ) -> anyhow::Result<Running> {
        let settings: Vec<_> = ["--spring.cloud.bus.enabled=false"]
            .iter()
            .chain(settings)
            .map(|&setting| setting.to_owned())
            .collect();
        let folder = self.new_folder("confbus")?;
        let server = Confbus {
            program: context.server()?,
            uri: &self.url(),
            folder: &folder,
            cores,
            ready: HOT,
            settings: &settings,
        }
        .start()?;
        self.remote.settle(&server)?;
        Ok(server)
    }

    /// Where the repository is reached.
    pub(super) fn url(&self) -> String {
        self.remote.url(self.name)
    }

    /// A client that asks for the newest commit with as little as possible.
    pub(super) fn floor(&self) -> anyhow::Result<Floor> {
        self.remote.floor(self.name)
    }

    /// For files that an nginx is to serve.
    pub(super) fn files(&self) -> anyhow::Result<Files> {
        Files::new(&self.new_folder("nginx")?)
    }

    /// An nginx whose files are what our server answers to these paths now.
    pub(super) fn nginx(&self, confbus: &Running, paths: &[String]) -> anyhow::Result<Running> {
        let mut files = self.files()?;
        files.add_answers(confbus, paths, &[])?;
        files.serve(Cores::Split)
    }

    fn new_folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let mut number = 0;
        loop {
            let folder = self.folder.path().join(format!("{name}-{number}"));
            if !folder.exists() {
                fs::create_dir(&folder)?;
                return Ok(folder);
            }
            number += 1;
        }
    }
}

/// The tag of a server's answer.
pub(super) fn etag(server: &Running, path: &str) -> anyhow::Result<String> {
    let answer = Connection::open(server.port)?.get(path)?;
    let tag = answer.field("etag").map(str::to_owned);
    anyhow::Context::context(tag, "the answer has no ETag")
}
