//! The bus over RabbitMQ: a handle that any task may use, and a driver that keeps the connection.

mod connections;
mod credentials;
mod driver;
mod failure;
mod link;
mod names;
mod publisher;
mod routing;
mod session;
mod settings;
mod tls;
mod topology;
mod verifier;
mod wire;

pub use connections::Connections;
pub use driver::RabbitDriver;
pub use names::spring_anonymous_name;
pub use routing::Routing;
pub use settings::{InvalidAddress, PublisherStart, RabbitSettings};

use crate::{Binder, broker};

pub(crate) fn new(settings: RabbitSettings) -> (impl Binder + 'static, RabbitDriver) {
    let (handle, ends) = broker::pair("rabbitmq");
    (handle, RabbitDriver::new(settings, ends))
}
