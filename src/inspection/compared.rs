//! Two addresses side by side, and everybody whom the difference concerns.

use std::sync::Arc;

use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;

use super::{
    AddressView, HeldView, InspectError, Inspector,
    diff::{DiffView, ElsewhereView, RadiusView, Side, SideView},
    differences,
    secrecy::Secrecy,
};
use crate::{
    environment_repository::{FindError, Found, Inspected},
    ledger::{FleetApplication, FleetFilter, FleetView, Sight},
    look::Refs,
    vault::Token,
};

/// Addresses that are compared for one diff, and further ones that are told.
const MAX_COMPARED: usize = 500;

impl Inspector {
    /// How two addresses differ, and whom that concerns of those whose fleet somebody sees and whose configuration it may
    /// read.
    ///
    /// # Errors
    /// [`InspectError`] when one of them has no configuration, or too many are compared already.
    pub(crate) async fn diff(
        &self,
        from: &EnvironmentRequest,
        to: &EnvironmentRequest,
        token: Option<&Token>,
        sight: impl Sight + 'static,
        readable: &dyn Sight,
    ) -> Result<DiffView, InspectError> {
        let turn = self.diffs.try_acquire();
        let _turn = turn.map_err(|_| InspectError::Busy)?;
        let old = self.inspectable(from, token).await?;
        let new = self.inspectable(to, token).await?;
        let fingerprints = Arc::clone(&self.fingerprints);
        let sides = [from, to].map(AddressView::of);
        let compared = self.aside(move || -> Result<DiffView, FindError> {
            let (old, new) = (old.inspected()?, new.inspected()?);
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
            let sides = ((side(from, &old), &before), (side(to, &new), &after));
            Ok(DiffView::new(sides.0, sides.1))
        });
        let mut view = compared.await?.map_err(InspectError::Find)?;
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
        let may_read = |one: &EnvironmentRequest| {
            let label = one.label.as_ref().map(Label::as_str);
            let (application, profiles) = (one.application.as_str(), one.profiles.as_str());
            readable.has_environment(application, profiles, label)
        };
        let (readers, others): (Vec<_>, Vec<_>) = fleet
            .applications
            .iter()
            .partition(|one| reads(one.label.as_deref(), one.wanted.as_deref()));
        let mut elsewhere = elsewhere(others, from);
        let readers: Vec<_> = readers
            .into_iter()
            .filter_map(|reader| {
                let request = reader.request()?;
                let sides = [from, to].map(|side| EnvironmentRequest {
                    label: side.label.clone(),
                    ..request.clone()
                });
                let is_seen = sides.iter().all(may_read);
                is_seen.then_some((reader, request, sides))
            })
            .collect();
        let mut not_compared = readers.len().saturating_sub(MAX_COMPARED)
            + elsewhere.len().saturating_sub(MAX_COMPARED);
        elsewhere.truncate(MAX_COMPARED);
        let mut radius = Vec::new();
        for (reader, request, sides) in readers.into_iter().take(MAX_COMPARED) {
            match self.count_differences(&sides).await? {
                None => not_compared += 1,
                Some(0) => {}
                Some(keys) => radius.push(RadiusView {
                    address: AddressView::of(&request),
                    keys,
                    instances: reader.totals.instances,
                }),
            }
        }
        view.blast_radius = Some(radius);
        view.not_compared = not_compared;
        view.elsewhere = elsewhere;
        Ok(())
    }

    /// How many keys two answers have different, as far as files say; `None` when one of them cannot be had.
    async fn count_differences(
        &self,
        [old, new]: &[EnvironmentRequest; 2],
    ) -> Result<Option<usize>, InspectError> {
        let both = (
            self.repository.inspectable_files(old).await,
            self.repository.inspectable_files(new).await,
        );
        let (Ok(old), Ok(new)) = both else {
            return Ok(None);
        };
        let differences = self.aside(move || {
            let (old, new) = (old.inspected().ok()?, new.inspected().ok()?);
            Some(differences::count(&old.value, &new.value))
        });
        differences.await
    }
}

/// Of those who read neither of the two, who asks for the same application; a label that is a commit id never moves.
fn elsewhere(others: Vec<&FleetApplication>, compared: &EnvironmentRequest) -> Vec<ElsewhereView> {
    let is_meant = |request: &EnvironmentRequest| {
        let mut names = request.application.names();
        let is_commit = request.label.as_ref().is_some_and(Refs::may_be_commit);
        !is_commit && names.any(|name| compared.application.names().any(|one| one == name))
    };
    let others = others.into_iter().filter_map(|one| {
        let request = one.request().filter(is_meant)?;
        Some(ElsewhereView {
            address: AddressView::of(&request),
            instances: one.totals.instances,
        })
    });
    others.collect()
}

#[cfg(test)]
mod tests {
    use confbus_protocol::{Address, BusId};

    use super::*;
    use crate::{
        environment_repository::{Announce, testing::of_directory},
        inspection::{MAX_DIFFS, Settings},
        ledger::{self, Everything, Ledger, Version},
    };

    async fn inspector(folder: &tempfile::TempDir) -> Inspector {
        let repository = of_directory(folder.path()).await;
        repository.look(None, Announce::No).await.unwrap();
        let own = BusId::new("config-server:8888:5f2b").unwrap();
        let wanted = |_: &EnvironmentRequest, _: &BusId| Version {
            current: None,
            held: None,
            is_for_all: true,
        };
        let (ledger, _) = Ledger::open(ledger::Settings::default(), own, Box::new(wanted));
        Inspector::open(&Settings::default(), repository, ledger, Vec::new())
    }

    #[tokio::test]
    async fn only_a_few_are_compared_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop.yml"), "a: 1").unwrap();
        let inspector = inspector(&folder).await;
        let of = |text: &str| {
            let Address {
                application,
                profiles,
                label,
            } = text.parse().unwrap();
            EnvironmentRequest {
                application,
                profiles,
                label,
            }
        };
        let (from, to) = (of("shop/dev"), of("shop/prod"));
        let diff = || inspector.diff(&from, &to, None, Everything, &Everything);
        let others = inspector.diffs.try_acquire_many(MAX_DIFFS as u32).unwrap();
        assert!(matches!(diff().await, Err(InspectError::Busy)));
        drop(others);
        assert!(diff().await.is_ok());
        assert_eq!(inspector.diffs.available_permits(), MAX_DIFFS);
    }

    #[tokio::test]
    async fn whoever_waits_too_long_for_its_turn_is_sent_away() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop.yml"), "a: 1").unwrap();
        let inspector = inspector(&folder).await;
        let shop: Address = "shop/dev".parse().unwrap();
        let shop = EnvironmentRequest {
            application: shop.application,
            profiles: shop.profiles,
            label: shop.label,
        };
        let mut others = Vec::new();
        while inspector.turns.free() > 0 {
            others.push(inspector.turns.take().await.unwrap());
        }
        tokio::time::pause();
        let busy = inspector.configuration(&shop, None, &Everything).await;
        assert!(matches!(busy, Err(InspectError::Busy)), "{busy:?}");
        tokio::time::resume();
        others.clear();
        assert!(
            inspector
                .configuration(&shop, None, &Everything)
                .await
                .is_ok()
        );
    }
}
