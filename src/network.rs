#[cfg(any(feature = "jdbc", feature = "zookeeper"))]
mod host_and_port;

use std::net::{IpAddr, Ipv6Addr};

#[cfg(any(feature = "jdbc", feature = "zookeeper"))]
pub(crate) use host_and_port::HostAndPort;

/// Whose an address is, for counting: with IPv6 everybody has a network full of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Network {
    address: IpAddr,
    is_this_machine: bool,
}

impl Network {
    pub(crate) fn of(address: IpAddr) -> Self {
        /// What every site has at least.
        const SITE: u128 = u128::MAX << 64;
        let address = match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                Ipv6Addr::from_bits(address.to_bits() & SITE).into()
            }
            address => address,
        };
        Self {
            address,
            is_this_machine: address.is_loopback(),
        }
    }

    /// The same for somebody behind a gateway, who is never this machine, wherever the gateway is.
    pub(crate) fn behind_gateway(address: IpAddr) -> Self {
        Self {
            is_this_machine: false,
            ..Self::of(address)
        }
    }

    pub(crate) fn is_this_machine(self) -> bool {
        self.is_this_machine
    }
}

/// Whether a host, as addresses name it, is this machine: `localhost`, `127.0.0.1`, `[::1]`.
pub(crate) fn is_here(host: &str) -> bool {
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let address = address.unwrap_or(host).parse::<IpAddr>();
    address.map_or(host == "localhost", |address| address.is_loopback())
}

/// A host and a port, as addresses of the web have them: an IPv6 address stands in brackets.
pub(crate) fn authority(host: &str, port: u16) -> String {
    let is_bare = host.contains(':') && !host.starts_with('[');
    if is_bare {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_name_and_addresses() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1", "[::1]"] {
            assert!(is_here(host), "{host}");
        }
        for host in ["localhost.example", "10.0.0.7", "[::2]", "[localhost]", ""] {
            assert!(!is_here(host), "{host}");
        }
    }

    #[test]
    fn only_addresses_of_ipv6_stand_in_brackets() {
        assert_eq!(authority("config-1", 8888), "config-1:8888");
        assert_eq!(authority("fd00::5", 8888), "[fd00::5]:8888");
        assert_eq!(authority("[fd00::5]", 8888), "[fd00::5]:8888");
    }

    #[test]
    fn addresses_of_one_site_count_as_one() {
        let network = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(network("::ffff:10.0.0.7"), network("10.0.0.7"));
        assert_ne!(network("10.0.0.7"), network("10.0.0.8"));
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert!(network("::1").is_this_machine() && network("127.0.0.9").is_this_machine());
        assert!(!network("::2").is_this_machine());
        let here = "127.0.0.1".parse().unwrap();
        assert!(!Network::behind_gateway(here).is_this_machine());
    }
}
