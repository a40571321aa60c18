//! Who hears of what.

use anyhow::ensure;

use crate::interop::bus::stage::{CUSTOMERS, CUSTOMERS_DEV, EVERYONE, ORDERS, Stage};
use crate::interop::eventually::eventually;

pub(super) fn start(stage: &mut Stage) -> anyhow::Result<()> {
    stage.all_run_newest()?;
    for (application, origin) in stage.applications.iter().zip(["", "dev", "cloud"]) {
        let seen = application.value("origin")?;
        ensure!(
            seen == origin,
            "{} has the origin {seen:?}",
            application.bus_id
        );
    }
    Ok(())
}

pub(super) fn everyone(stage: &mut Stage) -> anyhow::Result<()> {
    stage.configuration.change(&["customers", "orders"])?;
    stage.reloads_exactly(&EVERYONE, |stage| stage.confbus.busrefresh(""))
}

pub(super) fn application(stage: &mut Stage) -> anyhow::Result<()> {
    stage.configuration.change(&["customers", "orders"])?;
    stage.reloads_exactly(&[CUSTOMERS, CUSTOMERS_DEV], |stage| {
        stage.confbus.busrefresh("customers")
    })
}

pub(super) fn instance(stage: &mut Stage) -> anyhow::Result<()> {
    stage.configuration.change(&["customers", "orders"])?;
    stage.reloads_exactly(&[CUSTOMERS_DEV], |stage| {
        stage
            .confbus
            .busrefresh(&stage.applications[CUSTOMERS_DEV].bus_id)
    })
}

pub(super) fn port(stage: &mut Stage) -> anyhow::Result<()> {
    stage.configuration.change(&["customers", "orders"])?;
    stage.reloads_exactly(&[CUSTOMERS], |stage| {
        let port = stage.applications[CUSTOMERS].port;
        stage.confbus.busrefresh(&format!("customers:{port}"))
    })
}

pub(super) fn signed_push(stage: &mut Stage) -> anyhow::Result<()> {
    stage.configuration.change(&["customers"])?;
    stage.reloads_exactly(&[CUSTOMERS, CUSTOMERS_DEV], |stage| {
        stage.confbus.github_push("customers.yml")
    })?;
    stage.align()?;
    stage.configuration.change(&["orders"])?;
    stage.reloads_exactly(&[ORDERS], |stage| stage.confbus.github_push("orders.yml"))?;
    stage.align()?;
    stage.configuration.change(&["application"])?;
    stage.reloads_exactly(&EVERYONE, |stage| {
        stage.confbus.github_push("application.yml")
    })
}

pub(super) fn unsigned_push(stage: &mut Stage) -> anyhow::Result<()> {
    stage.configuration.change(&["customers"])?;
    stage.reloads_exactly(&[], |stage| {
        let status = stage.confbus.unsigned_push("customers.yml")?;
        ensure!(
            status == "403",
            "an unsigned push is answered with {status}"
        );
        Ok(())
    })
}

/// The change is announced by a Spring application, not by confbus.
pub(super) fn our_client(stage: &mut Stage) -> anyhow::Result<()> {
    let client = stage.our_client()?;
    stage.configuration.change(&["customers"])?;
    stage.applications[CUSTOMERS].busrefresh()?;
    client.says(&[
        "greeting",
        &format!("→ {}", stage.configuration.value("customers")),
    ])
}

pub(super) fn busenv(stage: &mut Stage) -> anyhow::Result<()> {
    stage.confbus.busenv("customers", "by-confbus", "7")?;
    for at in [CUSTOMERS, CUSTOMERS_DEV] {
        let application = &stage.applications[at];
        eventually("no value by busenv", || {
            let seen = application.value("by-confbus")?;
            ensure!(seen == "7", "{} has {seen:?}", application.bus_id);
            Ok(())
        })?;
    }
    stage.settle()?;
    let seen = stage.applications[ORDERS].value("by-confbus")?;
    ensure!(seen.is_empty(), "orders was not meant, and has {seen:?}");
    Ok(())
}

/// By busrefresh, by a push with all that we add to a message, and a value.
pub(super) fn strict(stage: &mut Stage) -> anyhow::Result<()> {
    let application = stage.strict_application()?;
    stage.confbus.busrefresh("strict")?;
    application.says(&["reload 1"])?;
    stage.configuration.change(&["application"])?;
    stage.confbus.github_push("application.yml")?;
    application.says(&["reload 2"])?;
    stage.confbus.busenv("strict", "by-confbus", "7")?;
    application.says(&["changed [by-confbus]"])
}
