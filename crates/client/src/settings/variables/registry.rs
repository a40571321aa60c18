use std::sync::Arc;

use super::Variables;
use crate::Discovery;

/// A registry, as variables name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Registry {
    Eureka,
    Consul,
    ZooKeeper,
}

type Opened = Option<Arc<dyn Discovery>>;

impl Registry {
    const ALL: [Self; 3] = [Self::Eureka, Self::Consul, Self::ZooKeeper];

    /// What says where it is.
    fn place(self) -> &'static str {
        match self {
            Self::Eureka => "EUREKA_CLIENT_SERVICE_URL_DEFAULT_ZONE",
            Self::Consul => "SPRING_CLOUD_CONSUL_HOST",
            Self::ZooKeeper => "SPRING_CLOUD_ZOOKEEPER_CONNECT_STRING",
        }
    }

    /// What says yes or no to it.
    fn switch(self) -> &'static str {
        match self {
            Self::Eureka => "EUREKA_CLIENT_ENABLED",
            Self::Consul => "SPRING_CLOUD_CONSUL_ENABLED",
            Self::ZooKeeper => "SPRING_CLOUD_ZOOKEEPER_ENABLED",
        }
    }

    fn is_built_in(self) -> bool {
        match self {
            Self::Eureka => cfg!(feature = "eureka"),
            Self::Consul => cfg!(feature = "consul"),
            Self::ZooKeeper => cfg!(feature = "zookeeper"),
        }
    }

    /// Whether somebody says where it is, or yes in so many words.
    fn is_named(self, read: &mut Variables) -> bool {
        match read.flag(self.switch()) {
            Some(is_on) => is_on,
            None => read.text(self.place()).is_some(),
        }
    }

    fn open(self, read: &mut Variables) -> Opened {
        match self {
            Self::Eureka => eureka(read),
            Self::Consul => consul(read),
            Self::ZooKeeper => zookeeper(read),
        }
    }
}

/// The one that is named; where none is, the first that is built in, at its usual address.
pub(super) fn registry(read: &mut Variables, asked_by: &str) -> Opened {
    let mut named = Registry::ALL.to_vec();
    named.retain(|registry| registry.is_named(read));
    match *named {
        [registry] => registry.open(read),
        [one, other, ..] => {
            let (first, switch) = (one.place(), other.switch());
            let what = format!(
                "there is {first} as well, and one registry is asked: {switch}=false leaves this one out"
            );
            read.problem(other.place(), &what);
            None
        }
        [] => {
            let mut built_in = Registry::ALL.into_iter().filter(|one| one.is_built_in());
            let Some(registry) = built_in.find(|one| read.flag(one.switch()) != Some(false)) else {
                let what = "needs a client with the feature `eureka`, `consul` or `zookeeper`";
                read.problem(asked_by, what);
                return None;
            };
            registry.open(read)
        }
    }
}

#[cfg(feature = "eureka")]
fn eureka(read: &mut Variables) -> Opened {
    use crate::Eureka;

    let peers = read.text(Registry::Eureka.place());
    let peers = peers.unwrap_or_else(|| Eureka::USUAL.to_owned());
    read.opened(Eureka::new(&peers))
}

#[cfg(not(feature = "eureka"))]
fn eureka(read: &mut Variables) -> Opened {
    read.problem(
        Registry::Eureka.place(),
        "needs a client with the feature `eureka`",
    );
    None
}

#[cfg(feature = "consul")]
fn consul(read: &mut Variables) -> Opened {
    use crate::{Consul, discovery::bracketed};

    let or = |said: Option<String>, usual: &str| said.unwrap_or_else(|| usual.to_owned());
    let host = or(read.text(Registry::Consul.place()), "localhost");
    let scheme = or(read.text("SPRING_CLOUD_CONSUL_SCHEME"), "http");
    let port = or(read.text("SPRING_CLOUD_CONSUL_PORT"), "8500");
    let path = or(read.text("SPRING_CLOUD_CONSUL_PATH"), "");
    let host = bracketed(&host);
    let path = path.trim_matches('/');
    let consul = Consul::new(&format!("{scheme}://{host}:{port}/{path}"));
    let tokens = [
        "SPRING_CLOUD_CONSUL_DISCOVERY_ACL_TOKEN",
        "SPRING_CLOUD_CONSUL_TOKEN",
        "CONSUL_TOKEN",
    ];
    let consul = match tokens.into_iter().find_map(|name| read.secret(name)) {
        Some(token) => consul.and_then(|consul| consul.token(&token)),
        None => consul,
    };
    read.opened(consul)
}

#[cfg(not(feature = "consul"))]
fn consul(read: &mut Variables) -> Opened {
    read.problem(
        Registry::Consul.place(),
        "needs a client with the feature `consul`",
    );
    None
}

#[cfg(feature = "zookeeper")]
fn zookeeper(read: &mut Variables) -> Opened {
    use crate::ZooKeeper;

    let ensemble = read.text(Registry::ZooKeeper.place());
    let zookeeper = ZooKeeper::new(ensemble.as_deref().unwrap_or(ZooKeeper::USUAL));
    let zookeeper = match read.text("SPRING_CLOUD_ZOOKEEPER_DISCOVERY_ROOT") {
        Some(root) => zookeeper.and_then(|zookeeper| zookeeper.root(&root)),
        None => zookeeper,
    };
    read.opened(zookeeper)
}

#[cfg(not(feature = "zookeeper"))]
fn zookeeper(read: &mut Variables) -> Opened {
    read.problem(
        Registry::ZooKeeper.place(),
        "needs a client with the feature `zookeeper`",
    );
    None
}

impl Variables {
    /// The registry, unless something is wrong with it.
    #[cfg(any(feature = "consul", feature = "eureka", feature = "zookeeper"))]
    fn opened(&mut self, registry: Result<impl Discovery, super::InvalidSettings>) -> Opened {
        match registry {
            Ok(registry) => Some(Arc::new(registry)),
            Err(error) => {
                self.problems.extend(error.problems);
                None
            }
        }
    }
}
