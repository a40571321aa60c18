use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;

use super::{
    super::fields::{Fields, text},
    ForwardHeaders,
};

/// Gateways between somebody and this server; more are not read.
const MOST_HOPS: usize = 32;
/// Bytes of what they say under one name; more are not read.
const LONGEST: usize = 2048;

/// What gateways say of those for whom they asked, each of the one before it.
#[derive(Debug, Default)]
pub(super) struct Chain<'f> {
    hops: Vec<Hop<'f>>,
    /// What the nearest one says where nobody says for whom.
    gateway: Hop<'f>,
}

/// What one of them says.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Hop<'f> {
    /// For whom it asks; `None` where it does not say so in a way that can be read.
    pub(super) address: Option<IpAddr>,
    pub(super) scheme: Option<&'f str>,
    host: Option<&'f str>,
    port: Option<&'f str>,
}

impl<'f> Chain<'f> {
    /// `None` where more is said than is read, or two things at once.
    pub(super) fn of(fields: &'f (impl Fields + ?Sized), headers: ForwardHeaders) -> Option<Self> {
        let forwarded = listed(fields, "forwarded", elements)?;
        if headers == ForwardHeaders::Native || forwarded.is_empty() {
            return Self::each_by_itself(fields);
        }
        let hops = forwarded.into_iter().map(Hop::of_element);
        let hops = hops.collect::<Option<Vec<_>>>()?;
        // A gateway may write one of the two and pass the other on as it came.
        let others = listed(fields, "x-forwarded-for", commas)?;
        let is_same = |(hop, other): (&Hop<'_>, &&str)| hop.address == node(other);
        if !others.is_empty()
            && (others.len() != hops.len() || !hops.iter().zip(&others).all(is_same))
        {
            return None;
        }
        Some(Self {
            hops,
            gateway: Hop::default(),
        })
    }

    /// `X-Forwarded-*`. A list that is shorter than that of addresses was not written by all of them.
    fn each_by_itself(fields: &'f (impl Fields + ?Sized)) -> Option<Self> {
        let list = |name| listed(fields, name, commas);
        let addresses = list("x-forwarded-for")?;
        let schemes = list("x-forwarded-proto")?;
        let (hosts, ports) = (list("x-forwarded-host")?, list("x-forwarded-port")?);
        let from_the_end = |list: &[&'f str], number: usize| {
            let last = list.len().checked_sub(1)?;
            Some(list[last - number.min(last)])
        };
        let hop = |number| Hop {
            address: None,
            scheme: from_the_end(&schemes, number),
            host: from_the_end(&hosts, number),
            port: from_the_end(&ports, number),
        };
        let hops = addresses.iter().rev().enumerate();
        let mut hops: Vec<_> = hops
            .map(|(number, address)| Hop {
                address: node(address),
                ..hop(number)
            })
            .collect();
        hops.reverse();
        Some(Self {
            hops,
            gateway: hop(0),
        })
    }

    /// What the nearest one says where nobody says for whom it asks.
    pub(super) fn of_gateway(&self) -> Hop<'f> {
        self.gateway
    }

    /// The nearest one first.
    pub(super) fn nearest_first(&self) -> impl Iterator<Item = Hop<'f>> {
        self.hops.iter().rev().copied()
    }
}

impl<'f> Hop<'f> {
    /// One element of `Forwarded`; `None` where it is none, or says something twice.
    fn of_element(element: &'f str) -> Option<Self> {
        let mut hop = Self::default();
        let mut node_said = None;
        for pair in split(element, b';')? {
            if pair.is_empty() {
                continue;
            }
            let (name, value) = pair.split_once('=')?;
            let value = unquoted(value)?;
            let said = match name.to_ascii_lowercase().as_str() {
                "for" => &mut node_said,
                "proto" => &mut hop.scheme,
                "host" => &mut hop.host,
                _ => continue,
            };
            if said.replace(value).is_some() {
                return None;
            }
        }
        hop.address = node_said.and_then(node);
        Some(hop)
    }

    /// The host that was asked, with its port where that is not the one of the scheme.
    pub(super) fn host(&self) -> Option<Authority> {
        let host: Authority = self.host?.parse().ok()?;
        if host.as_str().contains('@') || host.host().is_empty() {
            return None;
        }
        let usual = if self
            .scheme
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
        {
            443
        } else {
            80
        };
        match self.port.and_then(|port| port.parse::<u16>().ok()) {
            Some(port) if host.port().is_none() && port != usual => {
                format!("{host}:{port}").parse().ok()
            }
            _ => Some(host),
        }
    }
}

/// The items of a list that stands in one field or in several; none where there is no field, `None` where there is too much.
fn listed<'f>(
    fields: &'f (impl Fields + ?Sized),
    name: &str,
    items: impl Fn(&'f str) -> Option<Vec<&'f str>>,
) -> Option<Vec<&'f str>> {
    let (mut all, mut bytes) = (Vec::new(), 0);
    let named = |(given, _): &(&str, &[u8])| given.eq_ignore_ascii_case(name);
    for (_, value) in fields.each().filter(named) {
        bytes += value.len();
        if bytes > LONGEST {
            return None;
        }
        all.extend(items(text(value)?)?);
    }
    (all.len() <= MOST_HOPS).then_some(all)
}

#[expect(clippy::unnecessary_wraps, reason = "as the other kind of list")]
fn commas(text: &str) -> Option<Vec<&str>> {
    Some(text.split(',').map(str::trim).collect())
}

fn elements(text: &str) -> Option<Vec<&str>> {
    split(text, b',')
}

/// The parts of a text between separators that do not stand within quotes; `None` when a quote is left open.
fn split(text: &str, separator: u8) -> Option<Vec<&str>> {
    let (mut parts, mut begin) = (Vec::new(), 0);
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ if byte == separator && !is_quoted => {
                parts.push(text[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[begin..].trim());
    (!is_quoted).then_some(parts)
}

/// A value without its quotes; nothing that counts here needs a backslash, so one makes it count for nothing.
fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"'),
        None => (!value.contains('"')).then_some(value),
    }
}

/// An address, with or without a port: `192.0.2.7`, `192.0.2.7:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn node(text: &str) -> Option<IpAddr> {
    let bare = || text.parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address = bare().or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}
