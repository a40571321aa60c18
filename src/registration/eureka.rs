//! Eureka's REST API: one instance of an application, registered with one of several peers that tell each other.

mod instance;
mod peers;

use std::time::Duration;

use http::StatusCode;

pub(crate) use self::peers::Peer;
use self::{instance::Instance, peers::Peers};
use super::{Advertised, Ports, Registration, Trouble};

/// Which peers are told, and what.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The first that answers is told; at least one.
    pub(crate) peers: Vec<Peer>,
    /// What the application is called, in any case; Eureka's is upper.
    pub(crate) application: String,
    /// By which name clients look it up, and by which if they want TLS.
    pub(crate) virtual_host: String,
    pub(crate) secure_virtual_host: String,
    /// An instance is called by host, application and port unless it is said.
    pub(crate) advertised: Advertised,
    pub(crate) plain: Port,
    pub(crate) secure: Port,
    /// In front of paths, empty or with a slash in front: of the actuator.
    pub(crate) context_path: String,
    /// How often the peers are told that the server is still here.
    pub(crate) renewal_interval: Duration,
    /// After how long of silence they drop it.
    pub(crate) lease: Duration,
}

/// A port as clients are told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Port {
    /// The one that is listened on unless it is said.
    pub(crate) number: Option<u16>,
    pub(crate) is_enabled: bool,
}

/// Tells Eureka.
#[derive(Debug)]
pub(super) struct Eureka {
    settings: Settings,
    ports: Ports,
    peers: Peers,
    /// Made when it is registered: only then is it known from where the peers are reached.
    instance: Option<Instance>,
}

impl Eureka {
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(super) fn new(settings: Settings, ports: Ports) -> Result<Self, String> {
        Ok(Self {
            peers: Peers::new(settings.peers.clone())?,
            settings,
            ports,
            instance: None,
        })
    }
}

impl Settings {
    /// What it is and where, without credentials.
    pub(crate) fn place(&self) -> String {
        let peers: Vec<_> = self.peers.iter().map(ToString::to_string).collect();
        format!("Eureka at {}", peers.join(", "))
    }
}

impl Registration for Eureka {
    const NAME: &'static str = "eureka";

    fn interval(&self) -> Duration {
        self.settings.renewal_interval
    }

    fn place(&self) -> String {
        self.settings.place()
    }

    async fn probe(&mut self) -> Result<(), Trouble> {
        let application = self.settings.application.to_uppercase();
        match self.peers.get(&[instance::APPS, &application]).await? {
            // Nobody may be registered yet.
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            status => Err(Trouble::of_status(status)),
        }
    }

    async fn register(&mut self) -> Result<String, Trouble> {
        let peers = self.settings.peers.iter();
        let peers = peers.map(|peer| peer.base().host_and_port());
        let advertised = &self.settings.advertised;
        let address = advertised.own_address(self.ports.main.ip(), peers).await?;
        // Before it is sent: whoever stops meanwhile takes it back.
        let instance = self
            .instance
            .insert(Instance::of(&self.settings, self.ports, address));
        let path = [instance::APPS, instance.application()];
        match self.peers.post(&path, instance.to_json()).await? {
            status if status.is_success() => Ok(self.peers.last()),
            status => Err(Trouble::of_status(status)),
        }
    }

    async fn renew(&mut self) -> Result<Option<String>, Trouble> {
        let Some(instance) = &self.instance else {
            return Ok(None);
        };
        let status = self
            .peers
            .put(&instance.path(), &instance.heartbeat())
            .await?;
        match status {
            status if status.is_success() => Ok(Some(self.peers.last())),
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(Trouble::of_status(status)),
        }
    }

    async fn deregister(&mut self) -> Result<(), Trouble> {
        let Some(instance) = &self.instance else {
            return Ok(());
        };
        match self.peers.delete(&instance.path()).await? {
            // Who is not on the list need not be taken off.
            status if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            status => Err(Trouble::of_status(status)),
        }
    }
}
