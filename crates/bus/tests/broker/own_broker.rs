//! A broker that a test may do anything to, as its operator.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
};

use tokio::sync::{Mutex, MutexGuard};

use crate::support::Fixture;

/// One for all tests of this program, each of which has it for itself. It ends with the program.
static BROKER: Mutex<Option<OwnBroker>> = Mutex::const_new(None);

pub(crate) struct OwnBroker {
    /// It keeps the broker as long as its standard input is open.
    _keeper: Child,
    port: u16,
}

/// Where `rabbitmqctl` for the broker lies; it has no directory of its own, since nobody would remove it.
const CONTROL: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/broker-control");

pub(crate) struct Lent(MutexGuard<'static, Option<OwnBroker>>);

impl Lent {
    pub(crate) async fn new() -> Self {
        let mut broker = BROKER.lock().await;
        if broker.is_none() {
            let started = tokio::task::spawn_blocking(OwnBroker::start);
            *broker = Some(started.await.unwrap());
        }
        Self(broker)
    }

    fn broker(&self) -> &OwnBroker {
        self.0.as_ref().unwrap()
    }

    pub(crate) async fn fixture(&self) -> Fixture {
        let port = self.broker().port;
        Fixture::at(&format!("amqp://guest:guest@127.0.0.1:{port}/%2f")).await
    }

    /// What `rabbitmqctl` says.
    pub(crate) async fn control(&self, arguments: &[&str]) -> String {
        let mut command = tokio::process::Command::new(CONTROL);
        let output = command.args(arguments).output().await.unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The first column of a listing, of the lines that contain a text.
    pub(crate) async fn listed(&self, arguments: &[&str], containing: &str) -> Vec<String> {
        let listing = self.control(arguments).await;
        let lines = listing.lines().filter(|line| line.contains(containing));
        lines
            .filter_map(|line| line.split('\t').next())
            .map(str::to_owned)
            .collect()
    }
}

impl OwnBroker {
    fn start() -> Self {
        let variable = |name: &str| {
            env::var(name).unwrap_or_else(|_| panic!("{name} is set by `cargo xtask test`"))
        };
        let mut keeper = Command::new(variable("CONFBUS_TEST_KEEPER"))
            .args([
                "keep-rabbit",
                "--server",
                &variable("CONFBUS_TEST_RABBITMQ_SERVER"),
                "--control",
                CONTROL,
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            port: line.trim().parse().expect("the keeper says the port"),
            _keeper: keeper,
        }
    }
}
