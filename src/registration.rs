//! Tells registries that this server is here, so that clients find it by the name of a service: registered once it can answer,
//! renewed while it runs, and taken back before anything else ends.
//!
//! Nothing waits for a registry but the end of the server, and that not for long; what one says changes no answer.

#[cfg(feature = "eureka")]
pub(crate) mod eureka;
mod keeper;
mod standing;
mod trouble;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

#[cfg(feature = "eureka")]
use keeper::Keeper;
pub(crate) use standing::Standing;
use trouble::Trouble;

use crate::{environment_repository::EnvironmentRepository, metrics::Registries, tasks::Tasks};

/// Which registries are told; none by default.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    #[cfg(feature = "eureka")]
    pub(crate) eureka: Option<Box<eureka::Settings>>,
}

/// Where the server listens.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) main: SocketAddr,
    /// Where management is answered, if not there.
    pub(crate) management: Option<SocketAddr>,
}

/// A registry, and how this server is told to it. Each call has an end of its own.
trait Registration: Send + 'static {
    /// What it is called, in the log and for who scrapes.
    const NAME: &'static str;

    /// How often it wants to hear that the server is still here.
    fn interval(&self) -> Duration;

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
#[derive(Debug, Default)]
pub(crate) struct Registrar {
    #[cfg(feature = "eureka")]
    eureka: Option<Box<Keeper<eureka::Eureka>>>,
}

/// Takes everything back.
#[derive(Debug)]
pub(crate) struct Leaving {
    stop: CancellationToken,
    keepers: TaskTracker,
}

impl Registrations {
    pub(crate) fn all(&self) -> &[Standing] {
        &self.0
    }
}

impl Registrar {
    /// Nobody is told yet.
    ///
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    #[cfg_attr(
        not(feature = "eureka"),
        expect(unused_variables, reason = "no registry is built in")
    )]
    pub(crate) fn open(
        settings: Settings,
        ports: Ports,
        metrics: &Registries,
    ) -> Result<(Self, Registrations), String> {
        #[cfg(feature = "eureka")]
        let eureka = settings
            .eureka
            .map(|settings| {
                let eureka = eureka::Eureka::new(*settings, ports)?;
                Ok(Box::new(Keeper::new(eureka, metrics.clone())))
            })
            .transpose()
            .map_err(|error: String| format!("Eureka: {error}"))?;
        let standings: &[Option<Standing>] = &[
            #[cfg(feature = "eureka")]
            eureka.as_ref().map(|keeper| keeper.standing()),
        ];
        let standings = standings.iter().flatten().cloned().collect();
        let registrar = Self {
            #[cfg(feature = "eureka")]
            eureka,
        };
        Ok((registrar, Registrations(standings)))
    }

    /// Registers as soon as the repository has something to answer from.
    #[cfg_attr(
        not(feature = "eureka"),
        expect(unused_variables, reason = "no registry is built in")
    )]
    pub(crate) fn start(self, repository: &EnvironmentRepository, tasks: &Tasks) -> Leaving {
        let stop = tasks.shutdown().child_token();
        let keepers = TaskTracker::new();
        #[cfg(feature = "eureka")]
        if let Some(keeper) = self.eureka {
            let repository = repository.clone();
            let kept = keeper.run(move || repository.is_serving(), stop.clone());
            tasks.spawn_until("eureka", &stop, keepers.track_future(kept));
        }
        Leaving { stop, keepers }
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
