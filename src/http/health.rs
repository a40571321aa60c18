//! `/actuator/health`: Spring's shape, from what is in memory; a probe never fetches anything.
//!
//! Trouble with Git or the broker shows in the details and leaves the status alone: taking a server away that still
//! serves would turn a small fault into an outage. It is `DOWN` only when there is nothing to serve.

mod git;

use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use confbus_bus::{Bus, Status};
use http::StatusCode;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Services, Settings, access::Asking, actuator::answer, error::Failure, settings::HealthDetails,
    tls::Tls,
};
use crate::{
    access::{Access, Caller, Kind},
    environment_repository::{FindError, Health, Probe},
    ledger::Ledger,
    registration::Registrations,
    watchdog::Watchdog,
    webhook::Believed,
};

/// The whole.
pub(super) async fn whole(State(services): State<Services>, asking: Asking) -> Response {
    let health = services.repository.health().await;
    let components = components_of(&services, &asking, &health);
    let down = components
        .values()
        .any(|component| component["status"] != "UP");
    let mut body = Map::new();
    body.insert("status".into(), if down { "DOWN" } else { "UP" }.into());
    if shows_details(&services.settings, &asking.caller) {
        body.insert("components".into(), Value::Object(components));
    }
    body.insert("groups".into(), json!(["liveness", "readiness"]));
    with_status(Value::Object(body))
}

/// One component, or `liveness` or `readiness`.
pub(super) async fn part(
    State(services): State<Services>,
    asking: Asking,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    if name == "liveness" {
        let status = if services.watchdog.is_lost() {
            "DOWN"
        } else {
            "UP"
        };
        return Ok(with_status(json!({ "status": status })));
    }
    let health = services.repository.health().await;
    let component = match name.as_str() {
        "readiness" => readiness(health.serving, &services.shutdown),
        name => {
            let mut component = components_of(&services, &asking, &health)
                .remove(name)
                .ok_or_else(|| Failure::empty(StatusCode::NOT_FOUND))?;
            if let (false, Value::Object(component)) = (
                shows_details(&services.settings, &asking.caller),
                &mut component,
            ) {
                component.remove("details");
            }
            component
        }
    };
    Ok(with_status(component))
}

fn readiness(serving: bool, shutdown: &CancellationToken) -> Value {
    let ready = is_ready(serving, shutdown);
    json!({ "status": if ready { "UP" } else { "OUT_OF_SERVICE" } })
}

/// Whether reads can be answered, and will be for a while.
pub(super) fn is_ready(serving: bool, shutdown: &CancellationToken) -> bool {
    serving && !shutdown.is_cancelled()
}

