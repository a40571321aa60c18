use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::{Uri, header};
use jiff::Timestamp;
use serde_json::Value;
use url::form_urlencoded;

use super::{
    super::{
        Services, SettingView, WarningView,
        access::Asking,
        error::Failure,
        health::{components_of, shows_details},
        own_settings::are_shown,
        sight::sees,
    },
    answers::{frame, page},
};
use crate::{
    access::Kind,
    environment_repository::{Health, UpstreamHealth},
    ledger::{InstanceFilter, InstancesView, RefreshesView},
    pages::{
        self, Delivery, Facts, Frame, HeldFile, HeldPage, InstancePage, InstancesFilter,
        InstancesPage, Overview, OverviewFacts, OverviewFilter, Place, RefreshPage, RefreshesPage,
        Said, SearchPage, SettingsFacts, SettingsPage, Trouble, Warning,
    },
};

/// Problems that one page shows.
const MOST_PROBLEMS: usize = 100;
/// Characters of something to look for.
const LONGEST_QUERY: usize = 256;

/// `/_/assets/{name}`: may be kept for good, since the name changes with what it names.
pub(in super::super) async fn asset(Path(name): Path<String>) -> Result<Response, Failure> {
    let asset = pages::asset(&name).ok_or_else(Failure::not_found)?;
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (
            header::CACHE_CONTROL,
            "private, max-age=31536000, immutable",
        ),
    ];
    Ok((headers, asset.body).into_response())
}

/// `/_/`: who runs what, and what needs a look.
pub(in super::super) async fn overview(
    State(services): State<Services>,
    asking: Asking,
    uri: Uri,
) -> Result<Response, Failure> {
    let filter = OverviewFilter {
        text: asked(&uri, "q"),
        state: asked(&uri, "state"),
        page: number(&uri),
    };
    let (frame, health) = framed(&services, &asking, Place::Overview).await;
    let reach = asking.reach(Kind::Fleet);
    let fleet = services.ledger.summary(reach.clone()).await?;
    let readers = if fleet.totals.instances == 0 {
        all_instances(&services, &asking).await?.readers.len()
    } else {
        0
    };
    let refreshes = services
        .ledger
        .newest_refreshes(pages::LAST_REFRESHES, reach.clone());
    let refreshes = refreshes.await?;
    let pins = services.pins.all();
    let waves = services.waves.all().into_iter();
    let facts = OverviewFacts {
        fleet: &fleet,
        readers,
        refreshes: &refreshes,
        pins: pins
            .iter()
            .filter(|pin| sees(&reach, &pin.address))
            .map(|pin| &**pin)
            .collect(),
        now: Timestamp::now().as_millisecond(),
        waves: waves.filter(|wave| sees(&reach, wave.address())).collect(),
        troubles: health.map(|health| troubles(&health)).unwrap_or_default(),
    };
    page(&Overview::new(frame, &facts, filter))
}

/// `/_/instances`
pub(in super::super) async fn instances(
    State(services): State<Services>,
    asking: Asking,
    uri: Uri,
) -> Result<Response, Failure> {
    let filter = InstancesFilter {
        application: asked(&uri, "application"),
        profile: asked(&uri, "profile"),
        state: asked(&uri, "state"),
        page: number(&uri),
    };
    let (frame, _) = framed(&services, &asking, Place::Instances).await;
    let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let part = (said(&filter.application), said(&filter.profile));
    let part = services.inspector.filter(part.0, part.1, None);
    let fleet = services.inspector.fleet(part, asking.reach(Kind::Fleet));
    let fleet = fleet.await?;
    let readers = if filter.has_readers() {
        all_instances(&services, &asking).await?.readers
    } else {
        Vec::new()
    };
    page(&InstancesPage::new(frame, &fleet, &readers, filter))
}

/// `/_/instances/{id}`
pub(in super::super) async fn instance(
    State(services): State<Services>,
    asking: Asking,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let one = InstanceFilter {
        instance: Some(id),
        ..InstanceFilter::default()
    };
    let seen = asking.reach(Kind::Fleet);
    let view = services.ledger.instances(one, seen).await?;
    let missing = || Failure::not_found().explained("no such instance is known here");
    let instance = view.instances.first().ok_or_else(missing)?;
    let (frame, _) = framed(&services, &asking, Place::Instances).await;
    page(&InstancePage::new(frame, instance))
}

/// `/_/refreshes`
pub(in super::super) async fn refreshes(
    State(services): State<Services>,
    asking: Asking,
    uri: Uri,
) -> Result<Response, Failure> {
    let (frame, _) = framed(&services, &asking, Place::Refreshes).await;
    let view = all_refreshes(&services, &asking).await?;
    page(&RefreshesPage::new(frame, &view, number(&uri)))
}

/// `/_/refreshes/{id}`
pub(in super::super) async fn refresh(
    State(services): State<Services>,
    asking: Asking,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let found = services
        .ledger
        .refresh(id, asking.reach(Kind::Fleet))
        .await?;
    let found =
        found.ok_or_else(|| Failure::not_found().explained("no such refresh is remembered"))?;
    let (frame, _) = framed(&services, &asking, Place::Refreshes).await;
    page(&RefreshPage::new(frame, &found))
}

/// `/_/quarantine`: what is held back, and where to mend it.
pub(in super::super) async fn held(
    State(services): State<Services>,
    asking: Asking,
) -> Result<Response, Failure> {
    let (frame, health) = framed(&services, &asking, Place::Held).await;
    let view = all_instances(&services, &asking).await?;
    let files = health.map(|health| files(&health));
    page(&HeldPage::new(frame, files, &view.instances))
}

