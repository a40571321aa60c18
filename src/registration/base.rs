use std::{fmt, time::Duration};

use url::Url;

use crate::{network, tls};

/// For one request.
const DEADLINE: Duration = Duration::from_secs(5);
const CONNECT: Duration = Duration::from_secs(2);

/// The address of a registry that speaks HTTP, without credentials; all that it answers is below.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Base(Url);

impl Base {
    /// `None` when nobody can be asked there, or when it says more than where.
    pub(super) fn of(url: Url) -> Option<Self> {
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let is_plain = url.query().is_none() && url.fragment().is_none();
        let is_stripped = url.username().is_empty() && url.password().is_none();
        (is_web && is_plain && is_stripped).then_some(Self(url))
    }

    pub(super) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether it is on this machine.
    pub(super) fn is_here(&self) -> bool {
        self.0.host_str().is_some_and(network::is_here)
    }

    /// Whether what is told there can be read on the way.
    pub(super) fn is_in_clear(&self) -> bool {
        !self.is_https() && !self.is_here()
    }

    /// The host, without the brackets of an IPv6 address, and the port.
    pub(super) fn host_and_port(&self) -> (&str, u16) {
        let host = self.0.host_str().unwrap_or_default();
        let port = self.0.port_or_known_default();
        (host.trim_matches(['[', ']']), port.unwrap_or_default())
    }

    pub(super) fn at(&self, path: &[&str]) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// Asks registries, each request within a deadline of its own.
///
/// # Errors
/// When TLS is wanted and this machine trusts nobody.
pub(super) fn client(has_tls: bool) -> Result<reqwest::Client, String> {
    tls::client(has_tls)?
        .connect_timeout(CONNECT)
        .timeout(DEADLINE)
        .build()
        .map_err(|error| error.without_url().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(text: &str) -> Option<Base> {
        Base::of(Url::parse(text).unwrap())
    }

    #[test]
    fn everything_is_below_it() {
        for address in ["https://[::1]/eureka", "https://[::1]/eureka/"] {
            let base = base(address).unwrap();
            assert_eq!(base.host_and_port(), ("::1", 443));
            assert!(base.is_here() && base.is_https() && !base.is_in_clear());
            assert_eq!(base.to_string(), "https://[::1]/eureka");
            assert_eq!(
                base.at(&["apps", "CONFIG", "host:a b"]).as_str(),
                "https://[::1]/eureka/apps/CONFIG/host:a%20b"
            );
        }
        assert!(!base("http://localhost").unwrap().is_in_clear());
        let base = base("http://consul:8500").unwrap();
        assert_eq!(base.host_and_port(), ("consul", 8500));
        assert!(!base.is_here() && !base.is_https() && base.is_in_clear());
        assert_eq!(base.at(&["v1"]).as_str(), "http://consul:8500/v1");
    }

    #[test]
    fn what_says_more_is_none() {
        for address in [
            "ftp://eureka",
            "http://e/?a=b",
            "http://e/#x",
            "http://jo@e/",
            "http://:s3cret@e/",
        ] {
            assert_eq!(
                base(address).map(|base| base.to_string()),
                None,
                "{address}"
            );
        }
    }
}
