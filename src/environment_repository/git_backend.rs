mod member;
mod settings;

use confbus_protocol::CommitId;
use confbus_resolution::EnvironmentRequest;

use super::{
    FindError, Freshness,
    audience::Audience,
    opener::Opener,
    pattern::Pattern,
    places::{Gathered, resolve_all},
    repository::{Reading, Repository},
};
#[cfg(fuzzing)]
pub(crate) use member::split as split_labels;
use member::{Member, Repositories};
pub(crate) use settings::{RepositorySettings, Settings};

/// How a label with commas is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Labels {
    /// As several labels.
    Split,
    /// As one.
    Whole,
}

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
        reading: Reading<'_>,
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
                let repository = member
                    .repository(request, profiles, asked, reading.before)
                    .await;
                let Ok(repository) = repository else { continue };
                let places = member
                    .places(&repository, request, asked, labels, reading)
                    .await;
                match places.and_then(resolve_all) {
                    Ok((part, versions)) => return Ok(Gathered::Answered(part, versions)),
                    // Whether it has an answer is not known yet: another's would be a wrong one.
                    Err(error) if error.may_pass() => return Err(error),
                    Err(_) => {}
                }
            }
        }
        let member = &self.default;
        let label = label.unwrap_or_else(|| member.settings.default_label.clone());
        let profiles = request.profiles.as_str();
        let repository = member
            .repository(request, profiles, &label, reading.before)
            .await?;
        let places = member.places(&repository, request, &label, labels, reading);
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
