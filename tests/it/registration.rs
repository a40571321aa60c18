//! A registry hears where the server is, and is waited for by nobody. That real ones and their readers understand what they
//! hear is shown by `cargo xtask interop discovery`.

#[cfg(feature = "consul")]
mod consul;
#[cfg(feature = "eureka")]
mod eureka;
#[cfg(feature = "zookeeper")]
mod zookeeper;

use serde_json::Value;

use crate::support::{ConfigRepo, TestServer};

const PASSWORD: &str = "pw-of-the-registry-9Kd2";

/// A server below `/cfg` with these settings besides.
fn server(repo: &ConfigRepo, settings: &[(&str, &str)]) -> TestServer {
    server_that_trusts(repo, settings, &[])
}

/// The same with variables of the environment, which may name whom it trusts.
fn server_that_trusts(
    repo: &ConfigRepo,
    settings: &[(&str, &str)],
    environment: &[(&str, &str)],
) -> TestServer {
    let uri = repo.path().display().to_string();
    let own = [
        ("spring.cloud.config.server.git.uri", uri.as_str()),
        ("spring.cloud.config.server.prefix", "/cfg"),
    ];
    let all: Vec<_> = own.into_iter().chain(settings.iter().copied()).collect();
    TestServer::with_environment(&all, environment)
}

/// What health says of a registry.
fn standing(server: &TestServer, registry: &str) -> Value {
    let health = server.get("/actuator/health");
    health.json()["components"]["registration"]["details"][registry].clone()
}
