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
//! * **Hard to take down.** Several servers, retries, and the last good configuration on disk. A 404, a 5xx or a login
//!   page never empties what is running.
//! * **Discreet.** Values of keys that look secret are in no error, no log and no `Debug`.
//! * **Easy to test.** [`testing`] runs the same code without a server.
//!
//! What it does not do: decrypt `{cipher}` values (the server does), layer local files over the server's, or follow
//! service discovery. The settings are Spring's environment variables; see [`Settings::from_variables`].
#![forbid(unsafe_code)]

#[cfg(feature = "axum")]
pub mod axum;
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
mod error;
mod fetch;
#[cfg(feature = "figment")]
pub mod figment;
mod health;
mod jitter;
mod last_good;
mod live;
mod pattern;
mod placeholders;
mod refresh;
mod rejection;
mod report;
mod restart;
mod secret;
mod settings;
mod snapshot;
mod start;
mod store;
mod subscription;
pub mod testing;
mod transport;

pub use binding::Binding;
pub use changes::{ChangeSet, Changes, KeyChange, Written};
pub use client::{Client, TellError};
#[cfg(feature = "amqp")]
pub use confbus_bus::RabbitSettings;
pub use confbus_protocol::{BusId, Environment, Position, PropertyValue};
pub use error::{Attempt, ConnectError, Failure, LastGoodError, RefreshError, Unavailable};
pub use health::{BreakerState, BusHealth, Health, ReportHealth, ServerHealth, Source};
pub use last_good::{InvalidKey, LastGoodFile, LastGoodKey, Secrets};
pub use live::{Change, Live, Loaded, Reader};
pub use rejection::Rejection;
pub use settings::{FailOver, InvalidSettings, Retry, Settings, Start, Transport};
pub use snapshot::{Origin, Snapshot};
pub use subscription::Subscription;
