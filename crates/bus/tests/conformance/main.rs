//! What every bus promises, asked of each: [`cases`] are the same for all, and each binder brings a [`Stage`](stage::Stage).
//! RabbitMQ is the one at `CONFBUS_TEST_AMQP`; without the feature `broker-tests` it is left out.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![cfg_attr(
    not(feature = "broker-tests"),
    expect(dead_code, unused_macros, reason = "only a broker can be away")
)]

mod cases;
mod local;
mod proxy;
#[cfg(feature = "broker-tests")]
mod rabbit;
mod stage;
