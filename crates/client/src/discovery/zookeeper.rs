//! Servers that are registered with ZooKeeper.

mod node;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::timeout;
use tracing::warn;
use zookeeper_client::{Client, Error};

use super::{Discovery, DiscoveryError, Found, Instance};
use crate::InvalidSettings;

/// For all requests of one question.
const PATIENCE: Duration = Duration::from_secs(8);
/// After how long without a sign of life ZooKeeper forgets us; nothing depends on it.
const SESSION: Duration = Duration::from_secs(30);
/// More instances than these are not read.
const MOST: usize = 256;

/// A ZooKeeper ensemble with services as Curator's service discovery lays them out.
///
/// ```
/// use confbus_client::{Settings, ZooKeeper};
///
/// let zookeeper = ZooKeeper::new("zookeeper-1:2181,zookeeper-2:2181")?.root("/services")?;
/// let settings = Settings::new("orders").discovery("configserver", zookeeper);
/// # Ok::<_, confbus_client::InvalidSettings>(())
/// ```
pub struct ZooKeeper {
    ensemble: String,
    /// Empty, or with a slash in front.
    root: String,
    /// Kept from one question to the next: a session costs the ensemble two writes.
    session: tokio::sync::Mutex<Option<Client>>,
    /// What was told of nodes that are nobody's we could ask.
    odd: Mutex<BTreeSet<String>>,
}

impl ZooKeeper {
    /// Spring's address when none is said.
    pub(crate) const USUAL: &'static str = "localhost:2181";

    /// Takes `host[:port]`, several of them separated by commas, and behind them `/path` where everything lies below a node.
    ///
    /// # Errors
    /// [`InvalidSettings`] when it is something else. The text is not quoted.
    pub fn new(ensemble: &str) -> Result<Self, InvalidSettings> {
        let (hosts, below) = ensemble.split_once('/').unwrap_or((ensemble, ""));
        let mut hosts: Vec<_> = hosts.split(',').map(str::trim).collect();
        hosts.retain(|host| !host.is_empty());
        let is_odd =
            |host: &&str| host.contains(['@', '/', ' ']) || host.contains(char::is_control);
        if hosts.is_empty() || hosts.iter().any(is_odd) {
            let text = "ZooKeeper: no list of hosts with a path behind it";
            return Err(InvalidSettings::of(text.to_owned()));
        }
        let below = path(below)?;
        Ok(Self {
            ensemble: format!("{}{below}", hosts.join(",")),
            root: "/services".to_owned(),
            session: tokio::sync::Mutex::default(),
            odd: Mutex::default(),
        })
    }

    /// Below which node services are registered (`/services`).
    ///
    /// # Errors
    /// [`InvalidSettings`] when it is no path of a node.
    pub fn root(mut self, root: &str) -> Result<Self, InvalidSettings> {
        self.root = path(root)?;
        Ok(self)
    }

    async fn session(&self) -> Result<Client, Error> {
        let mut session = self.session.lock().await;
        if let Some(living) = session.as_ref().filter(|one| !one.state().is_terminated()) {
            return Ok(living.clone());
        }
        let connector = Client::connector()
            .with_session_timeout(SESSION)
            .with_fail_eagerly();
        Ok(session
            .insert(connector.connect(&self.ensemble).await?)
            .clone())
    }

    async fn find(&self, service: &str) -> Result<Vec<Instance>, Error> {
        let session = self.session().await?;
        let folder = format!("{}/{service}", self.root);
        let nodes = match session.list_children(&folder).await {
            Ok(nodes) => nodes,
            Err(Error::NoNode) => Vec::new(),
            Err(error) => return Err(error),
        };
        let (mut instances, mut odd) = (Vec::new(), BTreeSet::new());
        for node in nodes.into_iter().take(MOST) {
            match session.get_data(&format!("{folder}/{node}")).await {
                Ok((data, _)) => match node::instance(&data) {
                    Ok(Some(instance)) => instances.push(instance),
                    Ok(None) => {}
                    Err(problem) => _ = odd.insert(format!("{node}: {problem}")),
                },
                // It went meanwhile.
                Err(Error::NoNode) => {}
                // Somebody else's, who lets nobody read it.
                Err(error @ Error::NoAuth) => _ = odd.insert(format!("{node}: {error}")),
                Err(error) => return Err(error),
            }
        }
        self.tell(service, odd);
        Ok(instances)
    }

    /// Tells each node once that is left out, as long as it stays that way.
    fn tell(&self, service: &str, odd: BTreeSet<String>) {
        let mut told = self.odd.lock().unwrap_or_else(PoisonError::into_inner);
        for problem in odd.difference(&told) {
            warn!(service, problem, "a node of ZooKeeper is left out");
        }
        *told = odd;
    }

    async fn answer(&self, service: &str) -> Result<Vec<Instance>, DiscoveryError> {
        let found = match timeout(PATIENCE, self.find(service)).await {
            Ok(found) => found.map_err(|error| error.to_string()),
            Err(_) => Err("no answer in time".to_owned()),
        };
        found.map_err(|problem| DiscoveryError::new(format!("{}: {problem}", self.ensemble)))
    }
}

/// Empty, or the path of a node, with a slash in front and none behind.
fn path(text: &str) -> Result<String, InvalidSettings> {
    let text = text.trim_matches('/');
    if text.is_empty() {
        return Ok(String::new());
    }
    let is_name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(char::is_control);
    if text.split('/').all(is_name) {
        return Ok(format!("/{text}"));
    }
    Err(InvalidSettings::of(
        "ZooKeeper: no path of a node".to_owned(),
    ))
}

impl Discovery for ZooKeeper {
    fn name(&self) -> String {
        format!("ZooKeeper at {}", self.ensemble)
    }

    fn instances<'a>(&'a self, service: &'a str) -> Found<'a> {
        Box::pin(self.answer(service))
    }
}

impl fmt::Debug for ZooKeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_strings_and_roots_are_checked() {
        let zookeeper = ZooKeeper::new("zk1:2181, zk2,/apps/").unwrap();
        assert_eq!(zookeeper.name(), "ZooKeeper at zk1:2181,zk2/apps");
        assert_eq!(zookeeper.root, "/services");
        assert_eq!(zookeeper.root("a/b/").unwrap().root, "/a/b");
        for ensemble in ["", ",", "jo:s3cret@zk1", "zk1/a//b"] {
            let error = ZooKeeper::new(ensemble).unwrap_err().to_string();
            assert!(
                error.contains("ZooKeeper: ") && !error.contains("s3cret"),
                "{error}"
            );
        }
        assert!(ZooKeeper::new("zk1").unwrap().root("/a/../b").is_err());
    }

    #[tokio::test]
    async fn who_is_not_there_is_told_of() {
        let zookeeper = ZooKeeper::new("127.0.0.1:1").unwrap();
        let error = zookeeper.instances("configserver").await.unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("127.0.0.1:1: "), "{error}");
    }
}
