//! Gateways in front of this server: what they say of those for whom they ask counts, and nobody else's word does.
//!
//! A chain of addresses is read from its end, which the nearest gateway wrote, to the first one that is not trusted. What
//! cannot be read says nothing: then the connection's own address counts, which nobody can choose.

mod chain;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, header, uri::Authority};
use ipnet::IpNet;

use super::{
    fields::Fields,
    settings::{BasePath, Settings},
};
use chain::{Chain, Hop};

/// Bytes of a prefix that is believed.
const LONGEST_PREFIX: usize = 256;

/// Who is believed, and by which fields. Nobody by default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gateways {
    /// `server.forward-headers-strategy`.
    pub(crate) headers: ForwardHeaders,
    /// `confbus.server.trusted-proxies`: their addresses.
    pub(crate) trusted: Vec<IpNet>,
    /// `unix` among them: whoever connects to the socket in the file system.
    pub(crate) on_socket: bool,
}

/// Which fields of a trusted gateway count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ForwardHeaders {
    /// None.
    #[default]
    None,
    /// `X-Forwarded-*`, as Tomcat reads them.
    Native,
    /// `Forwarded` where there is one, else `X-Forwarded-*`, as Spring's filter reads them.
    Framework,
}

/// What a gateway says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    /// Who asks.
    pub(super) address: IpAddr,
    /// The host and port that were asked.
    pub(super) host: Option<Authority>,
    pub(super) outside: Outside,
}

/// How this server looks to whoever asks through gateways, as far as that differs from how it looks to itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Outside {
    scheme: Option<&'static str>,
    prefix: BasePath,
}

impl Gateways {
    /// Whether what somebody at this address says of others counts.
    pub(super) fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let is_named = || match address.is_unspecified() {
            true => self.on_socket,
            false => self.trusted.iter().any(|range| range.contains(&address)),
        };
        self.headers != ForwardHeaders::None && is_named()
    }

    /// Who asks through a gateway that is trusted.
    #[cold]
    pub(super) fn asker(&self, fields: &(impl Fields + ?Sized), gateway: IpAddr) -> IpAddr {
        let hop = self.of_asker(fields, gateway);
        hop.and_then(|hop| hop.address).unwrap_or(gateway)
    }

    /// All that a gateway that is trusted says.
    pub(super) fn told(&self, fields: &HeaderMap, gateway: IpAddr) -> Told {
        let Some(hop) = self.of_asker(fields, gateway) else {
            return Told {
                address: gateway,
                host: None,
                outside: Outside::default(),
            };
        };
        Told {
            address: hop.address.unwrap_or(gateway),
            host: hop.host(),
            outside: Outside {
                scheme: hop.scheme.and_then(scheme),
                prefix: prefix(fields),
            },
        }
    }

    /// What was said of who asks; `None` where nobody can know that, or two things are said at once.
    fn of_asker<'f>(&self, fields: &'f (impl Fields + ?Sized), gateway: IpAddr) -> Option<Hop<'f>> {
        let by_itself = Chain::each_by_itself(fields);
        if self.headers == ForwardHeaders::Native {
            return self.first(&by_itself, gateway);
        }
        let forwarded = Chain::forwarded(fields);
        if forwarded.is_empty() {
            return self.first(&by_itself, gateway);
        }
        let hop = self.first(&forwarded, gateway)?;
        // A gateway may write one of the two and pass the other on as it came.
        let is_same =
            by_itself.is_empty() || self.first(&by_itself, gateway)?.address == hop.address;
        is_same.then_some(hop)
    }

    /// What was said of the first one from the end who is not trusted, or of the last one there is; `None` when the chain
    /// says what it cannot know.
    fn first<'f>(&self, chain: &Chain<'f>, gateway: IpAddr) -> Option<Hop<'f>> {
        let mut first = chain.of_gateway();
        for hop in chain.nearest_first() {
            let address = hop.address?;
            let is_elsewhere = address.is_unspecified() || address.is_multicast();
            // Nobody but this machine has seen one of its own.
            if is_elsewhere || address.is_loopback() && !gateway.is_loopback() {
                return None;
            }
            first = hop;
            if !self.trust(address) {
                break;
            }
        }
        Some(first)
    }
}

