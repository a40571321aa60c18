use std::{fmt, net::SocketAddr, sync::Arc};

/// Who is at the other end of a connection, as far as the connection itself shows.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    /// Whom the certificate names that it proved to have, once somebody whom we trust vouched for it.
    pub(super) certificate: Option<Arc<str>>,
}

impl From<SocketAddr> for Peer {
    /// One who has shown no certificate.
    fn from(address: SocketAddr) -> Self {
        Self {
            address,
            certificate: None,
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
