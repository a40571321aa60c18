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
mod reads;
mod repository;
mod reuse;
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
use confbus_resolution::{EnvironmentRequest, Overrides};
use futures_util::future::join_all;

use crate::{
    acceptance::{self, Acceptance},
    encryption::Encryption,
    git,
    look::LookError,
    pins::Pins,
    tasks::Tasks,
    traces::TraceContext,
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
use repository::Before;
pub(crate) use repository::{Freshness, Settings as UpstreamSettings};
pub(crate) use reuse::Reuse;
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
}
