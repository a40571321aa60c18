//! What an address is given and why, for people to look at: every key with the file, line and column that wins it, what it
//! shadows, and who runs it. Everything is worked out from the answer that applications get; secrets are shown by their
//! fingerprints.
//!
//! Whether somebody may read an address is decided before it is inspected.

mod address;
mod compared;
mod configuration;
mod diff;
mod differences;
mod explanation;
mod fingerprint;
mod history;
mod names;
mod placeholders;
mod relatives;
mod secrecy;

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;
use tokio::sync::Semaphore;

use crate::{
    environment_repository::{EnvironmentRepository, FindError, Found, Inspectable, Inspected},
    ledger::{FleetFilter, FleetView, HistoryFilter, Ledger, Sight},
    turns::Turns,
    vault::Token,
};
pub(crate) use address::{AddressView, CommitView, HeldView, SupersededView};
pub(crate) use configuration::{ConfigurationView, PlacedValue, PropertyView, SourceView};
pub(crate) use diff::{ChangeView, DiffView, ElsewhereView, PlaceView, SideView};
pub(crate) use explanation::{ExplanationView, NoSuchKey, WrittenView};
use fingerprint::Fingerprints;
pub(crate) use fingerprint::Settings;
pub(crate) use history::HistoryView;
use names::NamesView;
use secrecy::Secrecy;
pub(crate) use secrecy::Shown;

/// Diffs that are worked out at a time.
const MAX_DIFFS: usize = 4;

/// Names of one kind that are listed.
const MAX_NAMES: usize = 10_000;

/// Shows what is given, and why. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Inspector {
    repository: EnvironmentRepository,
    ledger: Ledger,
    fingerprints: Arc<Fingerprints>,
    /// What requests without a label read.
    default_labels: Arc<[Box<str>]>,
    /// Each may compare hundreds of addresses.
    diffs: Arc<Semaphore>,
    /// Of a large snapshot each answer may take seconds.
    turns: Turns,
}

/// Why nothing is shown.
#[derive(Debug)]
pub(crate) enum InspectError {
    /// There is no answer to look at.
    Find(FindError),
    /// The answer has no such key.
    NoSuchKey(NoSuchKey),
    /// There are too many who ask for as much.
    Busy,
    /// The server is stopping.
    Closed,
}

impl Inspector {
    /// With the key of an earlier start, if there is one.
    pub(crate) fn open(
        settings: &Settings,
        repository: EnvironmentRepository,
        ledger: Ledger,
        default_labels: Vec<Box<str>>,
    ) -> Self {
        Self {
            repository,
            ledger,
            fingerprints: Arc::new(Fingerprints::open(settings)),
            default_labels: default_labels.into(),
            diffs: Arc::new(Semaphore::new(MAX_DIFFS)),
            turns: Turns::new(),
        }
    }

