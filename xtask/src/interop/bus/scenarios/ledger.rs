//! What confbus knows of Spring's instances.

use anyhow::ensure;

use crate::interop::bus::stage::Stage;
use crate::interop::eventually::eventually;

/// What the pages call `live (ack)`.
const BOTH: &str = "ack+read";

/// After a refresh everyone is shown as live, and by what evidence.
pub(super) fn acks(stage: &mut Stage) -> anyhow::Result<()> {
    stage.configuration.change(&["customers", "orders"])?;
    stage.confbus.busrefresh("")?;
    stage.all_run_newest()?;
    all_live(stage)
}

/// Waits until the ledger shows everyone as live on the newest commit.
pub(super) fn all_live(stage: &Stage) -> anyhow::Result<()> {
    for application in &stage.applications {
        eventually("not live in the ledger", || {
            let commit = stage.configuration.commit();
            let entry = stage.confbus.entry(&application.bus_id)?;
            ensure!(
                entry.is_live_on(commit) && entry.evidence == BOTH,
                "{} is {entry:?}",
                application.bus_id
            );
            let shown = stage.confbus.shown(&application.bus_id)?;
            ensure!(
                shown.is_live_on(commit) && shown.evidence == BOTH,
                "{} is shown as {shown:?}",
                application.bus_id
            );
            Ok(())
        })?;
    }
    Ok(())
}
