use std::fmt;

use http::{HeaderValue, Method};
use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use crate::{network::authority, registration::base::Base};

const TOKEN: &str = "X-Consul-Token";

/// An agent of Consul: where it is, and with what to prove ourselves.
#[derive(Clone)]
pub(crate) struct Agent {
    base: Base,
    token: Option<HeaderValue>,
}

impl Agent {
    /// `None` when there is no such address.
    pub(crate) fn parse(scheme: &str, host: &str, port: u16, path: &str) -> Option<Self> {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || "-._[]:".contains(char);
        let (at, path) = (authority(host, port), path.trim_matches('/'));
        let base = Url::parse(&format!("{scheme}://{at}/{path}")).ok()?;
        let base = Base::of(base).filter(|base| base.host_and_port().1 == port);
        host.chars().all(is_plain).then_some(Self {
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

    pub(super) fn base(&self) -> &Base {
        &self.base
    }

    pub(crate) fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether what it is told can be read on the way.
    pub(crate) fn is_in_clear(&self) -> bool {
        self.base.is_in_clear()
    }

    pub(super) fn request(
        &self,
        http: &reqwest::Client,
        method: Method,
        path: &[&str],
    ) -> RequestBuilder {
        let request = http.request(method, self.base.at(path));
        match &self.token {
            Some(token) => request.header(TOKEN, token.clone()),
            None => request,
        }
    }
}

/// The address, without the token.
impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.fmt(f)
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
    use crate::registration::base::client;

    #[test]
    fn agents_are_where_the_settings_say() {
        for (scheme, host, port, path, expected, is_here) in [
            ("http", "localhost", 8500, "", "http://localhost:8500", true),
            ("https", "consul", 443, "/x/", "https://consul/x", false),
            ("http", "::1", 8500, "", "http://[::1]:8500", true),
        ] {
            let agent = Agent::parse(scheme, host, port, path).unwrap();
            assert_eq!(
                (agent.to_string().as_str(), agent.base.is_here()),
                (expected, is_here)
            );
            assert_eq!(agent.base.host_and_port().1, port);
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
        let http = client(agent.base.is_https()).unwrap();
        let request = agent.request(&http, Method::PUT, &["v1", "a b"]).build();
        let request = request.unwrap();
        assert_eq!(request.url().as_str(), "http://consul:8500/p/v1/a%20b");
        assert_eq!(request.headers()[TOKEN], "s3cret");
        let shown = format!("{agent:?} {agent} {request:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(agent.with_token(&"a\nb".into()).is_none());
    }
}
