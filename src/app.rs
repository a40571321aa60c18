//! The only wiring: open, connect, bind, spawn.

use std::{
    net::SocketAddr,
    sync::{Arc, OnceLock},
    time::Duration,
};

use anyhow::Context as _;
use confbus_bus::{Bus, Driver};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::{
    access::Access,
    commit_status,
    environment_repository::{Clones, EnvironmentRepository, Hearers},
    http,
    inspection::Inspector,
    ledger::{Bookkeeper, Current, HeldBack, Ledger, Version},
    metrics::Metrics,
    pins::{Keeper, Pins},
    refresh::{self, Refresh, Refresher},
    registration::{Ports, Registrar},
    replicas::{self, Replica},
    settings::{self, Settings},
    tasks::Tasks,
    traces::{Exporter, Traces},
    watchdog::Watchdog,
    waves::{self, Waves},
};

/// How long requests and tasks may take to end.
const GRACE: Duration = Duration::from_secs(20);

/// Stores whose answers changed; the next waits until applications are told of it.
const CHANGES: usize = 8;

/// Connections at a time of a port for management alone.
const MANAGERS: usize = 256;

/// A server that holds its port and has not answered anybody yet.
#[derive(Debug)]
pub struct App {
    doors: Vec<http::Door>,
    writer: http::Writer,
    limits: http::Limits,
    tls: Option<http::Tls>,
    refresher: Refresher,
    bookkeeper: Bookkeeper,
    keeper: Keeper,
    waves: waves::Keeper,
    repository: EnvironmentRepository,
    refresh: Refresh,
    ledger: Ledger,
    reporter: Option<commit_status::Reporter>,
    exporter: Option<Box<Exporter>>,
    registrar: Registrar,
    driver: Option<Box<dyn Driver>>,
    replica: Option<(Box<Replica>, Box<dyn Driver>)>,
    watchdog: Watchdog,
    tasks: Tasks,
}

