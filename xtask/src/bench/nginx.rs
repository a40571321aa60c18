//! nginx on files, set up for speed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail, ensure};

use super::http::Connection;
use super::server::{self, Cores, Running, free_port};

const SETTINGS: &str = include_str!("nginx.conf");

/// A folder of files that an nginx is to serve.
pub(super) struct Files {
    /// Where nginx has its settings and keeps what it needs.
    folder: PathBuf,
    /// The path of the first file.
    ready: Option<String>,
}

impl Files {
    pub(super) fn new(folder: &Path) -> anyhow::Result<Self> {
        fs::create_dir_all(folder.join("www"))?;
        Ok(Self {
            folder: folder.to_owned(),
            ready: None,
        })
    }

    /// What a server answers to these paths, and to header fields that nginx understands as well.
    pub(super) fn add_answers(
        &mut self,
        server: &Running,
        paths: &[String],
        fields: &[String],
    ) -> anyhow::Result<()> {
        let mut connection = Connection::open(server.port)?;
        for path in paths {
            let answer = connection.ask("GET", path, fields, b"")?;
            ensure!(
                answer.status == 200,
                "{path} is answered with {}",
                answer.status
            );
            match answer.field("content-encoding") {
                None => self.add(path, &answer.body)?,
                // What nginx gives to those who take gzip.
                Some("gzip") => self.add(&format!("{path}.gz"), &answer.body)?,
                Some(other) => bail!("{path} is encoded as {other}"),
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &str, body: &[u8]) -> anyhow::Result<()> {
        let file = self.folder.join("www").join(path.trim_start_matches('/'));
        fs::create_dir_all(file.parent().context("the path has no folder")?)?;
        fs::write(&file, body).with_context(|| format!("cannot write {}", file.display()))?;
        self.ready.get_or_insert_with(|| path.to_owned());
        Ok(())
    }

    /// As many processes as there are cores for it, ready when the first file is served.
    pub(super) fn serve(&self, cores: Cores) -> anyhow::Result<Running> {
        let port = free_port()?;
        let settings = SETTINGS.replace("PORT", &port.to_string());
        fs::write(self.folder.join("nginx.conf"), settings)?;
        let mut running = self.start(cores, port)?;
        for _ in 1..cores.threads() {
            running.join(self.start(cores, port)?);
        }
        Ok(running)
    }

    fn start(&self, cores: Cores, port: u16) -> anyhow::Result<Running> {
        let log = self.folder.join("nginx.log");
        let mut command = cores.server("nginx");
        command
            .arg("-p")
            .arg(&self.folder)
            .arg("-c")
            .arg(self.folder.join("nginx.conf"))
            .arg("-e")
            .arg(&log);
        command
            .stdout(Stdio::null())
            .stderr(File::create(self.folder.join("nginx.stderr"))?);
        let ready = self
            .ready
            .as_deref()
            .context("nginx has nothing to serve")?;
        server::start(command, port, ready, &log)
    }
}
