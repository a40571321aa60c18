use std::{
    env,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use confbus_bus::{Address, RabbitSettings};
use confbus_protocol::{BusId, Label, Member};
use confbus_resolution::Layout;
use indexmap::IndexMap;

use super::{Bus, Settings, reader::Reader};
use crate::{
    environment_repository::{self, Freshness},
    git::{self, Limits, Location},
    http,
    refresh::{self, Destinations},
    webhook::{self, Secret},
};

const GIT: &str = "spring.cloud.config.server.git";
const SERVER: &str = "spring.cloud.config.server";
const SECOND: Duration = Duration::from_secs(1);

/// The settings of every room; `None` when one of them cannot be made. The reader knows why.
pub(super) fn settings(reader: &mut Reader) -> Option<Settings> {
    refuse_other_backends(reader);
    let git = git(reader);
    let listen = listen(reader);
    let bus = bus(reader);
    let member = member(reader);
    let repository = git.as_ref().and_then(|git| repository(reader, git));
    let refresh = refresh(reader);
    let http = http(reader);
    let git = git?;
    let remembered = git.mirror.with_extension("served.json");
    Some(Settings {
        http,
        git,
        repository: repository?,
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
    if !reader.below("encrypt.").is_empty() {
        reader.warn("`encrypt.*` has no effect yet: `{cipher}` values are served as they are, for the client to decrypt");
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

fn git(reader: &mut Reader) -> Option<git::Settings> {
    let uri_key = format!("{GIT}.uri");
    let Some(uri) = reader.text(&uri_key) else {
        let hint = "set spring.cloud.config.server.git.uri (or SPRING_CLOUD_CONFIG_SERVER_GIT_URI); just looking? confbus demo";
        reader.refuse(&uri_key, "no repository is configured", Some(hint));
        return None;
    };
    if uri.contains('{') {
        reader.refuse(
            &uri_key,
            "placeholders in the repository's address are not supported",
            None,
        );
        return None;
    }
    let location = location(reader, &uri_key, &uri)?;
    let display_uri = display_uri(&uri);
    let timeout = reader.duration(&format!("{GIT}.timeout"), SECOND, Duration::from_secs(5));
    let deadline = reader.duration("confbus.git.deadline", SECOND, Duration::from_secs(120));
    let strict = reader.flag(&format!("{GIT}.strict-host-key-checking"), true);
    Some(git::Settings {
        mirror: base_directory(reader).join(format!("{}.git", directory_name(&display_uri))),
        location,
        display_uri,
        access: git::Access {
            username: reader.text(&format!("{GIT}.username")),
            password: reader.text(&format!("{GIT}.password")),
            private_key: reader.text(&format!("{GIT}.private-key")),
            passphrase: reader.text(&format!("{GIT}.passphrase")),
            key_files: key_files(),
            skip_ssl_validation: reader.flag(&format!("{GIT}.skip-ssl-validation"), false),
            accept_any_host_key: !strict,
        },
        timeout,
        deadline,
        limits: Limits {
            files: reader.number("confbus.limits.files", 100_000),
            file_bytes: reader.number("confbus.limits.file-bytes", 8 << 20),
            total_bytes: reader.number("confbus.limits.total-bytes", 256 << 20),
        },
    })
}

/// A plain path is a repository whose commits are served; `file:` may be a work tree that is served as it lies there.
fn location(reader: &mut Reader, key: &str, uri: &str) -> Option<Location> {
    if let Some(rest) = uri.strip_prefix("file:") {
        let path = PathBuf::from(rest.strip_prefix("//").unwrap_or(rest));
        let has_work_tree = path.join(".git").exists();
        return Some(if has_work_tree {
            Location::WorkTree(path)
        } else {
            Location::Local(path)
        });
    }
    let supported = ["https://", "http://", "ssh://", "git://"];
    if supported.iter().any(|scheme| uri.starts_with(scheme)) {
        // What cannot be taken apart cannot be shown without its password either.
        if url::Url::parse(uri).is_err() {
            let hint = "write special characters of user and password percent-encoded, or use username and password";
            reader.refuse(key, "the repository's address is not a URL", Some(hint));
            return None;
        }
        return Some(Location::Remote(uri.to_owned()));
    }
    if is_scp_like(uri) {
        return Some(Location::Remote(uri.to_owned()));
    }
    if uri.contains("://") {
        reader.refuse(
            key,
            "the repository's address has an unknown scheme",
            Some("https://, ssh://, file:// or a path"),
        );
        return None;
    }
    Some(Location::Local(home_expanded(uri)))
}

/// Where ssh itself looks.
fn key_files() -> Vec<PathBuf> {
    let folder = env::home_dir().unwrap_or_default().join(".ssh");
    let names = ["id_ed25519", "id_ecdsa", "id_rsa"];
    names
        .iter()
        .map(|name| folder.join(name))
        .filter(|file| file.exists())
        .collect()
}

/// `git@host:path`: a colon before the first slash.
fn is_scp_like(uri: &str) -> bool {
    uri.find(':')
        .is_some_and(|colon| !uri[..colon].contains('/') && colon > 1)
}

fn home_expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// The address without credentials and trailing slashes, as it stands in names of sources.
fn display_uri(uri: &str) -> String {
    let shown = match url::Url::parse(uri) {
        Ok(url) if url.has_host() && (url.password().is_some() || !url.username().is_empty()) => {
            without_credentials(url)
        }
        _ => uri.to_owned(),
    };
    shown.trim_end_matches('/').to_owned()
}

/// The user of ssh is part of the address; any other may be a token.
fn without_credentials(mut url: url::Url) -> String {
    let user = if url.scheme() == "ssh" {
        url.username().to_owned()
    } else {
        String::new()
    };
    let cleared = url
        .set_password(None)
        .and_then(|()| url.set_username(&user));
    cleared.map_or_else(|()| String::new(), |()| url.to_string())
}

/// Where clones live: as configured, else where the system keeps state of services, else in the user's cache.
fn base_directory(reader: &Reader) -> PathBuf {
    let configured = reader.text(&format!("{GIT}.basedir")).map(|path| {
        PathBuf::from(
            path.trim_start_matches("file://")
                .trim_start_matches("file:"),
        )
    });
    let state = || env::var_os("STATE_DIRECTORY").map(PathBuf::from);
    let cache = || {
        env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| env::home_dir().map(|home| home.join(".cache")))
    };
    configured
        .or_else(state)
        .or_else(|| cache().map(|cache| cache.join("confbus")))
        .unwrap_or_else(|| env::temp_dir().join("confbus"))
}

/// A name that people recognise and that no other repository has.
fn directory_name(uri: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, uri.as_bytes());
    let hash: String = digest.as_ref()[..4]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let last = uri
        .rsplit(['/', ':'])
        .next()
        .unwrap_or_default()
        .trim_end_matches(".git");
    let name: String = last
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .take(40)
        .collect();
    format!("{name}-{hash}")
}

fn repository(
    reader: &mut Reader,
    git: &git::Settings,
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
    let overrides: IndexMap<String, String> = reader
        .below(&format!("{SERVER}.overrides."))
        .into_iter()
        .collect();
    let freshness = freshness(reader, git.timeout);
    Some(environment_repository::Settings {
        layout: Layout {
            uri: git.display_uri.clone(),
            checkout: base_directory(reader).display().to_string(),
            search_paths: reader.list(&format!("{GIT}.search-paths")),
            overrides,
            reverse_location_order: reader.flag(&format!("{SERVER}.reverse-location-order"), false),
            default_label: Some(default_label.clone()),
            strip_document: reader.flag(&format!("{SERVER}.strip-document-from-yaml"), true),
        },
        default_label,
        try_master_branch: reader.flag(&format!("{GIT}.try-master-branch"), true),
        forget_deleted: reader.flag(&format!("{GIT}.delete-untracked-branches"), false),
        accept_empty: reader.flag(&format!("{SERVER}.accept-empty"), true),
        freshness,
    })
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

fn http(reader: &mut Reader) -> http::Settings {
    let defaults = http::Settings::default();
    http::Settings {
        context_path: base_path(reader, "server.servlet.context-path"),
        prefix: base_path(reader, &format!("{SERVER}.prefix")),
        monitor_path: base_path(reader, "spring.cloud.config.monitor.endpoint.path"),
        include_message: include_message(reader),
        health_enabled: reader.flag(&format!("{SERVER}.health.enabled"), true),
        health_details: health_details(reader),
        access: access(reader),
        webhook: webhook(reader),
        ..defaults
    }
}

fn base_path(reader: &mut Reader, key: &str) -> http::BasePath {
    http::BasePath::parse(&reader.text_or(key, "")).unwrap_or_else(|| {
        reader.refuse(
            key,
            format!("`{key}` is not a path of letters, digits and `-._~`"),
            None,
        );
        http::BasePath::default()
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

fn health_details(reader: &mut Reader) -> http::HealthDetails {
    let key = "management.endpoint.health.show-details";
    match reader
        .text_or(key, "when-authorized")
        .to_ascii_lowercase()
        .replace('_', "-")
        .as_str()
    {
        "never" => http::HealthDetails::Never,
        "when-authorized" => http::HealthDetails::WhenAuthorized,
        "always" => http::HealthDetails::Always,
        _ => {
            reader.refuse(
                key,
                format!("`{key}` is none of `never`, `when-authorized` and `always`"),
                None,
            );
            http::HealthDetails::default()
        }
    }
}

fn access(reader: &mut Reader) -> http::Access {
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
    let user = password.map(|password| http::User {
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
    http::Access { user, mode_none }
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
        max_paths: reader.number(&format!("{monitor}.max-paths"), 20),
        max_dashes: reader.number(&format!("{monitor}.max-dashes"), 20),
    }
}

/// RabbitMQ as soon as a broker is named, otherwise within the process.
fn bus(reader: &mut Reader) -> Option<Bus> {
    let named = [
        "host",
        "port",
        "addresses",
        "username",
        "password",
        "virtual-host",
        "ssl.enabled",
    ]
    .iter()
    .any(|key| reader.has(&format!("spring.rabbitmq.{key}")));
    if !reader.flag("spring.cloud.bus.enabled", true) || !named {
        return Some(Bus::Local);
    }
    let ssl = reader.flag("spring.rabbitmq.ssl.enabled", false);
    let defaults = RabbitSettings::default();
    let mut settings = RabbitSettings {
        ssl,
        username: reader.text_or("spring.rabbitmq.username", &defaults.username),
        virtual_host: reader.text_or("spring.rabbitmq.virtual-host", &defaults.virtual_host),
        exchange: reader.text_or("spring.cloud.bus.destination", &defaults.exchange),
        connection_timeout: reader.duration(
            "spring.rabbitmq.connection-timeout",
            Duration::from_millis(1),
            defaults.connection_timeout,
        ),
        requested_heartbeat: reader.duration(
            "spring.rabbitmq.requested-heartbeat",
            SECOND,
            defaults.requested_heartbeat,
        ),
        connection_name: "confbus-server".into(),
        ..defaults
    };
    if let Some(password) = reader.text("spring.rabbitmq.password") {
        settings.password = password.into();
    }
    let addresses = addresses(reader, ssl)?;
    Some(Bus::Rabbit(Box::new(with_credentials_of_address(
        settings, addresses,
    ))))
}

fn addresses(reader: &mut Reader, ssl: bool) -> Option<Vec<RabbitSettings>> {
    let default_port = if ssl { 5671 } else { 5672 };
    let listed = reader.list("spring.rabbitmq.addresses");
    if listed.is_empty() {
        let host = reader.text_or("spring.rabbitmq.host", "localhost");
        let port = reader.number("spring.rabbitmq.port", default_port);
        return Some(vec![RabbitSettings {
            addresses: vec![Address { host, port }],
            ..RabbitSettings::default()
        }]);
    }
    let scheme = if ssl { "amqps" } else { "amqp" };
    let parsed: Result<Vec<_>, _> = listed
        .iter()
        .map(|address| {
            RabbitSettings::from_url(&if address.contains("://") {
                address.clone()
            } else {
                format!("{scheme}://{address}")
            })
        })
        .collect();
    parsed
        .inspect_err(|error| {
            reader.refuse(
                "spring.rabbitmq.addresses",
                error.to_string(),
                Some("host:port, by comma"),
            );
        })
        .ok()
}

/// As in Spring the first address may carry credentials and the virtual host for all of them.
fn with_credentials_of_address(
    settings: RabbitSettings,
    addresses: Vec<RabbitSettings>,
) -> RabbitSettings {
    let plain = RabbitSettings::default();
    let mut settings = settings;
    if let Some(first) = addresses.first() {
        if first.username != plain.username {
            settings.username.clone_from(&first.username);
        }
        if first.password != plain.password {
            settings.password = first.password.clone();
        }
        if first.virtual_host != plain.virtual_host {
            settings.virtual_host.clone_from(&first.virtual_host);
        }
        settings.ssl |= first.ssl;
    }
    settings.addresses = addresses
        .into_iter()
        .flat_map(|one| one.addresses)
        .collect();
    settings
}

fn member(reader: &mut Reader) -> Option<Member> {
    let id = match reader.text("spring.cloud.bus.id") {
        Some(id) => BusId::new(id),
        None => {
            let application = reader.text_or("spring.application.name", "config-server");
            let index = reader
                .text("spring.application.index")
                .or_else(|| reader.text("server.port"))
                .unwrap_or_else(|| "8888".into());
            BusId::of_instance(
                &application,
                &reader.list("spring.profiles.active").join(","),
                &index,
                &uuid::Uuid::new_v4().simple().to_string(),
            )
        }
    };
    let member = id.map(|id| Member {
        id,
        config_names: Vec::new(),
    });
    member
        .inspect_err(|error| reader.refuse("spring.cloud.bus.id", error.to_string(), None))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_not_shown() {
        let cases = [
            ("https://u:p@host/x.git/", "https://host/x.git"),
            ("https://token@host/x", "https://host/x"),
            ("ssh://git:pw@host/x", "ssh://git@host/x"),
            ("ssh://git@host/x", "ssh://git@host/x"),
            ("git@host:x/y", "git@host:x/y"),
            ("/srv/config/", "/srv/config"),
        ];
        for (uri, shown) in cases {
            assert_eq!(display_uri(uri), shown);
        }
    }

    #[test]
    fn scp_like_addresses_are_remote() {
        assert!(is_scp_like("git@host:path"));
        assert!(is_scp_like("host:path"));
        assert!(!is_scp_like("/srv/a:b"));
        assert!(!is_scp_like("./a"));
    }
}
