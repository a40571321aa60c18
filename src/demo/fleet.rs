//! The three instances: real clients in this process, which want to know what they are given.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use confbus_bus::RabbitSettings;
use confbus_client::{BusHealth, Client, Live, Rejection, Settings, Transport};
use serde::Deserialize;

use super::line::Line;

/// Which application all of them are.
pub(super) const APPLICATION: &str = "orders";
const INDEXES: [&str; 3] = ["8081", "8082", "8083"];

/// The key whose value the instances check.
pub(super) const KEY: &str = "orders.limits.max-open";
const MOST: u32 = 1000;

/// How often an instance asks by itself; the one whose line is cut, sooner than any would outside of a demo.
const POLL: Duration = Duration::from_secs(30);
const SHORT_POLL: Duration = Duration::from_secs(4);

/// How often it is looked whether something has happened.
const GLANCE: Duration = Duration::from_millis(5);

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
struct Limits {
    max_open: u32,
}

/// All instances.
pub(super) struct Fleet {
    instances: Vec<Instance>,
    /// The line of the last one, where events come over a stream.
    pub(super) line: Option<Line>,
}

pub(super) struct Instance {
    pub(super) client: Client,
    pub(super) name: String,
    limits: Live<Limits>,
}

impl Fleet {
    /// Starts them; with a broker they listen there.
    pub(super) async fn connect(
        server: SocketAddr,
        broker: Option<RabbitSettings>,
    ) -> anyhow::Result<Self> {
        let line = match broker {
            Some(_) => None,
            None => Some(Line::to(server).await?),
        };
        let mut instances = Vec::new();
        for (number, index) in INDEXES.iter().enumerate() {
            let mut settings = Settings::new(APPLICATION).profiles("dev").index(*index);
            settings = match &line {
                Some(line) if number + 1 == INDEXES.len() => {
                    settings.server(line.url()).poll_every(SHORT_POLL)
                }
                _ => settings.server(format!("http://{server}")).poll_every(POLL),
            };
            if let Some(broker) = &broker {
                settings = settings.transport(Transport::Amqp(Box::new(broker.clone())));
            }
            instances.push(Instance::start(settings, index).await?);
        }
        Ok(Self { instances, line })
    }

    pub(super) fn all(&self) -> &[Instance] {
        &self.instances
    }

    pub(super) fn size(&self) -> usize {
        self.instances.len()
    }

    /// What the first one runs with.
    pub(super) fn value(&self) -> u32 {
        let first = self.instances.first();
        first.map_or(0, |first| first.limits.load().max_open)
    }

    /// How many run a commit.
    pub(super) fn live(&self, commit: &str) -> usize {
        let all = self.instances.iter();
        all.filter(|one| one.client.snapshot().version() == Some(commit))
            .count()
    }

    /// Why instances refused a commit, one for each.
    pub(super) fn refusals(&self, commit: &str) -> Vec<String> {
        let prefix = format!("version {commit}: ");
        let reasons = self.instances.iter().filter_map(|one| {
            let refused = one.client.health().refused?;
            Some(refused.strip_prefix(&prefix)?.to_owned())
        });
        reasons.collect()
    }

    /// Whether nobody hears events over the line that can be cut.
    pub(super) fn is_deaf(&self) -> bool {
        let last = self.instances.last();
        last.is_some_and(|last| last.client.health().bus != BusHealth::Connected)
    }
}

impl Instance {
    async fn start(settings: Settings, index: &str) -> anyhow::Result<Self> {
        let client = Client::connect(settings).await?;
        let limits = client
            .bind::<Limits>("orders.limits")
            .validate(|limits: &Limits| match limits.max_open {
                0 => Err(Rejection::at(KEY, "must be at least 1")),
                more if more > MOST => Err(Rejection::at(KEY, format!("must be at most {MOST}"))),
                _ => Ok(()),
            })
            .live()?;
        Ok(Self {
            client,
            name: format!("{APPLICATION}:dev:{index}"),
            limits,
        })
    }
}

/// How long it took until something was so; nothing when it was not within that time.
pub(super) async fn until(
    within: Duration,
    mut is_so: impl AsyncFnMut() -> bool,
) -> Option<Duration> {
    let began = Instant::now();
    loop {
        let waited = began.elapsed();
        if is_so().await {
            return Some(waited);
        }
        if waited > within {
            return None;
        }
        tokio::time::sleep(GLANCE).await;
    }
}
