use std::{
    iter,
    net::{IpAddr, SocketAddr},
};

use http::uri::Authority;

use super::super::fields::{Fields, text};

/// Gateways between somebody and this server; those further away are not read.
const MOST_HOPS: usize = 32;
/// Bytes of what they say under one name, from its end; what stands before them is not read.
const LONGEST: usize = 2048;

/// What gateways say of those for whom they asked, each of the one before it.
#[derive(Debug, Default)]
pub(super) struct Chain<'f> {
    /// The nearest one first.
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
    /// `Forwarded`.
    pub(super) fn forwarded(fields: &'f (impl Fields + ?Sized)) -> Self {
        let elements = from_the_end(fields, "forwarded", |value| parts(value, b','));
        let hops = elements.into_iter().map(Hop::of_element);
        Self {
            hops: hops.map(Option::unwrap_or_default).collect(),
            gateway: Hop::default(),
        }
    }

    /// `X-Forwarded-*`. A list that is shorter than that of addresses was not written by all of them.
    pub(super) fn each_by_itself(fields: &'f (impl Fields + ?Sized)) -> Self {
        let list = |name| -> Vec<&'f str> {
            let items = from_the_end(fields, name, |value| value.rsplit(|byte| *byte == b','));
            let items = items.into_iter().map(text);
            items.map(|item| item.unwrap_or_default().trim()).collect()
        };
        let addresses = list("x-forwarded-for");
        let schemes = list("x-forwarded-proto");
        let (hosts, ports) = (list("x-forwarded-host"), list("x-forwarded-port"));
        let of =
            |list: &[&'f str], number: usize| list.get(number).or_else(|| list.last()).copied();
        let hop = |number| Hop {
            address: None,
            scheme: of(&schemes, number),
            host: of(&hosts, number),
            port: of(&ports, number),
        };
        let hops = addresses.iter().enumerate();
        let hops = hops.map(|(number, address)| Hop {
            address: node(address),
            ..hop(number)
        });
        Self {
            hops: hops.collect(),
            gateway: hop(0),
        }
    }

    /// Nobody says for whom it asks.
    pub(super) fn is_empty(&self) -> bool {
        self.hops.is_empty()
    }

    /// What the nearest one says where nobody says for whom it asks.
    pub(super) fn of_gateway(&self) -> Hop<'f> {
        self.gateway
    }

    /// The nearest one first.
    pub(super) fn nearest_first(&self) -> impl Iterator<Item = Hop<'f>> {
        self.hops.iter().copied()
    }
}

impl<'f> Hop<'f> {
    /// One element of `Forwarded`; `None` where it is none, or says something twice.
    fn of_element(element: &'f [u8]) -> Option<Self> {
        let mut hop = Self::default();
        let mut node_said = None;
        for pair in parts(element, b';') {
            let pair = text(pair)?.trim();
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

/// The items of a list that stands in one field or in several, the last one first: callers write in front of what gateways
/// write. Where there are more than are read, an empty one stands for those.
fn from_the_end<'f, I: Iterator<Item = &'f [u8]>>(
    fields: &'f (impl Fields + ?Sized),
    name: &str,
    items: impl Fn(&'f [u8]) -> I,
) -> Vec<&'f [u8]> {
    let named = |(given, _): &(&str, &[u8])| given.eq_ignore_ascii_case(name);
    let values: Vec<_> = fields
        .each()
        .filter(named)
        .map(|(_, value)| value)
        .collect();
    let (mut all, mut bytes) = (Vec::new(), 0);
    for item in values.into_iter().rev().flat_map(items) {
        bytes += item.len() + 1;
        if all.len() == MOST_HOPS || bytes > LONGEST {
            all.push(&[][..]);
            break;
        }
        all.push(item);
    }
    all
}

/// The parts of a list between separators that do not stand within quotes, the last one first.
fn parts(list: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(list);
    iter::from_fn(move || {
        let list = rest.take()?;
        let Some(at) = last_unquoted(list, separator) else {
            return Some(list);
        };
        rest = Some(&list[..at]);
        Some(&list[at + 1..])
    })
}

/// Read from the end, a quote that somebody left open further in front hides nothing.
fn last_unquoted(list: &[u8], separator: u8) -> Option<usize> {
    let mut is_quoted = false;
    let is_escaped = |at: usize| {
        let before = list[..at].iter().rev();
        before.take_while(|byte| **byte == b'\\').count() % 2 == 1
    };
    for (at, byte) in list.iter().enumerate().rev() {
        if *byte == b'"' && !is_escaped(at) {
            is_quoted = !is_quoted;
        } else if *byte == separator && !is_quoted {
            return Some(at);
        }
    }
    None
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
