use std::fmt;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use reqwest::Response;
use url::Url;

use super::{Settings, Token, VaultError};
use crate::{network::authority, tls};

/// The largest secret that is read; Vault itself stores no larger one than 1 MiB by default.
const SIZE_LIMIT: usize = 4 << 20;

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");
/// A Vault agent may ask for it, to know that no browser was led here.
const REQUEST: HeaderName = HeaderName::from_static("x-vault-request");

/// Where a Vault listens: scheme, host and port, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address(Url);

/// One of the separate Vaults within a Vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Namespace(HeaderValue);

impl Address {
    /// `None` when this is no address.
    pub(crate) fn new(scheme: &str, host: &str, port: u16) -> Option<Self> {
        let url = Url::parse(&format!("{scheme}://{}/", authority(host, port))).ok()?;
        let is_host = url.path() == "/"
            && url.username().is_empty()
            && url.password().is_none()
            && !host.contains(['?', '#']);
        (matches!(scheme, "http" | "https") && is_host).then_some(Self(url))
    }

    fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The address of a path; `None` when it would climb out.
    fn of(&self, path: &str) -> Option<Url> {
        let segments = || path.split('/');
        if segments().any(|segment| matches!(segment, "." | "..")) {
            return None;
        }
        let mut url = self.0.clone();
        url.path_segments_mut()
            .ok()?
            .clear()
            .push("v1")
            .extend(segments());
        Some(url)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl Namespace {
    /// `None` when this cannot stand in a header.
    pub(crate) fn new(text: &str) -> Option<Self> {
        HeaderValue::from_str(text).ok().map(Self)
    }
}

/// Reads paths of one Vault.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    address: Address,
}

impl Client {
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(super) fn new(settings: &Settings) -> Result<Self, String> {
        let mut headers = HeaderMap::from_iter([(REQUEST, HeaderValue::from_static("true"))]);
        if let Some(Namespace(namespace)) = &settings.namespace {
            headers.insert(NAMESPACE, namespace.clone());
        }
        // A proxy of the environment would carry tokens to somebody that no setting names.
        let http = tls::client(settings.address.is_https())?
            .default_headers(headers)
            .no_proxy()
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            http,
            address: settings.address.clone(),
        })
    }

    /// What lies at a path below `/v1/`; `None` when nothing does. The token goes along with this one request.
    pub(super) async fn read(
        &self,
        path: &str,
        token: &Token,
    ) -> Result<Option<Bytes>, VaultError> {
        self.send(Method::GET, path, token).await
    }

    /// Has something done that needs no values, and reads the answer like that to a read.
    pub(super) async fn write(
        &self,
        path: &str,
        token: &Token,
    ) -> Result<Option<Bytes>, VaultError> {
        self.send(Method::POST, path, token).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        token: &Token,
    ) -> Result<Option<Bytes>, VaultError> {
        let Some(url) = self.address.of(path) else {
            return Ok(None);
        };
        let request = self.http.request(method, url).header(TOKEN, token.header());
        let response = request.send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::NOT_FOUND => {
                // Read to its end, so that the connection can serve again; what it says does not matter.
                _ = body(response, path).await;
                Ok(None)
            }
            status if status.is_success() => body(response, path).await.map(Some),
            status => Err(VaultError::of_status(path, status.as_u16())),
        }
    }
}

/// Where it asks.
impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

async fn body(mut response: Response, path: &str) -> Result<Bytes, VaultError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > SIZE_LIMIT {
            return Err(VaultError::Answer {
                path: path.to_owned(),
                problem: "it is larger than 4 MiB",
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

fn unreachable(error: reqwest::Error) -> VaultError {
    VaultError::Unreachable(tls::cause(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_hosts_and_nothing_else() {
        let address = |scheme, host| Address::new(scheme, host, 8200).map(|a| a.to_string());
        let shown = |text: &str| Some(text.to_owned());
        assert_eq!(
            address("http", "vault.example"),
            shown("http://vault.example:8200")
        );
        assert_eq!(address("https", "::1"), shown("https://[::1]:8200"));
        for host in ["", "a/b", "user@a", "u:p@a", "a?b", "a#b", "a b"] {
            assert_eq!(address("http", host), None, "{host}");
        }
        assert_eq!(address("ftp", "vault.example"), None);
    }

    #[test]
    fn keys_stay_where_they_belong() {
        let address = Address::new("http", "vault", 8200).unwrap();
        let path = |path: &str| address.of(path).map(|url| url.path().to_owned());
        assert_eq!(path("kv/data/a,p").unwrap(), "/v1/kv/data/a,p");
        assert_eq!(
            path("kv/a?x=1#%2e/é b").unwrap(),
            "/v1/kv/a%3Fx=1%23%252e/%C3%A9%20b"
        );
        for climbing in ["kv/../sys", "kv/./a", "kv/.."] {
            assert_eq!(path(climbing), None, "{climbing}");
        }
    }
}
