//! A RabbitMQ for one run: own node name, ports, Erlang port mapper and data, gone without a trace afterwards.
//!
//! The broker belongs to a second process of this program, the keeper, outside our process group.
//! It ends everything when the pipe from us to it closes. That happens however we end, Ctrl-C and `kill -9` included,
//! and spares us signal handlers.

pub(crate) mod keeper;
mod node;
pub(crate) mod server;

use std::env;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, bail};

/// A running broker; dropping this ends it and removes its data.
pub(crate) struct Rabbit {
    keeper: Child,
    port: u16,
}

impl Rabbit {
    /// Starts a broker with this `rabbitmq-server` and waits until it speaks AMQP.
    pub(crate) fn start(server: &Path) -> anyhow::Result<Self> {
        Self::spawn(keeper_command(server)?)
    }

    /// The same on a port where another one was.
    pub(crate) fn start_on(server: &Path, port: u16) -> anyhow::Result<Self> {
        let mut keeper = keeper_command(server)?;
        keeper.arg("--port").arg(port.to_string());
        Self::spawn(keeper)
    }

    /// The same, and writes a program that is `rabbitmqctl` for it.
    pub(crate) fn start_with_control(server: &Path, control: &Path) -> anyhow::Result<Self> {
        let mut keeper = keeper_command(server)?;
        keeper.arg("--control").arg(control);
        Self::spawn(keeper)
    }

    fn spawn(mut keeper: Command) -> anyhow::Result<Self> {
        let started = Instant::now();
        let mut keeper = keeper
            .spawn()
            .context("cannot start the keeper of RabbitMQ")?;

        let Some(port) = announced_port(&mut keeper)? else {
            keeper.wait()?;
            bail!("RabbitMQ did not start; the reason stands above");
        };
        eprintln!(
            "RabbitMQ on port {port}, ready after {:.1} s",
            started.elapsed().as_secs_f32()
        );
        Ok(Self { keeper, port })
    }

    /// Of the process from which the broker's own descend.
    pub(crate) fn id(&self) -> u32 {
        self.keeper.id()
    }

    /// Where it listens for AMQP, on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The address with the credentials every fresh RabbitMQ accepts from this machine.
    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }
}

impl Drop for Rabbit {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        if let Err(error) = self.keeper.wait() {
            eprintln!("xtask: cannot tell whether RabbitMQ has ended: {error}");
        }
    }
}

fn keeper_command(server: &Path) -> anyhow::Result<Command> {
    let this = env::current_exe().context("cannot tell where this program lies")?;
    let mut command = Command::new(this);
    command.arg("keep-rabbit").arg("--server").arg(server);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    // Ctrl-C is sent to a whole process group; the keeper must survive it.
    command.process_group(0);
    Ok(command)
}

/// The one line the keeper writes when the broker is ready; nothing when it gave up.
fn announced_port(keeper: &mut Child) -> anyhow::Result<Option<u16>> {
    let stdout = keeper
        .stdout
        .take()
        .context("the keeper has no standard output")?;
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .context("cannot read from the keeper")?;
    Ok(line.trim().parse().ok())
}
