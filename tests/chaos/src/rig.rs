//! The real things: servers in processes of their own, RabbitMQ, Git over HTTP, clients, and proxies between them.

mod balancer;
mod broker;
mod clients;
mod fleet;
mod flood;
mod http;
mod reader;
mod repository;
mod server;
mod settle;
mod stampede;
mod tap;
mod tools;
mod usage;
mod walkers;

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::task::JoinSet;

pub use balancer::Balancer;
pub use broker::Broker;
pub use clients::{Instance, Transport};
pub use flood::Flood;
pub use http::{Connection, Response};
pub(crate) use reader::outcome;
pub use repository::{APPLICATIONS, Push, Repository, State};
pub use server::Server;
pub use settle::wait;
pub use stampede::{Stampede, Tally, first_answer};
pub use tools::{Size, Start, Tools};
pub use usage::Usage;
pub use walkers::{Walked, Walkers};

use crate::figure::Figure;
use crate::history::What;
use crate::proxy::Proxy;
use crate::recorder::Recorder;

/// How soon the remote is asked again when nobody tells of a push, in seconds.
pub const LOOK_SECONDS: u64 = 2;
/// How soon clients ask again when nobody tells them.
pub const POLL: Duration = Duration::from_secs(5);
/// How long a git operation may take, in seconds.
pub const GIT_DEADLINE_SECONDS: u64 = 5;

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
    /// What was measured.
    pub figures: Vec<Figure>,
    /// How soon clients ask when nobody tells them.
    pub poll: Duration,
    /// Whether servers find what nobody tells them of.
    pub looks: bool,
    /// Whatever a scenario needs until its end.
    pub proxies: Vec<Proxy>,
    balancers: Vec<Balancer>,
    tools: Tools,
    /// How many clients there have been.
    started: usize,
    load: JoinSet<()>,
}

impl Rig {
    /// Everything that a run begins with. `name` tells its files apart.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn start(tools: &Tools, name: &str, start: Start) -> anyhow::Result<Self> {
        let mut tools = tools.clone();
        tools.folder = tools.folder.join(name);
        if tools.folder.exists() {
            std::fs::remove_dir_all(&tools.folder).context("the last run cannot be removed")?;
        }
        std::fs::create_dir_all(&tools.folder).context("no folder for the run")?;
        let path = tools.repositories.join(format!("{name}.git"));
        if matches!(start, Start::Large(_)) {
            let mut copy = Command::new("cp");
            let status = copy.arg("-R").args([&tools.large, &path]).status()?;
            ensure!(status.success(), "no copy of the large repository");
        }
        let recorder = Recorder::default();
        let repository = Repository::create(&path, recorder.clone())?;
        let broker = Broker::start(&tools.keeper, &tools.rabbit, &tools.folder).await?;
        let mut load = JoinSet::new();
        load.spawn(tap::listen(broker.port(), recorder.clone()));
        let mut rig = Self {
            git: Proxy::start(tools.git_port)?,
            bus: Proxy::of_amqp(broker.port())?,
            recorder,
            repository,
            broker,
            servers: Vec::new(),
            clients: Vec::new(),
            figures: Vec::new(),
            poll: POLL,
            looks: true,
            proxies: Vec::new(),
            balancers: Vec::new(),
            tools,
            started: 0,
            load,
        };
        if let Start::Running(size) | Start::Large(size) = start {
            rig.grow(size).await?;
            rig.settle(Duration::from_secs(60)).await?;
        }
        Ok(rig)
    }

    /// Adds servers, clients and readers, which need not have settled yet.
    ///
    /// # Errors
    /// When something does not start.
    pub async fn grow(&mut self, size: Size) -> anyhow::Result<()> {
        for _ in 0..size.servers {
            self.add_server(&[]).await?;
        }
        self.add_clients(size.clients).await?;
        self.read(size.reads);
        Ok(())
    }

    /// Another server with these settings more (`name=value`), which need not serve yet.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn add_server(&mut self, settings: &[&str]) -> anyhow::Result<&mut Server> {
        let mut server = self.new_server(settings)?;
        server.start().await?;
        self.servers.push(server);
        self.servers.last_mut().context("no server")
    }

    /// One that looks at nothing that it is not told of.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn add_blind_server(&mut self) -> anyhow::Result<()> {
        self.looks = false;
        let never = "spring.cloud.config.server.git.refresh-rate=-1";
        self.add_server(&[never]).await.map(|_| ())
    }

    /// The same, not started and not one of ours yet.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn new_server(&self, settings: &[&str]) -> anyhow::Result<Server> {
        let name = format!("server-{}", self.servers.len() + 1);
        let mut all = vec![
            format!("spring.cloud.config.server.git.uri={}", self.uri(&self.git)),
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
        Server::new(&name, &self.tools.server, &self.tools.folder, all, recorder)
    }

    /// Whether the server is built as users get it.
    #[must_use]
    pub fn is_shipped(&self) -> bool {
        self.tools.build.ends_with("release build")
    }

    /// Another way to the Git remote.
    ///
    /// # Errors
    /// When there is no port.
    pub fn another_way_to_git(&self) -> anyhow::Result<Proxy> {
        Ok(Proxy::start(self.tools.git_port)?)
    }

    /// Where the repository is, on a way to the Git remote.
    #[must_use]
    pub fn uri(&self, way: &Proxy) -> String {
        let name = self.repository.name();
        format!("http://127.0.0.1:{}/{name}", way.port())
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

    /// Begins to read through a balancer, until the end.
    pub fn walk(&mut self, balancer: Balancer, readers: usize) -> Walkers {
        let (port, load) = (balancer.port(), &mut self.load);
        self.balancers.push(balancer);
        Walkers::start(port, readers, &self.recorder, load)
    }

    /// Tells a server of a push, as a host of repositories would.
    ///
    /// # Errors
    /// When the server does not take it.
    pub async fn tell(&self, server: usize, push: &Push) -> anyhow::Result<()> {
        let status = self.deliver(server, push).await?;
        ensure!(status == 200, "the webhook is answered with {status}");
        Ok(())
    }

    /// The same, whatever the server says to it.
    ///
    /// # Errors
    /// When it says nothing.
    pub async fn deliver(&self, server: usize, push: &Push) -> anyhow::Result<u16> {
        let port = self.servers.get(server).context("no such server")?.port();
        let response = http::post(port, "/monitor", push.delivery().as_bytes()).await?;
        Ok(response.status)
    }

    /// Notes what every client holds.
    pub fn sample(&self) {
        for client in &self.clients {
            client.sample();
        }
    }

    /// Takes down, and says, what was measured.
    #[expect(
        clippy::print_stderr,
        reason = "a command line program talks to its terminal"
    )]
    pub fn figure(&mut self, figure: Figure) {
        eprintln!("  {figure}");
        self.figures.push(figure);
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
