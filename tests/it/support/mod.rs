//! The vocabulary of the tests: a real repository, a real server, real clients, a real broker.

#[cfg(feature = "awss3")]
mod bucket;
mod collector;
mod config_repo;
mod git_daemon;
mod git_http;
mod http;
pub(crate) mod http2;
mod instance;
mod issuer;
mod listener;
mod memory;
mod nginx;
#[cfg(feature = "jdbc")]
mod postgres;
mod process;
mod ran;
#[cfg(feature = "redis")]
mod redis_server;
mod secrets;
mod server;
mod skipped;
mod sshd;
mod status_host;
mod tls;
mod vault;

#[cfg(feature = "broker-tests")]
pub(crate) mod broker;

use std::{
    fmt::Debug,
    path::Path,
    time::{Duration, Instant},
};

#[cfg(feature = "awss3")]
pub(crate) use bucket::BucketServer;
pub(crate) use collector::Collector;
#[cfg(feature = "broker-tests")]
pub(crate) use collector::Span;
pub(crate) use config_repo::ConfigRepo;
pub(crate) use git_daemon::GitDaemon;
pub(crate) use git_http::{GitHttp, Manner};
pub(crate) use http::{Answer, Request};
pub(crate) use instance::{Instance, report};
pub(crate) use issuer::{Issuer, SigningKey, message, now};
pub(crate) use memory::places_of;
pub(crate) use nginx::Nginx;
#[cfg(feature = "jdbc")]
pub(crate) use postgres::Postgres;
pub(crate) use process::{Running, TEST_LOG};
pub(crate) use ran::Ran;
#[cfg(feature = "redis")]
pub(crate) use redis_server::RedisServer;
pub(crate) use secrets::Secrets;
pub(crate) use server::TestServer;
pub(crate) use skipped::skipped_without;
#[cfg(feature = "awss3")]
pub(crate) use skipped::skipped_without_typing;
pub(crate) use sshd::{Sshd, foreign_key};
pub(crate) use status_host::{Post, StatusHost};
pub(crate) use tls::{Authority, Secured, Shows, TlsClient, TlsFront};
pub(crate) use vault::{Mood, ROOT, VaultServer};

/// Long enough for two cores that compile meanwhile; a test that passes is much faster.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Looks again and again until `look` finds something, and says what was seen last when it never does.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let until = Instant::now() + DEADLINE;
    loop {
        let seen = match look() {
            Ok(found) => return found,
            Err(seen) => seen,
        };
        assert!(
            Instant::now() < until,
            "never saw {what}; last seen: {seen}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Removes what a start answers from before it asks Git, from a directory of clones.
pub(crate) fn forget_what_was_served(base: &Path) {
    let files = std::fs::read_dir(base).unwrap().flatten();
    let files = files.map(|entry| entry.path());
    for file in files.filter(|file| file.extension().is_some_and(|end| end == "served")) {
        std::fs::remove_file(file).unwrap();
    }
}

/// Whether a look succeeded, with what was looked at.
pub(crate) fn expect_that(holds: bool, seen: impl Debug) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("{seen:?}"))
    }
}
