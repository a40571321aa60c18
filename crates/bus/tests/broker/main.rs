//! The bus against a real RabbitMQ at `CONFBUS_TEST_AMQP` (`amqp://guest:guest@127.0.0.1:5672/%2f`).
//! Without TLS, because some tests look into what is sent. Every test has an exchange of its own, so all may run at once.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod faults;
mod fleet;
mod operator;
mod own_broker;
mod proxy;
mod support;
mod wire;
