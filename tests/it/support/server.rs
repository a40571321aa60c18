use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::{Answer, ConfigRepo, Request, Running, eventually, expect_that};

/// The built server on a free port of loopback, with a directory of its own.
pub(crate) struct TestServer {
    running: Running,
    port: u16,
    base: PathBuf,
    _folder: Option<TempDir>,
}

impl TestServer {
    /// Serves a repository that is opened where it is.
    pub(crate) fn start(repo: &ConfigRepo) -> Self {
        Self::start_with(repo, &[])
    }

    /// The same with more settings.
    pub(crate) fn start_with(repo: &ConfigRepo, more: &[(&str, &str)]) -> Self {
        let uri = repo.path().display().to_string();
        let mut settings = vec![("spring.cloud.config.server.git.uri", uri.as_str())];
        settings.extend(more);
        Self::with(&settings)
    }

    /// Serves with these settings.
    pub(crate) fn with(settings: &[(&str, &str)]) -> Self {
        Self::with_environment(settings, &[])
    }

    /// Serves with these settings and environment variables.
    pub(crate) fn with_environment(
        settings: &[(&str, &str)],
        environment: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self::launch(folder.path(), settings, environment);
        server._folder = Some(folder);
        server
    }

    /// Serves with clones in a folder that outlives it.
    pub(crate) fn in_folder(base: &Path, settings: &[(&str, &str)]) -> Self {
        Self::launch(base, settings, &[])
    }

    /// As [`Self::in_folder`], started by somebody who lets everybody do everything with new files.
    pub(crate) fn careless_in_folder(base: &Path, settings: &[(&str, &str)]) -> Self {
        Self::listening(base, Running::careless_in(base, &arguments(base, settings)))
    }

    fn launch(base: &Path, settings: &[(&str, &str)], environment: &[(&str, &str)]) -> Self {
        let arguments = arguments(base, settings);
        Self::listening(base, Running::talkative_in(base, &arguments, environment))
    }

    /// When it has said on which port.
    fn listening(base: &Path, running: Running) -> Self {
        let line = running.line_with("listening");
        let port = line
            .rsplit(':')
            .next()
            .unwrap()
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("no port in `{line}`"));
        Self {
            running,
            port,
            base: base.to_path_buf(),
            _folder: None,
        }
    }

    /// Where its clones are.
    pub(crate) fn base(&self) -> &Path {
        &self.base
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.running.lines()
    }

    /// Waits for a line of its log that contains `text`.
    #[track_caller]
    pub(crate) fn line_with(&self, text: &str) -> String {
        self.running.line_with(text)
    }

    pub(crate) fn running(&mut self) -> &mut Running {
        &mut self.running
    }

    /// Ends it as a power cut would and starts it again on the same directory.
    pub(crate) fn restarted(self, settings: &[(&str, &str)]) -> Self {
        self.restarted_after(settings, |_| {})
    }

    /// As [`Self::restarted`], after something happened to the directory.
    pub(crate) fn restarted_after(
        mut self,
        settings: &[(&str, &str)],
        happens: impl FnOnce(&Path),
    ) -> Self {
        self.running.kill();
        happens(&self.base);
        let mut next = Self::in_folder(&self.base.clone(), settings);
        next._folder = self._folder.take();
        next
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&Request::get(path))
    }

    pub(crate) fn post(&self, path: &str) -> Answer {
        self.send(&Request::post(path, ""))
    }

    pub(crate) fn send(&self, request: &Request) -> Answer {
        request.send(self.port).unwrap()
    }

    /// Waits until it answers reads.
    pub(crate) fn ready(self) -> Self {
        eventually("an answer", || {
            let answer = self.get("/orders/dev");
            expect_that(answer.status == 200, &answer)
        });
        self
    }

    /// Waits until `/{application}/{profiles}` comes from this commit.
    #[track_caller]
    pub(crate) fn serves(&self, commit: &str) {
        eventually(&format!("commit {commit}"), || {
            let answer = self.get("/orders/dev");
            expect_that(
                answer.status == 200 && answer.json()["version"] == commit,
                &answer,
            )
        });
    }

    /// The value that wins under a key for an application and profiles.
    pub(crate) fn value(&self, address: &str, key: &str) -> Value {
        let answer = self.get(address);
        assert_eq!(answer.status, 200, "{answer:?}");
        let environment = answer.json();
        let sources = environment["propertySources"].as_array().unwrap();
        sources
            .iter()
            .find_map(|source| source["source"].get(key))
            .cloned()
            .unwrap_or(Value::Null)
    }
}

fn arguments(base: &Path, settings: &[(&str, &str)]) -> Vec<String> {
    let base = base.display();
    let mut arguments = vec![
        "serve".to_owned(),
        "--log-format=text".to_owned(),
        "--server.address=127.0.0.1".to_owned(),
        "--server.port=0".to_owned(),
        format!("--spring.cloud.config.server.git.basedir={base}"),
    ];
    let settings = settings.iter();
    arguments.extend(settings.map(|(key, value)| format!("--{key}={value}")));
    arguments
}
