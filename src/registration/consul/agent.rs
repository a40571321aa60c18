use std::{fmt, time::Duration};

use http::{HeaderValue, Method};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{network, tls};

/// For one request.
const DEADLINE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(2);
const TOKEN: &str = "X-Consul-Token";

/// An agent of Consul: where it is, and with what to prove ourselves.
#[derive(Clone)]
pub(crate) struct Agent {
    base: Url,
    token: Option<HeaderValue>,
}

impl Agent {
    /// `None` when there is no such address.
    pub(crate) fn parse(scheme: &str, host: &str, port: u16, path: &str) -> Option<Self> {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || "-._[]:".contains(char);
        let is_ipv6 = host.contains(':') && !host.starts_with('[');
        let host = if is_ipv6 {
            format!("[{host}]")
        } else {
            host.to_owned()
        };
        let is_web = matches!(scheme, "http" | "https") && host.chars().all(is_plain);
        let base = Url::parse(&format!(
            "{scheme}://{host}:{port}/{}",
            path.trim_matches('/')
        ));
        let base = base
            .ok()
            .filter(|base| base.has_host() && base.query().is_none());
        let base = base.filter(|base| base.port_or_known_default() == Some(port));
        is_web.then_some(Self {
            base: base?,
            token: None,
        })
    }

    /// The same, with a token of an access control list; `None` when no header can hold it.
    pub(crate) fn with_token(mut self, token: &SecretString) -> Option<Self> {
        let mut value = HeaderValue::from_str(token.expose_secret()).ok()?;
        value.set_sensitive(true);
        self.token = Some(value);
        Some(self)
    }

    pub(crate) fn is_https(&self) -> bool {
        self.base.scheme() == "https"
    }

    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether it is on this machine, as agents are meant to be.
    pub(crate) fn is_here(&self) -> bool {
        self.base.host_str().is_some_and(network::is_here)
    }

    /// Without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        let host = self.base.host_str().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn port(&self) -> u16 {
        self.base.port_or_known_default().unwrap_or_default()
    }

    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(super) fn client(&self) -> Result<reqwest::Client, String> {
        tls::client(self.is_https())?
            .connect_timeout(CONNECT)
            .timeout(DEADLINE)
            .build()
            .map_err(|error| error.without_url().to_string())
    }

    pub(super) fn request(
        &self,
        http: &reqwest::Client,
        method: Method,
        path: &[&str],
    ) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let request = http.request(method, url);
        match &self.token {
            Some(token) => request.header(TOKEN, token.clone()),
            None => request,
        }
    }
}

/// The address, without the token.
impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Agent({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents_are_where_the_settings_say() {
        for (scheme, host, port, path, expected, is_here) in [
            ("http", "localhost", 8500, "", "http://localhost:8500", true),
            ("https", "consul", 443, "/x/", "https://consul/x", false),
            ("http", "::1", 8500, "", "http://[::1]:8500", true),
        ] {
            let agent = Agent::parse(scheme, host, port, path).unwrap();
            assert_eq!(
                (agent.to_string().as_str(), agent.is_here()),
                (expected, is_here)
            );
            assert_eq!(agent.port(), port);
        }
        for (scheme, host) in [
            ("ftp", "consul"),
            ("http", ""),
            ("http", "jo:s3cret@consul"),
            ("http", "consul/x"),
            ("http", "consul:1"),
        ] {
            let agent = Agent::parse(scheme, host, 8500, "");
            assert!(agent.is_none(), "{scheme} {host}");
        }
    }

    #[test]
    fn the_token_is_sent_and_not_shown() {
        let agent = Agent::parse("http", "consul", 8500, "p").unwrap();
        let agent = agent.with_token(&"s3cret".into()).unwrap();
        let http = agent.client().unwrap();
        let request = agent.request(&http, Method::PUT, &["v1", "a b"]).build();
        let request = request.unwrap();
        assert_eq!(request.url().as_str(), "http://consul:8500/p/v1/a%20b");
        assert_eq!(request.headers()[TOKEN], "s3cret");
        let shown = format!("{agent:?} {agent} {request:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(agent.with_token(&"a\nb".into()).is_none());
    }
}
