//! From a request to an answer: which snapshots are in service, and what they say.
//!
//! [`EnvironmentRepository`] asks its backends for the places that may answer; a place is a label's history in one
//! repository. What follows from places is computed, without waiting. Two backends have finished sources instead: a Vault is
//! asked for them each time, and of a store that is looked up they are kept.

mod answer;
mod audience;
mod backend;
mod clones;
mod doubts;
mod figures;
mod gather;
mod generation;
mod git_backend;
mod history;
mod inspected;
mod judgement;
mod last_good;
mod looked_up;
mod looker;
mod names;
mod opener;
mod pace;
mod past;
mod pattern;
mod pinned;
mod places;
mod pool;
mod repository;
mod served;
mod staged;
mod state;
mod tally;
mod template;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod trail;
mod unannounced;
mod upstream;

use std::{collections::BTreeSet, sync::Arc};

use arc_swap::ArcSwap;
use confbus_protocol::{BusId, Environment};
use confbus_resolution::{EnvironmentRequest, Overrides, RepoPath};
use futures_util::{FutureExt as _, future::join_all};
use tokio::sync::futures::Notified;

use crate::{
    acceptance::{self, Acceptance},
    encryption::Encryption,
    git,
    look::LookError,
    pins::Pins,
    tasks::Tasks,
    traces::TraceContext,
    vault::Token,
    waves::Waves,
};
pub(crate) use answer::{
    Because, FindError, Found, Given, Health, Held, Probe, Resource, Text, UpstreamHealth,
};
pub(crate) use audience::Audience;
use backend::{Backend, Vaults};
pub(crate) use backend::{NativeSettings, Settings as BackendSettings};
pub use clones::{Clones, ClonesProgress};
pub(crate) use figures::Figures;
use generation::Generation;
pub(crate) use git_backend::Labels;
#[cfg(fuzzing)]
pub(crate) use git_backend::split_labels;
pub(crate) use git_backend::{
    RepositorySettings as GitRepositorySettings, Settings as GitSettings,
};
pub(crate) use inspected::{Inspectable, Inspected, SourceOrigin};
pub(crate) use judgement::{Broken, Judgement};
pub(crate) use looker::Announce;
pub(crate) use opener::Hearers;
use opener::Opener;
pub(crate) use past::Past;
pub(crate) use pattern::Pattern;
pub(crate) use pinned::Holdable;
use places::Gathered;
use repository::{Before, Reading};
pub(crate) use repository::{Freshness, Settings as UpstreamSettings};
pub(crate) use served::Moved;
pub(crate) use staged::{Difference, InService, Release, Scope};
use tally::Tally;
pub(crate) use template::Template;
pub(crate) use unannounced::Unannounced;

/// What is read, and what is made of it.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The strongest first.
    pub(crate) backends: Vec<BackendSettings>,
    /// One backend of several that has no answer spoils the whole answer.
    pub(crate) fail_on_error: bool,
    /// What wins over every file.
    pub(crate) overrides: Overrides,
    /// The keys of overrides whose values are encrypted where they are configured.
    pub(crate) encrypted_overrides: BTreeSet<String>,
    /// Answer with no sources at all, or say that nothing was found.
    pub(crate) accept_empty: bool,
    /// What health asks for.
    pub(crate) probes: Vec<EnvironmentRequest>,
    /// Plain files are looked for in the last backend first.
    pub(crate) reverse_location_order: bool,
    /// What becomes of `{cipher}` values.
    pub(crate) encryption: Encryption,
    /// What a version must fulfil before anybody is given it.
    pub(crate) acceptance: acceptance::Settings,
    /// Whose processes run Git; without it, threads of this one do.
    pub(crate) git_program: Option<git::Program>,
}

impl Settings {
    /// The label of each backend that is read where a request names none.
    pub(crate) fn default_labels(&self) -> Vec<Box<str>> {
        let labels = self
            .backends
            .iter()
            .flat_map(BackendSettings::default_labels);
        labels.map(Into::into).collect()
    }
}

/// The requests that somebody makes, as far as that is known: no version that one of them still needs is let go.
pub(crate) type Known = Arc<ArcSwap<Vec<EnvironmentRequest>>>;

/// Whether an answer may be given again in the generation in which it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// A Vault is asked each time.
    Never,
    /// After [`EnvironmentRepository::make_sure`], if the generation is the same then.
    Sure,
    /// Yes.
    Free,
}

/// Bytes of files from which an answer is made in a small part of a millisecond.
const SMALL: u64 = 16 << 10;

