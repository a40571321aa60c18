//! Live, typed configuration from confbus, or from the Spring Cloud Config Server that you already have.
//!
//! ```no_run
//! use confbus_client::{Client, Live, Settings};
//!
//! #[derive(Debug, PartialEq, serde::Deserialize)]
//! struct Limits { max_open: u32, note: Option<String> }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect(Settings::from_env()?).await?;
//! let limits: Live<Limits> = client.bind("orders.limits").live()?;
//! println!("at most {} open orders", limits.load().max_open);
//! loop {
//!     let change = limits.changed().await;
//!     println!("{} -> {} by {:?}", change.old.max_open, change.new.max_open, change.keys);
//! }
//! # }
//! ```
//!
//! * **Live.** A push to Git arrives by a stream of events or over Spring Cloud Bus; a poll makes up for lost events.
//! * **Typed.** Sections bind as Spring binds them, and are read without a lock.
//! * **All or nothing.** A version that does not fit one section moves none. The old values stay, and
//!   [`Client::health`] names the key, the reason and the place: `orders-dev.yml:14:8`.
//! * **Hard to take down.** Several servers with a circuit breaker each, retries, and the last good configuration on
//!   disk. A 404, a 5xx or a login page never empties what is running.
//! * **Accountable.** A confbus server is told which version runs here, which was refused, and why.
//! * **Discreet.** Values of keys that look secret are in no error, no log and no `Debug`.
//! * **Easy to test.** [`testing`] runs the same code without a server.
//!
//! # From settings to a client
//!
//! [`Settings::from_env`] reads Spring's variables (`SPRING_APPLICATION_NAME`, `SPRING_CLOUD_CONFIG_URI`, …) and a few of
//! ours; [`Settings::new`] is for code. [`Client::connect`] returns with a configuration: a server's, or, when none
//! answers within a time, the newest that was accepted here. [`Start`] chooses, [`LastGoodFile`] says where it is kept
//! and what it holds of secrets.
//!
//! ```no_run
//! use std::time::Duration;
//! use confbus_client::{Client, LastGoodFile, Settings, Start};
//!
//! # async fn f() -> Result<(), confbus_client::ConnectError> {
//! let settings = Settings::new("orders")
//!     .profiles("prod")
//!     .server("https://config-1:8888,https://config-2:8888")
//!     .start(Start::Fresh { within: Duration::from_secs(5) })
//!     .last_good(LastGoodFile::new("/var/lib/orders"));
//! let client = Client::connect(settings).await?;
//! # Ok(()) }
//! ```
//!
//! Servers are asked in their order. One that fails three times in a row is left alone for pauses that grow from one
//! second to a minute, as long as another answers; [`Health::servers`] shows it. Nobody goes back because the next server
//! lags: each question names the commit that runs and those that events told of, and of a server that cannot say that it is
//! as new nothing is taken. It is asked again after a quarter of a second and growing pauses, and then with each poll.
//!
//! Instead of addresses a registry may name the servers: [`Settings::discovery`] takes the name of a service and a
//! [`Discovery`], of which the features `consul`, `eureka` and `zookeeper` have one each. It is asked again every thirty seconds, and at once when nobody
//! answers; a registry that knows nobody, or is away, takes no server from the list. `configPath`, `user` and `password` of
//! an instance are honoured as Spring does. [`Balance`] says who is asked first.
//!
//! # From keys to types
//!
//! [`Client::bind`] takes a section or a single value, [`Client::bind_with`] makes a value of the whole configuration.
//! Both give a [`Binding`], to which checks are added; it ends as a value ([`once`](Binding::once)) or as a [`Live`]
//! handle. A new version is taken in three steps: all sections are built and
//! [validated](Binding::validate); then [probes](Binding::probe), which may wait, are asked; then everything is swapped
//! at once. A refusal, a panic or a probe out of time leaves all as it was.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use confbus_client::{Live, Rejection, testing};
//!
//! #[derive(serde::Deserialize, PartialEq)]
//! #[serde(rename_all = "kebab-case")]
//! struct Pool { max_size: u32, host: String }
//!
//! async fn reachable(pool: Arc<Pool>) -> Result<(), Rejection> {
//!     # let connects = |host: &str| host != "nowhere";
//!     if connects(&pool.host) { Ok(()) } else { Err(Rejection::at("pool.host", "does not answer")) }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Rejection> {
//! let (client, mut server) = testing::client([("pool.max-size", "8"), ("pool.host", "db-1")]);
//! let pool: Live<Pool> = client
//!     .bind("pool")
//!     .validate(|pool: &Pool| match pool.max_size {
//!         1..=64 => Ok(()),
//!         other => Err(Rejection::at("pool.max-size", format!("expected 1 to 64, found {other}"))),
//!     })
//!     .probe(reachable, Duration::from_secs(2))
//!     .live()?;
//!
//! let refused = server.push_async([("pool.max-size", "9"), ("pool.host", "nowhere")]).await;
//! assert_eq!(refused.unwrap_err().to_string(), "`pool.host`: does not answer (test.yml:2:1)");
//! assert_eq!(pool.load().max_size, 8);
//! # Ok(()) }
//! ```
//!
//! The first version has nobody's consent yet, so it is on trial until everything is bound: a second after the last
//! binding, or at [`Client::ready`]. A binding that refuses it before has the client step back to the last good version;
//! only what passes is reported as applied and becomes the last good version.
//!
//! # Hearing of changes
//!
//! [`Live::changed`] waits for the next value, [`Live::map`] follows a part, [`Client::changes`] tells every key, and
//! [`Client::on_change`] calls a function for the keys of a pattern, with [both sides](KeyChange), their places, and
//! secrets masked by type. A key that the application reads only once is named by [`Client::restart_required`]; its
//! changes are accepted and shown as waiting for a restart. One unit of work that needs several values of one commit
//! holds a [`Snapshot`].
//!
//! # What others see
//!
//! [`Client::health`] is for people and probes. Each request to a server names this instance and what it runs; what
//! became of each version is [reported](Settings::report) to the server that sent it, keys and reasons, with
//! no value whose key looks secret. A program that ends calls [`Client::leave`], so that no server waits for it.
//!
//! For `tracing`, each look at the servers is a span `round` (debug) with `server`, `version`, `keys` (how many moved),
//! `outcome` (`accepted`, `refused` or `unavailable`) and `elapsed_ms`. In it are the spans `fetch`, `bind` and, for each
//! probe, `probe` with the `prefix`, and the event `swap` with `version` and `sections` (how many moved). Events from
//! `info` up tell what changed: `version`, `count` and the first `keys` of an accepted version, `reason` or `rejection` when there is none.
//! No field holds a value whose key looks secret.
//!
//! For `metrics`, with the feature of that name, whichever recorder the program has installed hears these. Durations are in
//! seconds, times in seconds since 1970. A process has one recorder, so several clients in it share them.
//!
//! | metric | type | labels | says |
//! | --- | --- | --- | --- |
//! | `confbus_client_ready` | gauge | | 1 while what runs has passed everybody who is asked; 0 after [`Client::leave`] |
//! | `confbus_client_source_info` | gauge | `source`: `server`, `last_good` | 1 for who gave what runs |
//! | `confbus_client_applied_timestamp_seconds` | gauge | | when a version was last applied |
//! | `confbus_client_last_contact_timestamp_seconds` | gauge | | when a server last answered with a configuration |
//! | `confbus_client_applies_total` | counter | `result`: `accepted`, `refused` | attempts to move to a version |
//! | `confbus_client_apply_duration_seconds` | histogram | `result` | how long they took, probes included |
//! | `confbus_client_restart_required_keys` | gauge | | keys that only the next start brings |
//! | `confbus_client_connected` | gauge | `transport`: `stream`, `amqp`, `kafka` | 1 while events come, 0 after [`Client::leave`]; over a broker looked at every five seconds |
//!
//! # What stays in memory
//!
//! A value that was replaced is dropped as soon as nobody holds its version: a [`Snapshot`], a [`Change`], or a [`Live`]
//! handle, which keeps what [`changed`](Live::changed) told last, or what it found, as the old side of the next change.
//! Values themselves are shared texts, and copies of them were in buffers of HTTP and parsers; what those leave behind in memory
//! that was given back stands there until somebody else uses it. Only an allocator sees all of that, and only a program may
//! choose one. With the crate `zeroizing-alloc`, in its `main.rs`:
//!
//! ```ignore
//! #[global_allocator]
//! static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);
//! ```
//!
//! # Features
//!
//! | feature | adds |
//! | --- | --- |
//! | none | HTTP, TLS, the stream of events of a confbus server |
//! | `amqp` | events from Spring Cloud Bus over RabbitMQ |
//! | `kafka` | events from Spring Cloud Bus over Kafka; builds librdkafka from its source |
//! | `axum` | one commit for each request; `/actuator/refresh` and `/actuator/health` |
//! | `blocking` | a client for programs without a runtime |
//! | `consul`, `eureka`, `zookeeper` | servers that such a registry names, see above |
//! | `config`, `figment` | a [`Snapshot`] as a source of these crates |
//! | `metrics` | counters and gauges for the program's own recorder, see below |
//!
//! What it does not do: decrypt `{cipher}` values; the server does.
#![forbid(unsafe_code)]

