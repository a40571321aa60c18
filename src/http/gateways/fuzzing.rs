//! Anything that callers and gateways say: nobody is believed who is not trusted, and nothing that a caller says in front hides
//! whom the gateway saw.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{ForwardHeaders, Gateways, LONGEST_PREFIX, Told};

/// Whom the gateway saw, in words of its own.
const SEEN: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9));
const GATEWAYS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, 7)),
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// Header fields, a line each, as they arrive.
///
/// # Panics
/// When somebody counts as who can be no caller, when the two ways of reading a head differ, or when what stands in front
/// decides.
pub fn gateway(head: &[u8]) {
    let fields = fields(head);
    for headers in [ForwardHeaders::Native, ForwardHeaders::Framework] {
        let gateways = Gateways {
            headers,
            trusted: ["10.0.0.0/8", "127.0.0.0/8", "::1/128"]
                .map(|range| range.parse().expect("a range"))
                .into(),
            on_socket: true,
        };
        for gateway in GATEWAYS {
            let told = gateways.told(&fields, gateway);
            is_possible(&told, gateway);
            let lines: Vec<_> = fields.iter().map(as_on_the_lane).collect();
            assert_eq!(gateways.asker(&lines[..], gateway), told.address);
            sees(&gateways, &fields, gateway);
        }
    }
}

fn fields(head: &[u8]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n').take(100) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = HeaderName::from_bytes(&line[..colon]);
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii());
        if let (Ok(name), Ok(value)) = (name, value) {
            fields.append(name, value);
        }
    }
    fields
}

fn as_on_the_lane<'f>((name, value): (&'f HeaderName, &'f HeaderValue)) -> httparse::Header<'f> {
    httparse::Header {
        name: name.as_str(),
        value: value.as_bytes(),
    }
}

fn is_possible(told: &Told, gateway: IpAddr) {
    let address = told.address;
    assert_eq!(address, address.to_canonical());
    assert!(!address.is_unspecified() && !address.is_multicast());
    assert!(!address.is_loopback() || gateway.is_loopback());
    if let Some(host) = &told.host {
        assert!(!host.as_str().contains('@') && !host.host().is_empty());
    }
    let prefix = told.outside.prefix.as_str();
    assert!(prefix.is_empty() || prefix.starts_with('/'), "{prefix:?}");
    assert!(!prefix.starts_with("//") && !prefix.contains(['\\', '"', '<', '\n']));
    assert!(prefix.split('/').all(|part| part != ".."), "{prefix:?}");
    assert!(prefix.len() <= LONGEST_PREFIX);
}

/// Whatever a caller sends, the gateway adds whom it saw, behind it or in a field of its own.
fn sees(gateways: &Gateways, fields: &HeaderMap, gateway: IpAddr) {
    let seen = SEEN.to_string();
    let words = [
        ("x-forwarded-for", seen.clone()),
        ("forwarded", format!("for={seen}")),
    ];
    let both = gateways.headers == ForwardHeaders::Framework;
    for joins in [true, false] {
        let mut fields = fields.clone();
        for (name, word) in &words[..1 + usize::from(both)] {
            add(&mut fields, name, word, joins);
        }
        assert_eq!(gateways.told(&fields, gateway).address, SEEN);
    }
}

fn add(fields: &mut HeaderMap, name: &'static str, word: &str, joins: bool) {
    let before: Vec<_> = fields.get_all(name).iter().cloned().collect();
    let Some((last, front)) = before.split_last().filter(|_| joins) else {
        fields.append(name, HeaderValue::from_str(word).expect("plain"));
        return;
    };
    let joined = [last.as_bytes(), b", ", word.as_bytes()].concat();
    fields.remove(name);
    for value in front {
        fields.append(name, value.clone());
    }
    fields.append(name, HeaderValue::from_bytes(&joined).expect("of such"));
}
