//! Consul's agent over HTTP: a service of the agent, with a check that says whether it is well.

mod agent;
mod service;

use std::time::Duration;

use http::{Method, StatusCode};
use indexmap::IndexMap;
use secrecy::SecretString;

pub(crate) use self::agent::Agent;
use self::service::Service;
use super::{Advertised, Ports, Registration, Trouble, base::client};

/// How often somebody looks whether the agent still knows of a server that it checks by itself.
const LOOK: Duration = Duration::from_secs(10);

/// Which agent is told, and what.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) agent: Agent,
    /// By which name clients look it up.
    pub(crate) service: String,
    /// An instance is called by service, host and port unless it is said.
    pub(crate) advertised: Advertised,
    /// Whether clients are told the address of the agent, which Consul knows.
    pub(crate) prefer_agent_address: bool,
    /// The port that is listened on unless it is said.
    pub(crate) port: Option<u16>,
    pub(crate) is_https: bool,
    pub(crate) tags: Vec<String>,
    /// `None` where everybody is always well.
    pub(crate) check: Option<Check>,
    /// After how long of being unwell the agent takes the server off its list by itself.
    pub(crate) critical_timeout: Option<Duration>,
}

/// Who says that the server is well.
#[derive(Debug, Clone)]
pub(crate) enum Check {
    /// The server itself, before this time is over.
    Ttl {
        ttl: Duration,
        /// How often.
        interval: Duration,
    },
    /// The agent, which asks the server.
    Http(Http),
}

/// What an agent asks.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    /// Of our health, unless it is said.
    pub(crate) url: Option<String>,
    /// Below our address, with a slash in front.
    pub(crate) path: String,
    pub(crate) interval: Duration,
    pub(crate) timeout: Option<Duration>,
    pub(crate) skip_tls_verify: bool,
    /// What is sent along, which may hold credentials.
    pub(crate) headers: IndexMap<String, SecretString>,
}

impl Settings {
    /// What it is and where, without credentials.
    pub(crate) fn place(&self) -> String {
        format!("Consul at {}", self.agent)
    }
}

/// Tells Consul.
#[derive(Debug)]
pub(super) struct Consul {
    settings: Settings,
    ports: Ports,
    http: reqwest::Client,
    /// Made when it is registered: only then is it known from where the agent is reached.
    service: Option<Service>,
}

impl Consul {
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(super) fn new(settings: Settings, ports: Ports) -> Result<Self, String> {
        Ok(Self {
            http: client(settings.agent.base().is_https())?,
            settings,
            ports,
            service: None,
        })
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        body: Option<Vec<u8>>,
    ) -> Result<StatusCode, Trouble> {
        let request = self.settings.agent.request(&self.http, method, path);
        let answer = request.body(body.unwrap_or_default()).send().await;
        Ok(answer.map_err(Trouble::of_request)?.status())
    }
}

fn success(status: StatusCode) -> Result<(), Trouble> {
    if status.is_success() {
        return Ok(());
    }
    Err(Trouble::of_status(status))
}

impl Registration for Consul {
    const NAME: &'static str = "consul";

    fn interval(&self) -> Duration {
        match &self.settings.check {
            Some(Check::Ttl { interval, .. }) => *interval,
            Some(Check::Http(_)) | None => LOOK,
        }
    }

    fn place(&self) -> String {
        self.settings.place()
    }

    async fn probe(&mut self) -> Result<(), Trouble> {
        let path = ["v1", "health", "service", &self.settings.service];
        success(self.ask(Method::GET, &path, None).await?)
    }

    async fn register(&mut self) -> Result<String, Trouble> {
        let agent = [self.settings.agent.base().host_and_port()];
        let advertised = &self.settings.advertised;
        let listens = self.ports.main.ip();
        let address = advertised.own_address(listens, agent.into_iter()).await?;
        let service = Service::of(&self.settings, self.ports, address);
        let body = service.to_json();
        // Before it is sent: whoever stops meanwhile takes it back.
        self.service = Some(service);
        let path = ["v1", "agent", "service", "register"];
        success(self.ask(Method::PUT, &path, Some(body)).await?)?;
        Ok(self.settings.agent.to_string())
    }

    async fn renew(&mut self) -> Result<Option<String>, Trouble> {
        let Some(service) = &self.service else {
            return Ok(None);
        };
        let answer = match &self.settings.check {
            Some(Check::Ttl { .. }) => {
                let path = ["v1", "agent", "check", "pass", service.check()];
                self.ask(Method::PUT, &path, None).await?
            }
            Some(Check::Http(_)) | None => {
                let path = ["v1", "agent", "service", service.id()];
                self.ask(Method::GET, &path, None).await?
            }
        };
        match answer {
            status if status.is_success() => Ok(Some(self.settings.agent.to_string())),
            // Agents of other ages say so of a check that they do not know.
            StatusCode::NOT_FOUND | StatusCode::INTERNAL_SERVER_ERROR => Ok(None),
            status => Err(Trouble::of_status(status)),
        }
    }

    async fn deregister(&mut self) -> Result<(), Trouble> {
        let Some(service) = &self.service else {
            return Ok(());
        };
        let path = ["v1", "agent", "service", "deregister", service.id()];
        match self.ask(Method::PUT, &path, None).await? {
            // Who is not on the list need not be taken off.
            StatusCode::NOT_FOUND => Ok(()),
            status => success(status),
        }
    }
}
