use http::Method;

use crate::http::{
    Settings, actuator,
    encryption::{self, Endpoint},
    target::segments,
};

/// What a request is for, as far as ports and limits care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Traffic {
    /// Configuration, and all that a running application needs.
    Read,
    /// How the server is.
    Health,
    /// Whether it lives, or is ready.
    Probe,
    /// A look behind the scenes.
    Look,
    Encryption,
    Webhook,
    Refresh,
    /// Something about pins or waves.
    Decision,
}

impl Traffic {
    /// By the decoded path: what merely looks like configuration to the router is none either.
    pub(super) fn of(settings: &Settings, method: &Method, path: &str) -> Self {
        let Some(below) = settings.context_path.below(path) else {
            return Self::Read;
        };
        if matches!(below, "/livez" | "/readyz") {
            return Self::Probe;
        }
        if actuator::is_health(settings, path) {
            return match below.strip_prefix("/actuator/health/") {
                Some("liveness" | "readiness") => Self::Probe,
                _ => Self::Health,
            };
        }
        let monitor = settings.monitor_path.below(below).map(segments);
        if monitor.is_some_and(|segments| segments == ["monitor"]) {
            return Self::Webhook;
        }
        let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let all = segments(below);
        let names: Vec<_> = all.iter().map(String::as_str).collect();
        match (names.as_slice(), reads) {
            (["actuator", ..] | ["_", "api", ..] | ["metrics"], true) => return Self::Look,
            (["actuator", ..] | ["bus", "refresh" | "env"], false) => return Self::Refresh,
            (["_", "api", ..], false) => return Self::Decision,
            _ => {}
        }
        let below = settings.prefix.below(below).map(segments);
        match below.and_then(|segments| encryption::endpoint(&segments, method)) {
            Some(Endpoint::Encrypt | Endpoint::Decrypt) => Self::Encryption,
            Some(Endpoint::Status | Endpoint::PublicKey | Endpoint::Other(_)) => Self::Look,
            None => Self::Read,
        }
    }
}
