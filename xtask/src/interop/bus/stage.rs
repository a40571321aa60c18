//! A broker, a server and three applications, and what all scenarios do with them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;

use super::application::{Application, Start, State};
use super::confbus::Confbus;
use super::configuration::Configuration;
use super::gate::Gate;
use super::line::Line;
use crate::interop::eventually::eventually;
use crate::interop::jdk;
use crate::interop::printer::Printer;
use crate::rabbit::Rabbit;

/// What is started.
pub(super) struct Programs {
    pub(super) line: Line,
    /// The jar of the applications.
    pub(super) spring: PathBuf,
    pub(super) confbus: PathBuf,
    pub(super) rabbit: PathBuf,
}

/// Positions in [`Stage::applications`].
pub(super) const CUSTOMERS: usize = 0;
pub(super) const CUSTOMERS_DEV: usize = 1;
pub(super) const ORDERS: usize = 2;
pub(super) const EVERYONE: [usize; 3] = [CUSTOMERS, CUSTOMERS_DEV, ORDERS];

pub(super) struct Stage {
    pub(super) applications: [Application; 3],
    pub(super) confbus: Confbus,
    /// Between the applications and confbus.
    pub(super) gate: Gate,
    pub(super) configuration: Configuration,
    programs: Programs,
    folder: PathBuf,
    broker: u16,
    rabbit: Option<Rabbit>,
    settled: u32,
}

impl Stage {
    /// Starts everything and waits until all are ready.
    pub(super) fn set(programs: Programs, folder: &Path) -> anyhow::Result<Self> {
        let configuration = Configuration::create(folder.join("repository"))?;
        let rabbit = Rabbit::start(&programs.rabbit)?;
        let broker = rabbit.port();
        let named = [
            "--spring.rabbitmq.host=127.0.0.1".to_owned(),
            format!("--spring.rabbitmq.port={broker}"),
        ];
        let confbus = Confbus::start(&programs.confbus, configuration.path(), &named, folder)?;
        let gate = Gate::to(confbus.port)?;
        let start = |name, profiles| {
            Application::start(&Start {
                line: programs.line,
                jar: &programs.spring,
                name,
                profiles,
                config_server: gate.port,
                broker: &named,
                folder,
            })
        };
        let starting = [
            start("customers", "")?,
            start("customers", "dev")?,
            start("orders", "dev,cloud")?,
        ];
        let [customers, customers_dev, orders] = starting.map(Application::ready);
        Ok(Self {
            applications: [customers?, customers_dev?, orders?],
            confbus,
            gate,
            configuration,
            programs,
            folder: folder.to_owned(),
            broker,
            rabbit: Some(rabbit),
            settled: 0,
        })
    }

    pub(super) fn line(&self) -> Line {
        self.programs.line
    }

    /// Makes everyone run the newest commit, whatever the scenario before has left.
    pub(super) fn align(&mut self) -> anyhow::Result<()> {
        self.gate.open();
        if self.rabbit.is_none() {
            self.revive_broker()?;
        }
        if self
            .applications
            .iter()
            .any(|application| self.runs_newest(application).is_err())
        {
            self.configuration.change(&["customers", "orders"])?;
            self.confbus.busrefresh("")?;
            self.all_run_newest()?;
        }
        self.settle()
    }

    /// Waits until all applications run the newest commit.
    pub(super) fn all_run_newest(&self) -> anyhow::Result<()> {
        self.run_newest(&EVERYONE)
    }

    fn run_newest(&self, who: &[usize]) -> anyhow::Result<()> {
        for &at in who {
            eventually("not on the newest commit", || {
                self.runs_newest(&self.applications[at])
            })?;
        }
        Ok(())
    }

    fn runs_newest(&self, application: &Application) -> anyhow::Result<()> {
        let state = application.state()?;
        let commit = self.configuration.commit();
        let value = self.configuration.value(application.name);
        ensure!(
            state.version == commit
                && state.greeting == value.to_string()
                && state.max_open == value,
            "{} has {state:?}, and should have {value} of {commit}",
            application.bus_id
        );
        Ok(())
    }

