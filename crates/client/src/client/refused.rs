use std::sync::Arc;

use confbus_protocol::Environment;
use tracing::{info, warn};

use super::Alive;
use crate::{
    Rejection,
    health::Source,
    last_good::Earlier,
    store::{Probes, Turn},
    trial::Refuser,
};

impl Alive {
    /// Notes that a version that runs does not fit, and finds what can be stepped back to.
    pub(crate) fn refused(
        &self,
        version: Option<&str>,
        prefix: &str,
        rejection: &Rejection,
        by: Refuser,
    ) -> Option<Arc<Earlier>> {
        if self.trial.refuse(version, prefix, rejection, by) {
            let version = version.unwrap_or("unknown");
            warn!(version, %rejection, "the configuration that runs was refused");
            self.board
                .change(|health| health.refused = Some(format!("version {version}: {rejection}")));
        }
        self.trial.last_good(version)
    }

    /// Has everything that is bound move from a refused version to the last good one. Returns whether it did.
    pub(crate) async fn step_back(
        &self,
        turn: &Turn<'_>,
        to: &Arc<Earlier>,
        probes: Probes,
    ) -> bool {
        let applied = match turn.apply(&to.snapshot, probes).await {
            Ok(applied) => applied,
            Err(rejection) => {
                info!(%rejection, "the last good version is refused, too");
                return false;
            }
        };
        self.trial.step_back(to);
        let Environment { version, .. } = &*to.environment;
        self.board.change(|health| {
            health.source = Source::LastGood { saved: to.saved };
            health.version.clone_from(version);
        });
        self.board.needs_restart(&applied.restart);
        let age_s = to.age_s();
        warn!(
            version,
            age_s, "running the last good version instead of the newest"
        );
        true
    }
}