/// `/_/delivery`: what health tells, for people.
pub(in super::super) async fn delivery(
    State(services): State<Services>,
    asking: Asking,
) -> Result<Response, Failure> {
    let (frame, health) = framed(&services, &asking, Place::Delivery).await;
    let parts = health.map(|health| {
        let parts = components_of(&services, &asking, &health).into_iter();
        let told = parts.filter(|(name, _)| !matches!(name.as_str(), "pins" | "waves"));
        told.map(|(name, mut part)| {
            // They have a page of their own.
            if let Some(details) = part["details"].as_object_mut() {
                details.remove("problems");
            }
            let status = part["status"].as_str().unwrap_or_default();
            Facts::of(&name, status, part.get("details").unwrap_or(&Value::Null))
        })
        .collect()
    });
    page(&Delivery { frame, parts })
}

/// `/_/search`
pub(in super::super) async fn search(
    State(services): State<Services>,
    asking: Asking,
    uri: Uri,
) -> Result<Response, Failure> {
    let text = asked(&uri, "q").trim().to_owned();
    let (instances, refreshes) = (
        all_instances(&services, &asking).await?,
        all_refreshes(&services, &asking).await?,
    );
    let found = pages::search(&text, &instances, &refreshes);
    let (frame, _) = framed(&services, &asking, Place::Elsewhere).await;
    page(&SearchPage { frame, text, found })
}

/// `/_/settings`: what was said of the server's own, without secrets.
pub(in super::super) async fn settings(
    State(services): State<Services>,
    asking: Asking,
) -> Result<Response, Failure> {
    let (frame, _) = framed(&services, &asking, Place::Settings).await;
    let settings = &services.settings;
    let facts = || SettingsFacts {
        said: settings.said.iter().map(said).collect(),
        defaults: settings.defaults.iter().map(said).collect(),
        warnings: settings.warnings.iter().map(warning).collect(),
        opened: settings.opened.clone(),
    };
    let facts = are_shown(&asking.caller).then(facts);
    page(&SettingsPage { frame, facts })
}

/// Every other path below `/_/`.
pub(in super::super) async fn missing() -> Failure {
    Failure::not_found().explained("there is no such page")
}

/// What is around a page, and how the repositories are, if the caller may know.
pub(super) async fn framed(
    services: &Services,
    asking: &Asking,
    place: Place,
) -> (Frame, Option<Health>) {
    let mut frame = frame(&services.settings, asking.outside(), place, asking.name());
    frame.pinned = pinned_seen(services, asking);
    if !shows_details(&services.settings, &asking.caller) {
        return (frame, None);
    }
    let health = services.repository.health().await;
    frame.held = health.upstreams.iter().map(|one| one.problems.len()).sum();
    (frame, Some(health))
}

/// How many pins the caller sees.
pub(super) fn pinned_seen(services: &Services, asking: &Asking) -> usize {
    let reach = asking.reach(Kind::Fleet);
    let pins = services.pins.all();
    pins.iter().filter(|pin| sees(&reach, &pin.address)).count()
}

async fn all_instances(services: &Services, asking: &Asking) -> Result<InstancesView, Failure> {
    let seen = asking.reach(Kind::Fleet);
    let all = InstanceFilter::default();
    Ok(services.ledger.instances(all, seen).await?)
}

async fn all_refreshes(services: &Services, asking: &Asking) -> Result<RefreshesView, Failure> {
    let seen = asking.reach(Kind::Fleet);
    Ok(services.ledger.refreshes(seen).await?)
}

fn troubles(health: &Health) -> Vec<Trouble> {
    let trouble = |upstream: &UpstreamHealth| {
        let error = upstream.error.as_ref().or(upstream.disk_error.as_ref())?;
        Some(Trouble {
            repository: upstream.repository.clone(),
            serving: upstream.version.map(|version| version.to_string()),
            error: error.clone(),
            seconds: upstream.confirmed_seconds_ago,
        })
    };
    health.upstreams.iter().filter_map(trouble).collect()
}

fn files(health: &Health) -> Vec<HeldFile> {
    let all = health.upstreams.iter().flat_map(|upstream| {
        upstream.problems.iter().map(|problem| HeldFile {
            repository: upstream.repository.clone(),
            origin: problem.origin.to_string(),
            problem: problem.problem.clone(),
            hint: problem.hint.clone(),
        })
    });
    all.take(MOST_PROBLEMS).collect()
}

fn said(view: &SettingView) -> Said {
    Said {
        key: view.key.clone(),
        value: view.value.clone(),
        place: view.from.clone(),
    }
}

fn warning(view: &WarningView) -> Warning {
    Warning {
        code: view.code,
        place: view.from.clone(),
        problem: view.problem.clone(),
        hint: view.hint.clone(),
    }
}

/// What a query says under this name, as much as is looked for.
pub(super) fn asked(uri: &Uri, name: &str) -> String {
    let query = uri.query().unwrap_or_default();
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let value = pairs.find(|(key, _)| key == name).map(|(_, value)| value);
    let value = value.unwrap_or_default();
    value.chars().take(LONGEST_QUERY).collect()
}

pub(super) fn number(uri: &Uri) -> usize {
    asked(uri, "page").parse().unwrap_or(1)
}
