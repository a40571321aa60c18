use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::ensure;

use super::Registry;
use super::programs::{PASSWORD, USER, id, port_of};
use crate::interop::eventually::within;
use crate::interop::{jdk, server::free_port};
use crate::shell::KillOnDrop;

const READY: Duration = Duration::from_secs(60);
/// While it begins, it takes connections that it never answers.
const ANSWER: Duration = Duration::from_secs(2);
/// The shortest that it allows, with ticks of three seconds.
const SESSION: Duration = Duration::from_secs(6);
/// Where Curator keeps instances, in what the server says of its sessions.
const NODES: &str = "/services/configserver/";

/// A ZooKeeper that stands alone.
pub(super) struct ZooKeeper {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    process: Option<KillOnDrop>,
}

impl ZooKeeper {
    pub(super) fn start(folder: &Path) -> anyhow::Result<Self> {
        let mut zookeeper = Self {
            program: jdk::package("zookeeper-server", None)?,
            folder: folder.join("zookeeper"),
            port: free_port()?,
            process: None,
        };
        zookeeper.begin()?;
        Ok(zookeeper)
    }

    /// Starts it with nothing.
    fn begin(&mut self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let output = File::create(self.folder.with_extension("log"))?;
        let mut command = jdk::java();
        command
            .arg("-jar")
            .arg(&self.program)
            .arg(self.port.to_string())
            .arg(&self.folder)
            .current_dir(&self.folder)
            .stdout(output.try_clone()?)
            .stderr(output);
        self.process = Some(KillOnDrop::spawn(&mut command)?);
        within(READY, "ZooKeeper is not ready", || {
            let said = self.ask("ruok")?;
            ensure!(said == "imok", "it says {said:?}");
            Ok(())
        })
    }

    /// One of its words of four letters.
    fn ask(&self, word: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_read_timeout(Some(ANSWER))?;
        stream.write_all(word.as_bytes())?;
        let mut said = String::new();
        stream.read_to_string(&mut said)?;
        Ok(said)
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Registry for ZooKeeper {
    fn name(&self) -> &'static str {
        "zookeeper"
    }

    fn of_confbus(&self, port: u16) -> Vec<String> {
        const DISCOVERY: &str = "--spring.cloud.zookeeper.discovery";
        vec![
            format!("--spring.cloud.zookeeper.connect-string={}", self.address()),
            format!(
                "--spring.cloud.zookeeper.session-timeout={}s",
                SESSION.as_secs()
            ),
            format!("{DISCOVERY}.prefer-ip-address=true"),
            format!("{DISCOVERY}.instance-id={}", id(port)),
            format!("{DISCOVERY}.metadata.user={USER}"),
            format!("{DISCOVERY}.metadata.password={PASSWORD}"),
        ]
    }

    fn of_spring(&self) -> Vec<String> {
        let address = self.address();
        vec![format!("--spring.cloud.zookeeper.connect-string={address}")]
    }

    fn of_ours(&self) -> Vec<(&'static str, String)> {
        vec![("SPRING_CLOUD_ZOOKEEPER_CONNECTSTRING", self.address())]
    }

    /// The nodes that sessions keep.
    fn listed(&self) -> anyhow::Result<Vec<u16>> {
        let dump = self.ask("dump")?;
        let nodes = dump
            .lines()
            .filter_map(|line| line.trim().strip_prefix(NODES));
        let mut ports: Vec<u16> = nodes.map(port_of).collect::<anyhow::Result<_>>()?;
        ports.sort_unstable();
        Ok(ports)
    }

    /// Everything is lost, and all sessions with it.
    fn forget(&mut self, _: u16) -> anyhow::Result<()> {
        self.process = None;
        fs::remove_dir_all(&self.folder)?;
        self.begin()
    }

    fn lease(&self) -> Duration {
        // It looks for ended sessions at ticks.
        SESSION * 3
    }
}
