use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use crate::network::Network;

/// The address of everybody who connects to the socket in the file system: one that nobody else can have, and not one of this
/// machine, for which more is open.
pub(super) const ON_SOCKET: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Who is at the other end of a connection, as far as the connection itself shows.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// Whom the certificate names that it proved to have, once somebody whom we trust vouched for it.
    pub(super) certificate: Option<Arc<str>>,
    /// What it says of others counts.
    pub(super) is_gateway: bool,
}

impl Peer {
    /// Whom limits count it as.
    pub(super) fn network(&self) -> Network {
        let address = self.address.ip();
        if self.is_gateway {
            Network::behind_gateway(address)
        } else {
            Network::of(address)
        }
    }
}

impl From<SocketAddr> for Peer {
    /// One who has shown no certificate and is believed nothing.
    fn from(address: SocketAddr) -> Self {
        Self {
            address,
            certificate: None,
            is_gateway: false,
        }
    }
}

/// For the log: the address, and the name if there is one.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.certificate {
            Some(name) => write!(f, "{} ({name:?})", self.address),
            None => self.address.fmt(f),
        }
    }
}
