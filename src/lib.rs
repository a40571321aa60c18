//! confbus: configuration from Git, served as Spring Cloud Config Server serves it and pushed to every instance.
//!
//! This library is the server behind the program; [`App`] and [`Settings`] are what it offers.
//! `ARCHITECTURE.md` is the map.

mod access;
#[cfg(feature = "awss3")]
mod awss3;
mod files;
mod git;
#[cfg(feature = "jdbc")]
mod jdbc;
mod look;
#[cfg_attr(
    not(feature = "awss3"),
    expect(dead_code, reason = "some of it only one of the stores needs")
)]
mod lookups;
mod metrics;
#[cfg(feature = "redis")]
mod redis;
mod vault;

mod acceptance;
pub mod diagnostics;
mod encryption;
mod environment_repository;
mod pins;
mod waves;

pub mod findings;

pub mod checkup;

mod commit_status;
mod inspection;
mod ledger;
mod refresh;
#[cfg_attr(
    not(any(feature = "consul", feature = "eureka", feature = "zookeeper")),
    expect(dead_code, reason = "no registry is built in")
)]
mod registration;
mod replicas;
mod webhook;

mod pages;

mod http;

mod settings;

mod app;
mod closest;
mod hex;
mod json_file;
pub mod memory;
mod network;
mod printable;
pub mod shutdown;
mod tasks;
pub mod telemetry;
mod tls;
mod traces;
mod turns;
mod watchdog;

/// A function for each target of `fuzz/` that needs a room of the server: it takes what came in, and panics where something
/// does not hold.
#[cfg(fuzzing)]
pub mod fuzzing {
    pub use crate::{
        git::fuzzing::label,
        http::fuzzing::{gateway, path, webhook},
        ledger::fuzzing::news,
        settings::fuzzing::settings,
    };
}

pub use access::hash_token;
pub use app::App;
pub use closest::closest;
pub use environment_repository::{Clones, ClonesProgress};
pub use git::{Megabytes, run_worker as run_git_worker};
pub use ledger::short as short_version;
pub use printable::printable;
pub use settings::{
    GitProgram, SaidSetting, Settings, SettingsError, SettingsProblem, Sources, Summary, TextCipher,
};
