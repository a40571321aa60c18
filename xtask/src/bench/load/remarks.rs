//! What one has to know to read the figures of turns.

use super::Turn;
use crate::bench::rounds::{Contest, percentile};
use crate::bench::workload::Context;

/// A server that uses less of its core has waited for the load.
const SATURATED: f64 = 0.9;

/// In half a sentence each, or nothing.
pub(in crate::bench) fn remarks(context: &Context, contest: &Contest<Turn>) -> String {
    let turns: Vec<_> = contest.by_contestant().collect();
    [
        brevity(context, &turns),
        limits(context, &turns),
        disturbance(context, contest),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join("; ")
}

fn brevity(context: &Context, turns: &[Vec<&Turn>]) -> Option<String> {
    let seconds = turns.first()?.first()?.seconds;
    (seconds != context.seconds).then(|| format!("turns of {seconds} s"))
}

/// Names the servers that could have done more: there the load was the limit, and requests per second say little. Where
/// others used the machine as well, nobody can tell.
fn limits(context: &Context, turns: &[Vec<&Turn>]) -> Option<String> {
    let spare: Vec<_> = turns
        .iter()
        .filter_map(|turns| {
            let alone = turns.iter().filter(|turn| turn.foreign <= context.foreign);
            let busy: Option<Vec<_>> = alone.map(|turn| turn.busy).collect();
            let busy = percentile(&busy?, 0.5)?;
            (busy < SATURATED).then(|| format!("{} {busy:.2}", turns[0].load))
        })
        .collect();
    (!spare.is_empty()).then(|| {
        format!(
            "wrk was the limit, not the server, which used of its core: {}",
            spare.join(", ")
        )
    })
}

fn disturbance(context: &Context, contest: &Contest<Turn>) -> Option<String> {
    let disturbed = contest.count(|turn| turn.foreign > context.foreign);
    (disturbed > 0).then(|| {
        format!(
            "others used more than {} cores in {disturbed} of {} turns",
            context.foreign,
            contest.count(|_| true)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_with_time_to_spare_is_named() {
        let turn = |load: &str, busy| Turn {
            load: load.to_owned(),
            round: 0,
            seconds: 1,
            requests_per_second: 1.0,
            cpu_us: 1.0,
            p50_us: 1.0,
            p99_us: 1.0,
            p999_us: 1.0,
            max_us: 1.0,
            resident_kib: 1,
            busy,
            foreign: 0.0,
        };
        let context = Context::trial();
        let (full, idle) = (turn("full", Some(0.97)), turn("idle", Some(0.8)));
        let free = turn("free", None);
        assert_eq!(limits(&context, &[vec![&full, &full], vec![&free]]), None);
        let said = limits(&context, &[vec![&full], vec![&idle]]).unwrap();
        assert!(said.ends_with("of its core: idle 0.80"), "{said}");
        let disturbed = Turn {
            foreign: 1.5,
            ..turn("idle", Some(0.2))
        };
        assert_eq!(limits(&context, &[vec![&disturbed]]), None);
        // The median counts.
        assert_eq!(limits(&context, &[vec![&full, &idle, &full]]), None);
    }
}