#[cfg(feature = "axum")]
pub mod axum;
mod balance;
mod bell;
mod bind;
mod binding;
#[cfg(feature = "blocking")]
pub mod blocking;
mod breaker;
mod changes;
mod client;
#[cfg(feature = "config")]
pub mod config;
mod discovery;
mod error;
mod fetch;
#[cfg(feature = "figment")]
pub mod figment;
mod health;
mod jitter;
mod last_good;
mod leave;
mod live;
#[cfg(feature = "metrics")]
mod metrics;
mod overrides;
mod pace;
mod pattern;
mod placeholders;
mod refresh;
mod rejection;
mod report;
mod restart;
mod secret;
mod sections;
mod servers;
mod settings;
mod snapshot;
mod start;
mod store;
mod subscription;
pub mod testing;
mod transport;
mod trial;

pub use balance::Balance;
pub use binding::Binding;
pub use changes::{ChangeSet, Changes, KeyChange, Written};
pub use client::{Client, TellError};
#[cfg(feature = "kafka")]
pub use confbus_bus::{Acks, InvalidJaas, KafkaSettings, Login, Mechanism, Sasl};
#[cfg(any(feature = "amqp", feature = "kafka"))]
pub use confbus_bus::{Address, KeyFile, Password, TlsSettings, Verification};
#[cfg(feature = "amqp")]
pub use confbus_bus::{Connections, InvalidAddress, PublisherStart, RabbitSettings, Routing};
#[cfg(any(feature = "amqp", feature = "kafka"))]
pub use confbus_protocol::SpringLine;
pub use confbus_protocol::{
    BusId, Environment, Position, Properties, Property, PropertySource, PropertyValue,
};
#[cfg(feature = "consul")]
pub use discovery::Consul;
#[cfg(feature = "eureka")]
pub use discovery::Eureka;
#[cfg(feature = "zookeeper")]
pub use discovery::ZooKeeper;
pub use discovery::{Discovery, DiscoveryError, Found, Instance};
pub use error::{Attempt, ConnectError, Failure, LastGoodError, RefreshError, Unavailable};
pub use health::{
    BreakerState, BusHealth, DiscoveryHealth, Health, ReportHealth, ServerHealth, Source,
};
pub use last_good::{InvalidKey, LastGoodFile, LastGoodKey, Secrets};
pub use live::{Change, Live, Loaded, Reader};
pub use rejection::Rejection;
pub use settings::{FailOver, InvalidSettings, Retry, Settings, Start, Transport};
pub use snapshot::{Origin, Snapshot};
pub use subscription::Subscription;

/// What README shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
