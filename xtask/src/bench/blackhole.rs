//! W1 while the Git remote accepts connections and says nothing.

mod proxy;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::ensure;

use self::proxy::Proxy;
use super::confbus::Confbus;
use super::http::Connection;
use super::push::{self, Push};
use super::record::{Bound, Record};
use super::repositories::R3K;
use super::rounds::Contest;
use super::server::{Cores, Running};
use super::stage::{HOT, Stage};
use super::workload::{Context, Workload};
use super::wrk::{CONNECTIONS, Report, Requests};

pub(super) const WORKLOAD: Workload = Workload {
    name: "W1-blackhole",
    about: "hot read while the Git remote is silent",
    needs: &["git", "nginx", "fcgiwrap", "wrk"],
    run,
};

/// Long enough for time limits to pass and looks to be given up and started again.
const SECONDS: u32 = 60;

/// Of two turns each, which are long.
const ROUNDS: u32 = 2;

/// Between two pushes that make the server look.
const PUSHES: Duration = Duration::from_secs(1);

const UNDISTURBED: usize = 0;
const SILENT: usize = 1;

/// A server whose remote can fall silent.
struct Scene<'a> {
    stage: &'a Stage,
    proxy: Proxy,
    server: Running,
    seconds: u32,
}

fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    let stage = Stage::new(context, &R3K)?;
    let proxy = Proxy::to(stage.remote.port())?;
    let server = Confbus {
        program: context.server()?,
        uri: &format!("http://127.0.0.1:{}/{}.git", proxy.port, R3K.name),
        folder: stage.folder(),
        cores: Cores::Split,
        ready: HOT,
        settings: &[
            push::setting(),
            // Only when told, so that nothing at all happens in the undisturbed turns.
            "--spring.cloud.config.server.git.refresh-rate=-1".to_owned(),
        ],
    };
    let scene = Scene {
        server: server.start()?,
        stage: &stage,
        proxy,
        seconds: if context.quick {
            context.seconds
        } else {
            SECONDS
        },
    };
    let rounds = context.rounds.min(ROUNDS);
    let contest = Contest::alternate(rounds, 2, |round, contestant| {
        // Neither the first clone nor what was missed in the silence belongs to a turn.
        stage.remote.settle(&scene.server)?;
        let report = if contestant == SILENT {
            scene.silent_turn()?
        } else {
            scene.turn()?
        };
        context.note_run(WORKLOAD.name, &(round, contestant, report.p99_us))?;
        Ok(report)
    })?;
    told(&scene, &contest)
}

fn told(scene: &Scene<'_>, contest: &Contest<Report>) -> anyhow::Result<Vec<Record>> {
    let record = |measure| Record::new(WORKLOAD.name, "R3k", measure);
    let p99 = |report: &Report| report.p99_us as f64;
    let rate = |report: &Report| report.requests as f64 / report.seconds;
    let note = format!("turns of {} s, a push each second", scene.seconds);
    Ok(vec![
        record("p99 ÷ undisturbed p99")
            .figure(&contest.ratio(SILENT, UNDISTURBED, p99)?, "×")
            .target(Bound::AtMost(1.1))
            .enough(ROUNDS as usize)
            .note(note),
        record("p99").figure(&contest.figure(SILENT, p99)?, "us"),
        record("p99, undisturbed").figure(&contest.figure(UNDISTURBED, p99)?, "us"),
        record("requests/s ÷ undisturbed").figure(&contest.ratio(SILENT, UNDISTURBED, rate)?, "×"),
    ])
}

impl Scene<'_> {
    fn turn(&self) -> anyhow::Result<Report> {
        let requests = Requests {
            port: self.server.port,
            paths: &[HOT.to_owned()],
            fields: &[],
            cores: Cores::Split,
            connections: CONNECTIONS,
            seconds: self.seconds,
        };
        let report = requests.send(self.stage.folder())?;
        ensure!(
            report.requests > 0 && report.status == 0 && report.socket == 0,
            "not every request was answered well: {report:?}"
        );
        Ok(report)
    }

    /// The same while every look at the remote hangs, and is asked for again each second.
    fn silent_turn(&self) -> anyhow::Result<Report> {
        let swallowed = self.proxy.swallowed();
        self.proxy.fall_silent();
        let over = AtomicBool::new(false);
        let report = thread::scope(|scope| {
            let pushes = scope.spawn(|| self.push_until(&over));
            let report = self.turn();
            over.store(true, Ordering::Relaxed);
            pushes.thread().unpark();
            pushes.join().expect("pushing does not panic")?;
            report
        })?;
        self.proxy.speak();
        ensure!(
            self.proxy.swallowed() > swallowed,
            "the server did not ask its remote"
        );
        Ok(report)
    }

    fn push_until(&self, over: &AtomicBool) -> anyhow::Result<()> {
        let unknown = "1".repeat(40);
        let push = Push::new(&"0".repeat(40), &unknown, &[]);
        while !over.load(Ordering::Relaxed) {
            push.deliver(&mut Connection::open(self.server.port)?)?;
            thread::park_timeout(PUSHES);
        }
        Ok(())
    }
}
