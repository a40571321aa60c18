use std::fmt;

use crate::network::HostAndPort;

/// Servers of ZooKeeper that are one: `zk1:2181,zk2:2181`, and below which node everything of ours is, if not the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ensemble {
    hosts: Vec<HostAndPort>,
    /// Empty, or with a slash in front.
    below: String,
}

/// Where a server listens unless it is said.
const PORT: u16 = 2181;
/// More are a mistake.
const MOST: usize = 32;

impl Ensemble {
    /// Takes what Java's clients take as a connect string; `None` when it is something else.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (hosts, below) = match text.split_once('/') {
            Some((hosts, below)) => (hosts, format!("/{}", below.trim_end_matches('/'))),
            None => (text, String::new()),
        };
        let below = if below == "/" { String::new() } else { below };
        let hosts: Option<Vec<_>> = hosts
            .split(',')
            .map(|host| HostAndPort::parse(host.trim(), PORT))
            .collect();
        let hosts = hosts.filter(|hosts| hosts.len() <= MOST)?;
        is_path(&below).then_some(Self { hosts, below })
    }

    /// Each with its port, an IPv6 address without brackets.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = (&str, u16)> {
        self.hosts.iter().map(|one| (one.host.as_str(), one.port))
    }

    /// Whether all of it is on this machine.
    pub(crate) fn is_here(&self) -> bool {
        self.hosts.iter().all(HostAndPort::is_here)
    }
}

/// Empty, or what ZooKeeper takes as the path of a node.
pub(crate) fn is_path(text: &str) -> bool {
    let Some(names) = text.strip_prefix('/') else {
        return text.is_empty();
    };
    names.split('/').all(is_name)
}

/// What ZooKeeper takes as the name of a node.
pub(crate) fn is_name(text: &str) -> bool {
    let is_odd = |char: char| {
        char.is_control()
            || char == '/'
            || matches!(char, '\u{f000}'..='\u{f8ff}' | '\u{fff0}'..='\u{ffff}')
    };
    !matches!(text, "" | "." | "..") && !text.contains(is_odd)
}

impl fmt::Display for Ensemble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, host) in self.hosts.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            write!(f, "{comma}{host}")?;
        }
        f.write_str(&self.below)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_strings_are_read_as_java_reads_them() {
        for (text, expected, is_here) in [
            ("zk1", "zk1:2181", false),
            ("zk1:2181, zk2:2182/", "zk1:2181,zk2:2182", false),
            ("localhost:2181/apps/x", "localhost:2181/apps/x", true),
            ("[::1]:9,127.0.0.1", "[::1]:9,127.0.0.1:2181", true),
            ("localhost,zk2", "localhost:2181,zk2:2181", false),
        ] {
            let ensemble = Ensemble::parse(text).unwrap();
            assert_eq!(
                (ensemble.to_string().as_str(), ensemble.is_here()),
                (expected, is_here)
            );
        }
    }

    #[test]
    fn what_is_no_connect_string_is_none() {
        for text in [
            "",
            "zk1,,zk2",
            "zk1:0",
            "zk1:port",
            "jo:s3cret@zk1:2181",
            "[zk1]:2181",
            "zk1/a//b",
            "zk1/..",
            "tcp://zk1:2181",
        ] {
            assert_eq!(Ensemble::parse(text), None, "{text}");
        }
    }
}
