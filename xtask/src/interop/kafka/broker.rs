//! One Kafka, in KRaft mode, that can be killed and started again.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::interop::eventually::within;
use crate::interop::{jdk, server::free_port};
use crate::shell::KillOnDrop;

/// A cold JVM on a busy machine, which looks through what a killed one has left.
const READY_DEADLINE: Duration = Duration::from_secs(180);

/// Any 16 bytes in base64url.
const CLUSTER: &str = "MkU3OEVBNTcwNTJENDM2Qg";

pub(super) const USER: &str = "ana";
pub(super) const PASSWORD: &str = "of-the-interop";

pub(super) struct Broker {
    libraries: PathBuf,
    folder: PathBuf,
    pub(super) ports: Ports,
    process: Option<KillOnDrop>,
}

/// Where it listens, on 127.0.0.1.
pub(super) struct Ports {
    /// For everybody.
    pub(super) plain: u16,
    /// For who logs in.
    pub(super) login: u16,
    /// For a proxy, whose port is the other one.
    pub(super) behind: u16,
    pub(super) proxy: u16,
    controller: u16,
}

impl Broker {
    /// Formats its storage and starts it.
    pub(super) fn start(folder: &Path) -> anyhow::Result<Self> {
        let ports = Ports {
            plain: free_port()?,
            login: free_port()?,
            behind: free_port()?,
            proxy: free_port()?,
            controller: free_port()?,
        };
        let folder = folder.join("kafka");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("server.properties"), ports.properties(&folder))?;
        let mut broker = Self {
            libraries: jdk::libraries("kafka-broker")?,
            folder,
            ports,
            process: None,
        };
        let mut format = broker.java("kafka.tools.StorageTool");
        format.args(["format", "--cluster-id", CLUSTER, "--config"]);
        let formatted = format.arg(broker.file()).output()?;
        if !formatted.status.success() {
            let said = String::from_utf8_lossy(&formatted.stderr);
            bail!("Kafka's storage cannot be formatted: {said}");
        }
        broker.revive()?;
        Ok(broker)
    }

    pub(super) fn kill(&mut self) {
        self.process = None;
    }

    /// Starts it again with what it had.
    pub(super) fn revive(&mut self) -> anyhow::Result<()> {
        let log = self.folder.join("kafka.log");
        let output = File::options().create(true).append(true).open(&log)?;
        let mut command = self.java("kafka.Kafka");
        command
            .arg(self.file())
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = self.process.insert(KillOnDrop::spawn(&mut command)?);
        within(READY_DEADLINE, "Kafka does not listen", || {
            if let Some(how) = process.ended()? {
                bail!("Kafka ended: {how}; see {}", log.display());
            }
            for port in [self.ports.plain, self.ports.login, self.ports.behind] {
                TcpStream::connect(("127.0.0.1", port)).with_context(|| format!("port {port}"))?;
            }
            Ok(())
        })?;
        ensure!(self.process.is_some());
        Ok(())
    }

    fn file(&self) -> PathBuf {
        self.folder.join("server.properties")
    }

    fn java(&self, class: &str) -> Command {
        let mut command = jdk::java();
        command
            // Its own default is a gigabyte.
            .arg("-Xmx320m")
            .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
            .arg("-cp")
            .arg(self.libraries.join("*"))
            .arg(class)
            .current_dir(&self.folder);
        command
    }
}

impl Ports {
    fn properties(&self, folder: &Path) -> String {
        let Self {
            plain,
            login,
            behind,
            proxy,
            controller,
        } = self;
        let data = folder.join("data");
        format!(
            "process.roles=broker,controller\n\
             node.id=1\n\
             controller.quorum.voters=1@127.0.0.1:{controller}\n\
             controller.listener.names=CONTROLLER\n\
             inter.broker.listener.name=PLAIN\n\
             listeners=PLAIN://127.0.0.1:{plain},LOGIN://127.0.0.1:{login},BEHIND://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}\n\
             advertised.listeners=PLAIN://127.0.0.1:{plain},LOGIN://127.0.0.1:{login},BEHIND://127.0.0.1:{proxy}\n\
             listener.security.protocol.map=PLAIN:PLAINTEXT,LOGIN:SASL_PLAINTEXT,BEHIND:PLAINTEXT,CONTROLLER:PLAINTEXT\n\
             listener.name.login.sasl.enabled.mechanisms=PLAIN\n\
             listener.name.login.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
             user_{USER}=\"{PASSWORD}\";\n\
             log.dirs={data}\n\
             log.cleaner.dedupe.buffer.size=2097152\n\
             auto.create.topics.enable=false\n\
             group.initial.rebalance.delay.ms=0\n\
             offsets.topic.num.partitions=1\n\
             offsets.topic.replication.factor=1\n\
             transaction.state.log.replication.factor=1\n\
             transaction.state.log.min.isr=1\n\
             share.coordinator.state.topic.replication.factor=1\n\
             share.coordinator.state.topic.min.isr=1\n",
            data = data.display(),
        )
    }
}