/// Answers requests from snapshots, and moves labels when told to look.
#[derive(Debug, Clone)]
pub(crate) struct EnvironmentRepository {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    backends: Vec<Backend>,
    fail_on_error: bool,
    overrides: Overrides,
    encrypted_overrides: BTreeSet<String>,
    accept_empty: bool,
    probes: Vec<EnvironmentRequest>,
    reverse_location_order: bool,
    encryption: Encryption,
    unannounced: Arc<Unannounced>,
    generation: Generation,
    quarantined: Tally,
    pins: Pins,
    waves: Waves,
}

impl EnvironmentRepository {
    /// Opens all backends and puts in service what is on disk.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) async fn open(
        settings: Settings,
        pins: Pins,
        waves: Waves,
        tasks: Tasks,
        known: Known,
        hearers: Hearers,
    ) -> std::io::Result<Self> {
        let opener = Opener {
            acceptance: Acceptance::new(settings.acceptance, settings.encryption.clone()),
            known,
            unannounced: Arc::default(),
            generation: Generation::default(),
            pins,
            waves,
            hearers,
            tasks,
            git: git::Common::new(settings.git_program),
        };
        let mut backends = Vec::new();
        for backend in settings.backends {
            backends.push(Backend::open(backend, &opener).await?);
        }
        let inner = Inner {
            backends,
            fail_on_error: settings.fail_on_error,
            overrides: settings.overrides,
            encrypted_overrides: settings.encrypted_overrides,
            accept_empty: settings.accept_empty,
            probes: settings.probes,
            reverse_location_order: settings.reverse_location_order,
            encryption: settings.encryption,
            unannounced: opener.unannounced,
            generation: opener.generation,
            quarantined: Tally::default(),
            pins: opener.pins,
            waves: opener.waves,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The environment for a request of this instance, if it names itself; its token opens Vaults, and nothing else.
    pub(crate) async fn find_one(
        &self,
        request: &EnvironmentRequest,
        token: Option<&Token>,
        instance: Option<&BusId>,
    ) -> Result<Found<Environment>, FindError> {
        self.find(request, freshly(instance), Vaults::Ask(token))
            .await
    }

    /// The version that a read of this instance would be given now, where there is one. Neither waits nor fetches, and asks
    /// no Vault.
    pub(crate) fn version_of(
        &self,
        request: &EnvironmentRequest,
        instance: Option<&BusId>,
    ) -> Option<Given> {
        let reading = Reading {
            before: Before::Served,
            instance,
        };
        let gathered = self
            .gather_patiently(request, Labels::Split, reading, Vaults::Skip)
            .now_or_never()?
            .ok()?;
        let (parts, _) = self.resolve(gathered).ok()?;
        let generation = match parts.as_slice() {
            [part] => past::generation(&part.labels),
            _ => None,
        };
        let mut held = parts.iter().filter_map(|part| part.held.clone());
        Some(Given {
            version: self.shown_version(&parts)?,
            generation,
            held: held.next(),
        })
    }

    async fn find(
        &self,
        request: &EnvironmentRequest,
        reading: Reading<'_>,
        vaults: Vaults<'_>,
    ) -> Result<Found<Environment>, FindError> {
        let gathered = self.gather(request, Labels::Split, reading, vaults).await?;
        let found = self.environment(request, self.resolve(gathered)?.0);
        let mut backends = self.inner.backends.iter();
        let is_complete = vaults.are_asked() || !backends.any(Backend::has_only_sources);
        if is_complete {
            self.refuse_nothing(&found.value)?;
        }
        Ok(found)
    }

    /// No sources at all may be no answer.
    fn refuse_nothing(&self, environment: &Environment) -> Result<(), FindError> {
        if environment.property_sources.is_empty() && !self.inner.accept_empty {
            return Err(FindError::Empty);
        }
        Ok(())
    }

    /// Whether so little is read for an environment that its answer is made sooner than another thread takes over. Neither
    /// waits nor parses anything.
    pub(crate) fn is_small(&self, request: &EnvironmentRequest) -> bool {
        let mut backends = self.inner.backends.iter();
        let bytes = backends.try_fold(0, |bytes, backend| {
            Some(bytes + backend.bytes_to_read(request)?)
        });
        bytes.is_some_and(|bytes| bytes <= SMALL)
    }

    /// A plain file, as it lies in the repository.
    pub(crate) async fn find_resource(
        &self,
        request: &EnvironmentRequest,
        path: &RepoPath,
        instance: Option<&BusId>,
    ) -> Result<Found<Resource>, FindError> {
        let gathered = self
            .gather(request, Labels::Whole, freshly(instance), Vaults::Skip)
            .await?;
        let newest: Vec<_> = gathered.into_iter().map(Gathered::newest).collect();
        self.resource(&newest, path)
    }

    /// A plain file with the environment whose values stand for its placeholders, both of the same commits.
    pub(crate) async fn find_text(
        &self,
        request: &EnvironmentRequest,
        path: &RepoPath,
        token: Option<&Token>,
        instance: Option<&BusId>,
    ) -> Result<Found<Text>, FindError> {
        let vaults = Vaults::Ask(token);
        let gathered = self
            .gather(request, Labels::Whole, freshly(instance), vaults)
            .await?;
        let (parts, files) = self.resolve(gathered)?;
        let environment = self.environment(request, parts);
        let resource = self.resource(&files, path)?;
        Ok(Found {
            value: Text {
                resource: resource.value,
                environment: environment.value,
            },
            commits: resource.commits,
            held: environment.held,
            past: environment.past,
        })
    }

    /// Looks at all remotes for all labels in service, or those that one ref concerns, together with whoever else asks for
    /// that.
    ///
    /// # Errors
    /// [`LookError`] when one of them could not be asked; what is in service stays.
    pub(crate) async fn look(
        &self,
        reference: Option<&str>,
        announce: Announce,
    ) -> Result<(), LookError> {
        self.look_in_trace(reference, announce, &TraceContext::default())
            .await
    }

    /// The same as a part of a trace.
    ///
    /// # Errors
    /// [`LookError`] as above.
    pub(crate) async fn look_in_trace(
        &self,
        reference: Option<&str>,
        announce: Announce,
        trace: &TraceContext,
    ) -> Result<(), LookError> {
        let repositories = self.repositories();
        let looks = repositories
            .iter()
            .map(|repository| repository.look(reference, announce, trace));
        let (looked, looked_up) = tokio::join!(join_all(looks), self.look_up_again(announce));
        looked.into_iter().collect::<Result<(), _>>().and(looked_up)
    }

    /// Opens again the repositories that these requests led to before a stop: what is not open is not looked at, and
    /// those who read it then would not hear of what moves there.
    pub(crate) async fn reopen(&self, known: &[EnvironmentRequest]) {
        for lookups in self.lookups() {
            lookups.want(known);
        }
        let mut backends = self.inner.backends.iter();
        if !backends.any(Backend::opens_on_demand) {
            return;
        }
        let closed = known
            .iter()
            .filter(|request| self.places_in_service(request).is_empty());
        for request in closed.take(pool::MAX_OPEN) {
            // Whoever asks for one that is gone hears of it.
            _ = self
                .gather(
                    request,
                    Labels::Split,
                    Before::Freshness.nameless(),
                    Vaults::Skip,
                )
                .await;
        }
    }

    /// Labels that moved and whose clients were not told yet.
    pub(crate) fn unannounced(&self) -> &Unannounced {
        &self.inner.unannounced
    }

    /// Counts what answers depend on: an answer that was made in a generation is the answer as long as that lasts, unless
    /// it needed a Vault.
    pub(crate) fn generation(&self) -> u64 {
        self.inner.generation.now()
    }

    /// Resolves when another generation begins, or one has since the last time; for one who waits.
    pub(crate) async fn another_generation(&self) {
        self.inner.generation.another().await;
    }

    /// Resolves when another generation begins, or a look that somebody's doubt caused is over; for any number of those who
    /// wait, from this call on.
    pub(crate) fn news(&self) -> Notified<'_> {
        self.inner.generation.news()
    }

    /// Whether what is answered to a request may depend on who asks: then no answer is for somebody else.
    pub(crate) fn is_divided(&self, request: &EnvironmentRequest) -> bool {
        let label = request.label.as_ref();
        self.inner.waves.divide(request, |name, served| {
            let mut of_name = self.git_repositories();
            of_name.retain(|repository| repository.name() == name);
            // One that is not open may be opened for this request.
            let mut answering = of_name.iter();
            of_name.is_empty() || answering.any(|one| one.may_answer_from(label, served))
        })
    }

    /// Whether answers may be given again.
    pub(crate) fn reuse(&self) -> Reuse {
        let backends = || self.inner.backends.iter();
        if backends().any(Backend::is_vault) {
            Reuse::Never
        } else if backends().any(Backend::makes_sure) {
            Reuse::Sure
        } else {
            Reuse::Free
        }
    }

    /// Makes sure of what a read of this would make sure of before it takes what is in service.
    pub(crate) async fn make_sure(&self, request: &EnvironmentRequest, labels: Labels) {
        // What came of it shows in the generation, or in the read that follows.
        _ = self
            .gather(request, labels, Before::Freshness.nameless(), Vaults::Skip)
            .await;
    }
}

/// A read that does what the settings say.
fn freshly(instance: Option<&BusId>) -> Reading<'_> {
    Reading {
        before: Before::Freshness,
        instance,
    }
}
