//! One of the two servers: where it is, who we are there, and how long we wait.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use rustls::{ClientConfig, crypto::aws_lc_rs, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};
use tokio_rustls::TlsConnector;
use url::Url;

use super::{
    request::{Header, Request},
    wire::{Answer, NoAnswer, exchange},
};

/// How long a server that was just started may say that it is not ready.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

/// A server to ask.
#[derive(Clone)]
pub(crate) struct Server {
    host: String,
    port: u16,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    /// What stands before every path, without a slash at its end.
    base: String,
    authorization: Option<SecretString>,
    timeout: Duration,
    patient_until: Instant,
}

impl Server {
    /// Reads an address. The address itself is not part of any error, because credentials may stand in it.
    pub(crate) fn parse(address: &str, timeout: Duration) -> anyhow::Result<Self> {
        let url = Url::parse(address)?;
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => bail!("the address begins with neither http:// nor https://"),
        };
        if url.query().is_some() || url.fragment().is_some() {
            bail!("the address ends with its path, without `?` and `#`");
        }
        let host = url.host_str().context("the address has no host")?;
        Ok(Self {
            host: host.to_owned(),
            port: url
                .port_or_known_default()
                .context("the address has no port")?,
            tls: tls.then(|| secured(host)).transpose()?,
            base: url.path().trim_end_matches('/').to_owned(),
            authorization: authorization(&url)?,
            timeout,
            patient_until: Instant::now() + PATIENCE,
        })
    }

    /// A server of our own that stands for this one: the same base path and the same caller.
    pub(super) fn moved_to(&self, address: SocketAddr) -> Self {
        Self {
            host: address.ip().to_string(),
            port: address.port(),
            tls: None,
            patient_until: Instant::now() + PATIENCE,
            ..self.clone()
        }
    }

    /// What stands before every path; empty at the root.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// Whether somebody listens.
    pub(super) async fn reach(&self) -> Result<(), NoAnswer> {
        let connected = timeout(self.timeout, self.connect()).await;
        connected
            .map_err(|_| NoAnswer::Late(self.timeout))?
            .map(drop)
    }

    /// The answer; one that says "not yet" only when the server had its time to start.
    pub(super) async fn ask(
        &self,
        request: &Request,
        common: &[Header],
    ) -> Result<Answer, NoAnswer> {
        let head = self.head(request, common);
        loop {
            let answer =
                timeout(self.timeout, self.ask_once(&head, request.method == "HEAD")).await;
            let answer = answer.map_err(|_| NoAnswer::Late(self.timeout))??;
            if !answer.is_not_yet() || Instant::now() > self.patient_until {
                return Ok(answer);
            }
            sleep(PAUSE).await;
        }
    }

    /// Sends a request with a body, once, and gives back the whole answer.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        mut headers: Vec<Header>,
        body: &[u8],
    ) -> Result<Answer, NoAnswer> {
        headers.push(Header {
            name: "Content-Length".to_owned(),
            value: body.len().to_string(),
        });
        let request = Request {
            method: method.to_owned(),
            target: path.as_bytes().to_vec(),
            headers,
        };
        let sent = [&self.head(&request, &[]), body].concat();
        let answer = timeout(self.timeout, self.ask_once(&sent, false)).await;
        answer.map_err(|_| NoAnswer::Late(self.timeout))?
    }

    async fn ask_once(&self, head: &[u8], is_head: bool) -> Result<Answer, NoAnswer> {
        let stream = self.connect().await?;
        match &self.tls {
            None => exchange(stream, head, is_head).await,
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await;
                exchange(stream.map_err(NoAnswer::Tls)?, head, is_head).await
            }
        }
    }

    async fn connect(&self) -> Result<TcpStream, NoAnswer> {
        // An IPv6 address stands in brackets in a URL and nowhere else.
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        TcpStream::connect((host, self.port))
            .await
            .map_err(NoAnswer::Connect)
    }

    fn head(&self, request: &Request, common: &[Header]) -> Vec<u8> {
        let mut head = format!("{} {}", request.method, self.base).into_bytes();
        head.extend_from_slice(&request.target);
        head.extend_from_slice(b" HTTP/1.1\r\n");
        let mut add =
            |name: &str, value: &str| head.extend(format!("{name}: {value}\r\n").into_bytes());
        let said = |name: &str| {
            request
                .headers
                .iter()
                .chain(common)
                .any(|header| header.is(name))
        };
        if !said("Host") {
            add("Host", &format!("{}:{}", self.host, self.port));
        }
        if let Some(authorization) = self
            .authorization
            .as_ref()
            .filter(|_| !said("Authorization"))
        {
            add("Authorization", authorization.expose_secret());
        }
        if !said("User-Agent") {
            add(
                "User-Agent",
                concat!("confbus-shadow/", env!("CARGO_PKG_VERSION")),
            );
        }
        let overridden = |name: &str| request.headers.iter().any(|header| header.is(name));
        let common = common.iter().filter(|header| !overridden(&header.name));
        for header in common.chain(&request.headers) {
            add(&header.name, &header.value);
        }
        add("Connection", "close");
        head.extend_from_slice(b"\r\n");
        head
    }
}

