//! W10: what grows with what.

mod commits;
mod hot;
mod polls;
mod slope;

use super::part::part;
use super::record::Record;
use super::workload::{Context, Workload};

pub(super) const WORKLOAD: Workload = Workload {
    name: "W10",
    about: "growth of costs with files, branches, tags, clients",
    needs: &["git", "nginx", "fcgiwrap", "wrk"],
    run,
};

fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    let mut records = hot::measure(context);
    records.extend(commits::measure(context));
    records.extend(part(WORKLOAD.name, "looks", || polls::measure(context)));
    Ok(records)
}
