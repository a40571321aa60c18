//! W8: from a push on a webhook until the last of a fleet has applied it, over a real RabbitMQ; W8s: the same over our
//! stream, and how the stream fans out beside bare sockets.

mod broker;
mod clock;
mod crowd;
mod handshake;
mod ledger;
mod scene;
mod sockets;
mod stream;
pub(crate) mod trial;

use super::part::part;
use super::record::{Bound, Record};
use super::rounds::{Summary, percentile};
use super::workload::{Context, Workload};
use crate::rabbit::server;
use broker::Broker;
use crowd::{Crowd, Way};
use scene::{Concerned, Scene};

pub(super) const WORKLOAD: Workload = Workload {
    name: "W8",
    about: "webhook until the last of N clients has applied it, over RabbitMQ",
    needs: &["git", "nginx", "fcgiwrap"],
    run,
};

pub(super) const STREAM: Workload = Workload {
    name: "W8s",
    about: "webhook until the last of N clients has applied it, over the stream",
    needs: &["git", "nginx", "fcgiwrap"],
    run: stream::run,
};

/// Instances of each application.
const EACH: usize = 10;
/// Fewer say nothing about a 99th percentile.
const ROUNDS_OF_FEW: u32 = 20;

/// How many instances, and within how many milliseconds the median, and the 99th percentile if it is asked for.
const SIZES: [(usize, f64, Option<f64>); 3] = [
    (10, 40.0, None),
    (100, 60.0, None),
    (1_000, 150.0, Some(250.0)),
];

const SHARED: &str = "1000 clients, a connection for 100";
const SOME: &str = "10 of 1000 clients";
const UNACKED: &str = "100 clients, no ack of the server";

fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    let rabbit = match server::find_or_install() {
        Ok(rabbit) => rabbit,
        Err(error) => {
            let record = Record::new("W8", "all", WORKLOAD.about);
            return Ok(vec![record.absent(error.to_string())]);
        }
    };
    context.fleet()?;
    let broker = Broker::start(&rabbit)?;
    let mut records = part("W8", "1 client", || one(context, &broker));
    for size in SIZES {
        let variant = format!("{} clients", size.0);
        let of_size = || several(context, &broker, &variant, size, &[]);
        records.extend(part("W8", &variant, of_size));
    }
    records.extend(part("W8", UNACKED, || unacked(context, &broker)));
    records.extend(part("W8", SHARED, || shared(context, &broker)));
    records.extend(part("W8", SOME, || some(context, &broker)));
    Ok(records)
}

/// Nobody asked for a target with a single client.
fn one(context: &Context, broker: &Broker) -> anyhow::Result<Vec<Record>> {
    several(context, broker, "1 client", (1, 35.0, None), &[]).map(beyond)
}

/// The server acks its own event like Spring's, and everybody gets that as well; without it only the event is left.
fn unacked(context: &Context, broker: &Broker) -> anyhow::Result<Vec<Record>> {
    let setting = "--spring.cloud.bus.ack.enabled=false";
    several(context, broker, UNACKED, SIZES[1], &[setting]).map(beyond)
}

/// These targets are our own.
fn beyond(mut records: Vec<Record>) -> Vec<Record> {
    for record in &mut records {
        record.beyond = record.bound.is_some();
    }
    records
}

/// All are concerned, and each has a connection of its own.
fn several(
    context: &Context,
    broker: &Broker,
    variant: &str,
    (count, median, p99): (usize, f64, Option<f64>),
    settings: &[&str],
) -> anyhow::Result<Vec<Record>> {
    let way = Way::Rabbit {
        url: broker.url(),
        shared: false,
    };
    let scene = Scene::over(context, broker, settings)?;
    let crowd = Crowd::start(context, &scene, &way, count, EACH)?;
    let measured = measure(context, &scene, &crowd, Some(broker), Concerned::All)?;
    let mut records = measured.times("W8", variant, median, p99)?;
    records.extend(measured.costs("W8", variant, count)?);
    Ok(records)
}

/// Those of one process share a connection.
fn shared(context: &Context, broker: &Broker) -> anyhow::Result<Vec<Record>> {
    let (count, median, p99) = SIZES[2];
    let way = Way::Rabbit {
        url: broker.url(),
        shared: true,
    };
    let scene = Scene::over(context, broker, &[])?;
    let crowd = Crowd::start(context, &scene, &way, count, EACH)?;
    let measured = measure(context, &scene, &crowd, None, Concerned::All)?;
    measured.times("W8", SHARED, median, p99).map(beyond)
}

