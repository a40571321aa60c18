//! What confbus promises, shown from outside: real repositories, real servers, real clients, a real broker.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may panic, and says why"
)]

mod support;

mod acceptance;
mod access;
mod agent;
mod architecture;
mod backends;
mod book;
mod broken_file;
mod bus_endpoints;
mod canaries;
mod check;
mod ciphers;
mod command_line;
mod commit_status;
mod concerned;
mod connections;
mod debian;
mod demo;
mod doctor;
mod encryption;
mod errors;
mod foreign_answers;
mod freshness;
mod gateway;
mod http2;
mod inspections;
mod json;
mod kept_answers;
mod kubernetes;
mod last_good;
mod ledger;
mod limits;
mod log;
mod looks;
mod memory;
mod metrics;
mod packaging;
mod pages;
mod pins;
mod print_settings;
mod program;
mod reach;
mod reads;
mod refresh_command;
#[cfg(any(feature = "consul", feature = "eureka", feature = "zookeeper"))]
mod registration;
mod remote_tls;
mod secure_defaults;
mod shadow;
mod show;
mod sources;
mod ssh;
mod stream;
mod tls;
mod tokens;
mod tools;
mod traces;
mod unreachable_remote;
mod vault;
mod waiting_reads;
mod watch;
mod waves;
mod webhook;

#[cfg(feature = "broker-tests")]
mod broker_outage;
#[cfg(feature = "broker-tests")]
mod bus_messages;
#[cfg(feature = "broker-tests")]
mod rabbit_refresh;
#[cfg(feature = "broker-tests")]
mod replicas;

/// Shown by a plain `cargo test`, so that nobody takes it for the whole.
#[cfg(not(all(feature = "awss3", feature = "jdbc", feature = "redis")))]
#[test]
#[ignore = "more tests need real stores: `cargo xtask test` builds them in and runs them"]
fn tests_over_stores() {}

/// Shown by a plain `cargo test`, so that nobody takes it for the whole.
#[cfg(not(feature = "broker-tests"))]
#[test]
#[ignore = "more tests need RabbitMQ: `cargo xtask test` starts one and runs them"]
fn tests_over_rabbitmq() {}
