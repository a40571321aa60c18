use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::thread;

use anyhow::{Context as _, ensure};

use super::clock;
use super::crowd::{Crowd, Way};
use super::scene::{Concerned, Scene};
use super::sockets::{Floor, Readers};
use super::{EACH, ROUNDS_OF_FEW, SIZES, beyond, measure};
use crate::bench::bytes::contains;
use crate::bench::http::Connection;
use crate::bench::part::part;
use crate::bench::record::{Bound, Record};
use crate::bench::rounds::{Summary, once_each};
use crate::bench::workload::Context;

const FLOOR: usize = 0;

pub(super) fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    context.fleet()?;
    let mut records = Vec::new();
    for size in SIZES {
        let variant = format!("{} clients", size.0);
        let of_size = || several(context, &variant, size);
        records.extend(part("W8s", &variant, of_size));
    }
    records.extend(part("W8s", "fan-out", || fan_out(context)));
    Ok(records)
}

fn several(
    context: &Context,
    variant: &str,
    (count, median, p99): (usize, f64, Option<f64>),
) -> anyhow::Result<Vec<Record>> {
    let scene = Scene::without_broker(context)?;
    let crowd = Crowd::start(context, &scene, &Way::Stream, count, EACH)?;
    let measured = measure(context, &scene, &crowd, None, Concerned::All)?;
    let mut records = measured.times("W8s", variant, median, p99)?;
    records.extend(measured.costs("W8s", variant, count)?);
    Ok(beyond(records))
}

/// From a request that everybody is told of until the last of a thousand streams has it, beside bare sockets.
fn fan_out(context: &Context) -> anyhow::Result<Vec<Record>> {
    let count = SIZES[2].0;
    let scene = Scene::without_broker(context)?;
    let mut streams = open(scene.port(), count)?;
    let mut floor = Floor::new(count)?;
    let mut asking = Connection::open(scene.port())?;
    let rounds = if context.quick {
        2
    } else {
        context.rounds.max(ROUNDS_OF_FEW)
    };
    let (mut floors, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=rounds {
        let mut turn = |contestant| match contestant {
            FLOOR => floor.round(),
            _ => tell(&mut asking, &mut streams, round),
        };
        let mut figures = [0.0; 2];
        for contestant in once_each(figures.len(), round) {
            figures[contestant] = turn(contestant)?;
        }
        // The first one finds everything cold.
        if round > 0 {
            floors.push(figures[0]);
            ours.push(figures[1]);
            ratios.push(figures[1] / figures[0]);
        }
    }
    let variant = format!("{count} streams");
    let record = |measure: &str| Record::new("W8s", &variant, measure);
    Ok(vec![
        record("fan-out ÷ bare sockets")
            .figure(&Summary::of(ratios)?, "×")
            .target(Bound::AtMost(1.5))
            .peer("sockets")
            .note("from the request that everybody is told of to the last reader; one thread reads, there as here"),
        record("fan-out").figure(&Summary::of(ours)?, "ms"),
        record("fan-out of bare sockets").figure(&Summary::of(floors)?, "ms"),
    ])
}

/// Streams that have been greeted.
fn open(port: u16, count: usize) -> anyhow::Result<Readers> {
    let mut sockets = Vec::new();
    for _ in 0..count {
        let mut socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        write!(
            socket,
            "GET /confbus/events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
        )?;
        let (mut head, mut buffer) = (Vec::new(), [0; 4096]);
        while !contains(&head, b"event: hello") {
            let read = socket.read(&mut buffer)?;
            ensure!(
                read > 0,
                "a stream was refused: {}",
                String::from_utf8_lossy(&head)
            );
            head.extend_from_slice(&buffer[..read]);
        }
        sockets.push(socket);
    }
    Readers::new(sockets)
}

/// Everybody is told of a value; milliseconds until the last one was.
fn tell(asking: &mut Connection, streams: &mut Readers, round: u32) -> anyhow::Result<f64> {
    let body = format!(r#"{{"name":"bench","value":"round-{round}"}}"#);
    let mark = format!("round-{round}\"");
    let json = ["Content-Type: application/json".to_owned()];
    thread::scope(|scope| {
        let last = scope.spawn(|| streams.all_have(mark.as_bytes()));
        let began = clock::now();
        let answer = asking.ask("POST", "/actuator/busenv", &json, body.as_bytes())?;
        ensure!(
            answer.status / 100 == 2,
            "busenv is answered with {}",
            answer.status
        );
        let last = last.join().ok().context("the reader panicked")??;
        Ok(clock::millis(began, last))
    })
}
