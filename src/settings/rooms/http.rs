mod gateways;
mod limits;
mod socket;
mod tls;

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::SERVER;
use crate::{
    http::{BasePath, Compression, HealthDetails, Settings},
    pages,
    settings::reader::Reader,
    webhook::{self, Secret},
};

pub(super) use socket::socket;

pub(super) const CONTEXT_PATH: &str = "server.servlet.context-path";
const BELIEVED: &str = "whoever posts there is believed without a signature";

/// The address below which a server there answers.
pub(super) fn below(reader: &mut Reader, at: SocketAddr) -> String {
    let scheme = if tls::is_on(reader) { "https" } else { "http" };
    let path = base_path(reader, CONTEXT_PATH);
    format!("{scheme}://{at}{}", path.as_str())
}

/// How the server shows itself, and to whom.
pub(super) fn http(reader: &mut Reader) -> Settings {
    let defaults = Settings::default();
    Settings {
        context_path: base_path(reader, CONTEXT_PATH),
        prefix: base_path(reader, &format!("{SERVER}.prefix")),
        monitor_path: base_path(reader, "spring.cloud.config.monitor.endpoint.path"),
        include_message: include_message(reader),
        strip_document: reader.flag(&format!("{SERVER}.strip-document-from-yaml"), true),
        down_status: reader.text_or(&format!("{SERVER}.health.down-health-status"), "DOWN"),
        health_enabled: reader.flag(&format!("{SERVER}.health.enabled"), true),
        health_details: health_details(reader),
        metrics: reader.flag("confbus.metrics.enabled", defaults.metrics),
        decrypt_endpoint: reader.switch(
            "confbus.encrypt.decrypt-endpoint",
            false,
            "whoever may decrypt sees the secrets of all applications",
        ),
        webhook: webhook(reader),
        compression: compression(reader, defaults.compression),
        tls: tls::tls(reader),
        pages: pages(reader),
        gateways: gateways::gateways(reader),
        limits: limits::limits(reader, defaults.limits),
        ..defaults
    }
}

fn compression(reader: &mut Reader, defaults: Compression) -> Compression {
    Compression {
        enabled: reader.flag("server.compression.enabled", defaults.enabled),
        min_response_size: reader.bytes(
            "server.compression.min-response-size",
            defaults.min_response_size,
        ),
    }
}

fn pages(reader: &mut Reader) -> pages::Settings {
    const COLOR: &str = "confbus.ui.color";
    let defaults = pages::Settings::default();
    let said = reader.text(COLOR);
    let color = said.as_deref().and_then(pages::Color::named);
    if said.is_some() && color.is_none() {
        let text = format!("`{COLOR}` is none of {}", pages::Color::NAMES);
        reader.refuse(COLOR, text, None);
    }
    pages::Settings {
        enabled: reader.flag("confbus.ui.enabled", defaults.enabled),
        name: reader.text_or("confbus.ui.name", &defaults.name),
        color,
    }
}

pub(super) fn base_path(reader: &mut Reader, key: &str) -> BasePath {
    BasePath::parse(&reader.text_or(key, "")).unwrap_or_else(|| {
        reader.refuse(
            key,
            format!("`{key}` is not a path of letters, digits and `-._~`"),
            None,
        );
        BasePath::default()
    })
}

fn include_message(reader: &mut Reader) -> bool {
    let keys = [
        "server.error.include-message",
        "spring.web.error.include-message",
    ];
    keys.iter()
        .any(|key| reader.text(key).as_deref() == Some("always"))
}

fn health_details(reader: &mut Reader) -> HealthDetails {
    let key = "management.endpoint.health.show-details";
    match reader
        .text_or(key, "when-authorized")
        .to_ascii_lowercase()
        .replace('_', "-")
        .as_str()
    {
        "never" => HealthDetails::Never,
        "when-authorized" => HealthDetails::WhenAuthorized,
        "always" => {
            reader.opens(
                key,
                "whoever asks is shown addresses of repositories and errors",
            );
            HealthDetails::Always
        }
        _ => {
            reader.refuse(
                key,
                format!("`{key}` is none of `never`, `when-authorized` and `always`"),
                None,
            );
            HealthDetails::default()
        }
    }
}

fn sources(reader: &mut Reader) -> Vec<IpNet> {
    let hint = "write 192.30.252.0/22, 2a0a:a440::/29";
    ranges(reader, "confbus.monitor.sources", &[], hint)
}

/// Addresses, or ranges of them, besides some words.
fn ranges(reader: &mut Reader, key: &str, words: &[&str], hint: &str) -> Vec<IpNet> {
    let parsed = |text: &String| {
        let address = || text.parse::<IpAddr>().map(IpNet::from);
        text.parse::<IpNet>().or_else(|_| address()).ok()
    };
    let mut said = reader.list(key);
    said.retain(|item| !words.contains(&item.as_str()));
    let nets: Vec<_> = said.iter().filter_map(parsed).collect();
    if nets.len() < said.len() {
        let text = format!("`{key}` has something that is no address and no range of addresses");
        reader.refuse(key, text, Some(hint));
    }
    nets
}

fn webhook(reader: &mut Reader) -> webhook::Settings {
    let monitor = format!("{SERVER}.monitor");
    let mut provider = |name: &str| {
        let keys = [
            format!("{monitor}.{name}.webhook-secret"),
            format!("confbus.monitor.previous-secrets.{name}"),
        ];
        let secrets = keys
            .iter()
            .filter_map(|key| Secret::new(reader.secret(key)?));
        let secrets = secrets.collect();
        webhook::ProviderSettings {
            enabled: reader.flag(&format!("{monitor}.{name}.enabled"), true),
            secrets,
            validation: reader.switch(
                &format!("{monitor}.{name}.validation-enabled"),
                true,
                BELIEVED,
            ),
        }
    };
    webhook::Settings {
        github: provider("github"),
        gitlab: provider("gitlab"),
        bitbucket: provider("bitbucket"),
        gitea: provider("gitea"),
        gitee: provider("gitee"),
        gogs: provider("gogs"),
        validation: reader.switch(
            &format!("{monitor}.validation-filter-enabled"),
            true,
            BELIEVED,
        ),
        stays_here: false,
        sources: sources(reader),
        max_paths: reader.number(&format!("{monitor}.max-paths"), 20),
        max_dashes: reader.number(&format!("{monitor}.max-dashes"), 20),
    }
}
