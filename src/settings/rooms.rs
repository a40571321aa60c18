mod bus;
mod encryption;
mod git;
mod http;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use confbus_protocol::Label;
use confbus_resolution::Layout;
use indexmap::IndexMap;

use super::{Settings, reader::Reader};
use crate::{
    encryption::Encryption,
    environment_repository::{self, Freshness},
    refresh::{self, Destinations},
};

const GIT: &str = "spring.cloud.config.server.git";
const SERVER: &str = "spring.cloud.config.server";
const SECOND: Duration = Duration::from_secs(1);

/// The settings of every room; `None` when one of them cannot be made. The reader knows why.
pub(super) fn settings(reader: &mut Reader) -> Option<Settings> {
    refuse_other_backends(reader);
    // Before anything else is read: other settings may be encrypted.
    let encryption = encryption::encryption(reader);
    if let Some(encryption) = &encryption {
        reader.decrypt(|text| {
            encryption
                .check()
                .and_then(|()| encryption.decrypt_text(text))
        });
    }
    let git = git::git(reader);
    let listen = listen(reader);
    let bus = bus::bus(reader);
    let member = bus::member(reader);
    let repository = git.as_ref().and_then(|git| repository(reader, git));
    let refresh = refresh(reader);
    let http = http::http(reader);
    let git = git?;
    let remembered = git.mirror.with_extension("served.json");
    let encryption = encryption?;
    Some(Settings {
        http: crate::http::Settings {
            encryption: encryption.clone(),
            listens_to_this_machine_only: listen.ip().is_loopback(),
            ..http
        },
        git,
        repository: environment_repository::Settings {
            encryption,
            ..repository?
        },
        remembered,
        refresh: refresh?,
        bus: bus?,
        member: member?,
        listen,
        warnings: Vec::new(),
    })
}

fn refuse_other_backends(reader: &mut Reader) {
    let profiles = reader.list("spring.profiles.active");
    let others = [
        "native",
        "composite",
        "subversion",
        "vault",
        "jdbc",
        "redis",
        "mongodb",
        "awss3",
        "awssecretsmanager",
        "awsparamstore",
        "credhub",
        "secret-manager",
    ];
    if let Some(profile) = profiles
        .iter()
        .find(|profile| others.contains(&profile.as_str()))
    {
        reader.refuse(
            "spring.profiles.active",
            format!("the backend `{profile}` is not supported; git is"),
            None,
        );
    }
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

fn repository(
    reader: &mut Reader,
    git: &crate::git::Settings,
) -> Option<environment_repository::Settings> {
    let default = reader
        .text(&format!("{SERVER}.default-label"))
        .or_else(|| reader.text(&format!("{GIT}.default-label")))
        .unwrap_or_else(|| "main".into());
    let Ok(default_label) = Label::parse(&default) else {
        reader.refuse(
            &format!("{GIT}.default-label"),
            "the default label is not a branch, tag or commit",
            None,
        );
        return None;
    };
    let freshness = freshness(reader, git.timeout);
    Some(environment_repository::Settings {
        layout: Layout {
            uri: git.display_uri.clone(),
            checkout: git::base_directory(reader).display().to_string(),
            search_paths: reader.list(&format!("{GIT}.search-paths")),
            overrides: overrides(reader),
            reverse_location_order: reader.flag(&format!("{SERVER}.reverse-location-order"), false),
            default_label: Some(default_label.clone()),
            strip_document: reader.flag(&format!("{SERVER}.strip-document-from-yaml"), true),
        },
        default_label,
        try_master_branch: reader.flag(&format!("{GIT}.try-master-branch"), true),
        forget_deleted: reader.flag(&format!("{GIT}.delete-untracked-branches"), false),
        accept_empty: reader.flag(&format!("{SERVER}.accept-empty"), true),
        freshness,
        encryption: Encryption::default(),
    })
}

/// Keys as Spring binds them to a map: their parts joined by dots, an index being a part like any other.
fn overrides(reader: &Reader) -> IndexMap<String, String> {
    let plain = reader.below(&format!("{SERVER}.overrides."));
    let bracketed = reader.below(&format!("{SERVER}.overrides["));
    let joined = |key: &str| {
        key.trim_start_matches("overrides[")
            .replace("].", ".")
            .replace('[', ".")
            .replace(']', "")
    };
    plain
        .into_iter()
        .chain(bracketed)
        .map(|(key, value)| (joined(&key), value))
        .collect()
}

fn freshness(reader: &mut Reader, timeout: Duration) -> Freshness {
    match reader.text_or("confbus.git.freshness", "polled").as_str() {
        "polled" => Freshness::Polled,
        "strict" => Freshness::Strict(timeout),
        _ => {
            reader.refuse(
                "confbus.git.freshness",
                "`confbus.git.freshness` is neither `polled` nor `strict`",
                None,
            );
            Freshness::Polled
        }
    }
}

fn refresh(reader: &mut Reader) -> Option<refresh::Settings> {
    let key = format!("{GIT}.refresh-rate");
    let interval = match reader.number::<i64>(&key, 0) {
        0 => Some(Duration::from_secs(30)),
        rate => u64::try_from(rate).ok().map(Duration::from_secs),
    };
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
        interval,
        destinations,
        ack: reader.flag("spring.cloud.bus.ack.enabled", true),
    })
}
