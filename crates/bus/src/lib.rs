//! The bus: how the members of a fleet tell each other that configuration may have changed.
//!
//! A [`Bus`] carries [`BusEvent`](confbus_protocol::BusEvent)s as Spring Cloud Bus does over RabbitMQ and over Kafka, or
//! within this process only. It knows how to declare, publish, consume and come back after a failure; what an event means is for
//! others to say. An event is a hint to look again, so nothing is stored, acknowledged or redelivered. Instead every
//! subscriber hears [`Signal::LookAgain`] when events may have been lost.
//!
//! ```
//! use confbus_bus::{Bus, Message, Signal};
//! use confbus_protocol::{BusEvent, BusId, Destination};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bus = Bus::local();
//! let mut subscription = bus.subscribe();
//!
//! let origin = BusId::new("configserver:8888:5f2b")?;
//! let event = BusEvent::refresh("e1".into(), 1_705_329_000_123, &origin, &Destination::everyone());
//! let message = Message::of(event);
//! bus.publish(&message).await?;
//!
//! assert_eq!(subscription.next().await, Some(Signal::Message(message)));
//! # Ok(())
//! # }
//! ```
//!
//! Over RabbitMQ, which is the feature `rabbit`, the second half of `Bus::rabbit`, the `RabbitDriver`, has to run in a
//! task of its own. TLS uses the process's default rustls crypto provider, or aws-lc-rs when there is none. Over Kafka, which is
//! the feature `kafka`, it is the same with `Bus::kafka`; there librdkafka speaks, and TLS by OpenSSL.
//!
//! Another broker is one more implementation of [`Binder`].
#![forbid(unsafe_code)]

mod binder;
#[cfg(any(feature = "kafka", feature = "rabbit"))]
mod broker;
mod bus;
mod counters;
#[cfg(feature = "kafka")]
mod kafka;
mod local;
mod message;
mod publish_error;
#[cfg(feature = "rabbit")]
mod rabbit;
mod subscription;

pub use binder::{Binder, Driver, Publishing, Running};
#[cfg(any(feature = "kafka", feature = "rabbit"))]
pub use broker::{Address, KeyFile, Keys, Password, TlsSettings, UnusableKeys, Verification};
pub use bus::{Bus, Status};
pub use counters::Counters;
#[cfg(feature = "kafka")]
pub use kafka::{Acks, InvalidJaas, KafkaDriver, KafkaSettings, Login, Mechanism, Sasl};
pub use message::Message;
pub use publish_error::PublishError;
#[cfg(feature = "rabbit")]
pub use rabbit::{
    Connections, InvalidAddress, PublisherStart, RabbitDriver, RabbitSettings, Routing,
    spring_anonymous_name,
};
pub use subscription::{Signal, Subscription};
