//! Fleets for `cargo xtask simulate --measure`: what pushes take, and what they cost whom.

mod meters;

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

pub(crate) use self::meters::Cost;
use self::meters::{Laps, Meters};
use super::EACH;
use super::broker::Broker;
use super::crowd::{Crowd, Way};
pub(crate) use super::ledger::INSTANCES;
use super::scene::{Concerned, Scene};
use super::sockets::MESSAGE;
use crate::bench::http::Connection;
use crate::bench::limits::raise_open_files;
use crate::bench::machine::{Machine, family_of, resident_kib};
use crate::bench::repositories::application;
use crate::bench::thread_times::spin;
use crate::bench::workload;
use crate::rabbit::server;
use crate::shell::target_folder;

/// Instances that are given the same answer.
pub(crate) const OF_AN_APPLICATION: usize = EACH;
/// In which clients live: as many for few as for many, so that both are as much in each other's way.
pub(crate) const PROCESSES: usize = 10;
/// As long as an event.
pub(crate) const EVENT_BYTES: usize = MESSAGE;

/// Until what goes on beside a push is over, and no report has come yet.
const TAIL: Duration = Duration::from_millis(500);
/// About as long as a thousand clients are busy with a push.
const PROBE: Duration = Duration::from_millis(300);
/// Events that concern nobody, in one go.
const WHISPERS: u32 = 20;

/// What takes part, built.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Programs {
    /// A built server to measure, instead of building it for release.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// The client's built example `fleet`, instead of building it for release.
    #[arg(long, value_name = "FILE")]
    fleet: Option<PathBuf>,
}

/// Where fleets are measured.
pub(crate) struct Field {
    context: workload::Context,
}

/// How events reach a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Rabbit,
    Stream,
}

/// A server with its fleet, and a broker of their own where they need one.
pub(crate) struct Fleet {
    crowd: Crowd,
    scene: Scene,
    broker: Option<Broker>,
    revision: u32,
    /// What is used in a second when nothing happens.
    idle: Cost,
}

/// One push.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    /// After how many milliseconds each client had applied it, in order.
    pub(crate) applied: Vec<f64>,
    /// What it cost until then …
    pub(crate) until_applied: Cost,
    /// … from then on until all but the reports was over …
    pub(crate) tail: Cost,
    /// … and what the reports cost.
    pub(crate) reports: Cost,
}

impl Push {
    /// All of it.
    pub(crate) fn cost(&self) -> Cost {
        self.until_applied.plus(self.tail).plus(self.reports)
    }
}

impl Field {
    pub(crate) fn new(programs: Programs) -> anyhow::Result<Self> {
        ensure!(
            cfg!(target_os = "linux"),
            "only Linux tells what a thread uses"
        );
        raise_open_files()?;
        let fleet = programs.fleet.map_or_else(OnceCell::new, OnceCell::from);
        let context = workload::Context {
            rounds: 1,
            seconds: 1,
            quick: false,
            foreign: f64::INFINITY,
            repeats: Cell::new(0),
            out: target_folder()?,
            program: programs.program,
            built: OnceCell::new(),
            fleet,
        };
        // Both before anything is measured.
        context.server()?;
        context.fleet()?;
        Ok(Self { context })
    }

    /// A fleet that hears events, after a push that finds everything cold.
    pub(crate) fn fleet(&self, transport: Transport, count: usize) -> anyhow::Result<Fleet> {
        let broker = match transport {
            Transport::Rabbit => Some(Broker::start(&server::find_or_install()?)?),
            Transport::Stream => None,
        };
        let (scene, way) = match &broker {
            Some(broker) => {
                let url = broker.url();
                let way = Way::Rabbit { url, shared: false };
                (Scene::over(&self.context, broker, &[])?, way)
            }
            None => (Scene::without_broker(&self.context)?, Way::Stream),
        };
        let of_a_process = count.div_ceil(PROCESSES);
        let counts = (count, of_a_process);
        let crowd = Crowd::in_processes(&self.context, &scene, &way, counts, EACH)?;
        let mut fleet = Fleet {
            crowd,
            scene,
            broker,
            revision: 1,
            idle: Cost::default(),
        };
        fleet.push()?;
        Ok(fleet)
    }

    /// What a server needs for each instance that it knows, of [`INSTANCES`], in KiB.
    pub(crate) fn ledger(&self) -> anyhow::Result<f64> {
        super::ledger::measure(&self.context)
    }

    /// What a handshake of TLS 1.3 costs the server, in milliseconds.
    pub(crate) fn handshake(&self) -> anyhow::Result<f64> {
        super::handshake::measure(&self.context)
    }
}

