//! Clients in processes of a hundred, or of fewer.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::clock;
use super::scene::Scene;
use crate::bench::workload::Context;
use crate::shell::KillOnDrop;

const OF_A_PROCESS: usize = 100;
const READY: Duration = Duration::from_secs(180);
const APPLIED: Duration = Duration::from_secs(20);
/// Until reports are posted and the ledger is saved, so that rounds do not disturb each other.
const REST: Duration = Duration::from_secs(2);

/// How events reach the clients.
pub(super) enum Way {
    Rabbit {
        url: String,
        /// Whether all of a process share a connection.
        shared: bool,
    },
    /// The same, with queues that are bound to what concerns their owner.
    Routed {
        url: String,
    },
    Stream,
}

/// A fleet that is connected.
pub(super) struct Crowd {
    processes: Vec<(KillOnDrop, ChildStdin)>,
    said: Receiver<Said>,
    count: usize,
}

/// A line of a process.
enum Said {
    Ready,
    Applied { revision: u32, at: i64 },
    Asked(u64),
    Ended,
}

impl Crowd {
    /// Starts `count` instances, `each` of an application, a hundred in a process, and waits until all hear events.
    pub(super) fn start(
        context: &Context,
        scene: &Scene,
        way: &Way,
        count: usize,
        each: usize,
    ) -> anyhow::Result<Self> {
        Self::in_processes(context, scene, way, (count, OF_A_PROCESS), each)
    }

    /// The same with so many in a process.
    pub(super) fn in_processes(
        context: &Context,
        scene: &Scene,
        way: &Way,
        (count, of_a_process): (usize, usize),
        each: usize,
    ) -> anyhow::Result<Self> {
        let program = context.fleet()?;
        let (say, said) = mpsc::channel();
        let mut processes = Vec::new();
        for first in (0..count).step_by(of_a_process) {
            let mut command = Command::new(program);
            command.arg(format!("http://127.0.0.1:{}", scene.port()));
            let here = of_a_process.min(count - first);
            command.args([first, here, each].map(|number| number.to_string()));
            command.args(way.arguments());
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut process = KillOnDrop::spawn(&mut command)?;
            let stdin = process.0.stdin.take().context("no input")?;
            let stdout = process.0.stdout.take().context("no output")?;
            let say = say.clone();
            thread::spawn(move || listen(stdout, &say));
            processes.push((process, stdin));
        }
        let crowd = Self {
            processes,
            said,
            count,
        };
        let until = Instant::now() + READY;
        for _ in 0..crowd.processes.len() {
            let next = crowd.next(until)?;
            ensure!(
                matches!(next, Said::Ready),
                "a client changed before all were ready"
            );
        }
        Ok(crowd)
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Of their processes.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        self.processes.iter().map(|(process, _)| process.0.id())
    }

    /// Until the load of the round before is gone.
    pub(super) fn rest(&self) {
        thread::sleep(REST);
    }

    /// Waits until so many have applied a revision; after how many milliseconds since then each had, sorted.
    pub(super) fn applied(
        &self,
        revision: u32,
        awaited: usize,
        since: i64,
    ) -> anyhow::Result<Vec<f64>> {
        let until = Instant::now() + APPLIED;
        let mut times = Vec::new();
        while times.len() < awaited {
            let next = self
                .next(until)
                .with_context(|| format!("{} of {awaited} clients applied it", times.len()))?;
            if let Said::Applied {
                revision: other,
                at,
            } = next
            {
                ensure!(
                    other == revision,
                    "revision {other} came in place of {revision}"
                );
                times.push(clock::millis(since, at));
            }
        }
        times.sort_by(f64::total_cmp);
        Ok(times)
    }

    /// How often all of them asked for their configuration since the start.
    pub(super) fn asked(&self) -> anyhow::Result<u64> {
        for (_, stdin) in &self.processes {
            let mut stdin = stdin;
            writeln!(stdin).context("a process of clients has ended")?;
        }
        let until = Instant::now() + APPLIED;
        let mut asked = 0;
        for _ in 0..self.processes.len() {
            match self.next(until)? {
                Said::Asked(more) => asked += more,
                _ => bail!("a client changed without a push"),
            }
        }
        Ok(asked)
    }

    fn next(&self, until: Instant) -> anyhow::Result<Said> {
        let left = until.saturating_duration_since(Instant::now());
        match self.said.recv_timeout(left) {
            Ok(Said::Ended) => bail!("a process of clients has ended"),
            Ok(said) => Ok(said),
            Err(_) => bail!("the clients are late"),
        }
    }
}

impl Way {
    fn arguments(&self) -> Vec<String> {
        match self {
            Self::Stream => vec!["stream".to_owned()],
            Self::Routed { url } => vec![url.clone(), "routed".to_owned()],
            Self::Rabbit { url, shared: false } => vec![url.clone()],
            Self::Rabbit { url, shared: true } => vec![url.clone(), "shared".to_owned()],
        }
    }
}

fn listen(stdout: ChildStdout, say: &Sender<Said>) {
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        if say.send(read(&line).unwrap_or(Said::Ended)).is_err() {
            return;
        }
    }
    _ = say.send(Said::Ended);
}

/// `ready`, `applied <instance> <revision> <nanoseconds>`, `asked <times>`.
fn read(line: &str) -> Option<Said> {
    let words: Vec<_> = line.split(' ').collect();
    match words[..] {
        ["ready"] => Some(Said::Ready),
        ["applied", _, revision, at] => Some(Said::Applied {
            revision: revision.parse().ok()?,
            at: at.parse().ok()?,
        }),
        ["asked", times] => Some(Said::Asked(times.parse().ok()?)),
        _ => None,
    }
}