fn secured(host: &str) -> anyhow::Result<(TlsConnector, ServerName<'static>)> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name =
        ServerName::try_from(host.to_owned()).context("the host cannot have a certificate")?;
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    Ok((TlsConnector::from(Arc::new(config)), name))
}

fn authorization(url: &Url) -> anyhow::Result<Option<SecretString>> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let decoded = |text: &str| {
        let decoded = percent_decode_str(text).decode_utf8();
        decoded
            .map(std::borrow::Cow::into_owned)
            .context("the credentials are not UTF-8")
    };
    let (name, password) = (
        decoded(url.username())?,
        decoded(url.password().unwrap_or_default())?,
    );
    let login = STANDARD.encode(format!("{name}:{password}"));
    Ok(Some(format!("Basic {login}").into()))
}

/// The address without credentials.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}{}", self.host, self.port, self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(address: &str) -> Server {
        Server::parse(address, Duration::from_secs(1)).unwrap()
    }

    fn head(address: &str, line: &str, common: &[&str]) -> String {
        let request = Request::parse(line.as_bytes()).unwrap();
        let common: Vec<_> = common
            .iter()
            .map(|text| Header::parse(text).unwrap())
            .collect();
        String::from_utf8(server(address).head(&request, &common)).unwrap()
    }

    #[tokio::test]
    async fn targets_go_out_as_they_are() {
        let sent = head("http://old:8888/config/", "/a/../b/%2e%2e//c?x=|", &[]);
        assert!(
            sent.starts_with("GET /config/a/../b/%2e%2e//c?x=| HTTP/1.1\r\nHost: old:8888\r\n"),
            "{sent}"
        );
        assert!(sent.ends_with("\r\nConnection: close\r\n\r\n"), "{sent}");
    }

    #[tokio::test]
    async fn the_nearest_header_counts() {
        let sent = head(
            "http://ana:s%33cret@old",
            "/a -H 'accept: x/y'",
            &["Accept: a/b", "X: 1"],
        );
        assert!(
            sent.contains("\r\nAuthorization: Basic YW5hOnMzY3JldA==\r\n"),
            "{sent}"
        );
        assert!(
            sent.contains("\r\naccept: x/y\r\n")
                && !sent.contains("a/b")
                && sent.contains("\r\nX: 1\r\n"),
            "{sent}"
        );
        let sent = head("http://ana:s3cret@old", "/a", &["authorization: Bearer t"]);
        assert_eq!(
            sent.to_lowercase().matches("authorization").count(),
            1,
            "{sent}"
        );
    }

    #[tokio::test]
    async fn credentials_are_not_shown() {
        for address in ["http://ana:s3cret@old/x", "https://ana:s3cret@[::1]:8443"] {
            assert!(!server(address).to_string().contains("s3cret"));
        }
        for address in [
            "ftp://ana:s3cret@old",
            "ana:s3cret@old",
            "http://ana:s3cret@old/?x",
            "http://ana:s3cret@",
        ] {
            let problem = Server::parse(address, Duration::ZERO).err().unwrap();
            assert!(!format!("{problem:#}").contains("s3cret"), "{problem:#}");
        }
    }
}
