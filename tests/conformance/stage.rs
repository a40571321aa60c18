//! The world of one server, below one folder: its repositories and folders, its settings, itself.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{
    directives::Directives,
    directory::Directory,
    fixtures::{Fixture, write_files},
    remote,
    repository::Repository,
    server::Server,
    suite::{self, Action},
    tokens::{self, CHECKOUT, Tokens},
};

/// Everything around one server.
pub(crate) struct Stage {
    pub(crate) tokens: Tokens,
    folder: PathBuf,
    directives: Directives,
    server: Option<Server>,
    remotes: Option<SocketAddr>,
    runtime: Runtime,
    _folder: TempDir,
}

impl Stage {
    /// Makes what the settings name and writes them down; the server is not started yet.
    pub(crate) fn build(server: &str) -> anyhow::Result<Self> {
        let text = fs::read_to_string(suite::folder().join(format!("servers/{server}.yml")))?;
        let temporary = tempfile::tempdir()?;
        let folder = temporary.path().canonicalize()?;
        let mut stage = Self {
            tokens: Tokens::default(),
            directives: Directives::in_text(&text)?,
            server: None,
            remotes: None,
            runtime: Runtime::new()?,
            _folder: temporary,
            folder,
        };
        stage.set_places();
        fs::create_dir(stage.remotes_folder())?;
        for (name, fixture) in stage.directives.place.clone() {
            stage.bare(&name, &fixture)?;
        }
        for (kind, name) in tokens::used_in(&text) {
            stage
                .provide(&kind, &name)
                .with_context(|| format!("{kind}:{name}"))?;
        }
        fs::write(stage.settings_file(), stage.tokens.expand(&text)?)?;
        Ok(stage)
    }

    fn settings_file(&self) -> PathBuf {
        self.folder.join("application.yml")
    }

    fn remotes_folder(&self) -> PathBuf {
        self.folder.join("remotes")
    }

    /// Goes where the server wants to work.
    pub(crate) fn enter_directory(&self) -> anyhow::Result<Directory> {
        let wanted = self
            .directives
            .cwd
            .as_ref()
            .map(|cwd| self.tokens.expand(cwd))
            .transpose()?;
        Directory::enter(wanted.as_deref().map(Path::new))
    }

    /// Starts the server.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        let server = Server::start(
            &self.runtime,
            &self.settings_file(),
            &self.directives.variables,
        )?;
        let address = (server.address.to_string(), "${harness:address}".to_owned());
        self.tokens.hidden.retain(|(_, token)| *token != address.1);
        self.tokens.hidden.push(address);
        self.server = Some(server);
        Ok(())
    }

    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        self.server
            .take()
            .map_or(Ok(()), |server| server.stop(&self.runtime))
    }

    /// Where the server answers.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        let server = self.server.as_ref().context("the server is not started")?;
        Ok(server.address)
    }

    /// Carries out what happens before a case.
    pub(crate) fn act(&mut self, action: &Action) -> anyhow::Result<()> {
        match action {
            Action::Push { push, steps } => self.repository(push)?.apply(steps),
            Action::Unreachable { unreachable } => self.repository(unreachable)?.make_unreachable(),
            Action::Restore { restore } => self.repository(restore)?.make_reachable(),
            Action::Edit { edit, write } => write_files(
                Path::new(&self.tokens.expand(&format!("${{{edit}}}"))?),
                write,
            ),
            Action::Restart { .. } => {
                self.stop()?;
                self.start()
            }
        }
    }

    fn set_places(&mut self) {
        for (name, part) in [("basedir", "main"), ("basedir-2", "second")] {
            let checkout = self
                .folder
                .join("checkouts")
                .join(part)
                .display()
                .to_string();
            self.tokens
                .inputs
                .insert(("harness".to_owned(), name.to_owned()), checkout.clone());
            self.tokens.hidden.push((checkout, CHECKOUT.to_owned()));
        }
        let places = [
            ("workdir", self.folder.clone()),
            ("remotes", self.remotes_folder()),
            ("missing", self.folder.join("missing")),
        ];
        for (name, place) in places {
            self.tokens
                .set("harness", name, place.display().to_string());
        }
    }

    fn provide(&mut self, kind: &str, name: &str) -> anyhow::Result<()> {
        match kind {
            "fixture" => self.bare(name, name),
            "http" => {
                self.bare(name, name)?;
                let remotes = match self.remotes {
                    Some(remotes) => remotes,
                    None => self.serve(&self.remotes_folder())?,
                };
                self.remotes = Some(remotes);
                self.tokens
                    .set("http", name, format!("http://{remotes}/{name}.git"));
                Ok(())
            }
            "http-root" => {
                self.bare(name, name)?;
                let host = self.serve(&self.remotes_folder().join(format!("{name}.git")))?;
                self.tokens.set("http-root", name, format!("http://{host}"));
                Ok(())
            }
            "tree" | "linked" => self.tree(name, kind == "linked"),
            "dir" => {
                let folder = self.folder.join("directories").join(name);
                Fixture::read(name)?.folder(&folder)?;
                self.tokens.set("dir", name, folder.display().to_string());
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn serve(&self, folder: &Path) -> anyhow::Result<SocketAddr> {
        remote::serve(&self.runtime, folder, self.directives.login.as_ref())
    }

    fn bare(&mut self, name: &str, fixture: &str) -> anyhow::Result<()> {
        let folder = self.remotes_folder().join(format!("{name}.git"));
        if self.tokens.repositories.contains_key(name) {
            return Ok(());
        }
        let repository = Fixture::read(fixture)?.repository(&folder, true)?;
        self.tokens.repositories.insert(name.to_owned(), repository);
        self.tokens
            .set("fixture", name, folder.display().to_string());
        Ok(())
    }

    fn tree(&mut self, name: &str, linked: bool) -> anyhow::Result<()> {
        let folder = self.folder.join("trees").join(name);
        if !folder.exists() {
            let repository = Fixture::read(name)?.repository(&folder, false)?;
            self.tokens
                .repositories
                .entry(name.to_owned())
                .or_insert(repository);
        }
        self.tokens.set("tree", name, folder.display().to_string());
        if linked {
            let link = self.folder.join(format!("linked-{name}"));
            std::os::unix::fs::symlink(&folder, &link)?;
            self.tokens.set("linked", name, link.display().to_string());
        }
        Ok(())
    }

    fn repository(&mut self, name: &str) -> anyhow::Result<&mut Repository> {
        let known = self.tokens.repositories.get_mut(name);
        known.with_context(|| format!("no repository `{name}` here"))
    }
}
