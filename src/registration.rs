//! Tells registries that this server is here, so that clients find it by the name of a service: registered once it can answer,
//! renewed while it runs, and taken back before anything else ends.
//!
//! Nothing waits for a registry but the end of the server, and that not for long; what one says changes no answer.

#[cfg(any(feature = "consul", feature = "eureka", feature = "zookeeper"))]
mod advertised;
#[cfg(any(feature = "consul", feature = "eureka"))]
mod base;
#[cfg(feature = "consul")]
pub(crate) mod consul;
#[cfg(feature = "eureka")]
pub(crate) mod eureka;
mod keeper;
mod standing;
mod trouble;
#[cfg(feature = "zookeeper")]
pub(crate) mod zookeeper;

use std::{fmt, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[cfg(any(feature = "consul", feature = "eureka", feature = "zookeeper"))]
pub(crate) use advertised::Advertised;
use keeper::Keeper;
pub(crate) use standing::Standing;
pub(crate) use trouble::Trouble;

use crate::{environment_repository::EnvironmentRepository, metrics::Registries, tasks::Tasks};

/// Which registries are told; none by default.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    #[cfg(feature = "consul")]
    pub(crate) consul: Option<Box<consul::Settings>>,
    #[cfg(feature = "eureka")]
    pub(crate) eureka: Option<Box<eureka::Settings>>,
    #[cfg(feature = "zookeeper")]
    pub(crate) zookeeper: Option<Box<zookeeper::Settings>>,
}

/// Where the server listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) main: SocketAddr,
    /// Where management is answered, if not there.
    #[cfg_attr(
        all(
            feature = "zookeeper",
            not(any(feature = "consul", feature = "eureka"))
        ),
        expect(dead_code, reason = "a node says nothing of it")
    )]
    pub(crate) management: Option<SocketAddr>,
}

/// A registry, and how this server is told to it. Each call has an end of its own.
trait Registration: Send + Sized + 'static {
    /// What it is called, in the log and for who scrapes.
    const NAME: &'static str;

    /// How often it wants to hear that the server is still here.
    fn interval(&self) -> Duration;

    /// What it is and where, for people, without credentials.
    fn place(&self) -> String;

    /// Asks it for what a registration needs, and changes nothing.
    fn probe(&mut self) -> impl Future<Output = Result<(), Trouble>> + Send;

    /// Says that the server is here; answers with who took it.
    fn register(&mut self) -> impl Future<Output = Result<String, Trouble>> + Send;

    /// Says that it still is; answers with who took it, or with nobody when the registry does not know the server any more.
    fn renew(&mut self) -> impl Future<Output = Result<Option<String>, Trouble>> + Send;

    /// Says that it will not be any more.
    fn deregister(&mut self) -> impl Future<Output = Result<(), Trouble>> + Send;
}

/// How the server stands with each registry that is told.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registrations(Arc<[Standing]>);

/// Tells registries, once it is started.
#[derive(Default)]
pub(crate) struct Registrar(Vec<Box<dyn Told>>);

/// One of them, whichever it is.
trait Told: Send {
    fn name(&self) -> &'static str;
    fn standing(&self) -> Standing;
    fn probe(self: Box<Self>) -> Work<Probed>;
    fn keep(
        self: Box<Self>,
        repository: EnvironmentRepository,
        stop: CancellationToken,
    ) -> Work<()>;
}

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a registry made of a question.
#[derive(Debug)]
pub(crate) struct Probed {
    /// What it is and where, without credentials.
    pub(crate) place: String,
    pub(crate) answer: Result<(), Trouble>,
}

/// Takes everything back.
#[derive(Debug)]
pub(crate) struct Leaving {
    stop: CancellationToken,
    keepers: TaskTracker,
}

impl Settings {
    /// What each registry is and where, without credentials: `Eureka at http://eureka:8761/eureka`.
    pub(crate) fn places(&self) -> Vec<String> {
        let places: &[Option<String>] = &[
            #[cfg(feature = "consul")]
            self.consul.as_ref().map(|consul| consul.place()),
            #[cfg(feature = "eureka")]
            self.eureka.as_ref().map(|eureka| eureka.place()),
            #[cfg(feature = "zookeeper")]
            self.zookeeper.as_ref().map(|zookeeper| zookeeper.place()),
        ];
        places.iter().flatten().cloned().collect()
    }
}

impl Registrations {
    pub(crate) fn all(&self) -> &[Standing] {
        &self.0
    }
}

impl<R: Registration> Told for Keeper<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn standing(&self) -> Standing {
        self.standing()
    }

    fn probe(self: Box<Self>) -> Work<Probed> {
        Box::pin((*self).probe())
    }

    fn keep(
        self: Box<Self>,
        repository: EnvironmentRepository,
        stop: CancellationToken,
    ) -> Work<()> {
        Box::pin(self.run(move || repository.is_serving(), stop))
    }
}

impl Registrar {
    /// Nobody is told yet.
    ///
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    #[cfg_attr(
        not(any(feature = "consul", feature = "eureka", feature = "zookeeper")),
        expect(unused_variables, reason = "no registry is built in")
    )]
    pub(crate) fn open(
        settings: Settings,
        ports: Ports,
        metrics: &Registries,
    ) -> Result<(Self, Registrations), String> {
        let all: Vec<Option<Box<dyn Told>>> = vec![
            #[cfg(feature = "consul")]
            settings
                .consul
                .map(|settings| consul::Consul::new(*settings, ports))
                .transpose()
                .map_err(|error| format!("Consul: {error}"))?
                .map(|consul| told(consul, metrics)),
            #[cfg(feature = "eureka")]
            settings
                .eureka
                .map(|settings| eureka::Eureka::new(*settings, ports))
                .transpose()
                .map_err(|error| format!("Eureka: {error}"))?
                .map(|eureka| told(eureka, metrics)),
            #[cfg(feature = "zookeeper")]
            settings
                .zookeeper
                .map(|settings| told(zookeeper::ZooKeeper::new(*settings, ports), metrics)),
        ];
        let all: Vec<_> = all.into_iter().flatten().collect();
        let standings = all.iter().map(|told| told.standing()).collect();
        Ok((Self(all), Registrations(standings)))
    }

    /// Asks each registry, and tells none.
    pub(crate) async fn probe(self) -> Vec<Probed> {
        let mut probed = Vec::new();
        for told in self.0 {
            probed.push(told.probe().await);
        }
        probed
    }

    /// Registers as soon as the repository has something to answer from.
    pub(crate) fn start(self, repository: &EnvironmentRepository, tasks: &Tasks) -> Leaving {
        let stop = tasks.shutdown().child_token();
        let keepers = TaskTracker::new();
        for told in self.0 {
            let name = told.name();
            let kept = told.keep(repository.clone(), stop.clone());
            tasks.spawn_until(name, &stop, keepers.track_future(kept));
        }
        Leaving { stop, keepers }
    }
}

#[cfg(any(feature = "consul", feature = "eureka", feature = "zookeeper"))]
fn told(registration: impl Registration, metrics: &Registries) -> Box<dyn Told> {
    Box::new(Keeper::new(registration, metrics.clone()))
}

impl fmt::Debug for Registrar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().map(|told| told.name());
        f.debug_list().entries(names).finish()
    }
}

impl Leaving {
    /// Takes the server off all lists, so that nobody new comes while it ends.
    pub(crate) async fn leave(self) {
        self.stop.cancel();
        self.keepers.close();
        // Each has an end of its own.
        self.keepers.wait().await;
    }
}
