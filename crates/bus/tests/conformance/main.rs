//! What every bus promises, asked of each: [`cases`] are the same for all, and each binder brings a [`Stage`](stage::Stage).
//! RabbitMQ is the one at `CONFBUS_TEST_AMQP`, with the feature `broker-tests`; Kafka comes with the feature `kafka`.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![cfg_attr(
    not(any(feature = "broker-tests", feature = "kafka")),
    expect(dead_code, unused_macros, reason = "only a broker can be away")
)]

mod cases;
#[cfg(feature = "kafka")]
mod kafka;
mod local;
mod proxy;
#[cfg(feature = "broker-tests")]
mod rabbit;
mod stage;
