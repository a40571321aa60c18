use std::{sync::Arc, time::Duration};

use reqwest::redirect::{Attempt, Policy};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::settings::{Requests, Server};

const AGENT: &str = concat!("confbus-client/", env!("CARGO_PKG_VERSION"));

/// As many as a browser's half: enough for any honest chain.
const MAX_REDIRECTS: usize = 5;

/// Whose certificates are good.
#[derive(Clone, Copy)]
enum Trust {
    /// Nobody speaks TLS.
    Nobody,
    /// Somebody does.
    Machine,
    /// Somebody may, some day.
    MachineIfAnybody,
}

fn trust(requests: &Requests) -> Trust {
    if requests.discovery.is_some() {
        Trust::MachineIfAnybody
    } else if requests.servers.iter().any(Server::is_https) {
        Trust::Machine
    } else {
        Trust::Nobody
    }
}

/// A client for requests that end.
pub(crate) fn http_client(requests: &Requests) -> Result<reqwest::Client, String> {
    built(builder(requests)?.timeout(requests.request_timeout))
}

/// A client for streams that do not: it gives up one that was silent for a while.
pub(crate) fn stream_client(
    requests: &Requests,
    silence: Duration,
) -> Result<reqwest::Client, String> {
    built(builder(requests)?.read_timeout(silence))
}

fn builder(requests: &Requests) -> Result<reqwest::ClientBuilder, String> {
    let has_credentials = !requests.headers.is_empty()
        || requests.discovery.is_some()
        || requests
            .servers
            .iter()
            .any(|server| server.authorization().is_some());
    Ok(reqwest::Client::builder()
        .user_agent(AGENT)
        .connect_timeout(requests.connect_timeout)
        .redirect(Policy::custom(move |attempt| {
            redirect(attempt, has_credentials)
        }))
        .tls_backend_preconfigured(tls(trust(requests))?))
}

/// A client for a registry. It follows no redirect, since it may have credentials.
#[cfg(any(feature = "consul", feature = "eureka"))]
pub(crate) fn registry_client(
    is_https: bool,
    timeout: Duration,
) -> Result<reqwest::Client, String> {
    let trust = if is_https {
        Trust::Machine
    } else {
        Trust::Nobody
    };
    let builder = reqwest::Client::builder()
        .user_agent(AGENT)
        .timeout(timeout)
        .redirect(Policy::none())
        .tls_backend_preconfigured(tls(trust)?);
    built(builder)
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, String> {
    builder
        .build()
        .map_err(|error| error.without_url().to_string())
}

/// Credentials stay with the origin that they were given for; nobody goes from TLS to plain text.
fn redirect(attempt: Attempt<'_>, has_credentials: bool) -> reqwest::redirect::Action {
    let Some(first) = attempt.previous().first() else {
        return attempt.stop();
    };
    let leaves = first.origin() != attempt.url().origin();
    let loses_tls = first.scheme() == "https" && attempt.url().scheme() != "https";
    if attempt.previous().len() > MAX_REDIRECTS || loses_tls || (leaves && has_credentials) {
        attempt.stop()
    } else {
        attempt.follow()
    }
}

/// A configuration of our own, because a process-wide one may not be there, and building without one would panic.
fn tls(trust: Trust) -> Result<ClientConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    // A container without root certificates is fine as long as nobody speaks TLS.
    let nobody = RootCertStore::empty;
    let builder = match trust {
        Trust::Nobody => builder.with_root_certificates(nobody()),
        Trust::Machine => builder
            .with_platform_verifier()
            .map_err(|error| error.to_string())?,
        Trust::MachineIfAnybody => match builder.clone().with_platform_verifier() {
            Ok(trusting) => trusting,
            Err(_) => builder.with_root_certificates(nobody()),
        },
    };
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
