//! Two addresses side by side, and everybody whom the difference concerns.

use std::sync::Arc;

use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;

use super::{
    AddressView, HeldView, InspectError, Inspector,
    diff::{self, DiffView, RadiusView, Side, SideView},
    secrecy::Secrecy,
};
use crate::{
    environment_repository::{Found, Inspected},
    ledger::{FleetFilter, FleetView, Sight},
    vault::Token,
};

/// Addresses that are compared for one diff.
const MAX_COMPARED: usize = 500;

impl Inspector {
    /// How two addresses differ, and whom that concerns of those whose fleet somebody sees and whose configuration it may
    /// read.
    ///
    /// # Errors
    /// [`InspectError`] when one of them has no configuration.
    pub(crate) async fn diff(
        &self,
        from: &EnvironmentRequest,
        to: &EnvironmentRequest,
        token: Option<&Token>,
        sight: impl Sight + 'static,
        readable: &dyn Sight,
    ) -> Result<DiffView, InspectError> {
        let old = self.inspected(from, token).await?;
        let new = self.inspected(to, token).await?;
        let fingerprints = Arc::clone(&self.fingerprints);
        let sides = [from, to].map(AddressView::of);
        let compared = tokio::task::spawn_blocking(move || {
            let [before, after] = [&old, &new].map(|found| Side {
                inspected: &found.value,
                secrecy: Secrecy::new(&found.value, &fingerprints),
            });
            let [from, to] = sides;
            let side = |address, found: &Found<Inspected>| SideView {
                address,
                commit: found.value.environment.version.clone(),
                held: found.held.clone().map(HeldView::from),
            };
            DiffView::new((side(from, &old), &before), (side(to, &new), &after))
        });
        let mut view = compared.await.map_err(|_| InspectError::Closed)?;
        if from.application == to.application && from.profiles == to.profiles {
            let fleet = self.fleet(FleetFilter::default(), sight).await?;
            self.measure(&mut view, [from, to], &fleet, readable)
                .await?;
        }
        Ok(view)
    }

    /// Finds out whose configuration is different under the one label and under the other.
    async fn measure(
        &self,
        view: &mut DiffView,
        [from, to]: [&EnvironmentRequest; 2],
        fleet: &FleetView,
        readable: &dyn Sight,
    ) -> Result<(), InspectError> {
        let commits = [view.from.commit.as_deref(), view.to.commit.as_deref()];
        let reads = |label: Option<&str>, wanted: Option<&str>| {
            let is_of = |side: &EnvironmentRequest| match (&side.label, label) {
                (Some(asked), Some(label)) => asked.as_str() == label,
                (Some(asked), None) => self.is_default(asked.as_str()),
                (None, Some(label)) => self.is_default(label),
                (None, None) => true,
            };
            is_of(from) || is_of(to) || (wanted.is_some() && commits.contains(&wanted))
        };
        let readers = fleet.applications.iter();
        let readers: Vec<_> = readers
            .filter(|one| reads(one.label.as_deref(), one.wanted.as_deref()))
            .collect();
        let mut radius = Vec::new();
        for reader in readers.iter().take(MAX_COMPARED) {
            let Some(request) = reader.request() else {
                continue;
            };
            let under = |side: &EnvironmentRequest| EnvironmentRequest {
                label: side.label.clone(),
                ..request.clone()
            };
            let (old, new) = (under(from), under(to));
            let may_read = |one: &EnvironmentRequest| {
                let label = one.label.as_ref().map(Label::as_str);
                let (application, profiles) = (one.application.as_str(), one.profiles.as_str());
                readable.has_environment(application, profiles, label)
            };
            if !may_read(&old) || !may_read(&new) {
                continue;
            }
            let both = (
                self.inspected(&old, None).await,
                self.inspected(&new, None).await,
            );
            let (Ok(old), Ok(new)) = both else {
                continue;
            };
            let differences =
                tokio::task::spawn_blocking(move || diff::differences(&old.value, &new.value));
            let keys = differences.await.map_err(|_| InspectError::Closed)?;
            if keys > 0 {
                radius.push(RadiusView {
                    address: AddressView::of(&request),
                    keys,
                    instances: reader.totals.instances,
                });
            }
        }
        view.blast_radius = Some(radius);
        view.not_compared = readers.len().saturating_sub(MAX_COMPARED);
        Ok(())
    }
}