impl Fleet {
    /// Memory of server and broker, in KiB.
    pub(crate) fn memory(&self) -> anyhow::Result<(f64, f64)> {
        let [server, broker, _] = self.processes()?;
        // What has ended meanwhile has none.
        let all = |processes: Vec<u32>| {
            let resident = |process| resident_kib(process).unwrap_or_default();
            processes.into_iter().map(resident).sum::<u64>() as f64
        };
        Ok((all(server), all(broker)))
    }

    /// How many clients it has.
    pub(crate) fn count(&self) -> usize {
        self.crowd.len()
    }

    /// Pushes to all of them, and waits until all of it is over.
    pub(crate) fn push(&mut self) -> anyhow::Result<Push> {
        let mut laps = Laps::begin(self)?;
        let since = self.scene.push(self.revision, Concerned::All)?;
        let applied = self.crowd.applied(self.revision, self.crowd.len(), since)?;
        let until_applied = laps.lap(self)?;
        thread::sleep(TAIL);
        let tail = laps.lap(self)?;
        self.crowd.rest();
        let reports = laps.lap(self)?;
        self.revision += 1;
        Ok(Push {
            applied,
            until_applied,
            tail,
            reports,
        })
    }

    /// Measures what is used when nothing happens, which is no cost of what happens.
    pub(crate) fn rest(&mut self) -> anyhow::Result<()> {
        let (began, before) = (Instant::now(), Meters::read(self)?);
        self.crowd.rest();
        let cost = Meters::read(self)?.since(&before);
        self.idle = cost.times(1.0 / began.elapsed().as_secs_f64());
        Ok(())
    }

    /// What an event costs that concerns nobody.
    pub(crate) fn whisper(&self) -> anyhow::Result<Cost> {
        let json = ["Content-Type: application/json".to_owned()];
        let mut asking = Connection::open(self.scene.port())?;
        let mut laps = Laps::begin(self)?;
        for _ in 0..WHISPERS {
            let body = br#"{"name":"simulate","value":"nothing"}"#;
            let answer = asking.ask("POST", "/actuator/busenv/nobody", &json, body)?;
            ensure!(
                answer.status / 100 == 2,
                "busenv is answered with {}",
                answer.status
            );
        }
        self.crowd.rest();
        Ok(laps.lap(self)?.times(1.0 / f64::from(WHISPERS)))
    }

    /// What the server takes to answer one question each over these connections, in milliseconds, and how much that was.
    pub(crate) fn questions(&self, asking: &mut Asking) -> anyhow::Result<(f64, usize)> {
        let before = Meters::read(self)?;
        let mut bytes = 0;
        for (path, connection) in &mut asking.0 {
            let answer = match connection {
                Some(connection) => connection.get(path)?,
                None => Connection::open(self.scene.port())?.get(path)?,
            };
            ensure!(
                answer.status == 200,
                "{path} is answered with {}",
                answer.status
            );
            bytes += answer.bytes();
        }
        let cost = Meters::read(self)?.since(&before);
        let count = asking.0.len();
        Ok((cost.server / count as f64, bytes / count))
    }

    /// Who asks for applications that no client has, from this number on: each over a connection that is open, or over
    /// a new one each time.
    pub(crate) fn asking(&self, first: u32, count: u32, open: bool) -> anyhow::Result<Asking> {
        let one = |number| {
            let path = format!("/{}/prod/main", application(number));
            let connection = open.then(|| Connection::open(self.scene.port()));
            Ok((path, connection.transpose()?))
        };
        let all: anyhow::Result<_> = (first..first + count).map(one).collect();
        all.map(Asking)
    }

    fn processes(&self) -> anyhow::Result<[Vec<u32>; 3]> {
        let broker = self.broker.as_ref().map(|broker| family_of(broker.id()));
        Ok([
            family_of(self.scene.id())?,
            broker.transpose()?.unwrap_or_default(),
            self.crowd.ids().collect(),
        ])
    }
}

/// Questions, each with its connection.
pub(crate) struct Asking(Vec<(String, Option<Connection>)>);

/// How many of the machine's cores somebody gets who wants all of them.
pub(crate) fn cores() -> anyhow::Result<f64> {
    let began = Instant::now();
    let threads = thread::available_parallelism()?.get();
    let spent: anyhow::Result<Vec<_>> = thread::scope(|scope| {
        let busy: Vec<_> = (0..threads).map(|_| scope.spawn(|| spin(PROBE))).collect();
        let spent = busy.into_iter().map(|it| it.join().ok());
        spent.map(|it| it.context("a thread panicked")?).collect()
    });
    Ok(spent?.iter().sum::<f64>() / began.elapsed().as_secs_f64() / 1e3)
}

/// What the figures depend on, as one line.
pub(crate) fn machine() -> String {
    let machine = Machine::describe();
    format!(
        "{}, {} cores, {} MiB, Linux {}",
        machine.cpu, machine.cores, machine.memory_mib, machine.kernel
    )
}