    /// The effective configuration, for somebody who may also read this.
    ///
    /// # Errors
    /// [`InspectError`] when there is none.
    pub(crate) async fn configuration(
        &self,
        request: &EnvironmentRequest,
        token: Option<&Token>,
        readable: &(impl Sight + Clone + 'static),
    ) -> Result<ConfigurationView, InspectError> {
        let address = AddressView::of(request);
        self.look(request, token, readable, |held, inspected, secrecy| {
            ConfigurationView::new(address, held, inspected, secrecy)
        })
        .await
    }

    /// Why a key has its value, and how far the instances are that ask for it.
    ///
    /// # Errors
    /// [`InspectError`] when there is no configuration, or none of it is under this key.
    pub(crate) async fn explanation(
        &self,
        request: &EnvironmentRequest,
        key: String,
        token: Option<&Token>,
        readable: &(impl Sight + Clone + 'static),
        sight: impl Sight + 'static,
    ) -> Result<ExplanationView, InspectError> {
        let (address, asked) = (AddressView::of(request), key.clone());
        let explained = self.look(request, token, readable, move |held, inspected, secrecy| {
            ExplanationView::new(address, held, &key, inspected, secrecy)
        });
        let mut view = match explained.await? {
            Ok(view) => view,
            Err(mut missing) => {
                let filter = self.history_filter(request);
                let removal = self.ledger.removal(&filter, &asked, &sight).await;
                if let Some(removal) = removal.map_err(|_| InspectError::Closed)? {
                    let had = self.had(request, removal.before.as_deref(), &asked, token);
                    missing.removal = had.await.then_some(removal);
                }
                return Err(InspectError::NoSuchKey(missing));
            }
        };
        let fleet = self.fleet(self.filter_of(request), sight).await?;
        view.instances = fleet.totals;
        view.sentence = fleet.sentence;
        Ok(view)
    }

    /// Whether a request had a key at a commit, as far as that is still at hand. Of moves only the application is
    /// remembered, and another profile may have lost it.
    async fn had(
        &self,
        request: &EnvironmentRequest,
        commit: Option<&str>,
        key: &str,
        token: Option<&Token>,
    ) -> bool {
        let Some(Ok(label)) = commit.map(Label::parse) else {
            return false;
        };
        let request = EnvironmentRequest {
            label: Some(label),
            ..request.clone()
        };
        let Ok(inspectable) = self.inspectable(&request, token).await else {
            return false;
        };
        let key = key.to_owned();
        let has = self.aside(move || {
            let found = inspectable.inspected()?;
            let mut sources = found.value.environment.property_sources.iter();
            Ok::<_, FindError>(sources.any(|source| source.source.contains_key(&*key)))
        });
        matches!(has.await, Ok(Ok(true)))
    }

    /// How far the fleet is.
    ///
    /// # Errors
    /// [`InspectError::Closed`] when the server is stopping.
    pub(crate) async fn fleet(
        &self,
        filter: FleetFilter,
        sight: impl Sight + 'static,
    ) -> Result<FleetView, InspectError> {
        let fleet = self.ledger.fleet(filter, sight).await;
        fleet.map_err(|_| InspectError::Closed)
    }

    /// What was served to whoever asks for this, when, and how it went.
    ///
    /// # Errors
    /// [`InspectError`] when there is no configuration.
    pub(crate) async fn history(
        &self,
        request: &EnvironmentRequest,
        token: Option<&Token>,
        sight: impl Sight + 'static,
    ) -> Result<HistoryView, InspectError> {
        // What is not there has no history.
        let inspectable = self.inspectable(request, token).await?;
        let found = self.aside(move || inspectable.inspected().map(drop));
        found.await?.map_err(InspectError::Find)?;
        let filter = self.history_filter(request);
        let entries = self.ledger.history(filter, sight).await;
        let entries = entries.map_err(|_| InspectError::Closed)?;
        Ok(HistoryView::new(AddressView::of(request), entries))
    }

    /// The moves that concern a request.
    fn history_filter(&self, request: &EnvironmentRequest) -> HistoryFilter {
        let label = request.label.as_ref().map(ToString::to_string);
        let defaults = || {
            self.default_labels
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        let named = self.repository.named_in_service(request);
        let named: HashMap<_, _> = named
            .into_iter()
            .map(|(repository, commit)| (repository, commit.to_string()))
            .collect();
        HistoryFilter {
            application: request.application.to_string(),
            labels: label.map_or_else(defaults, |label| vec![label]),
            instances: self.filter_of(request),
            request: request.clone(),
            named,
            pins: self.repository.pins(),
        }
    }

    /// What can be asked for by somebody who may read this.
    ///
    /// # Errors
    /// [`InspectError::Closed`] when the server is stopping.
    pub(crate) async fn names(
        &self,
        readable: impl Sight + 'static,
    ) -> Result<NamesView, InspectError> {
        let (repository, known) = (self.repository.clone(), self.ledger.known());
        let names = self.aside(move || {
            let mut names = repository.names();
            let asked = known.iter().flat_map(|request| request.application.names());
            names.applications.extend(asked.map(str::to_owned));
            let may_read = |name: &String| readable.has_application(name);
            let is_label = |label: &String| readable.has_label(label);
            NamesView {
                schema: "confbus.names/1",
                applications: listed(names.applications, may_read),
                // What is in service goes first where there are too many.
                labels: listed(names.labels.into_iter().chain(names.refs), is_label),
            }
        });
        names.await
    }

    /// The part of the fleet that asks for what a request asks for.
    pub(crate) fn filter_of(&self, request: &EnvironmentRequest) -> FleetFilter {
        let label = request.label.as_ref().map(ToString::to_string);
        self.filter(
            Some(request.application.to_string()),
            Some(request.profiles.to_string()),
            label,
        )
    }

    /// The part of the fleet of these names.
    pub(crate) fn filter(
        &self,
        application: Option<String>,
        profile: Option<String>,
        label: Option<String>,
    ) -> FleetFilter {
        FleetFilter {
            application,
            profile,
            label: label.map(|label| {
                let is_default = self.is_default(&label);
                (label, is_default)
            }),
        }
    }

    /// Whether requests without a label read this one, as far as settings say.
    pub(crate) fn is_default(&self, label: &str) -> bool {
        let mut defaults = self.default_labels.iter();
        defaults.any(|default| **default == *label)
    }

    async fn inspectable(
        &self,
        request: &EnvironmentRequest,
        token: Option<&Token>,
    ) -> Result<Inspectable, InspectError> {
        let inspectable = self.repository.inspectable(request, token).await;
        inspectable.map_err(InspectError::Find)
    }

    /// Does work that the threads that serve must not wait for, when it is its turn.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, InspectError> {
        let turn = self.turns.take().await.ok_or(InspectError::Busy)?;
        turn.spend(work).await.ok_or(InspectError::Closed)
    }

    /// What somebody makes of an answer.
    async fn look<T: Send + 'static>(
        &self,
        request: &EnvironmentRequest,
        token: Option<&Token>,
        readable: &(impl Sight + Clone + 'static),
        make: impl FnOnce(Option<HeldView>, &Inspected, &Secrecy<'_>) -> T + Send + 'static,
    ) -> Result<T, InspectError> {
        let inspectable = self.inspectable(request, token).await?;
        let (request, readable) = (request.clone(), readable.clone());
        let fingerprints = Arc::clone(&self.fingerprints);
        let made = self.aside(move || -> Result<T, FindError> {
            let Found {
                mut value, held, ..
            } = inspectable.inspected()?;
            // Who may not read what the label gives does not hear where it is, either.
            value.superseded.take_if(|superseded| {
                let (application, profiles) = (request.application.as_str(), &request.profiles);
                let label = superseded.label.as_str();
                !readable.has_environment(application, profiles.as_str(), Some(label))
            });
            let secrecy = Secrecy::new(&value, &fingerprints);
            Ok(make(held.map(HeldView::from), &value, &secrecy))
        });
        made.await?.map_err(InspectError::Find)
    }
}

fn listed(
    names: impl IntoIterator<Item = String>,
    is_shown: impl Fn(&String) -> bool,
) -> Vec<String> {
    let shown = names.into_iter().filter(is_shown).take(MAX_NAMES);
    let shown: BTreeSet<_> = shown.collect();
    shown.into_iter().collect()
}
