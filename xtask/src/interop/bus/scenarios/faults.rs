//! What goes wrong, and is not shown as right.

use anyhow::{Context as _, bail, ensure};

use super::ledger::{acks, all_live};
use crate::interop::bus::line::Line;
use crate::interop::bus::stage::{CUSTOMERS, CUSTOMERS_DEV, Mark, ORDERS, Stage};
use crate::interop::eventually::eventually;

/// A number that is none: binding throws, whatever Spring tries how often.
pub(super) fn unbindable(stage: &mut Stage) -> anyhow::Result<()> {
    acks(stage)?;
    let before = stage.applications[ORDERS].state()?;
    stage
        .configuration
        .write("orders.yml", "greeting: 'x'\nlimits:\n  max-open: ten\n")?;
    stage.confbus.busrefresh("orders")?;
    let mark = stage.mark(CUSTOMERS)?;
    never_live(stage, ORDERS, &mark)?;
    let after = stage.applications[ORDERS].state()?;
    ensure!(after.max_open == before.max_open, "{after:?} was bound");

    acks(stage)
}

/// Everything binds, and then a listener of the application throws, at every attempt.
pub(super) fn throwing(stage: &mut Stage) -> anyhow::Result<()> {
    acks(stage)?;
    stage.configuration.write(
        "orders.yml",
        "greeting: 'x'\nlimits:\n  max-open: 1\nthrow-on-refresh: true\n",
    )?;
    stage.confbus.busrefresh("orders")?;
    let mark = stage.mark(CUSTOMERS)?;
    never_live(stage, ORDERS, &mark)?;
    let bound = stage.applications[ORDERS].state()?;
    ensure!(
        bound.max_open == 1,
        "{bound:?} has not come to its listener"
    );

    acks(stage)
}

/// Boot 3.5 acks a refresh that could not ask the server; the others give up without an ack.
pub(super) fn server_away(stage: &mut Stage) -> anyhow::Result<()> {
    acks(stage)?;
    stage.configuration.change(&["customers", "orders"])?;
    stage.gate.close();
    stage.confbus.busrefresh("")?;
    let mark = stage.mark(CUSTOMERS)?;
    for at in [CUSTOMERS_DEV, ORDERS] {
        never_live(stage, at, &mark)?;
        let state = stage.applications[at].state()?;
        ensure!(
            state.version != stage.configuration.commit(),
            "{state:?} without its server"
        );
    }
    if stage.line() == Line::Boot35 {
        let orders = &stage.applications[ORDERS].bus_id;
        eventually("no ack", || {
            ensure!(
                stage.confbus.newest_refresh_is_acked_by(orders)?,
                "{orders}"
            );
            Ok(())
        })?;
        not_live(stage, ORDERS)?;
    }
    stage.gate.open();
    stage.confbus.busrefresh("")?;
    stage.all_run_newest()?;
    all_live(stage)
}

/// Nobody asks for a refresh: confbus sends one when the broker is back.
pub(super) fn broker_away(stage: &mut Stage) -> anyhow::Result<()> {
    stage.kill_broker();
    stage.configuration.change(&["customers", "orders"])?;
    stage.revive_broker()?;
    stage.confbus.connected()?;
    stage.all_run_newest()
}

/// Asks the ledger until the application has handled everything up to the mark, its attempts included.
fn never_live(stage: &Stage, at: usize, mark: &Mark) -> anyhow::Result<()> {
    eventually("the attempts do not end", || {
        // Not an error to wait for.
        if let Err(error) = not_live(stage, at) {
            return Ok(Err(error));
        }
        stage.has_mark(at, mark).map(Ok)
    })??;
    not_live(stage, at)
}

fn not_live(stage: &Stage, at: usize) -> anyhow::Result<()> {
    let application = &stage.applications[at];
    let entry = stage
        .confbus
        .entry(&application.bus_id)
        .context("the ledger")?;
    let shown = stage
        .confbus
        .shown(&application.bus_id)
        .context("the fleet")?;
    let commit = stage.configuration.commit();
    if entry.is_live_on(commit) || shown.is_live_on(commit) {
        bail!("{} is {entry:?}, shown as {shown:?}", application.bus_id);
    }
    Ok(())
}