    /// Lets something happen that exactly these reload for, once each, to the newest commit.
    pub(super) fn reloads_exactly(
        &mut self,
        who: &[usize],
        act: impl FnOnce(&Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let before = self.states()?;
        act(self)?;
        self.run_newest(who)?;
        // Whatever else was published has been handled after this.
        self.settle()?;
        for (at, (before, after)) in before.iter().zip(self.states()?).enumerate() {
            let application = &self.applications[at];
            let expected = before.reloads + i64::from(who.contains(&at));
            ensure!(
                after.reloads == expected,
                "{} has reloaded {} times since its start, and should have {expected} times",
                application.bus_id,
                after.reloads
            );
            ensure!(
                who.contains(&at) || after.version == before.version,
                "{} has moved to {}",
                application.bus_id,
                after.version
            );
        }
        Ok(())
    }

    fn states(&self) -> anyhow::Result<Vec<State>> {
        self.applications.iter().map(Application::state).collect()
    }

    /// Waits until everyone has handled what was sent to them so far: each application has one queue, in which a change of
    /// a value waits behind everything else.
    pub(super) fn settle(&mut self) -> anyhow::Result<()> {
        // A sender's own queue does not show it anything.
        let by_customers = self.mark(CUSTOMERS)?;
        let by_orders = self.mark(ORDERS)?;
        for (mark, at) in [
            (&by_customers, CUSTOMERS_DEV),
            (&by_customers, ORDERS),
            (&by_orders, CUSTOMERS),
        ] {
            eventually("an event is still being handled", || {
                self.has_mark(at, mark)
            })?;
        }
        Ok(())
    }

    /// Lets an application put a mark into the queues of all others.
    pub(super) fn mark(&mut self, sender: usize) -> anyhow::Result<Mark> {
        self.settled += 1;
        let mark = Mark {
            key: format!("settled.{sender}"),
            value: self.settled.to_string(),
        };
        self.applications[sender].busenv(&mark.key, &mark.value)?;
        Ok(mark)
    }

    /// Whether an application has come to the mark.
    pub(super) fn has_mark(&self, at: usize, mark: &Mark) -> anyhow::Result<()> {
        let application = &self.applications[at];
        let value = application.value(&mark.key)?;
        ensure!(
            value == mark.value,
            "{} is at {value:?} of {mark:?}",
            application.bus_id
        );
        Ok(())
    }

    /// A client of ours that runs as `customers/dev`, and hears of changes only by the broker.
    pub(super) fn our_client(&self) -> anyhow::Result<Printer> {
        let mut command = Command::new(&self.programs.confbus);
        command
            .args(["watch", "customers/dev", "--index=1", "--poll=0"])
            .arg(format!("--server=http://127.0.0.1:{}", self.confbus.port))
            .arg(format!(
                "--amqp=amqp://guest:guest@127.0.0.1:{}/%2f",
                self.broker
            ));
        Printer::start(&mut command, &self.folder, "watch", "listening as bus id")
    }

    /// An application `strict` that refuses events with a key too many.
    pub(super) fn strict_application(&self) -> anyhow::Result<Printer> {
        let mut command = self.line().java();
        command
            .arg("-jar")
            .arg(jdk::package("spring-strict-client", None)?)
            .arg("--spring.application.name=strict")
            .arg("--spring.rabbitmq.host=127.0.0.1")
            .arg(format!("--spring.rabbitmq.port={}", self.broker));
        Printer::start(
            &mut command,
            &self.folder,
            "strict",
            "Started SpringStrictClient",
        )
    }

    /// Kills the broker.
    pub(super) fn kill_broker(&mut self) {
        self.rabbit = None;
    }

    /// Starts an empty broker where the killed one was.
    pub(super) fn revive_broker(&mut self) -> anyhow::Result<()> {
        self.rabbit = Some(Rabbit::start_on(&self.programs.rabbit, self.broker)?);
        Ok(())
    }
}

/// A value that tells how far an application has come with its queue.
#[derive(Debug)]
pub(super) struct Mark {
    key: String,
    value: String,
}
