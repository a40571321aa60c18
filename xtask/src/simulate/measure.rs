//! `--measure`: few clients for the parameters, a thousand for the truth, by turns in one run.

use std::collections::BTreeMap;

use super::fit::{Point, Questions, parameters, together};
use super::model::simulate;
use super::outcome::{Outcome, reached};
use super::parameters::Network;
use super::record::{Compared, Points, Record};
use super::scenario::Way;
use crate::bench::fleet::trial::{
    self, Cost, EVENT_BYTES, Field, Fleet, Programs, Push, Transport,
};

/// How many clients the parameters are taken from, and how many pushes each such fleet hears in a round.
const FEW: [(usize, u32); 3] = [(1, 3), (100, 2), (300, 2)];
/// How many are foreseen.
const MANY: usize = 1_000;
/// Questions for applications that no client has: enough for a figure, and few enough to be kept.
const QUESTIONS: u32 = 200;
const FIRST: u32 = 500;

/// What was seen of fleets of one size.
#[derive(Default)]
struct Seen {
    pushes: Vec<Push>,
    whispers: Vec<Cost>,
    /// Of server and broker, in KiB.
    memory: (f64, f64),
}

/// What questions were seen to cost.
#[derive(Default)]
struct Asked {
    made: Vec<f64>,
    kept: Vec<f64>,
    connect: Vec<f64>,
    bytes: usize,
}

pub(super) fn measure(programs: Programs, rounds: u32) -> anyhow::Result<Record> {
    let field = Field::new(programs)?;
    let mut asked = Asked::default();
    let mut cores = Vec::new();
    let rabbit = fleets(&field, Transport::Rabbit, rounds, &mut cores, None)?;
    let stream = fleets(
        &field,
        Transport::Stream,
        rounds,
        &mut cores,
        Some(&mut asked),
    )?;
    let cores = median(&cores);
    let questions = Questions {
        kept: median(&asked.kept),
        made: median(&asked.made),
    };
    let few = |seen: &BTreeMap<usize, Seen>| FEW.map(|(clients, _)| seen[&clients].point(clients));
    let network = Network {
        connect: (median(&asked.connect) - questions.kept).max(0.0),
        handshake: field.handshake()?,
        answer_bytes: asked.bytes as u64,
        event_bytes: EVENT_BYTES as u64,
        ledger_kib: field.ledger()?,
    };
    let parameters = parameters(&few(&rabbit), &few(&stream), questions, cores, network);
    let mut compared = Vec::new();
    for (way, seen) in [(Way::Rabbit, &rabbit), (Way::Stream, &stream)] {
        for (&clients, seen) in seen.iter().filter(|(clients, _)| **clients > 1) {
            let outcome = simulate(&parameters, &together(way, clients));
            compared.extend(seen.beside(&outcome, way, clients));
        }
    }
    let points = |seen: &BTreeMap<usize, Seen>| {
        let point = |(&clients, seen): (&usize, &Seen)| seen.point(clients);
        seen.iter().map(point).collect()
    };
    Ok(Record {
        points: Points {
            rabbit: points(&rabbit),
            stream: points(&stream),
        },
        machine: trial::machine(),
        rounds,
        parameters,
        compared,
    })
}

/// All fleets of one way, which have their turns one after the other.
fn fleets(
    field: &Field,
    transport: Transport,
    rounds: u32,
    cores: &mut Vec<f64>,
    mut asked: Option<&mut Asked>,
) -> anyhow::Result<BTreeMap<usize, Seen>> {
    let turns: Vec<_> = FEW.into_iter().chain([(MANY, 2)]).collect();
    let mut fleets = Vec::new();
    for &(clients, pushes) in &turns {
        eprintln!("{clients} clients connect over {transport:?}");
        fleets.push((field.fleet(transport, clients)?, pushes, Seen::default()));
    }
    for round in 1..=rounds {
        for (fleet, pushes, seen) in &mut fleets {
            fleet.rest()?;
            for _ in 0..*pushes {
                seen.pushes.push(fleet.push()?);
            }
            seen.whispers.push(fleet.whisper()?);
            if fleet.count() > 1 {
                cores.push(trial::cores()?);
            }
            if let (1, Some(asked)) = (fleet.count(), asked.as_deref_mut()) {
                asked.ask(fleet)?;
            }
        }
        eprintln!("round {round} of {rounds} over {transport:?} is done");
    }
    fleets
        .into_iter()
        .map(|(fleet, _, mut seen)| {
            seen.memory = fleet.memory()?;
            Ok((fleet.count(), seen))
        })
        .collect()
}

