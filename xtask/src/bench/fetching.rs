//! W6: from a signed push to the first answer with the new commit.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::http::{Answer, Connection};
use super::part::part;
use super::push::{self, Push};
use super::record::{Bound, Record};
use super::remote::Floor;
use super::repositories::{self, Shape, application, branch};
use super::rounds::{Summary, once_each, percentile};
use super::server::{Cores, Running};
use super::stage::{HOT, Stage};
use super::workload::{Context, Workload};

pub(super) const WORKLOAD: Workload = Workload {
    name: "W6",
    about: "webhook → first answer with the new commit",
    needs: &["git", "nginx", "fcgiwrap"],
    run,
};

/// What every push changes; [`HOT`] is made of it.
const CHANGED: &str = "app0001-prod.yml";

/// A round is short, so there are more of them.
const ROUNDS: u32 = 20;

/// Between two questions: fine beside what is measured, without taking a core from server and remote.
const PAUSE: Duration = Duration::from_micros(200);

const DEADLINE: Duration = Duration::from_secs(60);

/// How many other applications are asked for once per commit.
const OTHERS: u32 = 50;

/// In milliseconds, what libgit2 with `TCP_NODELAY` took for the same fetch, and 10 ms more.
const TARGETS: [(Shape, f64); 2] = [(repositories::R3K, 36.0), (repositories::R10K, 63.0)];

/// Of one push, in milliseconds.
struct Round {
    served: f64,
    floor: f64,
    /// What the server asked of the remote until the commit was served.
    requests: f64,
    /// Of applications that nobody asked for since the push: the 99th percentile.
    first: f64,
    /// A label that nobody asked for ever.
    label: Option<Label>,
}

struct Label {
    /// In milliseconds.
    took: f64,
    /// What the server asked of the remote for it.
    requests: f64,
}

const SERVER: usize = 0;

fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::new();
    for (shape, target) in TARGETS {
        records.extend(part(WORKLOAD.name, shape.name, || {
            told(shape, target, &measure(context, shape)?)
        }));
    }
    Ok(records)
}

fn told(shape: Shape, target: f64, rounds: &[Round]) -> anyhow::Result<Vec<Record>> {
    let of = |figure: fn(&Round) -> f64| Summary::of(rounds.iter().map(figure).collect());
    let record = |measure| Record::new(WORKLOAD.name, shape.name, measure);
    let mut records = vec![
        record("webhook → first answer with the commit")
            .figure(&of(|it| it.served)?, "ms")
            .target(Bound::AtMost(target)),
        record("the same ÷ (1.3 × floor + 10 ms)")
            .figure(&of(|it| it.served / (1.3 * it.floor + 10.0))?, "×")
            .beyond(Bound::AtMost(1.0)),
        record("floor: ls-refs and fetch, protocol v2")
            .figure(&of(|it| it.floor)?, "ms")
            .peer("git http-backend"),
        record("requests to the remote per push").figure(&of(|it| it.requests)?, "requests"),
        record("first read of another application after it, p99")
            .figure(&of(|it| 1000.0 * it.first)?, "us")
            .beyond(Bound::AtMost(200.0)),
    ];
    let labels = || rounds.iter().filter_map(|round| round.label.as_ref());
    if labels().next().is_some() {
        let took = Summary::of(labels().map(|label| label.took).collect())?;
        let requests = Summary::of(labels().map(|label| label.requests).collect())?;
        records.extend([
            record("first read of a label never used")
                .figure(&took, "ms")
                .beyond(Bound::AtMost(6.0)),
            record("requests to the remote for it")
                .figure(&requests, "requests")
                .beyond(Bound::AtMost(0.0)),
        ]);
    }
    Ok(records)
}