/// Ten of a thousand are concerned, and the broker filters.
fn some(context: &Context, broker: &Broker) -> anyhow::Result<Vec<Record>> {
    let count = SIZES[2].0;
    let scene = Scene::over(context, broker, &["--confbus.bus.routing=application"])?;
    let crowd = Crowd::start(
        context,
        &scene,
        &Way::Routed { url: broker.url() },
        count,
        EACH,
    )?;
    let measured = measure(context, &scene, &crowd, Some(broker), Concerned::One)?;
    let mut records = beyond(measured.times("W8", SOME, 40.0, None)?);
    records.extend(measured.costs("W8", SOME, EACH)?);
    Ok(records)
}

/// One figure a round.
struct Measured {
    /// Milliseconds until the last one had applied it.
    last: Vec<f64>,
    /// Milliseconds until the first one had.
    first: Vec<f64>,
    /// What the broker delivered for each push.
    deliveries: Option<f64>,
    /// Questions for a configuration for each push.
    questions: f64,
    rounds: u32,
}

fn measure(
    context: &Context,
    scene: &Scene,
    crowd: &Crowd,
    broker: Option<&Broker>,
    concerned: Concerned,
) -> anyhow::Result<Measured> {
    let rounds = match context.quick {
        true => 2,
        false => context.rounds.max(ROUNDS_OF_FEW),
    };
    let awaited = match concerned {
        Concerned::All => crowd.len(),
        Concerned::One => EACH,
    };
    // The first one finds everything cold, and is not counted.
    let push = scene.push(1, concerned)?;
    crowd.applied(1, awaited, push)?;
    let delivered = broker.map(Broker::deliveries).transpose()?;
    let asked = crowd.asked()?;
    let (mut first, mut last) = (Vec::new(), Vec::new());
    for revision in 2..2 + rounds {
        crowd.rest();
        let push = scene.push(revision, concerned)?;
        let times = crowd.applied(revision, awaited, push)?;
        first.push(times[0]);
        last.push(times[times.len() - 1]);
    }
    let of_each = |more: u64| more as f64 / f64::from(rounds);
    let questions = of_each(crowd.asked()? - asked);
    let deliveries = match (broker, delivered) {
        (Some(broker), Some(before)) => Some(of_each(broker.deliveries()? - before)),
        _ => None,
    };
    Ok(Measured {
        last,
        first,
        deliveries,
        questions,
        rounds,
    })
}

impl Measured {
    fn times(
        &self,
        workload: &str,
        variant: &str,
        median: f64,
        p99: Option<f64>,
    ) -> anyhow::Result<Vec<Record>> {
        let last = Summary::of(self.last.clone())?;
        let record = |measure: &str| Record::new(workload, variant, measure);
        let mut records = vec![
            record("webhook → last applied, p50")
                .figure(&last, "ms")
                .target(Bound::AtMost(median)),
            record("webhook → first applied, p50").figure(&Summary::of(self.first.clone())?, "ms"),
        ];
        if let Some(bound) = p99 {
            let slowest = percentile(&self.last, 0.99).unwrap_or(f64::NAN);
            let mut p99 = record("webhook → last applied, p99").figure(&last, "ms");
            p99.figure = Some(slowest);
            records.push(p99.target(Bound::AtMost(bound)));
        }
        Ok(records)
    }

    /// What a push costs others, for so many who are concerned.
    fn costs(
        &self,
        workload: &str,
        variant: &str,
        concerned: usize,
    ) -> anyhow::Result<Vec<Record>> {
        let record = |measure: &str| Record::new(workload, variant, measure);
        let rounds = self.rounds as usize;
        let mut records = Vec::new();
        if let Some(deliveries) = self.deliveries {
            let bound = Bound::AtMost(concerned as f64 + 1.0);
            let record = record("deliveries ÷ push")
                .note("counted by the broker, the server's ack of its own event included");
            records.push(record.count(deliveries, rounds, "").target(bound));
        }
        let record = record("questions for a configuration ÷ push");
        let bound = Bound::AtMost(concerned as f64);
        records.push(record.count(self.questions, rounds, "").beyond(bound));
        Ok(records)
    }
}
