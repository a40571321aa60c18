mod access;
mod backends;
mod bus;
mod commit_status;
mod encryption;
mod git;
mod http;
mod ledger;
mod native;
mod vault;
mod waves;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use super::{Settings, reader::Reader};
use crate::refresh::{self, Destinations};

const SERVER: &str = "spring.cloud.config.server";
const SECOND: Duration = Duration::from_secs(1);

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
    let bus = bus::bus(reader);
    let member = bus::member(reader);
    let refresh = refresh(reader);
    let commit_status = commit_status::commit_status(reader);
    let (ledger, pins, waves_file) = ledger::ledger(reader, repository.as_ref(), listen.port());
    let backends = repository.as_ref().map_or(1, |all| all.backends.len());
    let waves = waves::waves(reader, waves_file, backends);
    let mut http = http::http(reader);
    let access = access::access(reader, !listen.ip().is_loopback());
    let encryption = encryption?;
    http.encryption = encryption.clone();
    http.listens_to_this_machine_only = listen.ip().is_loopback();
    http.webhook.stays_here =
        listen.ip().is_loopback() && !reader.flag("spring.cloud.bus.enabled", true);
    let repository = repository?;
    Some(Settings {
        access: crate::access::Settings {
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
        ledger,
        pins,
        waves: waves?,
        bus: bus?,
        member: member?,
        listen,
        warnings: Vec::new(),
    })
}

fn listen(reader: &mut Reader) -> SocketAddr {
    let address = match reader.text_or("server.address", "0.0.0.0").as_str() {
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        text => text.parse().unwrap_or_else(|_| {
            reader.refuse(
                "server.address",
                "`server.address` is not an IP address",
                Some("write 127.0.0.1, 0.0.0.0 or ::"),
            );
            IpAddr::V4(Ipv4Addr::LOCALHOST)
        }),
    };
    SocketAddr::new(address, reader.number("server.port", 8888))
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
