//! Many instances in one process, for `cargo xtask bench W8`: how soon does a change reach all of a fleet?
//!
//! Each says on standard output when it applied what, by the clock that all processes of a machine share. A line on
//! standard input asks how often the server was asked until now; the end of standard input ends everything.

use std::{
    io::Write as _,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use confbus_client::{
    BusHealth, Client, Connections, Live, RabbitSettings, Routing, Settings, Transport,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rustix::time::{ClockId, clock_gettime};
use serde::Deserialize;

/// Clients that connect at the same time.
const AT_ONCE: usize = 8;
/// How long it may take until all hear events.
const CONNECTED: Duration = Duration::from_secs(120);

/// The section `common`.
#[derive(Debug, PartialEq, Deserialize)]
struct Common {
    a: u32,
    b: String,
    #[serde(default)]
    revision: u64,
}

/// What the command line says.
struct Plan {
    server: String,
    /// The number of the first instance.
    first: usize,
    count: usize,
    /// Instances of each application.
    each: usize,
    transport: Transport,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing::subscriber::set_global_default(Rounds)?;
    let plan = Plan::read(std::env::args().skip(1))?;
    let (say, said) = mpsc::channel::<String>();
    thread::spawn(move || print(&said));

    let instances: Vec<_> = stream::iter(plan.first..plan.first + plan.count)
        .map(|number| plan.start(number))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let (clients, sections): (Vec<_>, Vec<_>) = instances.into_iter().unzip();
    connected(&clients).await?;
    for (number, common) in (plan.first..).zip(sections) {
        tokio::spawn(tell(number, common, say.clone()));
    }
    say.send("ready".to_owned())?;
    let answers = move || {
        for _line in std::io::stdin().lines().map_while(Result::ok) {
            _ = say.send(format!("asked {}", ASKED.load(Ordering::Relaxed)));
        }
    };
    tokio::task::spawn_blocking(answers).await?;
    Ok(())
}

impl Plan {
    /// `<server> <first> <count> <each> stream`, or instead of `stream` the address of a RabbitMQ, and after it `routed` for
    /// bindings that the broker filters by, and `shared` for one connection of all.
    fn read(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let server = arguments.next().context("no server")?;
        let mut number = || -> anyhow::Result<usize> {
            Ok(arguments.next().context("a number is missing")?.parse()?)
        };
        let (first, count, each) = (number()?, number()?, number()?);
        let transport = arguments.next().context("no transport")?;
        Ok(Self {
            server,
            first,
            count,
            each,
            transport: match transport.as_str() {
                "stream" => Transport::Stream,
                url => Transport::Amqp(Box::new(rabbit(url, arguments)?)),
            },
        })
    }

    async fn start(&self, number: usize) -> anyhow::Result<(Client, Live<Common>)> {
        let application = format!("app{:04}", number / self.each);
        let settings = Settings::new(application)
            .profiles("prod")
            .label("main")
            .server(&self.server)
            .index(number.to_string())
            .without_poll()
            .transport(self.transport.clone());
        let client = Client::connect(settings).await?;
        let common = client.bind("common").live()?;
        Ok((client, common))
    }
}

fn rabbit(url: &str, options: impl Iterator<Item = String>) -> anyhow::Result<RabbitSettings> {
    let mut settings = RabbitSettings::from_url(url)?;
    "fleet".clone_into(&mut settings.connection_name);
    for option in options {
        match option.as_str() {
            "routed" => settings.routing = Routing::PerApplication,
            "shared" => settings.connections = Connections::shared(),
            other => bail!("what is {other}?"),
        }
    }
    Ok(settings)
}

/// Waits until events come to all of them.
async fn connected(clients: &[Client]) -> anyhow::Result<()> {
    let until = Instant::now() + CONNECTED;
    for client in clients {
        while client.health().bus != BusHealth::Connected {
            if Instant::now() > until {
                bail!(
                    "{} is not connected: {:?}",
                    client.bus_id(),
                    client.health().bus
                );
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    Ok(())
}

/// Tells each change right after it was applied.
async fn tell(number: usize, common: Live<Common>, say: mpsc::Sender<String>) {
    loop {
        let change = common.changed().await;
        let now = clock_gettime(ClockId::Monotonic);
        let revision = change.new.revision;
        let line = format!(
            "applied {number} {revision} {}",
            now.tv_sec * 1_000_000_000 + now.tv_nsec
        );
        if say.send(line).is_err() {
            return;
        }
    }
}

/// Writes apart from the runtime, and what waits at once.
fn print(said: &mpsc::Receiver<String>) {
    while let Ok(first) = said.recv() {
        let mut out = std::io::stdout().lock();
        for line in [first].into_iter().chain(said.try_iter()) {
            if writeln!(out, "{line}").is_err() {
                return;
            }
        }
        if out.flush().is_err() {
            return;
        }
    }
}

/// Requests for a configuration until now.
static ASKED: AtomicU64 = AtomicU64::new(0);

/// Counts the client's spans called `fetch`, and cares for nothing else that is traced.
struct Rounds;

impl tracing::Subscriber for Rounds {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_span() && metadata.name() == "fetch"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        ASKED.fetch_add(1, Ordering::Relaxed);
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, _: &tracing::Event<'_>) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}
