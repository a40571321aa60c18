//! `/metrics` and `/actuator/prometheus`: what was counted, and what the rooms know at this moment.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use confbus_bus::Status;
use confbus_resolution::EnvironmentRequest;
use http::{HeaderMap, header};

use super::{Services, access::Asking, error::Failure, health::is_ready};
use crate::{
    access::{Kind, Wanted},
    environment_repository::{EnvironmentRepository, Figures},
    ledger::{InstanceFilter, InstancesView},
    metrics::{Form, OTHER, Page, description as metric},
};

/// Files of a clone that are counted; there are a few dozen.
const MOST_FILES: usize = 10_000;

/// Applications with their profiles that are told apart.
const MOST_ADDRESSES: usize = 1_000;

/// Everything, for who may see it of all applications.
pub(super) async fn page(
    State(services): State<Services>,
    asking: Asking,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let reach = asking.reach(Kind::Metrics);
    if !reach.is_whole() {
        return Err(asking.refusal_of(&Wanted::plain(Kind::Metrics)));
    }
    let counters = services.bus.counters();
    let malformed = counters.malformed + counters.oversized;
    services.metrics.bus.malformed(malformed);
    let mut page = services.metrics.page();
    of_server(&services, &mut page);
    of_bus(&services, &mut page);
    let instances = services.ledger.instances(InstanceFilter::default(), reach);
    of_fleet(&instances.await?, &mut page);
    let (repository, known) = (services.repository.clone(), services.ledger.known());
    // Clones are on disk, and answers may have to be made.
    let process = services.metrics.process.clone();
    let rest = move || {
        process.write(&mut page);
        of_repositories(&repository, &known, &mut page);
        page
    };
    let page = tokio::task::spawn_blocking(rest).await;
    let page = page.map_err(|_| Failure::busy())?;
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let form = Form::of(accept.unwrap_or_default());
    let headers = [
        (header::CONTENT_TYPE, form.content_type()),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept"),
    ];
    Ok((headers, page.written(form)).into_response())
}

fn of_server(services: &Services, page: &mut Page) {
    let version = env!("CARGO_PKG_VERSION");
    let commit = option_env!("CONFBUS_COMMIT").unwrap_or("unknown");
    page.gauge(&metric::BUILD_INFO, &[version, commit], 1.0);
    let ready = is_ready(services.repository.is_serving(), &services.shutdown);
    page.gauge(&metric::READY, &[], truth(ready));
    for opened in &services.settings.opened {
        // What it was set to says nothing more.
        let name = opened.split('=').next().unwrap_or_default();
        page.gauge(&metric::INSECURE_OPTION, &[name], 1.0);
    }
    for standing in services.registrations.all() {
        let listed = truth(standing.is_listed());
        page.gauge(&metric::REGISTERED, &[standing.registry()], listed);
    }
    page.gauge(&metric::STREAMS, &["sse"], services.streams.open() as f64);
}

fn of_bus(services: &Services, page: &mut Page) {
    let status = services.bus.status();
    let bus = services.bus.name();
    let connected = !matches!(status, Status::Disconnected { .. });
    page.gauge(&metric::BUS_CONNECTED, &[bus], truth(connected));
    let counters = services.bus.counters();
    page.counter(&metric::BUS_CONNECTS, &[bus, "ok"], counters.connects);
    let failed = counters.failed_connects;
    page.counter(&metric::BUS_CONNECTS, &[bus, "failed"], failed);
}

fn of_fleet(instances: &InstancesView, page: &mut Page) {
    for ((application, profile, state), count) in instances.by_state(MOST_ADDRESSES, OTHER) {
        page.gauge(
            &metric::INSTANCES,
            &[application, profile, state],
            count as f64,
        );
    }
}

fn of_repositories(
    repository: &EnvironmentRepository,
    known: &[EnvironmentRequest],
    page: &mut Page,
) {
    if let Some(held) = repository.quarantined(known) {
        page.gauge(&metric::HELD_ADDRESSES, &["quarantine"], held as f64);
    }
    let pinned = repository.pinned(known);
    page.gauge(&metric::HELD_ADDRESSES, &["pin"], pinned as f64);
    for figures in repository.figures() {
        of_repository(&figures, page);
    }
}

fn of_repository(figures: &Figures, page: &mut Page) {
    let repository = figures.repository.as_str();
    if let Some(ago) = figures.confirmed_ago {
        let at = SystemTime::now().checked_sub(ago);
        let since = at.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        let seconds = since.as_ref().map_or(0.0, Duration::as_secs_f64);
        page.gauge(&metric::GIT_LAST_SUCCESS, &[repository], seconds);
    }
    if let Some(mirror) = &figures.mirror {
        page.gauge(&metric::GIT_MIRROR_SIZE, &[repository], size(mirror) as f64);
    }
    for label in &figures.labels {
        let (name, commit) = (label.label.as_str(), label.commit.to_string());
        let values = [repository, name, &commit];
        page.gauge(&metric::SNAPSHOT_INFO, &values, 1.0);
        let generation = label.generation as f64;
        page.gauge(
            &metric::SNAPSHOT_GENERATION,
            &[repository, name],
            generation,
        );
    }
}

/// Bytes of all files below a folder. What goes while it is looked at is not counted.
fn size(folder: &Path) -> u64 {
    let (mut folders, mut bytes, mut files) = (vec![folder.to_owned()], 0, 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(found) = entry.metadata() else {
                continue;
            };
            files += 1;
            if files > MOST_FILES {
                return bytes;
            }
            if found.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += found.len();
            }
        }
    }
    bytes
}

fn truth(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_is_as_large_as_its_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("below")).unwrap();
        std::fs::write(folder.path().join("a"), "123").unwrap();
        std::fs::write(folder.path().join("below/b"), "45").unwrap();
        assert_eq!(size(folder.path()), 5);
        assert_eq!(size(&folder.path().join("nowhere")), 0);
    }
}
