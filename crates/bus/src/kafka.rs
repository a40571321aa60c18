//! The bus over Kafka, as Spring's binder speaks it. librdkafka does the talking, in threads of its own.

mod config;
mod driver;
mod failure;
mod jaas;
mod listener;
mod positions;
mod publisher;
mod session;
mod settings;
mod tls;
mod topic;
mod wire;

pub use driver::KafkaDriver;
pub use jaas::{InvalidJaas, Login};
pub use settings::{Acks, KafkaSettings, Mechanism, Sasl};

use crate::{Binder, broker};

pub(crate) fn new(settings: KafkaSettings) -> (impl Binder + 'static, KafkaDriver) {
    let (handle, ends) = broker::pair("kafka");
    (handle, KafkaDriver::new(settings, ends))
}
