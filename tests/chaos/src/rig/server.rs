//! A server in a process of its own.

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::TcpStream;

use crate::history::{Name, What};
use crate::proxy::free_port;
use crate::recorder::Recorder;

use super::usage::{Usage, Watch};

/// Long enough for a machine that compiles meanwhile.
const LISTENS: Duration = Duration::from_secs(30);
const REMOVALS: usize = 100;

/// A server on a port and a disk of its own, which it keeps when it is started again.
#[derive(Debug)]
pub struct Server {
    name: Name,
    port: u16,
    program: PathBuf,
    folder: PathBuf,
    settings: Vec<String>,
    /// Variables of its environment.
    pub variables: Vec<(&'static str, String)>,
    recorder: Recorder,
    child: Option<Child>,
}

impl Server {
    pub(super) fn new(
        name: &str,
        program: &Path,
        folder: &Path,
        settings: Vec<String>,
        recorder: Recorder,
    ) -> anyhow::Result<Self> {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).context("no folder for a server")?;
        Ok(Self {
            name: name.into(),
            port: free_port()?,
            program: program.to_owned(),
            folder,
            settings,
            variables: Vec::new(),
            recorder,
            child: None,
        })
    }

    /// What histories call it.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether there is a process.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Its clones.
    #[must_use]
    pub fn disk(&self) -> PathBuf {
        self.folder.join("disk")
    }

    /// What it has said until now.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Starts it, and waits until it listens; how long that took.
    ///
    /// # Errors
    /// When it ends, or does not listen in time.
    pub async fn start(&mut self) -> anyhow::Result<Duration> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_file())?;
        self.start_with_log(Stdio::from(log)).await
    }

    /// The same with another place for what it says.
    ///
    /// # Errors
    /// When it ends, or does not listen in time.
    pub async fn start_with_log(&mut self, log: Stdio) -> anyhow::Result<Duration> {
        let began = self.spawn(log)?;
        let child = self.child.as_mut().context("it does not run")?;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .is_err()
        {
            let ended = child.try_wait()?;
            ensure!(ended.is_none(), "{} ended: {ended:?}", self.name);
            ensure!(began.elapsed() < LISTENS, "{} does not listen", self.name);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.note_start();
        Ok(began.elapsed())
    }

    /// Starts it and waits for nothing; when that was.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn spawn(&mut self, log: Stdio) -> anyhow::Result<Instant> {
        let mut command = Command::new(&self.program);
        command
            .args(["serve", "--log-format=text", "--server.address=127.0.0.1"])
            .arg(format!("--server.port={}", self.port))
            .arg(format!(
                "--spring.cloud.config.server.git.basedir={}",
                self.disk().display()
            ))
            .args(self.settings.iter().map(|setting| format!("--{setting}")))
            .envs(self.variables.iter().map(|(name, value)| (*name, value)))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let began = Instant::now();
        self.child = Some(command.spawn().context("cannot run the server")?);
        Ok(began)
    }

    /// Writes down that it takes connections.
    pub fn note_start(&self) {
        let server = self.name.clone();
        self.recorder.note(What::ServerStarted { server });
    }

    /// Asks it to end, and waits; how it ended, and how long that took.
    ///
    /// # Errors
    /// When it has ended already, or does not in time.
    pub async fn stop(&mut self) -> anyhow::Result<(ExitStatus, Duration)> {
        let server = self.name.clone();
        self.recorder.note(What::ServerStopped { server });
        self.signal(Signal::TERM)?;
        let began = Instant::now();
        let mut child = self.child.take().context("it does not run")?;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok((status, began.elapsed()));
            }
            if began.elapsed() > LISTENS {
                child.kill()?;
                bail!("{} does not end", self.name);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How it ended, once it has without being told to.
    ///
    /// # Errors
    /// When nobody can tell.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        let child = self.child.as_mut().context("it does not run")?;
        Ok(child.try_wait()?)
    }

    /// The id of its process.
    ///
    /// # Errors
    /// When it does not run.
    pub fn id(&self) -> anyhow::Result<u32> {
        Ok(self.child.as_ref().context("it does not run")?.id())
    }

    /// What the system says about it, and about the processes that it started.
    ///
    /// # Errors
    /// When it does not run.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        self.watch()?.usage()
    }

    /// To look at that from elsewhere, as long as this process runs.
    ///
    /// # Errors
    /// When it does not run.
    pub fn watch(&self) -> anyhow::Result<Watch> {
        Ok(Watch(self.id()?))
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        let mut child = self.child.take().context("it does not run")?;
        let server = self.name.clone();
        self.recorder.note(What::ServerStopped { server });
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Halts it in the middle of whatever it does.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pause(&self) -> anyhow::Result<()> {
        let server = self.name.clone();
        self.recorder.note(What::ServerPaused { server });
        self.signal(Signal::STOP)
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it has ended.
    pub fn go_on(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)?;
        let server = self.name.clone();
        self.recorder.note(What::ServerContinued { server });
        Ok(())
    }

    /// Sends it a signal that no history speaks of.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let id = i32::try_from(self.id()?).ok().and_then(Pid::from_raw);
        Ok(kill_process(id.context("a process without id")?, signal)?)
    }

    /// Empties its disk; a server that is down has nothing to serve then.
    ///
    /// # Errors
    /// When it is full again all the time.
    pub fn lose_disk(&self) -> anyhow::Result<()> {
        if self.child.is_none() {
            let server = self.name.clone();
            self.recorder.note(What::DiskLost { server });
        }
        for _ in 0..REMOVALS {
            // A running server may write meanwhile.
            if std::fs::remove_dir_all(self.disk()).is_ok() || !self.disk().exists() {
                return Ok(());
            }
        }
        bail!("the disk of {} cannot be emptied", self.name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Fails only for one that has ended already.
            _ = child.kill();
            _ = child.wait();
        }
    }
}
