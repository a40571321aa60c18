use std::{sync::Arc, time::Duration};

use reqwest::redirect::{Attempt, Policy};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::settings::Requests;

/// As many as a browser's half: enough for any honest chain.
const MAX_REDIRECTS: usize = 5;

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
        || requests
            .servers
            .iter()
            .any(|server| server.authorization().is_some());
    Ok(reqwest::Client::builder()
        .user_agent(concat!("confbus-client/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(requests.connect_timeout)
        .redirect(Policy::custom(move |attempt| {
            redirect(attempt, has_credentials)
        }))
        .tls_backend_preconfigured(tls(requests)?))
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
fn tls(requests: &Requests) -> Result<ClientConfig, String> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    // A container without root certificates is fine as long as nobody speaks TLS.
    let mut config = if requests
        .servers
        .iter()
        .any(crate::settings::Server::is_https)
    {
        builder
            .with_platform_verifier()
            .map_err(|error| error.to_string())?
            .with_no_client_auth()
    } else {
        builder
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth()
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
