//! Eureka's REST API: one instance of an application, registered with one of several peers that tell each other.

mod instance;
mod peers;

use std::{net::IpAddr, time::Duration};

use http::StatusCode;
use indexmap::IndexMap;
use secrecy::SecretString;
use tokio::net::UdpSocket;

pub(crate) use self::peers::Peer;
use self::{instance::Instance, peers::Peers};
use super::{Ports, Registration, Trouble};

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
    /// What this instance is called among all of the application; host, application and port unless it is said.
    pub(crate) instance_id: Option<String>,
    /// The name of this machine unless it is said.
    pub(crate) hostname: Option<String>,
    /// The address from which the peers are reached unless it is said.
    pub(crate) address: Option<IpAddr>,
    /// Whether clients are told the address instead of the name.
    pub(crate) prefer_address: bool,
    pub(crate) plain: Port,
    pub(crate) secure: Port,
    /// In front of paths, empty or with a slash in front: of the actuator.
    pub(crate) context_path: String,
    /// What clients read: `configPath`, `user`, `password` and others.
    pub(crate) metadata: IndexMap<String, SecretString>,
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

    async fn own_address(&self) -> Result<IpAddr, Trouble> {
        let listens = self.ports.main.ip();
        match self.settings.address {
            Some(address) => Ok(address),
            None if !listens.is_unspecified() => Ok(listens),
            None => towards(&self.settings.peers).await,
        }
    }
}

/// From which address the peers are reached; nothing is sent to find that out.
async fn towards(peers: &[Peer]) -> Result<IpAddr, Trouble> {
    let mut trouble = Trouble::Late;
    for peer in peers {
        let found = async {
            let socket = UdpSocket::bind("[::]:0").await;
            let socket = match socket {
                Ok(socket) => socket,
                // A machine without IPv6.
                Err(_) => UdpSocket::bind("0.0.0.0:0").await?,
            };
            socket.connect((peer.host(), peer.port())).await?;
            Ok::<_, std::io::Error>(socket.local_addr()?.ip().to_canonical())
        };
        match tokio::time::timeout(peers::DEADLINE, found).await {
            Ok(Ok(address)) => return Ok(address),
            Ok(Err(error)) => trouble = Trouble::Unreachable(error.to_string()),
            Err(_) => trouble = Trouble::Late,
        }
    }
    Err(trouble)
}

impl Registration for Eureka {
    const NAME: &'static str = "eureka";

    fn interval(&self) -> Duration {
        self.settings.renewal_interval
    }

    async fn register(&mut self) -> Result<String, Trouble> {
        let address = self.own_address().await?;
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