pub(super) fn shows_details(settings: &Settings, caller: &Caller) -> bool {
    match settings.health_details {
        HealthDetails::Never => false,
        HealthDetails::WhenAuthorized => {
            let known = caller.principal();
            known.is_some_and(|known| known.may_some(Kind::Health))
        }
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

pub(super) fn components_of(
    services: &Services,
    asking: &Asking,
    health: &Health,
) -> Map<String, Value> {
    components(
        &services.settings,
        asking.access(),
        health,
        &services.bus,
        &services.ledger,
        &services.watchdog,
        &services.registrations,
    )
}

fn components(
    settings: &Settings,
    access: &Access,
    health: &Health,
    bus: &Bus,
    ledger: &Ledger,
    watchdog: &Watchdog,
    registrations: &Registrations,
) -> Map<String, Value> {
    let mut components = Map::new();
    if settings.health_enabled {
        components.insert("configServer".into(), config_server(settings, health));
    }
    components.insert("git".into(), git::component(settings, health));
    components.insert("bus".into(), up(broker(bus)));
    let ledger = json!({ "dropped": ledger.dropped() });
    components.insert("ledger".into(), up(ledger));
    components.insert("pins".into(), up(json!({ "pins": health.pins })));
    components.insert("waves".into(), up(json!({ "waves": health.waves })));
    let threads = json!({ "stuck": watchdog.stuck() });
    components.insert("threads".into(), up(threads));
    components.insert("security".into(), up(security(settings, access)));
    if !registrations.all().is_empty() {
        components.insert("registration".into(), up(registered(registrations)));
    }
    if let Some(tls) = &settings.tls {
        components.insert("ssl".into(), up(ssl(tls)));
    }
    components
}

fn up(details: Value) -> Value {
    json!({ "status": "UP", "details": details })
}

/// As Spring's indicator: it asks for the configured applications and is down when one of them finds nothing to ask.
fn config_server(settings: &Settings, health: &Health) -> Value {
    let mut repositories = Vec::new();
    for Probe { request, sources } in &health.probes {
        let (name, profiles) = (request.application.as_str(), request.profiles.as_str());
        match sources {
            Ok(sources) => repositories.push(json!({
                "sources": sources,
                "name": name,
                "profiles": profiles.split(',').collect::<Vec<_>>(),
                "label": request.label.as_ref().map(ToString::to_string),
            })),
            Err(FindError::Empty) => {
                let details = json!({ "repository": { "application": name, "profiles": profiles }, "acceptEmpty": false });
                return json!({ "status": settings.down_status, "details": details });
            }
            Err(_) => {
                let error = health
                    .upstreams
                    .iter()
                    .find_map(|upstream| upstream.error.as_deref());
                let error = error.unwrap_or("the repository has nothing to answer from yet");
                let details = json!({ "repository": { "application": name, "profiles": profiles }, "error": error });
                return json!({ "status": settings.down_status, "details": details });
            }
        }
    }
    up(json!({ "repositories": repositories }))
}

/// Whether events come and go, and how many did.
fn broker(bus: &Bus) -> Value {
    let mut details = match bus.status() {
        Status::Local => {
            return json!({ "connected": true, "broker": "none, events stay in this process" });
        }
        Status::Connected { reconnects } => json!({ "connected": true, "reconnects": reconnects }),
        Status::Disconnected { error, attempts } => {
            json!({ "connected": false, "attempts": attempts, "error": error })
        }
    };
    details["broker"] = bus.name().into();
    let counters = bus.counters();
    details["published"] = counters.published.into();
    details["unpublished"] = counters.unpublished.into();
    details["heard"] = counters.heard.into();
    details["not_understood"] = json!({
        "unknown": counters.unknown,
        "malformed": counters.malformed,
        "oversized": counters.oversized,
        "compressed": counters.compressed,
    });
    details
}

/// By registry, whether it lists this server.
fn registered(registrations: &Registrations) -> Value {
    let all = registrations.all().iter().map(|standing| {
        let now = standing.now();
        let mut details = json!({ "registered": standing.is_listed() });
        if let Some((by, at)) = &now.taken {
            details["server"] = by.as_ref().into();
            details["confirmed_seconds_ago"] = at.elapsed().as_secs().into();
        }
        if let Some(error) = &now.error {
            details["error"] = error.as_ref().into();
        }
        (standing.registry().to_owned(), details)
    });
    Value::Object(all.collect())
}

/// Until when our certificate is good, and why new files are not in use.
fn ssl(tls: &Tls) -> Value {
    let not_after = tls.not_after().map(|end| end.to_string());
    let mut details = json!({ "not_after": not_after });
    if let Some(error) = tls.trouble() {
        details["error"] = error.to_string().into();
    }
    details
}

/// Whatever was opened by name is shown by name.
fn security(settings: &Settings, access: &Access) -> Value {
    let reads = if access.is_open() {
        "open to everyone: confbus.security.mode=none".to_owned()
    } else if access.has_identities() {
        let rules = if access.has_rules() { ", by rules" } else { "" };
        format!("with {}{rules}", access.identities().join(", "))
    } else {
        "from this machine only".to_owned()
    };
    let webhooks = match settings.webhook.believed() {
        Believed::Strangers(_) => "believed without a signature",
        Believed::ThisMachine => {
            "believed without a signature: the server listens on this machine only and its bus is off"
        }
        Believed::Signed(_) | Believed::Nobody => "signed",
    };
    let mut security = json!({ "reads": reads, "webhooks": webhooks });
    if !access.weak_secrets().is_empty() {
        security["weak_secrets"] = access.weak_secrets().into();
    }
    if !settings.opened.is_empty() {
        security["opened"] = settings.opened.as_slice().into();
    }
    security
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use confbus_protocol::{Application, Profiles};
    use confbus_resolution::EnvironmentRequest;

    use super::*;
    use crate::environment_repository::UpstreamHealth;

    fn health(serving: bool) -> Health {
        let request = EnvironmentRequest {
            application: Application::parse("app").unwrap(),
            profiles: Profiles::parse("default").unwrap(),
            label: None,
        };
        let sources = if serving {
            Ok(vec!["repo/application.yml".into()])
        } else {
            Err(FindError::Busy)
        };
        Health {
            serving,
            pins: Arc::default(),
            waves: Vec::new(),
            probes: vec![Probe { request, sources }],
            upstreams: vec![UpstreamHealth {
                repository: "repo".into(),
                version: None,
                confirmed_seconds_ago: Some(842),
                error: Some("timeout".into()),
                disk_error: None,
                cloning: None,
                problems: Vec::new(),
            }],
        }
    }

    #[test]
    fn only_an_empty_server_is_down() {
        let settings = Settings::default();
        let (access, _) = Access::new(crate::access::Settings::default());
        let (disconnected, _driver) = Bus::rabbit(confbus_bus::RabbitSettings::default());
        let (ledger, _bookkeeper) = Ledger::open(
            crate::ledger::Settings::default(),
            confbus_protocol::BusId::new("config-server:8888:5f2b").unwrap(),
            Box::new(|_, _| crate::ledger::Version {
                current: None,
                held: None,
                is_for_all: true,
            }),
        );
        let components = |settings: &Settings, health: &Health| {
            components(
                settings,
                &access,
                health,
                &disconnected,
                &ledger,
                &Watchdog::new(),
                &Registrations::default(),
            )
        };
        let parts = components(&settings, &health(true));
        assert!(
            parts.values().all(|part| part["status"] == "UP"),
            "{parts:?}"
        );
        assert_eq!(parts["git"]["details"]["error"], "timeout");
        assert_eq!(parts["bus"]["details"]["connected"], false);
        assert_eq!(parts["bus"]["details"]["broker"], "rabbitmq");
        assert_eq!(parts["ledger"]["details"]["dropped"], 0);
        assert_eq!(parts["pins"]["details"]["pins"], json!([]));
        assert_eq!(parts["bus"]["details"]["not_understood"]["malformed"], 0);
        assert_eq!(
            parts["configServer"]["details"]["repositories"][0]["sources"][0],
            "repo/application.yml"
        );

        let parts = components(&settings, &health(false));
        assert_eq!(parts["configServer"]["status"], "DOWN");
        assert_eq!(parts["configServer"]["details"]["error"], "timeout");
        assert_eq!(parts["git"]["status"], "DOWN");
        let silent = Settings {
            health_enabled: false,
            ..settings
        };
        let parts = components(&silent, &health(false));
        assert!(!parts.contains_key("configServer"));
        assert_eq!(parts["git"]["status"], "UP", "nobody wants to be told");
        assert_eq!(parts["git"]["details"]["error"], "timeout");
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
            (HealthDetails::Always, Caller::Anyone, true),
            (HealthDetails::Never, Caller::user(), false),
            (HealthDetails::WhenAuthorized, Caller::Anyone, false),
            (HealthDetails::WhenAuthorized, Caller::this_machine(), true),
            (HealthDetails::WhenAuthorized, Caller::user(), true),
        ] {
            let settings = Settings {
                health_details: details,
                ..Settings::default()
            };
            assert_eq!(
                shows_details(&settings, &caller),
                expected,
                "{details:?} {caller:?}"
            );
        }
    }
}
