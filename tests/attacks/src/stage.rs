//! A server under attack, and somebody who only wants to read.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::canaries::USER;
use crate::corpus::Expected;
use crate::http::{Reply, request, send};
use crate::judge::{Judge, MOST_MEMORY, PATIENCE, What};
use crate::server::{Server, Usage};
use crate::text::shown;

/// How long anybody waits for an answer, so that a hang is told from slowness.
const WAIT: Duration = Duration::from_secs(10);
/// Until threads and connections that an attack left are gone.
const SETTLES: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);
/// Threads and descriptors that come and go with a pool.
const SLACK: usize = 24;

/// What a run is given.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The built server.
    pub program: PathBuf,
    /// Where logs and disks go.
    pub out: PathBuf,
    /// Where repositories are made.
    pub repositories: PathBuf,
    /// Where a Git remote serves them over HTTP.
    pub git_port: Option<u16>,
    /// A broker.
    pub amqp: Option<String>,
    /// Only what is quick.
    pub quick: bool,
}

/// A server, what it is asked by others, and what is known of its repository.
#[derive(Debug)]
pub struct Stage {
    /// The server.
    pub server: Server,
    /// The header of somebody who may read.
    pub login: String,
    /// What only this run knows.
    pub known: HashMap<String, String>,
    /// Threads and descriptors that come and go, or that come with what is asked for.
    pub slack: usize,
    normal: Option<(String, Vec<u8>)>,
    before: Usage,
}

impl Tools {
    /// Where a repository can be fetched from, with a login that nobody may see.
    #[must_use]
    pub fn uri(&self, name: &str, judge: &Judge) -> String {
        match self.git_port {
            Some(port) => {
                let secret = judge.canaries().of("remote");
                format!("http://{USER}:{secret}@127.0.0.1:{port}/{name}")
            }
            None => self.repositories.join(name).display().to_string(),
        }
    }

    /// An empty folder for a server.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        empty(&self.out.join(name))
    }

    /// An empty place for a repository.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn repository(&self, name: &str) -> anyhow::Result<PathBuf> {
        empty(&self.repositories.join(name))
    }
}

fn empty(folder: &Path) -> anyhow::Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(folder.to_owned())
}

/// Settings with a secret of each kind.
#[must_use]
pub fn secrets(judge: &Judge) -> Vec<String> {
    let canaries = judge.canaries();
    let mut settings = vec![
        format!("spring.security.user.name={USER}"),
        format!("spring.security.user.password={}", canaries.of("password")),
        format!("encrypt.key={}", canaries.of("encrypt")),
    ];
    for host in ["github", "gitlab", "gitea", "gogs", "gitee", "bitbucket"] {
        let secret = canaries.of("webhook");
        settings.push(format!(
            "spring.cloud.config.server.monitor.{host}.webhook-secret={secret}"
        ));
    }
    settings
}

impl Stage {
    /// Starts a server with these settings besides all secrets.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(
        tools: &Tools,
        judge: &Judge,
        name: &str,
        more: &[String],
    ) -> anyhow::Result<Self> {
        let mut settings = secrets(judge);
        settings.extend(more.iter().cloned());
        let folder = tools.folder(name)?;
        let (server, log) = Server::start(&tools.program, &folder, &settings, judge.canaries())?;
        let server = server.with_context(|| format!("it ended; its log is {}", log.display()))?;
        let login = format!("{USER}:{}", judge.canaries().of("password"));
        Ok(Self {
            before: server.usage()?,
            server,
            login: format!("Authorization: Basic {}\r\n", STANDARD.encode(login)),
            known: HashMap::new(),
            slack: SLACK,
            normal: None,
        })
    }

    /// Waits until a read is answered with 200, and takes that for what everybody is to get from now on.
    ///
    /// # Errors
    /// When that does not happen in time.
    pub fn is_normal(&mut self, target: &str) -> anyhow::Result<()> {
        let until = Instant::now() + SETTLES;
        loop {
            let reply = self.get(target);
            if let Some(answer) = reply.answer().filter(|answer| answer.status == 200) {
                self.normal = Some((target.to_owned(), answer.body.clone()));
                self.before = self.server.usage()?;
                return Ok(());
            }
            anyhow::ensure!(Instant::now() < until, "{target} is not served: {reply:?}");
            std::thread::sleep(POLL);
        }
    }

    /// A read by somebody who may.
    #[must_use]
    pub fn get(&self, target: &str) -> Reply {
        let request = request("GET", target.as_bytes(), &self.login, b"");
        send(self.server.port, &request, WAIT).0
    }

    /// Sends bytes and has what comes back judged.
    pub fn play(
        &self,
        judge: &mut Judge,
        attack: &str,
        bytes: &[u8],
        expected: &Expected,
    ) -> Reply {
        let waited = self.server.waited();
        let (reply, mut took) = send(self.server.port, bytes, WAIT);
        if took > PATIENCE {
            // Others on this machine are not what is judged.
            took = took.saturating_sub(self.server.waited().saturating_sub(waited));
        }
        let line = bytes
            .split(|byte| *byte == b'\r')
            .next()
            .unwrap_or_default();
        judge.reply(attack, &shown(line, 160), &reply, took, expected);
        reply
    }

    /// After an attack: everybody else gets what they always get, and the log says nothing that it must not.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn look(&mut self, judge: &mut Judge, attack: &str) -> anyhow::Result<()> {
        judge.attacks += 1;
        if let Some((target, body)) = &self.normal {
            let reply = self.get(target);
            let same = reply.answer().is_some_and(|answer| answer.body == *body);
            if !same {
                judge.find(attack, What::Others, format!("{target}: {reply:?}"));
            }
        }
        if let Some(status) = self.server.ended()? {
            judge.find(attack, What::Panic, format!("the server ended: {status}"));
        }
        judge.log(attack, &self.server.news()?);
        Ok(())
    }

    /// At the end: health and the other pages tell no secret, and the server takes no more of the machine than it may.
    ///
    /// # Errors
    /// When the server has ended.
    pub fn end(mut self, judge: &mut Judge, attack: &str) -> anyhow::Result<()> {
        let attacks = judge.attacks;
        for page in [
            "/actuator",
            "/actuator/health",
            "/actuator/info",
            "/_/api/instances",
            "/_/api/refreshes",
            "/_/api/pins",
            "/_/api/waves",
        ] {
            if let Reply::Answer(answer) = self.get(page) {
                judge.says(attack, page, &answer.body);
            }
        }
        self.look(judge, attack)?;
        // The end is none.
        judge.attacks = attacks;
        let until = Instant::now() + SETTLES;
        let usage = loop {
            let usage = self.server.usage()?;
            let is_back = usage.threads <= self.before.threads + self.slack
                && usage.descriptors <= self.before.descriptors + self.slack;
            if is_back || Instant::now() > until {
                break usage;
            }
            std::thread::sleep(POLL);
        };
        judge.most_memory = judge.most_memory.max(usage.peak);
        if usage.peak > MOST_MEMORY {
            judge.find(
                attack,
                What::Resources,
                format!("{} bytes of memory", usage.peak),
            );
        }
        if usage.threads > self.before.threads + self.slack
            || usage.descriptors > self.before.descriptors + self.slack
        {
            let detail = format!("{usage:?} after {:?}", self.before);
            judge.find(attack, What::Resources, detail);
        }
        Ok(())
    }
}