fn measure(context: &Context, shape: Shape) -> anyhow::Result<Vec<Round>> {
    let stage = Stage::new(context, &shape)?;
    let signed = push::setting();
    // Only when told.
    let settings = [
        signed.as_str(),
        "--spring.cloud.config.server.git.refresh-rate=-1",
    ];
    let mut scene = Scene {
        server: stage.confbus(context, Cores::Free, &settings)?,
        floor: stage.floor()?,
        stage,
        shape,
    };
    let rounds = if context.quick {
        context.rounds
    } else {
        context.rounds.max(ROUNDS)
    };
    // Their documents are known afterwards; only the push is new.
    scene.others()?;
    // The first push makes connections and reads what is kept later.
    (0..=rounds)
        .map(|number| scene.round(number))
        .skip(1)
        .collect()
}

/// A server that is pushed to.
struct Scene {
    stage: Stage,
    floor: Floor,
    shape: Shape,
    server: Running,
}

impl Scene {
    fn round(&mut self, number: u32) -> anyhow::Result<Round> {
        let mut reader = Connection::open(self.server.port)?;
        let mut host = Connection::open(self.server.port)?;
        let seen = reader.get(HOT)?;
        let old = seen
            .field("x-config-version")
            .context("no version")?
            .to_owned();
        let etag = seen.field("etag").context("no ETag")?.to_owned();

        let files = [(CHANGED.to_owned(), format!("revision: {number}\n"))];
        let new = self.stage.commit(&files)?;
        let push = Push::new(&old, &new, &files);
        let (mut served, mut floor, mut requests) = (0.0, 0.0, 0.0);
        let mut answer = seen;
        for contestant in once_each(2, number) {
            if contestant == SERVER {
                let mark = self.stage.remote.mark()?;
                let started = Instant::now();
                push.deliver(&mut host)?;
                answer = until_changed(&mut reader, &etag)?;
                served = milliseconds(started);
                requests = self.stage.remote.requests_since(mark)?.len() as f64;
            } else {
                floor = self.floor.fetch(&old, &new)?.as_secs_f64() * 1000.0;
            }
        }

        let expected = format!("\"revision\":{number}");
        ensure!(
            answer.field("x-config-version") == Some(&new)
                && String::from_utf8_lossy(&answer.body).contains(&expected),
            "the first other answer is not of the new commit {new}"
        );
        Ok(Round {
            served,
            floor,
            requests,
            first: self.others()?,
            label: self.unused_label(number)?,
        })
    }

    /// The 99th percentile over applications that are asked for once after each push.
    fn others(&self) -> anyhow::Result<f64> {
        let mut connection = Connection::open(self.server.port)?;
        let took: anyhow::Result<Vec<_>> = (2..2 + OTHERS)
            .map(|number| {
                timed(
                    &mut connection,
                    &format!("/{}/prod/main", application(number)),
                )
            })
            .collect();
        percentile(&took?, 0.99).context("no other applications")
    }

    /// Where there are branches enough for every round.
    fn unused_label(&self, number: u32) -> anyhow::Result<Option<Label>> {
        if self.shape.branches < 1_000 {
            return Ok(None);
        }
        let label = branch(number).replace('/', "(_)");
        let mut connection = Connection::open(self.server.port)?;
        let mark = self.stage.remote.mark()?;
        let took = timed(&mut connection, &format!("/app0001/prod/{label}"))?;
        let requests = self.stage.remote.requests_since(mark)?.len() as f64;
        Ok(Some(Label { took, requests }))
    }
}

/// Asks whether the answer is another one until it is.
fn until_changed(reader: &mut Connection, etag: &str) -> anyhow::Result<Answer> {
    let fields = [format!("If-None-Match: {etag}")];
    let deadline = Instant::now() + DEADLINE;
    loop {
        let answer = reader.ask("GET", HOT, &fields, b"")?;
        match answer.status {
            200 => return Ok(answer),
            304 => {}
            status => anyhow::bail!("GET {HOT} is answered with {status}"),
        }
        ensure!(Instant::now() < deadline, "the push never arrives");
        thread::sleep(PAUSE);
    }
}

/// How long one answer takes, in milliseconds.
fn timed(connection: &mut Connection, path: &str) -> anyhow::Result<f64> {
    let started = Instant::now();
    let answer = connection.get(path)?;
    let took = milliseconds(started);
    ensure!(
        answer.status == 200,
        "GET {path} is answered with {}",
        answer.status
    );
    Ok(took)
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}
