use std::{num::NonZero, time::Duration};

use super::{
    gateways::Gateways,
    own_settings::{SettingView, WarningView},
    tls::Tls,
};
use crate::{encryption::Encryption, pages, webhook};

/// How the server shows itself over HTTP, and to whom.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// `server.servlet.context-path`: stands before every path. None by default.
    pub(crate) context_path: BasePath,
    /// `spring.cloud.config.server.prefix`: stands before the paths of configuration, after the context path. None by default.
    pub(crate) prefix: BasePath,
    /// `spring.cloud.config.monitor.endpoint.path`: stands before `/monitor`. None by default.
    pub(crate) monitor_path: BasePath,
    /// `server.error.include-message=always`: errors carry a `message` even where Spring's have none. Off by default.
    pub(crate) include_message: bool,
    /// `spring.cloud.config.server.strip-document-from-yaml`: a YAML answer that is only a `document` loses that wrapper.
    pub(crate) strip_document: bool,
    /// `spring.cloud.config.server.health.down-health-status`: what `configServer` says when a probe finds nothing.
    pub(crate) down_status: String,
    /// `spring.cloud.config.server.health.enabled`: whether `configServer` counts in health. On by default.
    pub(crate) health_enabled: bool,
    /// `management.endpoint.health.show-details`.
    pub(crate) health_details: HealthDetails,
    /// `confbus.metrics.enabled`: whether what is counted can be scraped. On by default.
    pub(crate) metrics: bool,
    /// What `/encrypt`, `/decrypt` and `/key` work with.
    pub(crate) encryption: Encryption,
    /// `confbus.encrypt.decrypt-endpoint`: whoever logs in may have texts decrypted. Off by default.
    pub(crate) decrypt_endpoint: bool,
    /// What was opened by name, as `key=value`.
    pub(crate) opened: Vec<String>,
    /// What was said of all settings, by key.
    pub(crate) said: Vec<SettingView>,
    /// What counts where nothing was said, by key.
    pub(crate) defaults: Vec<SettingView>,
    /// What of it was said in vain, or opens what is closed.
    pub(crate) warnings: Vec<WarningView>,
    /// No other machine can reach this server.
    pub(crate) listens_to_this_machine_only: bool,
    /// Who may push.
    pub(crate) webhook: webhook::Settings,
    /// Which answers are given as gzip.
    pub(crate) compression: Compression,
    /// How TLS is spoken; not at all by default.
    pub(crate) tls: Option<Tls>,
    /// How pages for people present this server.
    pub(crate) pages: pages::Settings,
    /// Who is believed that says for whom it asks.
    pub(crate) gateways: Gateways,
    /// Bounds of connections and requests.
    pub(crate) limits: Limits,
}

/// Which answers are given as gzip to whoever accepts it, if they are text or JSON.
#[derive(Debug, Clone)]
pub(crate) struct Compression {
    /// `server.compression.enabled`. On by default, unlike Spring's: an answer is compressed once and then kept.
    pub(crate) enabled: bool,
    /// `server.compression.min-response-size` in bytes; 2 KB, as Spring's.
    pub(crate) min_response_size: usize,
}

/// Who sees more of health than its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum HealthDetails {
    /// `never`.
    Never,
    /// `when-authorized`: whoever is known and may, or this machine when nobody has to be.
    #[default]
    WhenAuthorized,
    /// `always`.
    Always,
}

/// Bounds of connections and requests.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// `confbus.limits.body-bytes`: bytes of a body, of whatever is not said otherwise; 64 KiB.
    pub(crate) body: usize,
    /// `confbus.limits.webhook-bytes`: bytes of a webhook's body; 1 MiB. GitHub sends at most 25 MB, but a push of thousands
    /// of files fits in one.
    pub(crate) webhook: usize,
    /// `confbus.limits.target-bytes`: bytes of a request's path and query; 8 KiB, the default of Tomcat.
    pub(crate) target: usize,
    /// `confbus.limits.names`: applications, profiles or labels in one request; 32. Each combination is looked up.
    pub(crate) names: usize,
    /// `confbus.limits.path-segments`: folders above a plain file, and the file; 16.
    pub(crate) path_segments: usize,
    /// `confbus.limits.head-bytes`: bytes of a request's head, with its first line; 32 KiB, and no more than 100 fields.
    pub(crate) head: usize,
    /// `confbus.limits.idle-timeout`: how long a connection may idle between two requests; 60 s, as Tomcat.
    pub(crate) idle_timeout: Duration,
    /// `confbus.limits.head-timeout`: how long a head may take that has begun; 10 s.
    pub(crate) head_timeout: Duration,
    /// `confbus.limits.body-timeout`: how long a request's body may take; 30 s. GitHub gives up after 10.
    pub(crate) body_timeout: Duration,
    /// `confbus.limits.send-timeout`: how long nothing of an answer may be taken; 30 s.
    pub(crate) send_timeout: Duration,
    /// `confbus.limits.handshake-timeout`: how long it may take to agree on TLS; 10 s.
    pub(crate) handshake_timeout: Duration,
    /// `confbus.limits.connections`: connections at a time; 8192, as Tomcat. Further ones get 503, or hear how the server is.
    pub(crate) connections: usize,
    /// `confbus.limits.connections-per-address`: connections of one address, or of one network of IPv6, at a time; 1024. As
    /// many as there are where it is 0.
    pub(crate) connections_per_address: usize,
    /// `confbus.limits.requests`: requests that are answered at a time, besides those whose answers are kept; 4096. Further
    /// ones get 503.
    pub(crate) requests: usize,
    /// `confbus.limits.lag-timeout`: how long a read waits for a look where its reader may have seen more than is known here;
    /// 2 s. Zero sends it away at once.
    pub(crate) lag_timeout: Duration,
    /// `confbus.limits.lagging-reads`: reads that wait so at a time, and no more than half of `requests`; 512. Further ones are
    /// sent away at once.
    pub(crate) lagging_reads: usize,
    /// `confbus.limits.rates.*`: what costs something, a minute and address.
    pub(crate) rates: Rates,
    /// `confbus.limits.this-machine`: whether what is bounded by address is bounded for this machine as well. Off by default:
    /// a proxy here speaks for everybody.
    pub(crate) this_machine: bool,
    /// `server.http2.enabled`: whether HTTP/2 is spoken as well. Off by default.
    pub(crate) http2: bool,
    /// `confbus.server.threads`: threads that serve connections, each with a core's worth of work; as many as there are
    /// cores. One where the system cannot share a port.
    pub(crate) threads: usize,
    /// `confbus.server.kept-bytes`: finished answers that all threads together keep to give them again; 32 MiB.
    pub(crate) kept_bytes: usize,
    /// Streams of `/confbus/events` at a time; 1024. Further ones get 503.
    pub(crate) streams: usize,
    /// How long requests under way may take after the stop signal; 15 s: Kubernetes kills after 30.
    pub(crate) drain: Duration,
}

