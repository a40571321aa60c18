mod access;
#[cfg(feature = "awss3")]
mod awss3;
mod backends;
mod bus;
mod commit_status;
mod encryption;
mod git;
mod http;
#[cfg(feature = "jdbc")]
mod jdbc;
mod ledger;
mod lookups;
mod native;
#[cfg(feature = "redis")]
mod redis;
mod registration;
mod traces;
mod vault;
mod waves;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use super::{Bus, Settings, reader::Reader};
use crate::{
    encryption::Encryption,
    http::Tls,
    refresh::{self, Destinations},
};

const SERVER: &str = "spring.cloud.config.server";
const SECOND: Duration = Duration::from_secs(1);

/// The keys alone; `None` when they cannot be used.
pub(super) fn keys(reader: &mut Reader) -> Option<Encryption> {
    encryption::encryption(reader)
}

/// Where callers on this machine reach us.
pub(super) fn own_address(reader: &mut Reader) -> String {
    let mut at = listen(reader);
    if at.ip().is_unspecified() {
        at.set_ip(match at {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    http::below(reader, at)
}

/// The settings of every room; `None` when one of them cannot be made. The reader knows why.
pub(super) fn settings(reader: &mut Reader) -> Option<Settings> {
    // Before anything else is read: other settings may be encrypted.
    let encryption = encryption::encryption(reader);
    if let Some(encryption) = &encryption {
        reader.decrypt(|text| {
            encryption
                .check()
                .and_then(|()| encryption.decrypt_text(text))
        });
    }
    let repository = backends::repository(reader);
    let listen = listen(reader);
    let management = management(reader, listen);
    let socket = http::socket(reader);
    // Whoever has the socket may let in others.
    let is_local = listen.ip().is_loopback()
        && socket.is_none()
        && management.is_none_or(|at| at.ip().is_loopback());
    let bus = bus::bus(reader);
    let replicas = replicas(reader, bus.as_ref());
    let member = bus::member(reader);
    let refresh = refresh(reader);
    let commit_status = commit_status::commit_status(reader);
    let kept = ledger::ledger(reader, repository.as_ref(), listen.port());
    let backends = repository.as_ref().map_or(1, |all| all.backends.len());
    let waves = waves::waves(reader, kept.waves, backends);
    let traces = traces::traces(reader, member.as_ref().map(|member| member.id.as_str()));
    let mut http = http::http(reader);
    let registration = registration::registration(reader, http.tls.is_some());
    let access = access::access(reader, !is_local);
    let encryption = encryption?;
    http.encryption = encryption.clone();
    http.listens_to_this_machine_only = is_local;
    http.webhook.stays_here = is_local && !reader.flag("spring.cloud.bus.enabled", true);
    let mut repository = repository?;
    lookups::keep(
        reader,
        &mut repository.backends,
        &kept.folder_of_answers,
        listen.port(),
    );
    http.opened = reader.opened();
    Some(Settings {
        access: crate::access::Settings {
            certificates: http.tls.as_ref().is_some_and(Tls::asks_for_certificates),
            default_labels: repository.default_labels(),
            ..access
        },
        http,
        repository: crate::environment_repository::Settings {
            encryption,
            ..repository
        },
        refresh: refresh?,
        commit_status: commit_status?,
        ledger: kept.ledger,
        pins: kept.pins,
        inspection: kept.inspection,
        waves: waves?,
        registration: registration?,
        traces: traces?.map(Box::new),
        bus: bus?,
        replicas,
        member: member?,
        listen,
        socket,
        management,
        warnings: Vec::new(),
    })
}

/// Whether servers tell each other what they know.
fn replicas(reader: &mut Reader, bus: Option<&Bus>) -> bool {
    const KEY: &str = "confbus.replicas.enabled";
    if let Some(Bus::Local) = bus {
        reader.has_no_effect(KEY, "without a broker there is no way to other servers");
    }
    reader.flag(KEY, true)
}

fn listen(reader: &mut Reader) -> SocketAddr {
    let address = address(reader, "server.address", IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    SocketAddr::new(address, reader.number("server.port", 8888))
}

/// A port of its own for management; as in Spring, the address is that of the server unless it is said.
fn management(reader: &mut Reader, listen: SocketAddr) -> Option<SocketAddr> {
    const PORT: &str = "management.server.port";
    const ADDRESS: &str = "management.server.address";
    if !reader.has(PORT) {
        reader.has_no_effect(ADDRESS, &format!("there is no `{PORT}`"));
        return None;
    }
    reader.has_no_effect(
        "management.server.base-path",
        "paths are the same on either port",
    );
    let as_main = "that port speaks TLS as `server.ssl` says";
    reader.have_no_effect("management.server.ssl.", &[], as_main);
    let address = address(reader, ADDRESS, listen.ip());
    let port = reader.number(PORT, listen.port());
    // 0 is another port each time.
    if port == 0 || port != listen.port() {
        return Some(SocketAddr::new(address, port));
    }
    if address != listen.ip() {
        let text = format!("`{ADDRESS}` is another address, but `{PORT}` is the same port");
        let hint = "give management a port of its own, or leave out its address";
        reader.refuse(ADDRESS, text, Some(hint));
    }
    None
}

fn address(reader: &mut Reader, key: &str, default: IpAddr) -> IpAddr {
    let Some(text) = reader.text(key) else {
        reader.assume(key, default);
        return default;
    };
    if text == "localhost" {
        return IpAddr::V4(Ipv4Addr::LOCALHOST);
    }
    text.parse().unwrap_or_else(|_| {
        let hint = "write 127.0.0.1, 0.0.0.0 or ::";
        reader.refuse(key, format!("`{key}` is not an IP address"), Some(hint));
        default
    })
}

fn refresh(reader: &mut Reader) -> Option<refresh::Settings> {
    let destinations = match reader
        .text_or("confbus.monitor.destinations", "changed")
        .as_str()
    {
        "changed" => Destinations::Changed,
        "guess" => Destinations::Guess,
        _ => {
            reader.refuse(
                "confbus.monitor.destinations",
                "`confbus.monitor.destinations` is neither `changed` nor `guess`",
                None,
            );
            return None;
        }
    };
    Some(refresh::Settings {
        destinations,
        listens: reader.flag("spring.cloud.bus.refresh.enabled", true),
        ack: reader.flag("spring.cloud.bus.ack.enabled", true),
        ack_destination: bus::ack_destination(reader),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_broker_replicas_have_no_effect() {
        for (bus, expected) in [(Some(Bus::Local), 1), (None, 0)] {
            let said = ("confbus.replicas.enabled".to_owned(), "false".to_owned());
            let mut reader = Reader::of(vec![said], Vec::new());
            assert!(!replicas(&mut reader, bus.as_ref()));
            assert_eq!(reader.finish().1.len(), expected, "{bus:?}");
        }
    }

    #[test]
    fn management_has_an_address_only_with_a_port_of_its_own() {
        let listen = SocketAddr::from(([0, 0, 0, 0], 8888));
        for (port, address, expected, problems) in [
            ("8889", "127.0.0.1", Some("127.0.0.1:8889"), 0),
            ("8888", "127.0.0.1", None, 1),
            ("8888", "0.0.0.0", None, 0),
        ] {
            let said = [("port", port), ("address", address)];
            let said = said.map(|(key, value)| (format!("management.server.{key}"), value.into()));
            let mut reader = Reader::of(said.into(), Vec::new());
            let management = management(&mut reader, listen);
            assert_eq!(management, expected.map(|text| text.parse().unwrap()));
            assert_eq!(reader.finish().0.len(), problems, "{address}:{port}");
        }
    }
}
