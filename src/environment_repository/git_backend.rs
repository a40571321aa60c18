use std::time::Duration;

use confbus_protocol::{CommitId, Label};
use confbus_resolution::{EnvironmentRequest, Layout, Places};

use super::{
    FindError, Freshness,
    audience::Audience,
    opener::Opener,
    pattern::Pattern,
    places::{Gathered, Place, Shown, resolve_all},
    pool::Pool,
    repository::{self, Before, Repository},
    template::Template,
    upstream::Upstream,
};
use crate::git::{self, Address, Claims, Reach};

/// The repositories of a Git backend.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Asked in this order, each for the requests that it is for.
    pub(crate) candidates: Vec<(Vec<Pattern>, RepositorySettings)>,
    /// Asked when no candidate has an answer.
    pub(crate) default: RepositorySettings,
}

/// One repository of a Git backend, or one for each application, profile or label.
#[derive(Debug, Clone)]
pub(crate) struct RepositorySettings {
    pub(crate) uri: Template,
    pub(crate) reach: Reach,
    /// Directories beside the root, the later one stronger.
    pub(crate) search_paths: Vec<String>,
    /// The label of a request that has none.
    pub(crate) default_label: Label,
    /// When the default label is `main` and names nothing, `master` is tried.
    pub(crate) try_master_branch: bool,
    /// A label that is gone from the repository is forgotten instead of served on.
    pub(crate) forget_deleted: bool,
    /// Of several labels those that name nothing are left out.
    pub(crate) continue_on_label_failure: bool,
    /// Plain files are looked for in the last location first.
    pub(crate) reverse_location_order: bool,
    /// Whether a read makes sure of the repository first.
    pub(crate) freshness: Freshness,
    /// Between two looks that nobody asks for; `None` looks only when told.
    pub(crate) interval: Option<Duration>,
    /// A local repository is looked at as soon as it changes.
    pub(crate) watches: bool,
}

/// How a label with commas is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Labels {
    /// As several labels.
    Split,
    /// As one.
    Whole,
}

/// Labels in one request; each may need a snapshot of its own.
const LABELS_PER_REQUEST: usize = 16;
/// Profiles in one request to several repositories; each may need one of its own.
const MAX_PROFILES: usize = 64;

/// Git repositories: the first that is for a request and has an answer gives it.
#[derive(Debug)]
pub(super) struct GitBackend {
    candidates: Vec<Candidate>,
    default: Member,
}

#[derive(Debug)]
struct Candidate {
    patterns: Vec<Pattern>,
    member: Member,
}

#[derive(Debug)]
struct Member {
    settings: RepositorySettings,
    repositories: Repositories,
}

#[derive(Debug)]
enum Repositories {
    One(Repository),
    /// One for each address that placeholders lead to.
    Many(Pool),
}

impl GitBackend {
    /// Opens the repositories whose address is known.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) async fn open(settings: Settings, opener: &Opener) -> std::io::Result<Self> {
        let mut candidates = Vec::new();
        for (patterns, settings) in settings.candidates {
            let member = Member::open(settings, opener).await?;
            candidates.push(Candidate { patterns, member });
        }
        Ok(Self {
            candidates,
            default: Member::open(settings.default, opener).await?,
        })
    }

    /// What may answer.
    pub(super) async fn gather(
        &self,
        request: &EnvironmentRequest,
        labels: Labels,
        before: Before,
    ) -> Result<Gathered, FindError> {
        // Once a candidate has lent its default label, the others are asked for that one, as in Spring.
        let mut label = request.label.clone();
        if request.profiles.names().count() > MAX_PROFILES {
            return Err(FindError::TooLarge);
        }
        for Candidate { patterns, member } in &self.candidates {
            if !member.is_meant(patterns, request) {
                continue;
            }
            for profiles in member.profiles(request) {
                let asked = label.get_or_insert_with(|| member.settings.default_label.clone());
                let repository = member.repository(request, profiles, asked, before).await;
                let Ok(repository) = repository else { continue };
                let places = member
                    .places(&repository, request, asked, labels, before)
                    .await;
                match places.and_then(resolve_all) {
                    Ok((part, versions)) => return Ok(Gathered::Answered(part, versions)),
                    // Whether it has an answer is not known yet: another's would be a wrong one.
                    Err(FindError::NotYet) => return Err(FindError::NotYet),
                    Err(_) => {}
                }
            }
        }
        let member = &self.default;
        let label = label.unwrap_or_else(|| member.settings.default_label.clone());
        let profiles = request.profiles.as_str();
        let repository = member.repository(request, profiles, &label, before).await?;
        let places = member.places(&repository, request, &label, labels, before);
        Ok(Gathered::Places(places.await?))
    }

    /// The bytes of all files that may be read for a request; `None` where it takes long to tell.
    pub(super) fn bytes_to_read(&self, request: &EnvironmentRequest) -> Option<u64> {
        let meant = self.candidates.iter();
        let meant =
            meant.filter(|candidate| candidate.member.is_meant(&candidate.patterns, request));
        let members = meant
            .map(|candidate| &candidate.member)
            .chain([&self.default]);
        let mut label = request.label.as_ref();
        let mut bytes = 0;
        for member in members {
            let label = *label.get_or_insert(&member.settings.default_label);
            let Repositories::One(repository) = &member.repositories else {
                return None;
            };
            bytes += repository.bytes_to_read(label, request)?;
        }
        Some(bytes)
    }

    /// All repositories that are open now and who reads them, the default one first.
    pub(super) fn repositories(&self) -> Vec<(Repository, Audience)> {
        let candidates = self.candidates.iter();
        let candidates =
            candidates.map(|Candidate { patterns, member }| (patterns.as_slice(), member));
        let all = std::iter::once((&[][..], &self.default)).chain(candidates);
        all.flat_map(|(patterns, member)| match &member.repositories {
            Repositories::One(repository) => {
                vec![(repository.clone(), Audience::of_patterns(patterns))]
            }
            Repositories::Many(pool) => {
                let open = pool.serving().into_iter();
                open.map(|repository| (repository, Audience::Known))
                    .collect()
            }
        })
        .collect()
    }

    /// Whether requests lead to repositories that are not open yet.
    pub(super) fn opens_on_demand(&self) -> bool {
        self.members()
            .any(|member| matches!(member.repositories, Repositories::Many(_)))
    }

    /// Whether reads make sure of a repository first.
    pub(super) fn makes_sure(&self) -> bool {
        self.members()
            .any(|member| member.settings.freshness != Freshness::Polled)
    }

    fn members(&self) -> impl Iterator<Item = &Member> {
        let candidates = self.candidates.iter().map(|candidate| &candidate.member);
        candidates.chain([&self.default])
    }

    /// Whether there is anything to answer from, or may be once somebody asks.
    pub(super) fn is_serving(&self) -> bool {
        match &self.default.repositories {
            Repositories::One(repository) => repository.is_serving(),
            Repositories::Many(_) => true,
        }
    }

    pub(super) fn version(&self) -> Option<CommitId> {
        match &self.default.repositories {
            Repositories::One(repository) => repository.version(),
            Repositories::Many(_) => None,
        }
    }
}