/// How often an address may ask for something, a minute; as often as it likes where it is 0.
#[derive(Debug, Clone)]
pub(crate) struct Rates {
    /// `/encrypt` and `/decrypt`; 600.
    pub(crate) encryption: u32,
    /// `/monitor`; 600.
    pub(crate) webhooks: u32,
    /// `busrefresh`, `busenv` and their elder names; 120.
    pub(crate) refreshes: u32,
    /// What changes pins and waves; 300.
    pub(crate) decisions: u32,
}

/// What stands before paths: empty, or `/config`, or `/a/b`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct BasePath(String);

impl BasePath {
    /// Takes a base path as configured, with or without slashes around it; `None` when it holds a character that
    /// would need escaping.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let inner = text.trim().trim_matches('/');
        let is_plain = |segment: &str| {
            !segment.is_empty()
                && segment
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        };
        match inner {
            "" => Some(Self::default()),
            _ => inner
                .split('/')
                .all(is_plain)
                .then(|| Self(format!("/{inner}"))),
        }
    }

    /// Empty, or with a slash in front and none behind.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it leads nowhere but down.
    pub(super) fn stays(&self) -> bool {
        !self
            .0
            .split('/')
            .any(|segment| matches!(segment, "." | ".."))
    }

    /// The rest of a path below this one, beginning with its slash.
    pub(super) fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&self.0)
            .filter(|rest| rest.starts_with('/'))
    }
}

impl Settings {
    /// What addresses of this server begin with.
    pub(super) fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            context_path: BasePath::default(),
            prefix: BasePath::default(),
            monitor_path: BasePath::default(),
            include_message: false,
            strip_document: true,
            down_status: "DOWN".into(),
            health_enabled: true,
            health_details: HealthDetails::default(),
            metrics: true,
            encryption: Encryption::default(),
            decrypt_endpoint: false,
            opened: Vec::new(),
            said: Vec::new(),
            defaults: Vec::new(),
            warnings: Vec::new(),
            listens_to_this_machine_only: false,
            webhook: webhook::Settings::default(),
            compression: Compression::default(),
            tls: None,
            pages: pages::Settings::default(),
            gateways: Gateways::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            enabled: true,
            min_response_size: 2048,
        }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self {
            encryption: 600,
            webhooks: 600,
            refreshes: 120,
            decisions: 300,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 64 << 10,
            webhook: 1 << 20,
            target: 8 << 10,
            head: 32 << 10,
            idle_timeout: Duration::from_secs(60),
            head_timeout: Duration::from_secs(10),
            names: 32,
            path_segments: 16,
            body_timeout: Duration::from_secs(30),
            send_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            connections: 8192,
            connections_per_address: 1024,
            requests: 4096,
            lag_timeout: Duration::from_secs(2),
            lagging_reads: 512,
            rates: Rates::default(),
            this_machine: false,
            http2: false,
            threads: std::thread::available_parallelism().map_or(1, NonZero::get),
            kept_bytes: 32 << 20,
            streams: 1024,
            drain: Duration::from_secs(15),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_paths_are_brought_into_one_form() {
        for (text, expected) in [
            ("", ""),
            ("/", ""),
            ("/config", "/config"),
            ("config/", "/config"),
            ("/a/b", "/a/b"),
        ] {
            assert_eq!(BasePath::parse(text).unwrap().as_str(), expected, "{text}");
        }
        for text in ["/a//b", "/{x}", "/a b", "/*", "/ä"] {
            assert_eq!(BasePath::parse(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_below_begins_with_a_slash() {
        let base = BasePath::parse("/config").unwrap();
        assert_eq!(base.below("/config/foo/dev"), Some("/foo/dev"));
        assert_eq!(base.below("/configs/foo"), None);
        assert_eq!(base.below("/config"), None);
        assert_eq!(BasePath::default().below("/foo"), Some("/foo"));
    }
}
