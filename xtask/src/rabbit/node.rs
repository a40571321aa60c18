//! One RabbitMQ node and the Erlang port mapper it needs, everything under one folder and on 127.0.0.1.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio, id};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context as _, bail, ensure};

use crate::shell::{KillOnDrop, find_program};

/// How much of the log explains a failed start.
const LOG_TAIL_LINES: usize = 40;

const EPMD_DEADLINE: Duration = Duration::from_secs(10);

/// The three ports of a node.
pub(super) struct Ports {
    amqp: u16,
    distribution: u16,
    epmd: u16,
}

impl Ports {
    /// Free ports below those that Linux hands out by itself (from 32768), so that nobody gets one before we use it.
    pub(super) fn choose(wanted: Option<u16>) -> anyhow::Result<Self> {
        // Two of us that start together have neighbouring process ids and may see the same ports as free.
        let first = 20_000 + 3 * u16::try_from(id() % 4_000).expect("below 4,000 fits into u16");
        let free: Vec<_> = (first..32_768)
            .filter(|&port| is_free(port))
            .take(3)
            .collect();
        let [amqp, distribution, epmd] = free[..] else {
            bail!("no three free ports from {first} up");
        };
        Ok(Self {
            amqp: wanted.unwrap_or(amqp),
            distribution,
            epmd,
        })
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A broker and its port mapper; dropping this kills both.
pub(super) struct Node {
    broker: KillOnDrop,
    _epmd: KillOnDrop,
    log: PathBuf,
    port: u16,
    epmd_port: u16,
}

impl Node {
    /// Starts both. The broker is not ready yet.
    pub(super) fn start(server: &Path, folder: &Path, ports: Ports) -> anyhow::Result<Self> {
        let log = folder.join("log");
        let output = File::create(&log).context("cannot create the broker's log")?;
        let (port, epmd_port) = (ports.amqp, ports.epmd);
        let epmd = start_epmd(epmd_port, &output)?;
        let broker = KillOnDrop::spawn(&mut broker_command(server, folder, &ports, output)?)?;
        Ok(Self {
            broker,
            _epmd: epmd,
            log,
            port,
            epmd_port,
        })
    }

    /// Writes a script that runs `rabbitmqctl` as the broker itself would be run.
    pub(super) fn write_control(
        &self,
        server: &Path,
        folder: &Path,
        path: &Path,
    ) -> anyhow::Result<()> {
        let program = server.with_file_name("rabbitmqctl");
        let script = format!(
            "#!/bin/sh\nHOME='{home}' ERL_EPMD_PORT={port} RABBITMQ_NODENAME={name} RABBITMQ_CONF_ENV_FILE=/dev/null \
             exec '{program}' --quiet \"$@\"\n",
            home = folder.display(),
            port = self.epmd_port,
            name = node_name(),
            program = program.display(),
        );
        fs::write(path, script).context("cannot write the control script")?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .context("cannot make the control script a program")
    }

    pub(super) fn amqp_port(&self) -> u16 {
        self.port
    }

    /// Whether it answers the AMQP handshake.
    pub(super) fn is_ready(&self) -> bool {
        greet(self.port).unwrap_or(false)
    }

    /// How the broker ended, if it did.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.broker.ended()
    }

    /// The last lines of its log.
    pub(super) fn log_tail(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // `rabbitmq-server` is a script and Erlang its child: the whole group has to go. There is nothing to save.
        let group = self.broker.0.id();
        _ = Command::new("sh")
            .args(["-c", &format!("kill -KILL -{group}")])
            .stderr(Stdio::null())
            .status();
    }
}

/// Our own port mapper, in the foreground: one that Erlang starts for itself would outlive everything.
fn start_epmd(port: u16, log: &File) -> anyhow::Result<KillOnDrop> {
    let program =
        find_program("epmd").context("epmd, which comes with Erlang, is not on the PATH")?;
    let mut command = Command::new(program);
    command.args(["-address", "127.0.0.1", "-port", &port.to_string()]);
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log.try_clone()?);
    let mut epmd = KillOnDrop::spawn(&mut command)?;

    let deadline = Instant::now() + EPMD_DEADLINE;
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        ensure!(epmd.ended()?.is_none(), "epmd ended before it was ready");
        ensure!(
            Instant::now() < deadline,
            "epmd was not ready after {} s",
            EPMD_DEADLINE.as_secs()
        );
        thread::sleep(Duration::from_millis(10));
    }
    Ok(epmd)
}

fn broker_command(
    server: &Path,
    folder: &Path,
    ports: &Ports,
    log: File,
) -> anyhow::Result<Command> {
    let file = |name: &str, text: &str| -> anyhow::Result<PathBuf> {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    };
    let errors = log.try_clone()?;
    let mut command = Command::new(server);
    // Nothing of what the machine's own broker is told, neither here nor in the files below.
    for (name, _) in
        env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RABBITMQ_"))
    {
        command.env_remove(name);
    }
    command
        .env("HOME", folder) // for Erlang's cookie
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", ports.epmd.to_string())
        .env("RABBITMQ_NODENAME", node_name())
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", ports.amqp.to_string())
        .env("RABBITMQ_DIST_PORT", ports.distribution.to_string())
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 2:2 -kernel inet_dist_use_interface {127,0,0,1}")
        .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
        .env("RABBITMQ_GENERATED_CONFIG_DIR", folder.join("config"))
        .env("RABBITMQ_PID_FILE", folder.join("pid"))
        .env("RABBITMQ_LOG_BASE", folder)
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_CONFIG_FILE", file("rabbit.conf", "log.console.level = warning\n")?)
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", file("advanced.config", "[].\n")?)
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", file("plugins", "[].\n")?)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .current_dir(folder)
        .process_group(0);
    Ok(command)
}

fn node_name() -> String {
    format!("confbus-{}@localhost", id())
}

/// Says which protocol we speak; whoever speaks it too begins with a method frame on channel 0.
fn greet(port: u16) -> io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"AMQP\x00\x00\x09\x01")?;
    let mut reply = [0; 3];
    stream.read_exact(&mut reply)?;
    Ok(reply == [1, 0, 0])
}
