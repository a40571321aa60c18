//! `cargo xtask interop kafka`: unmodified Spring applications that confbus configures, on a real Kafka.

mod broker;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, ensure};

use self::broker::{Broker, PASSWORD, USER};
use super::Tally;
use super::bus::application::{Application, Start, State};
use super::bus::confbus::Confbus;
use super::bus::configuration::Configuration;
use super::bus::line::Line;
use super::eventually::eventually;
use super::jdk;
use super::printer::Printer;
use crate::shell::{self, cargo};

/// Everything that was started.
struct Stage {
    broker: Broker,
    configuration: Configuration,
    confbus: Confbus,
    applications: [Application; 2],
    program: PathBuf,
    folder: PathBuf,
}

type Scene = fn(&mut Stage) -> anyhow::Result<()>;

/// Positions in [`Stage::applications`].
const CUSTOMERS: usize = 0;
const ORDERS: usize = 1;

const SCENES: [(&str, Scene); 8] = [
    ("applications start from confbus", start),
    ("busrefresh reaches everyone", everyone),
    ("busrefresh reaches one application", one),
    ("acks show in the ledger", acks),
    ("confbus' busrefresh reaches our client", our_client),
    ("Spring's busrefresh reaches our client", springs_event),
    ("two servers show the same fleet", two_servers),
    ("a push is told after Kafka was killed", killed),
];

/// Plays all scenes, and asks Kafka's binder what every binder is asked.
pub(super) fn run() -> anyhow::Result<Tally> {
    let jar = jdk::package("spring-bus-client", Some("boot-4.0-kafka"))?;
    let program = shell::debug_server_with("kafka")?;
    let folder = tempfile::Builder::new()
        .prefix("confbus-kafka-")
        .tempdir()?;
    let mut tally = Tally::default();
    let started = Instant::now();
    match Stage::set(&jar, program, folder.path()) {
        Ok(mut stage) => {
            let seconds = started.elapsed().as_secs_f32();
            println!("ready after {seconds:.0} s");
            play(&mut stage, &mut tally);
            conform(&stage.broker, &mut tally);
        }
        Err(error) => tally.fail("the stage", &format!("{error:#}")),
    }
    if tally.failed > 0 {
        println!("logs are kept in {}", folder.keep().display());
    }
    Ok(tally)
}

fn play(stage: &mut Stage, tally: &mut Tally) {
    for (name, scene) in SCENES {
        let began = Instant::now();
        match scene(stage) {
            Ok(()) => {
                tally.passed += 1;
                println!("ok {name} ({:.1} s)", began.elapsed().as_secs_f32());
            }
            Err(error) => tally.fail(name, &format!("{error:#}")),
        }
    }
}

/// The suite of `crates/bus` against this broker counts as one.
fn conform(broker: &Broker, tally: &mut Tally) {
    let ports = &broker.ports;
    let mut tests = cargo(["test", "--package", "confbus-bus", "--features", "kafka"]);
    tests
        .args([
            "--test",
            "conformance",
            "--",
            "kafka::",
            "--include-ignored",
        ])
        .env("CONFBUS_TEST_KAFKA", format!("127.0.0.1:{}", ports.plain))
        .env(
            "CONFBUS_TEST_KAFKA_BEHIND",
            format!("{}:{}", ports.proxy, ports.behind),
        );
    match shell::run(&mut tests) {
        Ok(()) => tally.passed += 1,
        Err(error) => tally.fail("what every binder promises", &format!("{error:#}")),
    }
}

impl Stage {
    /// Confbus comes first, so that the topic is of its making; it logs in, the others need not.
    fn set(jar: &Path, program: PathBuf, folder: &Path) -> anyhow::Result<Self> {
        let configuration = Configuration::create(folder.join("repository"))?;
        let broker = Broker::start(folder)?;
        let login = format!(
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"{USER}\" password=\"{PASSWORD}\";"
        );
        let named = [
            format!(
                "--spring.kafka.bootstrap-servers=127.0.0.1:{}",
                broker.ports.login
            ),
            "--spring.kafka.security.protocol=SASL_PLAINTEXT".to_owned(),
            "--spring.kafka.properties.sasl.mechanism=PLAIN".to_owned(),
            format!("--spring.kafka.properties.sasl.jaas.config={login}"),
        ];
        let confbus = Confbus::start(&program, configuration.path(), &named, folder)?;
        let named = [format!(
            "--spring.cloud.stream.kafka.binder.brokers=127.0.0.1:{}",
            broker.ports.plain
        )];
        let start = |name| {
            Application::start(&Start {
                line: Line::Boot40,
                jar,
                name,
                profiles: "",
                config_server: confbus.port,
                broker: &named,
                folder,
            })
        };
        let [customers, orders] = [start("customers")?, start("orders")?].map(Application::ready);
        Ok(Self {
            applications: [customers?, orders?],
            broker,
            configuration,
            confbus,
            program,
            folder: folder.to_owned(),
        })
    }

