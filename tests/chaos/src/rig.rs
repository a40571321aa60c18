//! The real things: servers in processes of their own, RabbitMQ, Git over HTTP, clients, and proxies between them.

mod broker;
mod clients;
mod http;
mod reader;
mod repository;
mod server;
mod tap;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;

pub use broker::Broker;
pub use clients::{Instance, Transport};
pub use http::{Connection, Response};
pub(crate) use reader::outcome;
pub use repository::{APPLICATIONS, Push, Repository, State};
pub use server::Server;

use crate::history::What;
use crate::proxy::Proxy;
use crate::recorder::Recorder;

/// How soon the remote is asked again when nobody tells of a push, in seconds.
pub const LOOK_SECONDS: u64 = 2;
/// How soon clients ask again when nobody tells them.
pub const POLL: Duration = Duration::from_secs(5);
/// How long a git operation may take, in seconds.
pub const GIT_DEADLINE_SECONDS: u64 = 5;

/// Between two looks at whether something has come true.
const GLANCE: Duration = Duration::from_millis(50);

/// What a rig is made of.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The built server.
    pub server: PathBuf,
    /// The program that keeps a RabbitMQ.
    pub keeper: PathBuf,
    /// The `rabbitmq-server` it keeps.
    pub rabbit: PathBuf,
    /// Where the Git remote listens.
    pub git_port: u16,
    /// The folder whose repositories it serves.
    pub repositories: PathBuf,
    /// For clones and logs, which outlive a run.
    pub folder: PathBuf,
}

/// How much of everything.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Servers.
    pub servers: usize,
    /// Clients.
    pub clients: usize,
    /// Reads per second and server.
    pub reads: u32,
}

impl Default for Size {
    fn default() -> Self {
        Self {
            servers: 2,
            clients: 12,
            reads: 100,
        }
    }
}

/// Everything that runs.
#[derive(Debug)]
pub struct Rig {
    /// What has happened.
    pub recorder: Recorder,
    /// What is pushed to.
    pub repository: Repository,
    /// Between servers and the Git remote.
    pub git: Proxy,
    /// The broker itself.
    pub broker: Broker,
    /// Between the broker and everybody.
    pub bus: Proxy,
    /// The servers, by their number.
    pub servers: Vec<Server>,
    /// The clients, by their number.
    pub clients: Vec<Instance>,
    tools: Tools,
    /// How many clients there have been.
    started: usize,
    load: JoinSet<()>,
}

