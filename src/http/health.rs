//! `/actuator/health`: Spring's shape, from what is in memory; a probe never fetches anything.
//!
//! Trouble with Git or the broker shows in the details and leaves the status alone: taking a server away that still
//! serves would turn a small fault into an outage. It is `DOWN` only when there is nothing to serve.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use confbus_bus::{Bus, Status};
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::{Settings, access::Caller, actuator::answer, error::Failure, settings::HealthDetails};
use crate::environment_repository::{EnvironmentRepository, RepositoryHealth};

/// The whole.
pub(super) async fn whole(
    State(settings): State<Arc<Settings>>,
    State(repository): State<EnvironmentRepository>,
    State(bus): State<Bus>,
    caller: Caller,
) -> Response {
    let components = components(&settings, &repository.health(), &bus.status());
    let down = components
        .values()
        .any(|component| component["status"] != "UP");
    let mut body = Map::new();
    body.insert("status".into(), if down { "DOWN" } else { "UP" }.into());
    if shows_details(&settings, caller) {
        body.insert("components".into(), Value::Object(components));
    } else {
        body.insert("groups".into(), json!(["liveness", "readiness"]));
    }
    with_status(Value::Object(body))
}

/// One component, or `liveness` or `readiness`.
pub(super) async fn part(
    State(settings): State<Arc<Settings>>,
    State(repository): State<EnvironmentRepository>,
    State(bus): State<Bus>,
    State(shutdown): State<CancellationToken>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let health = repository.health();
    let component = match name.as_str() {
        "liveness" => json!({ "status": "UP" }),
        "readiness" => readiness(health.serving, &shutdown),
        name => {
            let mut components = components(&settings, &health, &bus.status());
            let mut component = components
                .remove(name)
                .ok_or_else(|| Failure::empty(StatusCode::NOT_FOUND))?;
            if let (false, Value::Object(component)) =
                (shows_details(&settings, caller), &mut component)
            {
                component.remove("details");
            }
            component
        }
    };
    Ok(with_status(component))
}

fn readiness(serving: bool, shutdown: &CancellationToken) -> Value {
    let ready = serving && !shutdown.is_cancelled();
    json!({ "status": if ready { "UP" } else { "OUT_OF_SERVICE" } })
}

fn shows_details(settings: &Settings, caller: Caller) -> bool {
    match settings.health_details {
        HealthDetails::Never => false,
        HealthDetails::WhenAuthorized => caller.is_known(),
        HealthDetails::Always => true,
    }
}

fn with_status(body: Value) -> Response {
    let status = if body["status"] == "UP" {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, answer(&body)).into_response()
}

fn components(settings: &Settings, health: &RepositoryHealth, bus: &Status) -> Map<String, Value> {
    let mut components = Map::new();
    if settings.health_enabled {
        components.insert("configServer".into(), config_server(health));
    }
    components.insert("git".into(), up(git(health)));
    components.insert("bus".into(), up(broker(bus)));
    components.insert("security".into(), up(security(settings)));
    components
}

fn up(details: Value) -> Value {
    json!({ "status": "UP", "details": details })
}

/// As Spring's indicator, which asks for the application `app`.
fn config_server(health: &RepositoryHealth) -> Value {
    if health.serving {
        return up(
            json!({ "repositories": [{ "sources": health.sources, "name": "app", "profiles": ["default"], "label": null }] }),
        );
    }
    let error = health
        .error
        .as_deref()
        .unwrap_or("the repository has not been read yet");
    json!({ "status": "DOWN", "details": { "repository": { "application": "app", "profiles": "default" }, "error": error } })
}

fn git(health: &RepositoryHealth) -> Value {
    let mut details = Map::new();
    details.insert("degraded".into(), health.degraded.into());
    details.insert("repository".into(), health.repository.as_str().into());
    details.insert(
        "serving".into(),
        health.version.map(|version| version.to_string()).into(),
    );
    if let Some(seconds) = health.confirmed_seconds_ago {
        details.insert("confirmed_seconds_ago".into(), seconds.into());
    }
    if let Some(error) = &health.error {
        details.insert("error".into(), error.as_str().into());
    }
    if !health.problems.is_empty() {
        details.insert(
            "problems".into(),
            health.problems.iter().map(ToString::to_string).collect(),
        );
    }
    Value::Object(details)
}

fn broker(status: &Status) -> Value {
    match status {
        Status::Local => {
            json!({ "connected": true, "broker": "none, events stay in this process" })
        }
        Status::Connected { reconnects } => json!({ "connected": true, "reconnects": reconnects }),
        Status::Disconnected { error, attempts } => {
            json!({ "connected": false, "attempts": attempts, "error": error })
        }
    }
}

/// Whatever was opened by name is shown by name.
fn security(settings: &Settings) -> Value {
    let reads = match (settings.access.mode_none, &settings.access.user) {
        (true, _) => "open to everyone: confbus.security.mode=none",
        (false, Some(_)) => "with the user's password",
        (false, None) => "from this machine only",
    };
    let webhooks = if settings.webhook.believes_strangers() {
        "believed without a signature"
    } else {
        "signed"
    };
    json!({ "reads": reads, "webhooks": webhooks })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(serving: bool) -> RepositoryHealth {
        RepositoryHealth {
            serving,
            sources: vec!["repo/application.yml".into()],
            degraded: true,
            repository: "repo".into(),
            version: None,
            confirmed_seconds_ago: Some(842),
            error: Some("timeout".into()),
            problems: Vec::new(),
        }
    }

    #[test]
    fn only_an_empty_server_is_down() {
        let settings = Settings::default();
        let disconnected = Status::Disconnected {
            error: "refused".into(),
            attempts: 3,
        };
        let parts = components(&settings, &health(true), &disconnected);
        assert!(
            parts.values().all(|part| part["status"] == "UP"),
            "{parts:?}"
        );
        assert_eq!(parts["git"]["details"]["error"], "timeout");
        assert_eq!(parts["bus"]["details"]["connected"], false);
        assert_eq!(
            parts["configServer"]["details"]["repositories"][0]["sources"][0],
            "repo/application.yml"
        );

        let parts = components(&settings, &health(false), &disconnected);
        assert_eq!(parts["configServer"]["status"], "DOWN");
        assert_eq!(parts["configServer"]["details"]["error"], "timeout");
        let silent = Settings {
            health_enabled: false,
            ..settings
        };
        assert!(!components(&silent, &health(false), &disconnected).contains_key("configServer"));
    }

    #[test]
    fn ready_means_something_to_serve_and_not_stopping() {
        let shutdown = CancellationToken::new();
        assert_eq!(readiness(true, &shutdown)["status"], "UP");
        assert_eq!(readiness(false, &shutdown)["status"], "OUT_OF_SERVICE");
        shutdown.cancel();
        assert_eq!(readiness(true, &shutdown)["status"], "OUT_OF_SERVICE");
    }

    #[test]
    fn details_are_for_those_who_may() {
        for (details, caller, expected) in [
            (HealthDetails::Always, Caller::Stranger, true),
            (HealthDetails::Never, Caller::User, false),
            (HealthDetails::WhenAuthorized, Caller::Stranger, false),
            (HealthDetails::WhenAuthorized, Caller::ThisMachine, true),
            (HealthDetails::WhenAuthorized, Caller::User, true),
        ] {
            let settings = Settings {
                health_details: details,
                ..Settings::default()
            };
            assert_eq!(
                shows_details(&settings, caller),
                expected,
                "{details:?} {caller:?}"
            );
        }
    }
}
