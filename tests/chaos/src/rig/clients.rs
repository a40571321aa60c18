//! Clients as applications embed them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use confbus_client::{Changes, Client, Live, RabbitSettings, Settings, Snapshot};
use tokio::task::JoinHandle;

use crate::content::{Values, digest};
use crate::history::{Name, What};
use crate::recorder::Recorder;

use super::repository::address;

/// How often is looked whether something was refused.
const LOOK: Duration = Duration::from_secs(1);

/// How a client hears of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// By a RabbitMQ on a port.
    Rabbit(u16),
    /// By the server's stream.
    Stream,
}

/// A client that writes down what it runs; dropping it ends it.
#[derive(Debug)]
pub struct Instance {
    name: Name,
    application: String,
    client: Client,
    /// Refuses what is no number.
    _stamps: [Live<u64>; 2],
    recorder: Recorder,
    content: Arc<Mutex<Name>>,
    tasks: [JoinHandle<()>; 2],
}

/// A client that is to be.
pub(super) struct Wish {
    pub(super) name: String,
    pub(super) application: &'static str,
    /// By their ports, the first one first.
    pub(super) servers: Vec<u16>,
    pub(super) transport: Transport,
    pub(super) poll: Duration,
    pub(super) recorder: Recorder,
}

impl Wish {
    fn settings(&self) -> anyhow::Result<Settings> {
        let addresses = self
            .servers
            .iter()
            .map(|port| format!("http://127.0.0.1:{port}"));
        let addresses: Vec<_> = addresses.collect();
        Ok(Settings::new(self.application)
            .profiles("prod")
            .label("main")
            .server(addresses.join(","))
            .index(&self.name)
            .poll_every(self.poll)
            .request_timeout(Duration::from_secs(5))
            .transport(settings(self.transport)?))
    }

    pub(super) async fn start(self) -> anyhow::Result<Instance> {
        let settings = self.settings()?;
        let Self {
            name,
            application,
            recorder,
            ..
        } = self;
        let client = Client::connect(settings)
            .await
            .with_context(|| format!("{name} gets no configuration"))?;
        let stamps = [
            client.bind("service.stamp").live()?,
            client.bind("common.stamp").live()?,
        ];
        client.ready();
        let name: Name = name.into();
        recorder.note(What::ClientStarted {
            client: name.clone(),
            address: address(application),
        });
        let changes = client.changes();
        let first = client.snapshot();
        let follower = Follower {
            client: name.clone(),
            recorder: recorder.clone(),
            values: values(&first),
            version: first.version().unwrap_or_default().into(),
            content: Arc::default(),
        };
        follower.apply();
        Ok(Instance {
            content: Arc::clone(&follower.content),
            tasks: [
                tokio::spawn(follower.follow(changes)),
                tokio::spawn(note_refusals(
                    client.clone(),
                    name.clone(),
                    recorder.clone(),
                )),
            ],
            application: application.to_owned(),
            name,
            client,
            _stamps: stamps,
            recorder,
        })
    }
}

impl Instance {
    /// What histories call it.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// Whose configuration it has.
    #[must_use]
    pub fn application(&self) -> &str {
        &self.application
    }

    /// What it has applied last.
    #[must_use]
    pub fn content(&self) -> Option<Name> {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        Some(content.clone())
    }

    /// Notes what it holds.
    pub fn sample(&self) {
        let snapshot = self.client.snapshot();
        let values = values(&snapshot);
        self.recorder.note(What::Holds {
            client: self.name.clone(),
            version: snapshot.version().map(Name::from),
            content: (!values.is_empty()).then(|| digest(&values)),
        });
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
        self.recorder.note(What::ClientStopped {
            client: self.name.clone(),
        });
    }
}

fn settings(transport: Transport) -> anyhow::Result<confbus_client::Transport> {
    Ok(match transport {
        Transport::Stream => confbus_client::Transport::Stream,
        Transport::Rabbit(port) => {
            let url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
            let settings = RabbitSettings::from_url(&url)?.with(|rabbit| {
                rabbit.requested_heartbeat = Duration::from_secs(4);
                rabbit.connection_timeout = Duration::from_secs(5);
            });
            confbus_client::Transport::Amqp(Box::new(settings))
        }
    })
}

fn values(snapshot: &Snapshot) -> Values {
    let of = |key: &str| Some((key.to_owned(), snapshot.get(key)?.to_string()));
    snapshot.keys().filter_map(of).collect()
}

async fn note_refusals(client: Client, name: Name, recorder: Recorder) {
    let mut before = None;
    loop {
        tokio::time::sleep(LOOK).await;
        let refused = client.health().refused;
        if let Some(reason) = refused.clone().filter(|_| refused != before) {
            recorder.note(What::Refused {
                client: name.clone(),
                reason,
            });
        }
        before = refused;
    }
}

/// What a client runs, put together from its changes alone.
struct Follower {
    client: Name,
    recorder: Recorder,
    values: Values,
    version: Name,
    content: Arc<Mutex<Name>>,
}

impl Follower {
    async fn follow(mut self, mut changes: Changes) {
        while let Some(set) = changes.next().await {
            for change in set.keys {
                match change.new {
                    Some(new) => _ = self.values.insert(change.key, new.value().to_string()),
                    None => _ = self.values.remove(&change.key),
                }
            }
            let version: Name = set.version.unwrap_or_default().into();
            let known = digest(&self.values) == self.last();
            // What came between the first look and the first change is told again.
            if version != self.version || !known {
                self.version = version;
                self.apply();
            }
        }
    }

    fn last(&self) -> Name {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        content.clone()
    }

    fn apply(&self) {
        let content = digest(&self.values);
        self.recorder.note(What::Applied {
            client: self.client.clone(),
            version: self.version.clone(),
            content: Some(content.clone()),
        });
        let mut last = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        *last = content;
    }
}
