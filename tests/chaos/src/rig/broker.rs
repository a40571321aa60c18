//! A RabbitMQ of the rig's own, kept by another program that ends it with us.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

/// It takes 5 s on an idle machine.
const STARTS: Duration = Duration::from_secs(180);
/// It starts an Erlang of its own.
const CONTROLS: Duration = Duration::from_secs(60);

/// A broker that can be stopped, with all it knows, and started again on its port.
#[derive(Debug)]
pub struct Broker {
    keeper: PathBuf,
    rabbit: PathBuf,
    control: PathBuf,
    port: u16,
    running: Option<(Child, ChildStdin)>,
}

impl Broker {
    pub(super) async fn start(keeper: &Path, rabbit: &Path, folder: &Path) -> anyhow::Result<Self> {
        let mut broker = Self {
            keeper: keeper.to_owned(),
            rabbit: rabbit.to_owned(),
            control: folder.join("rabbitmqctl"),
            port: 0,
            running: None,
        };
        broker.start_again().await?;
        Ok(broker)
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends it; exchanges, queues and messages are gone.
    ///
    /// # Errors
    /// When nobody can tell whether it has ended.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        if let Some((mut keeper, stdin)) = self.running.take() {
            // The keeper ends its broker when this pipe closes.
            drop(stdin);
            keeper.wait().await?;
        }
        Ok(())
    }

    /// Starts it on the port where it was.
    ///
    /// # Errors
    /// When it is not ready in time.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        let mut command = Command::new(&self.keeper);
        command.arg("keep-rabbit").arg("--server").arg(&self.rabbit);
        command.arg("--control").arg(&self.control);
        if self.port != 0 {
            command.arg("--port").arg(self.port.to_string());
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        // Ctrl-C is sent to a whole process group; the keeper must survive it.
        command.process_group(0);
        let mut keeper = command.spawn().context("cannot run the keeper")?;
        let stdin = keeper.stdin.take().context("no input")?;
        let stdout = keeper.stdout.take().context("no output")?;
        let mut lines = BufReader::new(stdout).lines();
        let line = tokio::time::timeout(STARTS, lines.next_line()).await;
        let line = line.context("the broker is late")??;
        let line = line.context("the broker did not start")?;
        self.port = line.trim().parse().context("the keeper says no port")?;
        self.running = Some((keeper, stdin));
        Ok(())
    }

    /// The names of all queues that clients and servers hear on.
    ///
    /// # Errors
    /// When the broker does not say in time.
    pub async fn queues(&self) -> anyhow::Result<Vec<String>> {
        let said = self
            .control(&["list_queues", "--no-table-headers", "name"])
            .await?;
        let ours = said.lines().filter(|name| name.contains("anonymous"));
        Ok(ours.map(str::to_owned).collect())
    }

    /// Deletes a queue under whoever hears on it.
    ///
    /// # Errors
    /// When the broker does not do it in time.
    pub async fn delete_queue(&self, name: &str) -> anyhow::Result<()> {
        self.control(&["delete_queue", name]).await.map(|_| ())
    }

    /// Ends all connections.
    ///
    /// # Errors
    /// When the broker does not do it in time.
    pub async fn close_connections(&self) -> anyhow::Result<()> {
        let arguments = ["close_all_connections", "chaos"];
        self.control(&arguments).await.map(|_| ())
    }

    /// Sets which share of the memory it may use; who publishes is blocked when it uses more.
    ///
    /// # Errors
    /// When the broker does not do it in time.
    pub async fn set_memory(&self, share: &str) -> anyhow::Result<()> {
        let arguments = ["set_vm_memory_high_watermark", share];
        self.control(&arguments).await.map(|_| ())
    }

    async fn control(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.control);
        let output = command.args(arguments).kill_on_drop(true).output();
        let output = tokio::time::timeout(CONTROLS, output).await;
        let output = output.context("rabbitmqctl is late")??;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "rabbitmqctl: {complaint}");
        Ok(String::from_utf8(output.stdout)?)
    }
}