impl Asked {
    /// Behind a push, so that nothing is kept yet.
    fn ask(&mut self, fleet: &Fleet) -> anyhow::Result<()> {
        let mut open = fleet.asking(FIRST, QUESTIONS, true)?;
        let (made, bytes) = fleet.questions(&mut open)?;
        self.made.push(made);
        self.bytes = bytes;
        self.kept.push(fleet.questions(&mut open)?.0);
        let mut new = fleet.asking(FIRST, QUESTIONS, false)?;
        self.connect.push(fleet.questions(&mut new)?.0);
        Ok(())
    }
}

impl Seen {
    fn point(&self, clients: usize) -> Point {
        Point {
            clients,
            last: median(&self.times(1.0)),
            until_applied: self.part(|push| push.until_applied),
            tail: self.part(|push| push.tail),
            reports: self.part(|push| push.reports),
            whisper: middle(&self.whispers),
            memory: self.memory,
        }
    }

    fn part(&self, part: fn(&Push) -> Cost) -> Cost {
        middle(&self.pushes.iter().map(part).collect::<Vec<_>>())
    }

    /// When this share had applied each push.
    fn times(&self, share: f64) -> Vec<f64> {
        let time = |push: &Push| reached(&push.applied, share);
        self.pushes.iter().map(time).collect()
    }

    /// What was measured beside what the simulation says.
    fn beside(&self, outcome: &Outcome, way: Way, clients: usize) -> Vec<Compared> {
        let time = |(figure, share): (&str, f64)| {
            let judged = clients == MANY && share > 0.5;
            let (foreseen, measured) = (outcome.until(share), self.times(share));
            compared(way, clients, figure, foreseen, &measured, judged)
        };
        let shares = [("50 %", 0.5), ("99 %", 0.99), ("100 %", 1.0)];
        let mut all: Vec<_> = shares.map(time).into();
        let part = |(figure, foreseen, part): (&str, f64, fn(Cost) -> f64)| {
            let spent: Vec<_> = self.pushes.iter().map(|push| part(push.cost())).collect();
            compared(way, clients, figure, foreseen, &spent, false)
        };
        let cpu = &outcome.cpu;
        all.push(part(("CPU", cpu.sum(), Cost::sum)));
        all.push(part(("CPU of the server", cpu.server, |it| it.server)));
        if way == Way::Rabbit {
            all.push(part(("CPU of the broker", cpu.broker, |it| it.broker)));
        }
        all.push(part(("CPU of the clients", cpu.clients, |it| it.clients)));
        all
    }
}

/// One figure; times are judged where no parameter was taken from them.
fn compared(
    way: Way,
    clients: usize,
    figure: &str,
    foreseen: f64,
    measured: &[f64],
    judged: bool,
) -> Compared {
    let ends = |(least, most): (f64, f64), &it: &f64| (least.min(it), most.max(it));
    Compared {
        way: way.name().to_owned(),
        clients,
        figure: figure.to_owned(),
        foreseen,
        measured: median(measured),
        range: measured.iter().fold((f64::INFINITY, 0.0), ends),
        judged,
    }
}

/// Of each part the median: others on the machine disturb one push and leave the next one alone.
fn middle(costs: &[Cost]) -> Cost {
    let of = |part: fn(&Cost) -> f64| median(&costs.iter().map(part).collect::<Vec<_>>());
    Cost {
        server: of(|it| it.server),
        broker: of(|it| it.broker),
        clients: of(|it| it.clients),
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    reached(&sorted, 0.5)
}