impl Rig {
    /// A remote with one commit, a broker, and nothing on them yet. `name` tells its files apart.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn new(tools: &Tools, name: &str) -> anyhow::Result<Self> {
        let recorder = Recorder::default();
        let mut tools = tools.clone();
        tools.folder = tools.folder.join(name);
        if tools.folder.exists() {
            std::fs::remove_dir_all(&tools.folder).context("the last run cannot be removed")?;
        }
        std::fs::create_dir_all(&tools.folder).context("no folder for the run")?;
        let path = tools.repositories.join(format!("{name}.git"));
        let repository = Repository::create(&path, recorder.clone())?;
        let broker = Broker::start(&tools.keeper, &tools.rabbit, &tools.folder).await?;
        let mut load = JoinSet::new();
        load.spawn(tap::listen(broker.port(), recorder.clone()));
        Ok(Self {
            git: Proxy::start(tools.git_port)?,
            bus: Proxy::start(broker.port())?,
            recorder,
            repository,
            broker,
            servers: Vec::new(),
            clients: Vec::new(),
            tools,
            started: 0,
            load,
        })
    }

    /// The same with servers, clients and readers of a size, all at the first commit.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn running(tools: &Tools, name: &str, size: Size) -> anyhow::Result<Self> {
        let mut rig = Self::new(tools, name).await?;
        for _ in 0..size.servers {
            rig.add_server(&[]).await?;
        }
        rig.add_clients(size.clients).await?;
        rig.read(size.reads);
        rig.settle(Duration::from_secs(30)).await?;
        Ok(rig)
    }

    /// Another server with these settings more (`name=value`), which need not serve yet.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn add_server(&mut self, settings: &[&str]) -> anyhow::Result<&mut Server> {
        let name = format!("server-{}", self.servers.len() + 1);
        let mut all = vec![
            format!(
                "spring.cloud.config.server.git.uri=http://127.0.0.1:{}/{}",
                self.git.port(),
                self.repository.name()
            ),
            format!("spring.cloud.config.server.git.refresh-rate={LOOK_SECONDS}"),
            format!("confbus.git.deadline={GIT_DEADLINE_SECONDS}"),
            format!(
                "spring.rabbitmq.addresses=amqp://guest:guest@127.0.0.1:{}/%2f",
                self.bus.port()
            ),
            "spring.rabbitmq.requested-heartbeat=4".to_owned(),
            "spring.cloud.config.server.monitor.validation-filter-enabled=false".to_owned(),
        ];
        all.retain(|usual| settings.iter().all(|own| name_of(own) != name_of(usual)));
        all.extend(settings.iter().map(|&setting| setting.to_owned()));
        let recorder = self.recorder.clone();
        let mut server = Server::new(&name, &self.tools.server, &self.tools.folder, all, recorder)?;
        server.start().await?;
        self.servers.push(server);
        self.servers.last_mut().context("no server")
    }

    /// So many clients: of each application, on each server, by each transport in turn.
    ///
    /// # Errors
    /// When one gets no configuration.
    pub async fn add_clients(&mut self, count: usize) -> anyhow::Result<()> {
        ensure!(!self.servers.is_empty(), "clients need a server");
        for _ in 0..count {
            let number = self.started;
            let transport = if number % 4 == 3 {
                Transport::Stream
            } else {
                Transport::Rabbit(self.bus.port())
            };
            self.add_client(number % self.servers.len(), transport)
                .await?;
        }
        Ok(())
    }

    /// Another client of a server, by its number.
    ///
    /// # Errors
    /// When it gets no configuration.
    pub async fn add_client(&mut self, server: usize, transport: Transport) -> anyhow::Result<()> {
        let number = self.started;
        ensure!(server < self.servers.len(), "no such server");
        // Each third knows all servers, and turns to another one when its own is away.
        let known = if number % 3 == 2 {
            self.servers.len()
        } else {
            1
        };
        let servers = self.servers.iter().cycle().skip(server).take(known);
        let ports: Vec<_> = servers.map(Server::port).collect();
        let application = APPLICATIONS[number / self.servers.len() % APPLICATIONS.len()];
        let name = format!("client-{}", number + 1);
        let client = Instance::start(name, application, &ports, transport, self.recorder.clone());
        self.clients.push(client.await?);
        self.started += 1;
        Ok(())
    }

    /// Begins to read from all servers, so often per second and server, until the end.
    pub fn read(&mut self, per_second: u32) {
        let pause = Duration::from_secs(1) / per_second.max(1);
        for server in &self.servers {
            let (name, port) = (server.name().clone(), server.port());
            let reading = reader::read(name, port, pause, self.recorder.clone());
            self.load.spawn(reading);
        }
    }

    /// Tells a server of a push, as a host of repositories would.
    ///
    /// # Errors
    /// When the server does not take it.
    pub async fn tell(&self, server: usize, push: &Push) -> anyhow::Result<()> {
        let port = self.servers.get(server).context("no such server")?.port();
        let response = http::post(port, "/monitor", push.delivery().as_bytes()).await?;
        let status = response.status;
        ensure!(status == 200, "the webhook is answered with {status}");
        Ok(())
    }

    /// Waits until every server answers with the last commit, and every client runs it.
    ///
    /// # Errors
    /// After the deadline, with who is late.
    pub async fn settle(&self, within: Duration) -> anyhow::Result<()> {
        let since = self.recorder.now();
        wait("everybody at the last commit", within, || self.late(since)).await
    }

    /// Who is not at the last commit; nothing when everybody is.
    fn late(&self, since: u64) -> Option<String> {
        for application in APPLICATIONS {
            let wanted = self.repository.served(application);
            let wanted = wanted.as_ref();
            for server in self.servers.iter().filter(|server| server.is_running()) {
                let seen = reader::newest(&self.recorder, server.name(), application, since);
                if seen.is_none() || seen.as_ref() != wanted {
                    return Some(format!("{} on {application}", server.name()));
                }
            }
            let fits = self.repository.is_fit(application);
            let mut clients = self.clients.iter();
            if let Some(client) = clients.find(|client| {
                fits && client.application() == application && client.content().as_ref() != wanted
            }) {
                return Some(client.name().to_string());
            }
        }
        None
    }

    /// Notes what every client holds.
    pub fn sample(&self) {
        for client in &self.clients {
            client.sample();
        }
    }

    /// A fault with this name begins or ends.
    pub fn note_fault(&self, name: &'static str, lasts: bool) {
        let what = if lasts {
            What::began(name)
        } else {
            What::ended(name)
        };
        self.recorder.note(what);
    }
}

fn name_of(setting: &str) -> &str {
    setting.split('=').next().unwrap_or(setting)
}

/// Waits until nothing is missing any more.
///
/// # Errors
/// After the deadline, with what is missing.
pub async fn wait(
    what: &str,
    within: Duration,
    mut missing: impl FnMut() -> Option<String>,
) -> anyhow::Result<()> {
    let until = Instant::now() + within;
    while let Some(missing) = missing() {
        ensure!(
            Instant::now() < until,
            "not within {} s: {what}; missing: {missing}",
            within.as_secs()
        );
        tokio::time::sleep(GLANCE).await;
    }
    Ok(())
}