impl ForwardHeaders {
    /// As settings name them.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "none" => Some(Self::None),
            "native" => Some(Self::Native),
            "framework" => Some(Self::Framework),
            _ => None,
        }
    }
}

impl Told {
    /// Makes fields say what was asked for at the gateway.
    pub(super) fn write_host(&self, fields: &mut HeaderMap) {
        let host = self.host.as_ref();
        let host = host.and_then(|host| HeaderValue::from_str(host.as_str()).ok());
        if let Some(host) = host {
            fields.insert(header::HOST, host);
        }
    }
}

impl Outside {
    /// What stands before every path of this server, seen from outside.
    pub(super) fn base(&self, settings: &Settings) -> String {
        format!("{}{}", self.prefix.as_str(), settings.context_path.as_str())
    }

    /// What its addresses begin with, seen from outside.
    pub(super) fn scheme(&self, settings: &Settings) -> &'static str {
        self.scheme.unwrap_or_else(|| settings.scheme())
    }
}

fn scheme(text: &str) -> Option<&'static str> {
    ["http", "https"]
        .into_iter()
        .find(|known| text.eq_ignore_ascii_case(known))
}

/// What gateways took off the path, the outermost first; nothing when one of them says what is no path of ours to write.
fn prefix(fields: &HeaderMap) -> BasePath {
    let mut all = String::new();
    for text in fields.texts("x-forwarded-prefix") {
        for part in text.split(',') {
            match BasePath::parse(part).filter(BasePath::stays) {
                Some(part) => all.push_str(part.as_str()),
                None => return BasePath::default(),
            }
        }
    }
    let is_short = all.len() <= LONGEST_PREFIX;
    is_short
        .then(|| BasePath::parse(&all))
        .flatten()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::peer::ON_SOCKET;

    fn gateways(headers: ForwardHeaders) -> Gateways {
        Gateways {
            headers,
            trusted: ["10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32"]
                .map(|range| range.parse().unwrap())
                .into(),
            on_socket: false,
        }
    }

    fn fields(said: &[(&'static str, &str)]) -> HeaderMap {
        let mut fields = HeaderMap::new();
        for (name, value) in said {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            fields.append(*name, value);
        }
        fields
    }

    #[test]
    fn nobody_is_trusted_by_default() {
        let address = IpAddr::from([127, 0, 0, 1]);
        assert!(!Gateways::default().trust(address));
        assert!(gateways(ForwardHeaders::Native).trust(address));
        assert!(gateways(ForwardHeaders::Native).trust("::ffff:10.0.0.1".parse().unwrap()));
        assert!(!gateways(ForwardHeaders::None).trust(address));
        let mut all = gateways(ForwardHeaders::Native);
        all.trusted.push("0.0.0.0/0".parse().unwrap());
        assert!(!all.trust(ON_SOCKET.ip()));
        all.on_socket = true;
        assert!(all.trust(ON_SOCKET.ip()));
    }

    #[test]
    fn who_asks_is_the_last_one_that_is_not_trusted() {
        let all = gateways(ForwardHeaders::Native);
        let many = "10.0.0.9, ".repeat(64) + "192.0.2.7";
        let much = "x".repeat(4096) + ", 192.0.2.7";
        let too_many = "192.0.2.7".to_owned() + &", 10.0.0.9".repeat(32);
        let too_much = "1".repeat(4096);
        for (said, gateway, expected) in [
            ("192.0.2.7", "10.0.0.1", "192.0.2.7"),
            ("192.0.2.7, 192.0.2.8", "10.0.0.1", "192.0.2.8"),
            ("192.0.2.7, 10.0.0.2", "10.0.0.1", "192.0.2.7"),
            ("127.0.0.1, 192.0.2.7, 10.0.0.2", "10.0.0.1", "192.0.2.7"),
            // All are trusted: the first of them asks.
            ("10.0.0.3, 10.0.0.2", "10.0.0.1", "10.0.0.3"),
            ("192.0.2.7:4711", "10.0.0.1", "192.0.2.7"),
            ("[2001:db9::1]:4711", "10.0.0.1", "2001:db9::1"),
            ("2001:db9::1", "10.0.0.1", "2001:db9::1"),
            ("::ffff:192.0.2.7", "10.0.0.1", "192.0.2.7"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
            // What cannot be so is not believed.
            ("127.0.0.1", "10.0.0.1", "10.0.0.1"),
            ("127.0.0.1, 10.0.0.2", "10.0.0.1", "10.0.0.1"),
            ("0.0.0.0", "10.0.0.1", "10.0.0.1"),
            ("::", "10.0.0.1", "10.0.0.1"),
            ("unknown", "10.0.0.1", "10.0.0.1"),
            ("192.0.2.7, x, 10.0.0.2", "10.0.0.1", "10.0.0.1"),
            ("192.0.2.7,", "10.0.0.1", "10.0.0.1"),
            ("192.0.2.7:x", "10.0.0.1", "10.0.0.1"),
            ("", "10.0.0.1", "10.0.0.1"),
            // Behind one who is not trusted, anything may stand.
            ("x, 192.0.2.7", "10.0.0.1", "192.0.2.7"),
            ("\u{e9}\", 192.0.2.7", "10.0.0.1", "192.0.2.7"),
            (&many, "10.0.0.1", "192.0.2.7"),
            (&much, "10.0.0.1", "192.0.2.7"),
            (&too_many, "10.0.0.1", "10.0.0.1"),
            (&too_much, "10.0.0.1", "10.0.0.1"),
        ] {
            let fields = fields(&[("x-forwarded-for", said)]);
            let gateway = gateway.parse().unwrap();
            let asker = all.asker(&fields, gateway);
            assert_eq!(asker.to_string(), expected, "{said}");
            assert_eq!(all.told(&fields, gateway).address, asker, "{said}");
        }
    }

    #[test]
    fn a_host_of_many_gateways_is_that_of_who_asks() {
        let all = gateways(ForwardHeaders::Native);
        let gateway = "10.0.0.1".parse().unwrap();
        for (said, host, scheme) in [
            (&[("x-forwarded-proto", "https")][..], None, Some("https")),
            (
                &[
                    ("x-forwarded-for", "192.0.2.7"),
                    ("x-forwarded-host", "config.example"),
                    ("x-forwarded-port", "8443"),
                    ("x-forwarded-proto", "HTTPS"),
                ],
                Some("config.example:8443"),
                Some("https"),
            ),
            (
                &[
                    ("x-forwarded-for", "192.0.2.7, 10.0.0.2"),
                    ("x-forwarded-host", "evil.example, config.example, inner"),
                    ("x-forwarded-proto", "http,https,http"),
                ],
                Some("config.example"),
                Some("https"),
            ),
            (
                &[
                    ("x-forwarded-host", "config.example"),
                    ("x-forwarded-port", "443"),
                    ("x-forwarded-proto", "https"),
                ],
                Some("config.example"),
                Some("https"),
            ),
            (
                &[
                    ("x-forwarded-for", "nonsense"),
                    ("x-forwarded-host", "config.example"),
                    ("x-forwarded-proto", "https"),
                ],
                None,
                None,
            ),
            (&[("x-forwarded-host", "user@config.example")], None, None),
            (&[("x-forwarded-host", "a b")], None, None),
            (&[("x-forwarded-proto", "gopher")], None, None),
        ] {
            let told = all.told(&fields(said), gateway);
            let told = (
                told.host.as_ref().map(Authority::as_str),
                told.outside.scheme,
            );
            assert_eq!(told, (host, scheme), "{said:?}");
        }
    }

    #[test]
    fn forwarded_is_read_where_it_is_to_be() {
        let gateway = "10.0.0.1".parse().unwrap();
        for (said, expected) in [
            (&[("forwarded", "for=192.0.2.7")][..], "192.0.2.7 - -"),
            (
                &[(
                    "forwarded",
                    "For=\"[2001:db9::1]:99\";proto=https;host=\"a.example:8\"",
                )],
                "2001:db9::1 a.example:8 https",
            ),
            (
                &[
                    ("forwarded", "for=1.1.1.1;host=evil, for=192.0.2.7;host=a"),
                    (
                        "forwarded",
                        "for=10.0.0.2;host=b;by=_x;secret=\"a,b;c=\\\"\"",
                    ),
                ],
                "192.0.2.7 a -",
            ),
            (&[("forwarded", "for=unknown")], "10.0.0.1 - -"),
            (&[("forwarded", "for=_hidden;host=a")], "10.0.0.1 - -"),
            (&[("forwarded", "for=\"192.0.2.7")], "10.0.0.1 - -"),
            // A quote that a caller left open ends where the gateway begins to write.
            (
                &[("forwarded", "for=\", for=\"192.0.2.7\";host=a")],
                "192.0.2.7 a -",
            ),
            (
                &[
                    ("forwarded", "\"\\, for=192.0.2.7"),
                    ("x-forwarded-for", "\", 192.0.2.7"),
                ],
                "192.0.2.7 - -",
            ),
            (
                &[("forwarded", "for=192.0.2.7;for=192.0.2.8")],
                "10.0.0.1 - -",
            ),
            (&[("forwarded", "host=a")], "10.0.0.1 - -"),
            // Whichever of the two a gateway passes on as it came: they say two things, so neither counts.
            (
                &[
                    ("forwarded", "for=192.0.2.7"),
                    ("x-forwarded-for", "192.0.2.8"),
                ],
                "10.0.0.1 - -",
            ),
            (
                &[
                    ("forwarded", "for=192.0.2.7;host=a"),
                    ("x-forwarded-for", "192.0.2.7"),
                ],
                "192.0.2.7 a -",
            ),
            (&[("x-forwarded-for", "192.0.2.8")], "192.0.2.8 - -"),
        ] {
            let told = gateways(ForwardHeaders::Framework).told(&fields(said), gateway);
            let host = told.host.as_ref().map_or("-", Authority::as_str);
            let scheme = told.outside.scheme.unwrap_or("-");
            assert_eq!(
                format!("{} {host} {scheme}", told.address),
                expected,
                "{said:?}"
            );
        }
        let native = gateways(ForwardHeaders::Native);
        for passed_on in ["for=192.0.2.7", "\"", "\u{e9}"] {
            let said = [
                ("forwarded", passed_on),
                ("x-forwarded-for", "192.0.2.8"),
                ("x-forwarded-host", "a.example"),
            ];
            let told = native.told(&fields(&said), gateway);
            assert_eq!(told.address.to_string(), "192.0.2.8", "{passed_on}");
            assert!(told.host.is_some(), "{passed_on}");
        }
    }

    #[test]
    fn a_prefix_is_a_path_and_nothing_else() {
        for (said, expected) in [
            (&["/config"][..], "/config"),
            (&["/a/", "b, /c"], "/a/b/c"),
            (&["//evil.example"], "/evil.example"),
            (&["/a/../b"], ""),
            (&["/a\"onload=x"], ""),
            (&["/a", "https://evil"], ""),
            (&["/"], ""),
        ] {
            let said: Vec<_> = said
                .iter()
                .map(|text| ("x-forwarded-prefix", *text))
                .collect();
            assert_eq!(prefix(&fields(&said)).as_str(), expected, "{said:?}");
        }
        let long = format!("/{}", "a".repeat(LONGEST_PREFIX));
        assert_eq!(
            prefix(&fields(&[("x-forwarded-prefix", &long)])).as_str(),
            ""
        );
    }
}
