//! What a server needs to know of many instances.

use std::thread;
use std::time::Duration;

use anyhow::ensure;
use confbus_protocol::{BusId, Outcome, REPORTS_PATH, Report};

use crate::bench::confbus;
use crate::bench::http::Connection;
use crate::bench::sample;
use crate::bench::workload::Context;

/// As many as a ledger keeps.
pub(crate) const INSTANCES: usize = 10_000;
/// Those of the first half have been seen before memory is read: what a server allocates once is not theirs.
const BEFORE: usize = INSTANCES / 2;
/// Until the ledger has written down what it heard.
const WRITTEN: Duration = Duration::from_secs(3);

/// Memory in KiB for each instance that reports.
pub(super) fn measure(context: &Context) -> anyhow::Result<f64> {
    let folder = context.folder()?;
    let repository = sample::repository(folder.path())?;
    let server = confbus::start(context.server()?, &repository, folder.path())?;
    let mut connection = Connection::open(server.port)?;
    for number in 0..BEFORE {
        report(&mut connection, number)?;
    }
    thread::sleep(WRITTEN);
    let before = server.resident_kib()?;
    for number in BEFORE..INSTANCES {
        report(&mut connection, number)?;
    }
    thread::sleep(WRITTEN);
    let more = server.resident_kib()?.saturating_sub(before);
    Ok(more as f64 / (INSTANCES - BEFORE) as f64)
}

fn report(connection: &mut Connection, number: usize) -> anyhow::Result<()> {
    let report = Report {
        instance: BusId::new(format!("orders:prod:{number}"))?,
        application: "orders".to_owned(),
        profiles: "prod".to_owned(),
        label: None,
        version: Some("3f9c1e2b7a6d5c4e3f2a1b0c9d8e7f6a5b4c3d2e".to_owned()),
        running: None,
        outcome: Outcome::Applied {
            restart: Vec::new(),
        },
        transport: Some("amqp".to_owned()),
        poll_seconds: Some(30),
    };
    let json = ["Content-Type: application/json".to_owned()];
    let path = format!("/{REPORTS_PATH}");
    let answer = connection.ask("POST", &path, &json, &report.to_json())?;
    ensure!(
        answer.status == 204,
        "a report is answered with {}",
        answer.status
    );
    Ok(())
}