impl Member {
    async fn open(settings: RepositorySettings, opener: &Opener) -> std::io::Result<Self> {
        let address = Address::parse(settings.uri.as_str()).ok();
        let repositories = match address.filter(|_| !settings.uri.has_placeholders()) {
            Some(address) => {
                let (git, settings) = settings.at(address, &opener.claims);
                Repositories::One(opener.open(Upstream::git(git)?, settings).await)
            }
            None => Repositories::Many(Pool::new(opener.clone())),
        };
        Ok(Self {
            settings,
            repositories,
        })
    }

    /// Whether a request is for this repository: one of its profiles must fit, and all of them together as well, unless
    /// the address depends on the request.
    fn is_meant(&self, patterns: &[Pattern], request: &EnvironmentRequest) -> bool {
        let application = request.application.as_str();
        let fits = |profiles: &str| {
            let coordinates = format!("{application}/{profiles}");
            patterns.iter().any(|pattern| pattern.matches(&coordinates))
        };
        let one_fits = request.profiles.names().any(fits);
        one_fits && (self.settings.uri.has_placeholders() || fits(request.profiles.as_str()))
    }

    /// The profiles to ask for one after the other, the last first, if the address depends on them.
    fn profiles<'r>(&self, request: &'r EnvironmentRequest) -> Vec<&'r str> {
        if self.settings.uri.has_profile() {
            request.profiles.names().rev().collect()
        } else {
            vec![request.profiles.as_str()]
        }
    }

    async fn repository(
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

    async fn places(
        &self,
        repository: &Repository,
        request: &EnvironmentRequest,
        label: &Label,
        labels: Labels,
        before: Before,
    ) -> Result<Vec<Place>, FindError> {
        let asked = match labels {
            Labels::Whole => vec![label.clone()],
            Labels::Split => split(label)?,
        };
        let mut places = Vec::new();
        for label in &asked {
            match repository.history(label, before).await {
                Ok(history) => places.push(Place::new(
                    repository.clone(),
                    history,
                    EnvironmentRequest {
                        label: Some(label.clone()),
                        ..request.clone()
                    },
                    Shown::Commit,
                )),
                Err(FindError::NoSuchLabel | FindError::NoSuchCommit)
                    if self.settings.continue_on_label_failure && asked.len() > 1 => {}
                Err(error) => return Err(error),
            }
        }
        Ok(places)
    }
}

fn split(label: &Label) -> Result<Vec<Label>, FindError> {
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

impl RepositorySettings {
    /// The settings of the repository at an address.
    pub(super) fn at(
        &self,
        address: Address,
        claims: &Claims,
    ) -> (git::Settings, repository::Settings) {
        let places = Places::Tree {
            uri: address.display_uri.clone(),
            checkout: self.reach.base_directory.display().to_string(),
            search_paths: self.search_paths.clone(),
        };
        let layout = Layout {
            places,
            default_label: Some(self.default_label.clone()),
            reverse_location_order: self.reverse_location_order,
        };
        let settings = repository::Settings {
            layout,
            default_label: self.default_label.clone(),
            try_master_branch: self.try_master_branch,
            forget_deleted: self.forget_deleted,
            freshness: self.freshness,
            interval: self.interval,
            watches: self.watches,
        };
        (
            git::Settings::new(address, self.reach.clone(), claims),
            settings,
        )
    }
}
