//! Servers that a registry names.

use std::{collections::BTreeMap, fmt, future::Future, pin::Pin};

#[cfg(any(feature = "consul", feature = "eureka"))]
mod body;
#[cfg(feature = "consul")]
mod consul;
#[cfg(feature = "eureka")]
mod eureka;
mod finder;
#[cfg(feature = "zookeeper")]
mod zookeeper;

#[cfg(feature = "consul")]
pub use consul::Consul;
#[cfg(feature = "eureka")]
pub use eureka::Eureka;
pub(crate) use finder::{Finder, Wanted};
#[cfg(feature = "zookeeper")]
pub use zookeeper::ZooKeeper;

/// A host as addresses of the web have it: an IPv6 address stands in brackets.
#[cfg(any(feature = "consul", feature = "eureka", feature = "zookeeper"))]
pub(crate) fn bracketed(host: &str) -> String {
    let is_bare = host.contains(':') && !host.starts_with('[');
    if is_bare {
        format!("[{host}]")
    } else {
        host.to_owned()
    }
}

/// A registry that knows who offers a service.
///
/// There is one each for Consul, Eureka and ZooKeeper with the features of these names. Others may stand behind it as well: the
/// client asks every thirty seconds, and when nobody answers, and holds on to the servers it knows as long as the registry names none.
pub trait Discovery: Send + Sync + 'static {
    /// What it is and where, for people: `Eureka at http://eureka:8761/eureka`. No credentials are in it.
    fn name(&self) -> String;

    /// Every instance of a service that takes requests, in an order of the registry's own. It is given ten seconds.
    fn instances<'a>(&'a self, service: &'a str) -> Found<'a>;
}

/// What a registry answers.
pub type Found<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<Instance>, DiscoveryError>> + Send + 'a>>;

/// Why a registry did not answer, in words that hold no credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DiscoveryError(String);

impl DiscoveryError {
    /// What is wrong.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

/// One of those who offer a service.
#[derive(Clone, PartialEq, Eq)]
pub struct Instance {
    address: String,
    metadata: BTreeMap<String, String>,
}

impl Instance {
    /// An instance at `http[s]://host:port`.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            metadata: BTreeMap::new(),
        }
    }

    /// What it says of itself. As with Spring, `configPath` is where its routes begin, and `user` and `password` open it;
    /// without `user`, `password` is that of `user`.
    #[must_use]
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    fn value(&self, name: &str) -> Option<&str> {
        let value = self.metadata.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }
}

/// Metadata may hold a password.
impl fmt::Debug for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.metadata.keys().collect();
        f.debug_struct("Instance")
            .field("metadata", &names)
            .finish_non_exhaustive()
    }
}
