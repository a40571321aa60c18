//! W7: W1 and W2 while the remote receives one commit a second.
//!
//! In a steady turn the same commits go to a repository that nobody serves, and the least that a client can do fetches them:
//! the remote, the load and the machine have the same work, and only the server's differs. In every turn a checker reads
//! along and compares what an answer says with what its commit holds.

mod checker;
mod pusher;

use std::sync::mpsc;
use std::thread;

use anyhow::{Context as _, ensure};

use super::load::{Load, Turn, remarks};
use super::part::part;
use super::push;
use super::record::{Bound, Record};
use super::repositories::{self, R3K, Shape};
use super::rounds::{Contest, Summary, percentile};
use super::server::{Cores, Running};
use super::stage::{HOT, Stage, all};
use super::workload::{Context, Workload};
use checker::Seen;
use pusher::{Pusher, Target};

pub(super) const WORKLOAD: Workload = Workload {
    name: "W7",
    about: "reads while one commit a second arrives",
    needs: &["git", "nginx", "fcgiwrap", "wrk"],
    run,
};

const STEADY: usize = 0;
const CHANGING: usize = 1;

/// Where commits of steady turns go.
const ASIDE: Shape = Shape {
    name: "R3k-aside",
    ..R3K
};

fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    let stage = Stage::new(context, &R3K)?;
    repositories::copy(&ASIDE, stage.folder())?;
    let mut pusher = Pusher::new(&stage.remote, R3K.name)?;
    let mut aside = Pusher::new(&stage.remote, ASIDE.name)?;
    let server = stage.confbus(
        context,
        Cores::Split,
        // Only when told.
        &[
            &push::setting(),
            "--spring.cloud.config.server.git.refresh-rate=-1",
        ],
    )?;
    let paths = all(|_| "main".to_owned());
    let loads = [("W1", vec![HOT.to_owned(); paths.len()]), ("W2", paths)];
    let mut records = Vec::new();
    for (name, paths) in loads {
        let load = Load::new(name, &server, paths);
        let mut scene = Scene {
            context,
            stage: &stage,
            load,
            pusher: &mut pusher,
            aside: &mut aside,
            delays: Vec::new(),
            checked: 0,
        };
        let variant = format!("{name}, one commit a second");
        records.extend(part("W7", &variant, || scene.measure(&variant)));
    }
    Ok(records)
}

/// One load with everything that goes on besides.
struct Scene<'a, 'r> {
    context: &'a Context,
    stage: &'a Stage,
    load: Load<'a>,
    pusher: &'a mut Pusher<'r>,
    aside: &'a mut Pusher<'r>,
    /// From the end of a delivery to the first answer with its commit, in milliseconds.
    delays: Vec<f64>,
    /// How many answers were compared with their commits.
    checked: usize,
}

impl Scene<'_, '_> {
    fn measure(&mut self, variant: &str) -> anyhow::Result<Vec<Record>> {
        let contest = Contest::hold(self.context.rounds, 2, |round, contestant| {
            self.turn(round, contestant)
        })?;
        let record = |measure: &str| Record::new("W7", variant, measure).peer("steady");
        let rate = contest.ratio(CHANGING, STEADY, |turn| turn.requests_per_second)?;
        let slowest = contest.ratio(CHANGING, STEADY, |turn| turn.p99_us)?;
        let cpu = contest.ratio(CHANGING, STEADY, |turn| turn.cpu_us)?;
        let delay =
            percentile(&self.delays, 0.99).context("no commit that was pushed was ever served")?;
        Ok(vec![
            record("requests/s ÷ steady")
                .figure(&rate, "×")
                .target(Bound::AtLeast(0.97))
                .note(remarks(self.context, &contest)),
            record("p99 ÷ steady")
                .figure(&slowest, "×")
                .target(Bound::AtMost(2.0)),
            record("CPU per request ÷ steady").figure(&cpu, "×"),
            record("answers whose version and content disagree")
                .count(0.0, self.context.rounds as usize, "answers")
                .target(Bound::AtMost(0.0))
                .note(format!("of {} that were compared", self.checked)),
            record("webhook → first answer, under load, p99")
                .figure(&Summary::of(vec![delay])?, "ms")
                .note(format!("of {} pushes, read every 2 ms", self.delays.len())),
        ])
    }

    fn turn(&mut self, round: u32, contestant: usize) -> anyhow::Result<Turn> {
        let server: &Running = self.load.server;
        let (context, load, folder) = (self.context, &self.load, self.stage.folder());
        let (pusher, target) = match contestant {
            CHANGING => (&mut *self.pusher, Target::Server(server.port)),
            _ => (&mut *self.aside, Target::Nobody),
        };
        let (turn, pushes, seen) = thread::scope(|scope| {
            let (stop_pushing, until_pushed) = mpsc::channel::<()>();
            let (stop_reading, until_read) = mpsc::channel::<()>();
            let pushing = scope.spawn(move || pusher.push_until(&until_pushed, target));
            let reading = scope.spawn(move || checker::read_until(&until_read, server.port));
            let turn = load.turn(context, round, folder);
            drop(stop_pushing);
            let pushes = pushing.join().expect("pushing does not panic");
            drop(stop_reading);
            let seen = reading.join().expect("reading does not panic");
            anyhow::Ok((turn?, pushes?, seen?))
        })?;
        self.judge(contestant, &pushes, &seen)?;
        let name = ["steady", "changing"][contestant];
        let turn = turn.named(format!("{}, {name}", self.load.name));
        context.note_run("W7", &turn)?;
        eprintln!("  {turn}");
        Ok(turn)
    }

    /// Every answer must be what its commit holds, and every commit but the last one must have been served.
    fn judge(
        &mut self,
        contestant: usize,
        pushes: &[pusher::Pushed],
        seen: &Seen,
    ) -> anyhow::Result<()> {
        seen.check(self.pusher)?;
        if contestant == CHANGING {
            let commits: Vec<_> = pushes.iter().map(|push| push.commit.as_str()).collect();
            ensure!(!commits.is_empty(), "nobody pushed within a turn");
            seen.hold_all_but_last(&commits)?;
        }
        self.checked += seen.answers();
        for push in pushes {
            if let Some(first) = seen.first(&push.commit) {
                let delay = first.saturating_duration_since(push.delivered);
                self.delays.push(delay.as_secs_f64() * 1e3);
            }
        }
        Ok(())
    }
}