impl App {
    /// Takes the port, starts Git's thread, serves what is on disk and prepares the bus.
    ///
    /// # Errors
    /// When the port is taken or the system gives no thread.
    pub async fn bind(settings: Settings) -> anyhow::Result<Self> {
        for warning in &settings.warnings {
            warn!(code = warning.code, "{warning}");
        }
        // First what may be refused; whoever connects meanwhile waits in the kernel.
        let mut limits = settings.http.limits.clone();
        let managers = settings
            .management
            .map(|_| MANAGERS.min(limits.connections));
        limits.connections = http::make_room(limits.connections, managers.as_slice());
        let tls = settings.http.tls.clone();
        let mut listeners = listen(settings.listen, limits.threads)?;
        if let Some(socket) = &settings.socket {
            let path = socket.path.display();
            let bound = listeners.and_at(socket);
            listeners =
                bound.with_context(|| format!("{path} cannot be a socket of this server"))?;
            info!(%path, "a socket is open, too");
        }
        let management = settings.management;
        let management = management.map(|address| listen(address, 1)).transpose()?;
        let tasks = Tasks::default();
        let metrics = Arc::new(Metrics::default());
        let ports = Ports {
            main: listeners.address(),
            management: management.as_ref().map(http::Listeners::address),
        };
        let registrar = Registrar::open(settings.registration, ports, &metrics.registries);
        let (registrar, registrations) = registrar
            .map_err(anyhow::Error::msg)
            .context("a registry cannot be told")?;
        let destination = settings.bus.destination();
        let traced = settings.traces;
        let traced = traced.map(|traced| Traces::open(*traced, destination, metrics.spans.clone()));
        let traced = traced
            .transpose()
            .map_err(anyhow::Error::msg)
            .context("the collector of traces cannot be asked")?;
        let (traces, exporter) = traced.map_or_else(Default::default, |(traces, exporter)| {
            (traces, Some(exporter))
        });
        let shares = settings.replicas;
        let of_servers = shares.then(|| of_servers(&settings.bus)).flatten();
        let of_events = match settings.bus {
            settings::Bus::Local => None,
            settings::Bus::Rabbit(rabbit) => Some(driven(Bus::rabbit(*rabbit))),
            #[cfg(feature = "kafka")]
            settings::Bus::Kafka(kafka) => Some(driven(Bus::kafka(*kafka))),
        };
        let (bus, driver) = of_events.unzip();
        let bus = bus.unwrap_or_else(Bus::local);
        let (access, keeper_of_keys) = Access::new(settings.access);
        if let Some(keeper) = keeper_of_keys {
            let keeper = keeper.prepare(tasks.shutdown());
            let keeper = keeper.map_err(anyhow::Error::msg);
            tasks.spawn(
                "keys of tokens",
                keeper.context("the issuer of tokens cannot be asked")?,
            );
        }
        let (ring, bell) = mpsc::channel(1);
        let (pins, keeper) = Pins::open(settings.pins);
        let (waves, waves_keeper) = Waves::open(settings.waves);
        let (judgements, judged) = mpsc::channel(commit_status::QUEUE);
        let (tellings, told) = mpsc::channel(commit_status::QUEUE);
        let (changed, changes) = mpsc::channel(CHANGES);
        let (convergences, converged) = mpsc::channel(commit_status::QUEUE);
        // Without a host to tell, all are closed from the beginning.
        let reporter = settings.commit_status;
        let reporter = reporter
            .map(|settings| commit_status::Reporter::new(settings, judged, told, converged));
        let reporter = reporter
            .transpose()
            .map_err(anyhow::Error::msg)
            .context("the host of commit statuses cannot be asked")?;
        let versions = Arc::new(OnceLock::<EnvironmentRepository>::new());
        let wanted = Arc::clone(&versions);
        let (ledger, bookkeeper) = Ledger::open(
            settings.ledger,
            settings.member.id.clone(),
            Box::new(move |request, instance| {
                let repository = wanted.get();
                let given = repository.and_then(|all| all.version_of(request, Some(instance)));
                let held = given.as_ref().and_then(|given| given.held.as_ref());
                Version {
                    held: held.map(|held| HeldBack {
                        wanted: held.wanted.to_string(),
                        because: held.because.to_string(),
                    }),
                    current: given.map(|given| Current {
                        version: given.version,
                        generation: given.generation,
                    }),
                    is_for_all: repository.is_none_or(|all| !all.is_divided(request)),
                }
            }),
        );
        let bookkeeper = bookkeeper.counting(metrics.fleet.clone());
        let mut bookkeeper = bookkeeper.telling(convergences);
        let replica = of_servers.map(|(bus, driver)| {
            let counts = metrics.replicas.clone();
            let own = settings.member.id.clone();
            let replica = Replica::new(bus, ledger.clone(), own, counts);
            (Box::new(replica), driver)
        });
        if replica.is_some() {
            bookkeeper = bookkeeper.sharing();
        }
        let known = ledger.coordinates();
        let default_labels = settings.repository.default_labels();
        let repository = EnvironmentRepository::open(
            settings.repository,
            pins.clone(),
            waves.clone(),
            tasks.clone(),
            known,
            Hearers {
                bell: ring,
                judgements,
                changed,
                metrics: metrics.clone(),
                traces: traces.clone(),
            },
        )
        .await
        .context("the backends cannot be opened")?;
        _ = versions.set(repository.clone());
        waves_keeper.prepare(&repository);
        let (refresh, refresher) = Refresher::new(
            settings.refresh,
            refresh::Rooms {
                repository: repository.clone(),
                ledger: ledger.clone(),
                bus: bus.clone(),
                metrics: metrics.clone(),
                traces: traces.clone(),
            },
            settings.member,
            bell,
            tellings,
        );
        tasks.spawn(
            "changes",
            refresh.clone().tell_of(changes, tasks.shutdown()),
        );

        let inspector = Inspector::open(
            &settings.inspection,
            repository.clone(),
            ledger.clone(),
            default_labels,
        );
        let watchdog = Watchdog::new();
        watchdog.start().context("the watchdog cannot be started")?;
        let fronts = http::fronts(
            settings.http,
            http::Rooms {
                access,
                repository: repository.clone(),
                inspector,
                refresh: refresh.clone(),
                ledger: ledger.clone(),
                pins,
                waves,
                bus,
                watchdog: watchdog.clone(),
                metrics: metrics.clone(),
                traces,
                registrations,
            },
            management.is_some(),
            tasks.shutdown(),
        );
        let mut doors = vec![http::Door {
            listeners,
            front: fronts.main,
            connections: limits.connections,
        }];
        let management = management.zip(fronts.management);
        doors.extend(management.map(|(listeners, front)| {
            info!(address = %listeners.address(), "management has a port of its own");
            http::Door {
                listeners,
                front,
                connections: MANAGERS.min(limits.connections),
            }
        }));
        Ok(Self {
            doors,
            writer: fronts.writer,
            limits,
            tls,
            refresher,
            bookkeeper,
            keeper,
            waves: waves_keeper,
            repository,
            refresh,
            ledger,
            reporter,
            exporter,
            registrar,
            driver,
            replica,
            watchdog,
            tasks,
        })
    }

