use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;

use crate::rabbit::Rabbit;
use crate::shell::output_within;

/// It starts an Erlang of its own, beside a thousand clients.
const CONTROL_DEADLINE: Duration = Duration::from_secs(60);

/// What the broker counts of its own accord, over all queues. By kind of acknowledgement it counts only with the management
/// plugin.
const DELIVERIES: &str = "lists:sum([maps:get(messages_delivered_total, C, 0) || \
    C <- maps:values(rabbit_global_counters:overview())]).";

/// A RabbitMQ of this run's own.
pub(super) struct Broker {
    rabbit: Rabbit,
    control: PathBuf,
    _folder: TempDir,
}

impl Broker {
    /// With this `rabbitmq-server`.
    pub(super) fn start(server: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let control = folder.path().join("rabbitmqctl");
        Ok(Self {
            rabbit: Rabbit::start_with_control(server, &control)?,
            control,
            _folder: folder,
        })
    }

    pub(super) fn url(&self) -> String {
        self.rabbit.url()
    }

    pub(super) fn port(&self) -> u16 {
        self.rabbit.port()
    }

    /// Of the process from which the broker's own descend.
    pub(super) fn id(&self) -> u32 {
        self.rabbit.id()
    }

    /// Messages that were delivered to consumers since the start.
    pub(super) fn deliveries(&self) -> anyhow::Result<u64> {
        let mut control = Command::new(&self.control);
        let said = output_within(CONTROL_DEADLINE, control.args(["eval", DELIVERIES]))?;
        let said = said.trim();
        said.parse()
            .with_context(|| format!("the broker counts {said} deliveries"))
    }
}
