//! What is known of the repositories.

use serde_json::{Map, Value, json};

use super::{Settings, up};
use crate::environment_repository::{Health, UpstreamHealth};

/// Down as long as there is nothing to serve, and says why; up where `health.enabled` says that nobody is to be told.
pub(super) fn component(settings: &Settings, health: &Health) -> Value {
    let mut git = up(upstreams(health));
    if settings.health_enabled && !health.serving && !health.upstreams.is_empty() {
        git["status"] = settings.down_status.as_str().into();
    }
    git
}

/// One repository says all about itself; several are listed.
fn upstreams(health: &Health) -> Value {
    let degraded = health.upstreams.iter().any(UpstreamHealth::is_degraded);
    let mut details = match health.upstreams.as_slice() {
        [only] => upstream(only),
        several => {
            let several: Vec<_> = several.iter().map(upstream).collect();
            Map::from_iter([("repositories".to_owned(), json!(several))])
        }
    };
    details.shift_insert(0, "degraded".into(), degraded.into());
    Value::Object(details)
}

fn upstream(health: &UpstreamHealth) -> Map<String, Value> {
    let mut details = Map::new();
    details.insert("repository".into(), health.repository.as_str().into());
    details.insert(
        "serving".into(),
        health.version.map(|version| version.to_string()).into(),
    );
    if let Some(seconds) = health.confirmed_seconds_ago {
        details.insert("confirmed_seconds_ago".into(), seconds.into());
    }
    if let Some(cloning) = &health.cloning {
        let (progress, seconds) = (cloning.progress(), cloning.lasts().as_secs());
        let said = format!("a clone goes on: {progress} in {seconds} s");
        details.insert("cloning".into(), said.into());
    }
    if let Some(error) = &health.error {
        details.insert("error".into(), error.as_str().into());
    }
    if let Some(error) = &health.disk_error {
        details.insert("disk_error".into(), error.as_str().into());
    }
    if !health.problems.is_empty() {
        details.insert(
            "problems".into(),
            health.problems.iter().map(ToString::to_string).collect(),
        );
    }
    details
}
