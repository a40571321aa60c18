//! Health from what is in memory: a probe never fetches anything.
//!
//! Whoever has a configuration can serve, so trouble shows in the details and leaves the status alone; the broker's is
//! `UNKNOWN`, which weighs less than `UP`. [`Actuator::out_of_service_after`] is for those who must know.

use std::time::{Duration, SystemTime};

use ::axum::{
    extract::{OriginalUri, Path, State},
    http::StatusCode,
};
use serde_json::{Map, Value, json};

use super::{
    Actuator,
    answer::{Answer, Failure},
};
use crate::{BreakerState, BusHealth, Health, Source};

const UP: &str = "UP";
const OUT_OF_SERVICE: &str = "OUT_OF_SERVICE";

pub(super) async fn whole(State(actuator): State<Actuator>) -> Answer {
    let health = actuator.client.health();
    let status = actuator.status(&health);
    let mut components = Map::new();
    let config = json!({ "status": status, "details": config(&health) });
    components.insert("config".to_owned(), config);
    if let Some(bus) = bus(&health.bus) {
        components.insert("bus".to_owned(), bus);
    }
    let groups = ["liveness", "readiness"];
    with_status(json!({ "status": status, "components": components, "groups": groups }))
}

/// `liveness`, `readiness`, or one component.
pub(super) async fn part(
    State(actuator): State<Actuator>,
    Path(part): Path<String>,
    uri: OriginalUri,
) -> Result<Answer, Failure> {
    let health = actuator.client.health();
    let status = actuator.status(&health);
    let body = match part.as_str() {
        "liveness" => Some(json!({ "status": UP })),
        "readiness" => Some(json!({ "status": status })),
        "config" => Some(json!({ "status": status, "details": config(&health) })),
        "bus" => bus(&health.bus),
        _ => None,
    };
    body.map(with_status)
        .ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, None, &uri))
}

impl Actuator {
    fn status(&self, health: &Health) -> &'static str {
        let is_silent = self
            .longest_silence
            .is_some_and(|longest| health.last_contact.is_none_or(|at| age(at) > longest));
        if is_silent { OUT_OF_SERVICE } else { UP }
    }
}

fn config(health: &Health) -> Value {
    let source = match health.source {
        Source::Server => "server",
        Source::LastGood { .. } => "last-good",
    };
    let mut details = Map::new();
    details.insert("version".to_owned(), health.version.as_deref().into());
    details.insert("source".to_owned(), source.into());
    if let Source::LastGood { saved } = health.source {
        details.insert("savedSecondsAgo".to_owned(), age(saved).as_secs().into());
    }
    let silence = health.last_contact.map(|at| age(at).as_secs());
    details.insert("lastContactSecondsAgo".to_owned(), silence.into());
    let problems = [
        ("refused", &health.refused),
        ("unavailable", &health.unavailable),
        ("lastGoodFile", &health.last_good_file),
    ];
    for (name, problem) in problems {
        if let Some(problem) = problem {
            details.insert(name.to_owned(), problem.as_str().into());
        }
    }
    let servers = health.servers.iter().map(|server| {
        let breaker = match server.breaker {
            BreakerState::Closed => "closed",
            BreakerState::Open => "open",
            BreakerState::HalfOpen => "half-open",
        };
        json!({ "server": server.server, "breaker": breaker, "problem": server.problem })
    });
    details.insert("servers".to_owned(), servers.collect());
    if let Some(discovery) = &health.discovery {
        let (service, registry) = (&discovery.service, &discovery.registry);
        let found =
            json!({ "service": service, "registry": registry, "problem": discovery.problem });
        details.insert("discovery".to_owned(), found);
    }
    if !health.restart.is_empty() {
        details.insert("restart".to_owned(), health.restart.clone().into());
    }
    Value::Object(details)
}

fn bus(health: &BusHealth) -> Option<Value> {
    let (status, details) = match health {
        BusHealth::Off => return None,
        BusHealth::Connected => (UP, json!({ "connected": true })),
        BusHealth::Connecting => ("UNKNOWN", json!({ "connected": false })),
        BusHealth::Disconnected { reason } => {
            ("UNKNOWN", json!({ "connected": false, "reason": reason }))
        }
        BusHealth::Unsupported => {
            let reason = "the servers have no stream of events";
            ("UNKNOWN", json!({ "connected": false, "reason": reason }))
        }
    };
    Some(json!({ "status": status, "details": details }))
}

/// Nothing is younger than now, whatever the clock did.
fn age(at: SystemTime) -> Duration {
    at.elapsed().unwrap_or_default()
}

fn with_status(body: Value) -> Answer {
    let status = if body["status"] == OUT_OF_SERVICE {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::OK
    };
    Answer(status, body)
}
