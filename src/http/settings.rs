use std::{num::NonZero, time::Duration};

use crate::{
    encryption::Encryption,
    webhook::{self, Secret},
};

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
    /// Who may ask.
    pub(crate) access: Access,
    /// What `/encrypt`, `/decrypt` and `/key` work with.
    pub(crate) encryption: Encryption,
    /// `confbus.encrypt.decrypt-endpoint`: whoever logs in may have texts decrypted. Off by default.
    pub(crate) decrypt_endpoint: bool,
    /// No other machine can reach this server.
    pub(crate) listens_to_this_machine_only: bool,
    /// Who may push.
    pub(crate) webhook: webhook::Settings,
    /// Which answers are given as gzip.
    pub(crate) compression: Compression,
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

/// Who may read configuration, refresh and look behind the scenes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Access {
    /// `spring.security.user.name` and `.password`. Without it only this machine may ask.
    pub(crate) user: Option<User>,
    /// `confbus.security.mode=none`: everyone may read and refresh. Off by default.
    pub(crate) mode_none: bool,
}

/// Who may ask from anywhere.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) password: Secret,
}

/// Who sees more of health than its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum HealthDetails {
    /// `never`.
    Never,
    /// `when-authorized`: with the user's password, or from this machine when there is no user.
    #[default]
    WhenAuthorized,
    /// `always`.
    Always,
}

/// Bounds of connections and requests.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Bytes of a webhook's body; 1 MiB. GitHub sends at most 25 MB, but a push of thousands of files fits in one.
    pub(crate) body: usize,
    /// Bytes of a request's path and query; 8 KiB, the default of Tomcat.
    pub(crate) target: usize,
    /// `confbus.limits.names`: applications, profiles or labels in one request; 32. Each combination is looked up.
    pub(crate) names: usize,
    /// `confbus.limits.path-segments`: folders above a plain file, and the file; 16.
    pub(crate) path_segments: usize,
    /// How long a request's head may take, and how long a connection may idle between two requests; 60 s, as Tomcat.
    pub(crate) head_timeout: Duration,
    /// How long a request's body may take; 30 s. GitHub gives up after 10.
    pub(crate) body_timeout: Duration,
    /// Connections at a time; 8192, as Tomcat. Further ones wait in the kernel.
    pub(crate) connections: usize,
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

    /// The rest of a path below this one, beginning with its slash.
    pub(super) fn below<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&self.0)
            .filter(|rest| rest.starts_with('/'))
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
            access: Access::default(),
            encryption: Encryption::default(),
            decrypt_endpoint: false,
            listens_to_this_machine_only: false,
            webhook: webhook::Settings::default(),
            compression: Compression::default(),
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

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            target: 8192,
            names: 32,
            path_segments: 16,
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            connections: 8192,
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