    /// Where the server listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        let main = self.doors.first().map(|door| door.listeners.address());
        main.ok_or_else(|| std::io::ErrorKind::NotConnected.into())
    }

    /// Tells how far the first clones are.
    #[must_use]
    pub fn clones(&self) -> Clones {
        Clones::new(self.repository.clone())
    }

    /// Serves until `stop` resolves or a task fails, then drains.
    ///
    /// # Errors
    /// When a task failed.
    pub async fn serve_until(
        self,
        stop: impl Future<Output = std::io::Result<()>>,
    ) -> anyhow::Result<()> {
        let Self {
            doors,
            writer,
            limits,
            tls,
            refresher,
            bookkeeper,
            keeper,
            waves,
            repository,
            refresh,
            ledger,
            reporter,
            exporter,
            registrar,
            driver,
            replica,
            watchdog,
            tasks,
        } = self;
        let shutdown = || tasks.shutdown();
        if let Some(driver) = driver {
            tasks.spawn("bus", driver.run(shutdown()));
        }
        if let Some((replica, driver)) = replica {
            tasks.spawn("bus of servers", driver.run(shutdown()));
            tasks.spawn("replicas", replica.run(shutdown()));
        }
        if let Some(reporter) = reporter {
            tasks.spawn("commit status", reporter.run(shutdown()));
        }
        if let Some(exporter) = exporter {
            tasks.spawn("traces", exporter.run(shutdown()));
        }
        tasks.spawn("ledger", bookkeeper.run(shutdown()));
        tasks.spawn("refresh", refresher.run(shutdown()));
        let registered = registrar.start(&repository, &tasks);
        let pins = keeper.run(repository.clone(), refresh.clone(), shutdown());
        tasks.spawn("pins", pins);
        tasks.spawn("waves", waves.run(repository, refresh, ledger, shutdown()));
        tasks.spawn("events", writer.run(shutdown()));
        tasks.spawn("pulse", watchdog.watch("tasks").beat_until(shutdown()));
        if let Some(tls) = &tls {
            tasks.spawn("certificates", tls.clone().follow(shutdown()));
        }
        let serving = http::serve(doors, tls, limits, watchdog, shutdown());
        tasks.spawn("http", serving);
        let failed = tokio::select! {
            stopped = stop => stopped.map(|()| false)?,
            () = tasks.failed() => true,
        };
        // While everything still answers: nobody new comes then.
        registered.leave().await;
        tasks.stop(GRACE).await;
        anyhow::ensure!(!failed, "a background task failed");
        Ok(())
    }
}

/// The bus on which servers tell each other, beside that of events.
fn of_servers(of_events: &settings::Bus) -> Option<(Bus, Box<dyn Driver>)> {
    match of_events {
        settings::Bus::Local => None,
        settings::Bus::Rabbit(rabbit) => Some(driven(Bus::rabbit(replicas::exchange(rabbit)))),
        #[cfg(feature = "kafka")]
        settings::Bus::Kafka(kafka) => Some(driven(Bus::kafka(replicas::topic(kafka)))),
    }
}

fn driven<D: Driver + 'static>((bus, driver): (Bus, D)) -> (Bus, Box<dyn Driver>) {
    (bus, Box::new(driver))
}

fn listen(address: SocketAddr, threads: usize) -> anyhow::Result<http::Listeners> {
    http::Listeners::bind(address, threads)
        .with_context(|| format!("{address} cannot be listened on"))
}
