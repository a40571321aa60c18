//! A broker that dies and returns.

use std::{
    env,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    support::{
        ConfigRepo, GitDaemon, Instance, TestServer,
        broker::{self, OwnBroker},
        eventually, expect_that,
    },
    webhook::{github, github_push, quiet_settings, sign, start},
};

#[test]
fn every_client_ends_on_the_last_commit_after_an_outage() {
    let mut rabbit = OwnBroker::start();
    let (url, exchange) = (rabbit.url(), broker::own_exchange());
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let mut settings = quiet_settings(&daemon);
    settings.extend(broker::settings(&url, &exchange));
    let server = start(&settings);
    broker::connected(&server);
    let instance = |address: &str, index| {
        Instance::start(
            &server,
            address,
            index,
            &["--amqp", &url, "--exchange", &exchange],
        )
    };
    let instances = [
        instance("orders/dev", 8081),
        instance("orders/dev", 8082),
        instance("payments/dev", 8083),
    ];

    rabbit.stop();
    eventually("a lost bus", || {
        let health = server.get("/actuator/health");
        expect_that(
            health.status == 200
                && health.json()["components"]["bus"]["details"]["connected"] == false,
            &health,
        )
    });
    for step in ["first", "second"] {
        let commit = repo.push(step, &[("application.yml", &format!("step: {step}\n"))]);
        let body = github_push("refs/heads/main", &["application.yml"]);
        assert_eq!(
            server
                .send(&github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body)))
                .status,
            200
        );
        server.serves(&commit);
    }
    assert_eq!(
        server.post("/actuator/busrefresh").status,
        500,
        "nobody can be told while the broker is away"
    );

    rabbit.start_again();
    instances
        .iter()
        .for_each(|instance| instance.sees("step", "second"));
    broker::connected(&server);
    assert_eq!(server.post("/actuator/busrefresh").status, 204);
}

#[test]
fn a_broker_that_is_away_at_the_start_stops_nobody() {
    let mut rabbit = OwnBroker::start();
    let (url, exchange) = (rabbit.url(), broker::own_exchange());
    rabbit.stop();
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let mut settings = quiet_settings(&daemon);
    settings.extend(broker::settings(&url, &exchange));
    let server = start(&settings);
    let instance = Instance::start(
        &server,
        "orders/dev",
        8081,
        &["--amqp", &url, "--exchange", &exchange],
    );
    assert_eq!(server.get("/orders/dev").status, 200);

    rabbit.start_again();
    broker::connected(&server);
    repo.push("at last", &[("orders-dev.yml", "greeting: at last\n")]);
    assert_eq!(server.post("/actuator/busrefresh").status, 204);
    instance.sees("greeting", "at last");
}

/// How often the broker is killed; more than a few only on request.
fn rounds() -> usize {
    env::var("CONFBUS_BROKER_ROUNDS").map_or(2, |rounds| rounds.parse().unwrap())
}

/// Commits that follow one another as fast as the server takes them into service.
struct Stream {
    repo: Mutex<ConfigRepo>,
    server: TestServer,
    commits: AtomicUsize,
}

impl Stream {
    fn commit(&self, step: &str) {
        let commit = self
            .repo
            .lock()
            .unwrap()
            .push(step, &[("application.yml", &format!("step: {step}\n"))]);
        let body = github_push("refs/heads/main", &["application.yml"]);
        let delivery = github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body));
        assert_eq!(self.server.send(&delivery).status, 200);
        self.server.serves(&commit);
        self.commits.fetch_add(1, SeqCst);
    }

    fn run_until(&self, stop: &AtomicBool, round: usize) {
        for number in 0.. {
            if stop.load(SeqCst) {
                return;
            }
            self.commit(&format!("{round}.{number}"));
        }
    }

    /// Waits until the stream has gone on by some commits.
    fn goes_on(&self) {
        let start = self.commits.load(SeqCst);
        eventually("more commits", || {
            let commits = self.commits.load(SeqCst);
            expect_that(commits >= start + 3, commits)
        });
    }
}

#[test]
fn no_final_state_is_lost_however_often_the_broker_is_killed_under_a_stream_of_commits() {
    let mut rabbit = OwnBroker::start();
    let (url, exchange) = (rabbit.url(), broker::own_exchange());
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let mut settings = quiet_settings(&daemon);
    settings.extend(broker::settings(&url, &exchange));
    let server = start(&settings);
    broker::connected(&server);
    let amqp = ["--amqp", &url, "--exchange", &exchange];
    let instances =
        [8081, 8082, 8083].map(|index| Instance::start(&server, "orders/dev", index, &amqp));
    let stream = Stream {
        repo: repo.into(),
        server,
        commits: AtomicUsize::new(0),
    };

    let (began, mut slowest) = (Instant::now(), Duration::ZERO);
    for round in 0..rounds() {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| stream.run_until(&stop, round));
            stream.goes_on();
            rabbit.stop();
            stream.goes_on();
            rabbit.start_again();
            stream.goes_on();
            stop.store(true, SeqCst);
        });
        let last = format!("{round}.last");
        stream.commit(&last);
        let committed = Instant::now();
        instances
            .iter()
            .for_each(|instance| instance.ends_with("step", &last));
        slowest = slowest.max(committed.elapsed());
    }
    eprintln!(
        "{} rounds with {} commits in {:.0?}, 0 lost final states; the slowest round ended {:.1?} after its last commit",
        rounds(),
        stream.commits.load(SeqCst),
        began.elapsed(),
        slowest,
    );
}
