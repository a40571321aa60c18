use super::SERVER;
use crate::{
    http::{Access, BasePath, Compression, HealthDetails, Limits, Settings, User},
    settings::reader::Reader,
    webhook::{self, Secret},
};

/// More would only wait for one another.
const MAX_THREADS: usize = 256;

/// How the server shows itself, and to whom.
pub(super) fn http(reader: &mut Reader) -> Settings {
    let defaults = Settings::default();
    Settings {
        context_path: base_path(reader, "server.servlet.context-path"),
        prefix: base_path(reader, &format!("{SERVER}.prefix")),
        monitor_path: base_path(reader, "spring.cloud.config.monitor.endpoint.path"),
        include_message: include_message(reader),
        strip_document: reader.flag(&format!("{SERVER}.strip-document-from-yaml"), true),
        down_status: reader.text_or(&format!("{SERVER}.health.down-health-status"), "DOWN"),
        health_enabled: reader.flag(&format!("{SERVER}.health.enabled"), true),
        health_details: health_details(reader),
        access: access(reader),
        decrypt_endpoint: reader.flag("confbus.encrypt.decrypt-endpoint", false),
        webhook: webhook(reader),
        compression: compression(reader, defaults.compression),
        limits: limits(reader, defaults.limits),
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

fn limits(reader: &mut Reader, defaults: Limits) -> Limits {
    let threads = reader.number("confbus.server.threads", defaults.threads);
    if !(1..=MAX_THREADS).contains(&threads) {
        reader.refuse(
            "confbus.server.threads",
            format!("`confbus.server.threads` is not between 1 and {MAX_THREADS}"),
            None,
        );
    }
    Limits {
        threads,
        names: reader.number("confbus.limits.names", defaults.names),
        path_segments: reader.number("confbus.limits.path-segments", defaults.path_segments),
        kept_bytes: reader.bytes("confbus.server.kept-bytes", defaults.kept_bytes),
        ..defaults
    }
}

fn base_path(reader: &mut Reader, key: &str) -> BasePath {
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
        "always" => HealthDetails::Always,
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

fn access(reader: &mut Reader) -> Access {
    let password = reader
        .text("spring.security.user.password")
        .and_then(Secret::new);
    let name = reader.text("spring.security.user.name");
    if name.is_some() && password.is_none() {
        reader.refuse(
            "spring.security.user.name",
            "a user without a password",
            Some("set spring.security.user.password"),
        );
    }
    let user = password.map(|password| User {
        name: name.unwrap_or_else(|| "user".into()),
        password,
    });
    let mode_none = match reader.text("confbus.security.mode").as_deref() {
        None => false,
        Some("none") => true,
        Some(_) => {
            reader.refuse(
                "confbus.security.mode",
                "`confbus.security.mode` can only be `none`",
                Some("leave it out to stay closed"),
            );
            false
        }
    };
    Access { user, mode_none }
}

fn webhook(reader: &mut Reader) -> webhook::Settings {
    let monitor = format!("{SERVER}.monitor");
    let mut provider = |name: &str| {
        let secret = reader
            .text(&format!("{monitor}.{name}.webhook-secret"))
            .and_then(Secret::new);
        webhook::ProviderSettings {
            enabled: reader.flag(&format!("{monitor}.{name}.enabled"), true),
            secret,
            validation: reader.flag(&format!("{monitor}.{name}.validation-enabled"), true),
        }
    };
    webhook::Settings {
        github: provider("github"),
        gitlab: provider("gitlab"),
        bitbucket: provider("bitbucket"),
        gitea: provider("gitea"),
        gitee: provider("gitee"),
        gogs: provider("gogs"),
        validation: reader.flag(&format!("{monitor}.validation-filter-enabled"), true),
        stays_here: false,
        max_paths: reader.number(&format!("{monitor}.max-paths"), 20),
        max_dashes: reader.number(&format!("{monitor}.max-dashes"), 20),
    }
}
