//! Gateways in front of this server: what they say of those for whom they ask counts, and nobody else's word does.
//!
//! A chain of addresses is read from its end, which the nearest gateway wrote, to the first one that is not trusted. What
//! cannot be read says nothing: then the connection's own address counts, which nobody can choose.

mod chain;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;

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