    fn runs_newest(&self, at: usize) -> anyhow::Result<State> {
        let application = &self.applications[at];
        eventually("not on the newest commit", || {
            let state = application.state()?;
            let value = self.configuration.value(application.name);
            ensure!(
                state.version == self.configuration.commit() && state.max_open == value,
                "{} has {state:?}, and should have {value} of {}",
                application.bus_id,
                self.configuration.commit()
            );
            Ok(state)
        })
    }

    /// A client of ours that runs as `customers`, and hears of changes by Kafka alone.
    fn our_client(&self) -> anyhow::Result<Printer> {
        let brokers = format!("127.0.0.1:{}", self.broker.ports.plain);
        let mut command = Command::new(&self.program);
        command
            .args(["watch", "customers", "--index=1", "--poll=0"])
            .arg(format!("--server=http://127.0.0.1:{}", self.confbus.port))
            .env("CONFBUS_TRANSPORT", "kafka")
            .env("SPRING_KAFKA_BOOTSTRAP_SERVERS", brokers);
        Printer::start(&mut command, &self.folder, "watch", "listening as bus id")
    }

    /// Lets something happen that our client hears of.
    fn reaches_our_client(&mut self, act: fn(&Self) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let client = self.our_client()?;
        self.configuration.change(&["customers"])?;
        act(self)?;
        let value = self.configuration.value("customers");
        client.says(&["greeting", &format!("→ {value}")])
    }
}

fn start(stage: &mut Stage) -> anyhow::Result<()> {
    stage.runs_newest(CUSTOMERS)?;
    stage.runs_newest(ORDERS).map(drop)
}

fn everyone(stage: &mut Stage) -> anyhow::Result<()> {
    stage.configuration.change(&["customers", "orders"])?;
    stage.confbus.busrefresh("")?;
    start(stage)
}

/// The other one hears of it as well, in the same order, and stays where it is.
fn one(stage: &mut Stage) -> anyhow::Result<()> {
    let before = stage.runs_newest(CUSTOMERS)?;
    stage.configuration.change(&["customers", "orders"])?;
    stage.confbus.busrefresh("orders")?;
    stage.runs_newest(ORDERS)?;
    stage.applications[ORDERS].busenv("settled", "1")?;
    eventually("an event is still being handled", || {
        let seen = stage.applications[CUSTOMERS].value("settled")?;
        ensure!(seen == "1", "{seen:?}");
        Ok(())
    })?;
    let after = stage.applications[CUSTOMERS].state()?;
    ensure!(
        after.reloads == before.reloads && after.version == before.version,
        "customers was not meant: {before:?}, then {after:?}"
    );
    Ok(())
}

fn acks(stage: &mut Stage) -> anyhow::Result<()> {
    everyone(stage)?;
    for application in &stage.applications {
        eventually("not live in the ledger", || {
            let entry = stage.confbus.entry(&application.bus_id)?;
            let is_live = entry.is_live_on(stage.configuration.commit());
            ensure!(
                is_live && entry.evidence == "ack+read",
                "{} is {entry:?}",
                application.bus_id
            );
            Ok(())
        })?;
    }
    Ok(())
}

fn our_client(stage: &mut Stage) -> anyhow::Result<()> {
    stage.reaches_our_client(|stage| stage.confbus.busrefresh("customers"))
}

/// Confbus looks at its repository because of the event, too.
fn springs_event(stage: &mut Stage) -> anyhow::Result<()> {
    stage.reaches_our_client(|stage| stage.applications[ORDERS].busrefresh())
}

/// What reports to one of them is shown by the other, which nobody asked for anything.
fn two_servers(stage: &mut Stage) -> anyhow::Result<()> {
    let folder = stage.folder.join("other");
    fs::create_dir_all(&folder)?;
    let named = [format!(
        "--spring.kafka.bootstrap-servers=127.0.0.1:{}",
        stage.broker.ports.plain
    )];
    let repository = stage.configuration.path();
    let other = Confbus::start(&stage.program, repository, &named, &folder)?;
    let commit = stage.configuration.commit();
    for (teller, shows, instance) in [
        (&stage.confbus, &other, "users:prod:8081:one"),
        (&other, &stage.confbus, "users:prod:8081:two"),
    ] {
        teller.report(instance, commit)?;
        eventually("another server does not show it", || {
            let shown = shows.shown(instance)?;
            ensure!(shown.is_live_on(commit), "{instance} is {shown:?}");
            Ok(())
        })?;
    }
    Ok(())
}

/// Whoever lost Kafka has it again by itself.
fn killed(stage: &mut Stage) -> anyhow::Result<()> {
    stage.broker.kill();
    eventually("confbus has not noticed", || {
        ensure!(stage.confbus.connected_now()? == Some(false));
        Ok(())
    })?;
    stage.broker.revive().context("the second time")?;
    stage.confbus.connected()?;
    stage.configuration.change(&["customers", "orders"])?;
    stage.confbus.github_push("customers.yml")?;
    stage.runs_newest(CUSTOMERS)?;
    stage.confbus.github_push("orders.yml")?;
    stage.confbus.busrefresh("orders")?;
    stage.runs_newest(ORDERS).map(drop)
}
