//! What a request says of who sent it, and of whom it is meant for.

use std::net::{IpAddr, Ipv4Addr};

use http::uri::Authority;

use crate::{access::Evidence, http::fields::text};

/// What the headers of a request say about who sent it, taken down in one walk over them.
#[derive(Debug, Default)]
pub(in crate::http) struct Said<'r> {
    host: Option<&'r [u8]>,
    authorization: Option<&'r [u8]>,
    /// A proxy passes on what others ask.
    is_forwarded: bool,
    /// Some page made a browser ask.
    fetch_site: Option<&'r [u8]>,
}

impl<'r> Said<'r> {
    /// Takes down whom the request is meant for; whether nothing was said of it before.
    pub(in crate::http) fn hear_host(&mut self, value: &'r [u8]) -> bool {
        let is_first = self.host.is_none();
        self.host.get_or_insert(value);
        is_first
    }

    pub(in crate::http) fn host(&self) -> Option<&'r [u8]> {
        self.host
    }

    /// Takes down one header, its name in lower case; of several with the same name the first counts.
    pub(in crate::http) fn hear(&mut self, name: &str, value: &'r [u8]) {
        match name {
            "host" => _ = self.hear_host(value),
            "authorization" => _ = self.authorization.get_or_insert(value),
            "sec-fetch-site" => _ = self.fetch_site.get_or_insert(value),
            "forwarded" | "via" | "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-port"
            | "x-forwarded-prefix" | "x-forwarded-proto" | "x-real-ip" => self.is_forwarded = true,
            _ => {}
        }
    }

    /// With where the request comes from, and whom a certificate names.
    pub(in crate::http) fn evidence<'e>(
        &self,
        address: Option<IpAddr>,
        certificate: Option<&'e str>,
    ) -> Evidence<'e>
    where
        'r: 'e,
    {
        Evidence {
            address,
            authorization: self.authorization,
            certificate,
        }
    }

    /// A loopback peer that speaks for itself: not a proxy on this machine that says that it passes on what others ask, and
    /// not a browser on this machine that some page made ask.
    pub(in crate::http) fn is_of_this_machine(
        &self,
        peer: Option<IpAddr>,
        authority: Option<&Authority>,
    ) -> bool {
        peer.is_some_and(|peer| peer.is_loopback())
            && !self.is_forwarded
            && self.fetch_site.is_none_or(|site| site != b"cross-site")
            && self.names_this_machine(authority)
    }

    /// Whether the request was meant for an address or `localhost`: a name that somebody made point to 127.0.0.1 is not
    /// ours.
    fn names_this_machine(&self, authority: Option<&Authority>) -> bool {
        match (self.host, authority) {
            (Some(host), _) if is_plain_address(host) => true,
            (Some(host), _) => text(host)
                .and_then(|host| host.parse::<Authority>().ok())
                .is_some_and(|host| is_this_machine(host.host())),
            (None, Some(authority)) => is_this_machine(authority.host()),
            // HTTP/1.0 without a name.
            (None, None) => true,
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

/// What nearly everybody says who means this machine, told without taking the text apart as an authority, which
/// allocates: `localhost` or an IPv4 address, and perhaps a port.
fn is_plain_address(host: &[u8]) -> bool {
    let Ok(host) = str::from_utf8(host) else {
        return false;
    };
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && (name.eq_ignore_ascii_case("localhost")
            // Most of those who ask by address, without reading it number by number.
            || name == "127.0.0.1"
            || name.parse::<Ipv4Addr>().is_ok())
}
