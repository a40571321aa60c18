use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;

use super::{
    super::{
        FindError,
        opener::Opener,
        pattern::Pattern,
        places::{Place, Shown},
        pool::Pool,
        repository::{Before, Reading, Repository},
        upstream::Upstream,
    },
    Labels, RepositorySettings,
};
use crate::{git::Address, pins::Pins, waves::Waves};

/// Labels in one request; each may need a snapshot of its own.
const LABELS_PER_REQUEST: usize = 16;

#[derive(Debug)]
pub(super) struct Member {
    pub(super) settings: RepositorySettings,
    pub(super) repositories: Repositories,
    pins: Pins,
    waves: Waves,
}

#[derive(Debug)]
pub(super) enum Repositories {
    One(Repository),
    /// One for each address that placeholders lead to.
    Many(Pool),
}

impl Member {
    pub(super) async fn open(
        settings: RepositorySettings,
        opener: &Opener,
    ) -> std::io::Result<Self> {
        let address = Address::parse(settings.uri.as_str()).ok();
        let repositories = match address.filter(|_| !settings.uri.has_placeholders()) {
            Some(address) => {
                let (git, settings) = settings.at(address, &opener.git);
                git.lock().await?;
                Repositories::One(opener.open(Upstream::git(git)?, settings).await)
            }
            None => Repositories::Many(Pool::new(opener.clone())),
        };
        Ok(Self {
            settings,
            repositories,
            pins: opener.pins.clone(),
            waves: opener.waves.clone(),
        })
    }

    /// Whether a request is for this repository: one of its profiles must fit, and all of them together as well, unless
    /// the address depends on the request.
    pub(super) fn is_meant(&self, patterns: &[Pattern], request: &EnvironmentRequest) -> bool {
        let application = request.application.as_str();
        let fits = |profiles: &str| {
            let coordinates = format!("{application}/{profiles}");
            patterns.iter().any(|pattern| pattern.matches(&coordinates))
        };
        let one_fits = request.profiles.names().any(fits);
        one_fits && (self.settings.uri.has_placeholders() || fits(request.profiles.as_str()))
    }

    /// The profiles to ask for one after the other, the last first, if the address depends on them.
    pub(super) fn profiles<'r>(&self, request: &'r EnvironmentRequest) -> Vec<&'r str> {
        if self.settings.uri.has_profile() {
            request.profiles.names().rev().collect()
        } else {
            vec![request.profiles.as_str()]
        }
    }

    pub(super) async fn repository(
        &self,
        request: &EnvironmentRequest,
        profiles: &str,
        label: &Label,
        before: Before,
    ) -> Result<Repository, FindError> {
        match &self.repositories {
            Repositories::One(repository) => Ok(repository.clone()),
            Repositories::Many(_) if self.settings.uri.lets_requests_choose_host() => {
                Err(FindError::NoRepository)
            }
            Repositories::Many(pool) => {
                let uri = self.settings.uri.fill_in(request, profiles, label);
                let uri = uri.ok_or(FindError::NoRepository)?;
                if before == Before::Served {
                    return pool.serving_at(&uri).ok_or(FindError::NotYet);
                }
                let repository = pool.repository(&uri, &self.settings)?;
                if before == Before::Freshness {
                    repository.first_look().await;
                }
                Ok(repository)
            }
        }
    }

    pub(super) async fn places(
        &self,
        repository: &Repository,
        request: &EnvironmentRequest,
        label: &Label,
        labels: Labels,
        reading: Reading<'_>,
    ) -> Result<Vec<Place>, FindError> {
        let asked = match labels {
            Labels::Whole => vec![label.clone()],
            Labels::Split => split(label)?,
        };
        let mut places = Vec::new();
        for label in &asked {
            match repository.history(label, reading.before).await {
                Ok(history) => {
                    let request = EnvironmentRequest {
                        label: Some(label.clone()),
                        ..request.clone()
                    };
                    let place = Place::new(repository.clone(), history, request, Shown::Commit);
                    let place = place.under(&self.pins, reading.before).await?;
                    places.push(place.in_turn(&self.waves, reading).await?);
                }
                Err(FindError::NoSuchLabel | FindError::NoSuchCommit)
                    if self.settings.continue_on_label_failure && asked.len() > 1 => {}
                Err(error) => return Err(error),
            }
        }
        Ok(places)
    }
}

pub(crate) fn split(label: &Label) -> Result<Vec<Label>, FindError> {
    let items = label.as_str().split(',');
    let labels: Result<Vec<_>, _> = items
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(Label::parse)
        .collect();
    match labels {
        Ok(labels) if labels.len() > LABELS_PER_REQUEST => Err(FindError::TooLarge),
        Ok(labels) if labels.is_empty() => Ok(vec![label.clone()]),
        Ok(labels) => Ok(labels),
        Err(_) => Err(FindError::NoSuchLabel),
    }
}
