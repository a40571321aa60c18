use std::{fmt, net::Ipv6Addr};

use super::{authority, is_here};

/// One of several servers that stand in one text, for those who find them by name: `db-1:5432`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostAndPort {
    /// An IPv6 address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl HostAndPort {
    /// Takes `host`, `host:port`, `[::1]` and `[::1]:port`, with a usual port where there is none; `None` when it is something
    /// else, such as a login and a host.
    pub(crate) fn parse(text: &str, usual: u16) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, port) = rest.split_once(']')?;
                let (plain, _zone) = address.split_once('%').unwrap_or((address, ""));
                plain.parse::<Ipv6Addr>().ok()?;
                (address, port)
            }
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok().filter(|port| *port > 0)?,
            None if port.is_empty() => usual,
            None => return None,
        };
        let is_plain = |char: char| char.is_alphanumeric() || ".-_:%".contains(char);
        (!host.is_empty() && host.chars().all(is_plain)).then(|| Self {
            host: host.to_owned(),
            port,
        })
    }

    /// Whether it is on this machine.
    pub(crate) fn is_here(&self) -> bool {
        is_here(&self.host)
    }
}

impl fmt::Display for HostAndPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&authority(&self.host, self.port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<String> {
        HostAndPort::parse(text, 7).map(|server| server.to_string())
    }

    #[test]
    fn ports_and_brackets_may_be_there() {
        for (text, expected) in [
            ("db", "db:7"),
            ("db_1.example:65535", "db_1.example:65535"),
            ("10.0.0.5:1", "10.0.0.5:1"),
            ("[::1]", "[::1]:7"),
            ("[fe80::1%eth0]:2", "[fe80::1%eth0]:2"),
        ] {
            assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
        }
        for (text, expected) in [("localhost", true), ("[::1]:2", true), ("db", false)] {
            let server = HostAndPort::parse(text, 7).unwrap();
            assert_eq!(server.is_here(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_meant_otherwise_is_none() {
        for text in [
            "",
            ":1",
            "db:",
            "db:0",
            "db:65536",
            "db:port",
            "jo:s3cret@db",
            "jo@db:1",
            "tcp://db",
            "d b",
            "::1",
            "[db]:1",
            "[::1",
            "[::1]7",
            "[::1%a/b]:1",
        ] {
            assert_eq!(shown(text), None, "{text}");
        }
    }
}
