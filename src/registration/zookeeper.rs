//! ZooKeeper, as Curator's service discovery lays it out: an ephemeral node for each instance, which ends with its session.

mod ensemble;
mod node;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::timeout;
use zookeeper_client::{Acls, Client, CreateMode, Error};

pub(crate) use self::ensemble::{Ensemble, is_name, is_path};
use self::node::Node;
use super::{Advertised, Ports, Registration, Trouble};

/// For one call, however many requests that takes.
const DEADLINE: Duration = Duration::from_secs(5);
/// The longest time until somebody sees that a node is not there any more.
const LONGEST_INTERVAL: Duration = Duration::from_secs(5);

/// Which ensemble is told, and what.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) ensemble: Ensemble,
    /// Below which node services are, with a slash in front.
    pub(crate) root: String,
    /// By which name clients look it up.
    pub(crate) service: String,
    /// An instance has a random name unless it is said.
    pub(crate) advertised: Advertised,
    /// The port that is listened on unless it is said.
    pub(crate) port: Option<u16>,
    /// The same for TLS, where that is spoken.
    pub(crate) secure_port: Option<u16>,
    pub(crate) is_https: bool,
    /// After how long of silence the ensemble drops the node; it may choose another time.
    pub(crate) session: Duration,
}

impl Settings {
    /// What it is and where.
    pub(crate) fn place(&self) -> String {
        format!("ZooKeeper at {}", self.ensemble)
    }
}

/// Tells ZooKeeper.
#[derive(Debug)]
pub(super) struct ZooKeeper {
    settings: Settings,
    ports: Ports,
    node: Node,
    /// Its end is the end of the node.
    session: Option<Client>,
}

impl ZooKeeper {
    pub(super) fn new(settings: Settings, ports: Ports) -> Self {
        Self {
            node: Node::of(&settings),
            settings,
            ports,
            session: None,
        }
    }

    /// The session that there is, unless it has ended.
    fn living(&mut self) -> Option<&Client> {
        self.session
            .take_if(|session| session.state().is_terminated());
        self.session.as_ref()
    }

    async fn session(&mut self) -> Result<Client, Error> {
        if let Some(session) = self.living() {
            return Ok(session.clone());
        }
        let connector = Client::connector()
            .with_session_timeout(self.settings.session)
            .with_fail_eagerly();
        let session = connector
            .connect(&self.settings.ensemble.to_string())
            .await?;
        Ok(self.session.insert(session).clone())
    }

    /// What lies there under our name is of an earlier server or of an earlier session: it is replaced, as Curator does.
    async fn create(&mut self, data: &[u8]) -> Result<(), Error> {
        let session = self.session().await?;
        let (folder, path) = (self.node.folder(), self.node.path());
        let container = CreateMode::Container.with_acls(Acls::anyone_all());
        match session.mkdir(folder, &container).await {
            // A server before 3.5 knows no containers.
            Err(Error::Unimplemented) => {
                let plain = CreateMode::Persistent.with_acls(Acls::anyone_all());
                session.mkdir(folder, &plain).await?;
            }
            made => made?,
        }
        let ephemeral = CreateMode::Ephemeral.with_acls(Acls::anyone_all());
        match session.create(path, data, &ephemeral).await {
            Err(Error::NodeExists) => {}
            created => return created.map(|_| ()),
        }
        match session.delete(path, None).await {
            Ok(()) | Err(Error::NoNode) => {}
            Err(error) => return Err(error),
        }
        session.create(path, data, &ephemeral).await.map(|_| ())
    }

    /// Whether our node is there, and ours.
    async fn is_listed(&mut self) -> Result<bool, Error> {
        let path = self.node.path().to_owned();
        let Some(session) = self.living() else {
            return Ok(false);
        };
        let stat = session.check_stat(&path).await?;
        let owner = session.session_id().0;
        Ok(stat.is_some_and(|stat| stat.ephemeral_owner == owner))
    }

    /// Takes our node away, and none that another server of our name has put there since. That of a session that has ended goes
    /// without us.
    async fn leave(&mut self) -> Result<(), Error> {
        if !self.is_listed().await? {
            return Ok(());
        }
        let path = self.node.path().to_owned();
        match self.living() {
            Some(session) => session.delete(&path, None).await,
            None => Ok(()),
        }
    }
}

/// Gives a call its end.
async fn within<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, Trouble> {
    match timeout(DEADLINE, call).await {
        Ok(answer) => answer.map_err(|error| trouble(&error)),
        Err(_) => Err(Trouble::Late),
    }
}

fn trouble(error: &Error) -> Trouble {
    let said = error.to_string();
    match error {
        Error::NoAuth | Error::AuthFailed | Error::InvalidAcl => Trouble::Denied(said),
        Error::Timeout => Trouble::Late,
        Error::Throttled | Error::QuotaExceeded | Error::NotReadOnly => Trouble::Failing(said),
        Error::NoNode | Error::NoChildrenForEphemerals | Error::BadArguments(_) => {
            Trouble::Refused(said)
        }
        _ => Trouble::Unreachable(said),
    }
}

impl Registration for ZooKeeper {
    const NAME: &'static str = "zookeeper";

    fn interval(&self) -> Duration {
        LONGEST_INTERVAL.min(self.settings.session / 3)
    }

    fn place(&self) -> String {
        self.settings.place()
    }

    async fn probe(&mut self) -> Result<(), Trouble> {
        let root = self.settings.root.clone();
        within(async {
            let session = self.session().await?;
            session.check_stat(&root).await.map(|_| ())
        })
        .await
    }

    async fn register(&mut self) -> Result<String, Trouble> {
        let hosts = self.settings.ensemble.hosts();
        let advertised = &self.settings.advertised;
        let address = advertised.own_address(self.ports.main.ip(), hosts).await?;
        let data = self.node.data(&self.settings, self.ports, address);
        within(self.create(&data)).await?;
        Ok(self.settings.ensemble.to_string())
    }

    async fn renew(&mut self) -> Result<Option<String>, Trouble> {
        match within(self.is_listed()).await {
            // Who lost the session while asking for the node finds out with the next one.
            Err(_) if self.living().is_none() => Ok(None),
            listed => Ok(listed?.then(|| self.settings.ensemble.to_string())),
        }
    }

    async fn deregister(&mut self) -> Result<(), Trouble> {
        let left = within(self.leave()).await;
        self.session = None;
        match left {
            Err(Trouble::Refused(_)) | Ok(()) => Ok(()),
            Err(trouble) => Err(trouble),
        }
    }
}
