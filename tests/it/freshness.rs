//! Whoever turns to another server is not led back by one that lags. Here nobody waits for a look; `waiting_reads` has those
//! who do.

use std::path::Path;

use crate::support::{
    Answer, ConfigRepo, GitDaemon, Request, Running, TestServer, eventually, expect_that,
};

/// Looks only when told to, for as long as a test lasts.
const RARELY: (&str, &str) = ("spring.cloud.config.server.git.refresh-rate", "3600");
/// Who asks for more than is known is told so at once.
const AT_ONCE: (&str, &str) = ("confbus.limits.lag-timeout", "0");
const UNKNOWN: &str = "0123456789012345678901234567890123456789";

fn start(daemon: &GitDaemon, folder: &Path) -> TestServer {
    let settings = [
        ("spring.cloud.config.server.git.uri", daemon.url()),
        (RARELY.0, RARELY.1.to_owned()),
        (AT_ONCE.0, AT_ONCE.1.to_owned()),
    ];
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (*key, &**value))
        .collect();
    let server = TestServer::in_folder(folder, &settings).ready();
    server.line_with("fetch=All");
    server
}

/// The answer for who wants nothing older than a commit.
fn ask(server: &TestServer, commit: &str) -> Answer {
    let request = Request::get("/orders/dev").header("X-Config-Min-Version", commit);
    let answer = server.send(&request);
    if is_lagging(&answer) {
        assert_eq!((answer.status, &*answer.body), (503, ""), "{answer:?}");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
    } else {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    answer
}

fn version(answer: &Answer) -> String {
    answer.json()["version"].as_str().unwrap().to_owned()
}

fn is_lagging(answer: &Answer) -> bool {
    answer.header("x-config-lagging").is_some()
}

/// Has the server look, and waits for that.
fn look(server: &TestServer) {
    let answer = server.post("/actuator/busrefresh");
    assert!(matches!(answer.status, 200 | 204), "{answer:?}");
}

/// Waits for an answer of which the server is sure.
#[track_caller]
fn sure(server: &TestServer, commit: &str) -> Answer {
    eventually("an answer that is sure", || {
        let answer = ask(server, commit);
        expect_that(!is_lagging(&answer), &answer).map(|()| answer)
    })
}

#[test]
fn a_server_that_lags_says_so_and_looks() {
    let repo = ConfigRepo::from_sample();
    let (daemon, folder) = (GitDaemon::serve(&repo), tempfile::tempdir().unwrap());
    let server = start(&daemon, folder.path());
    let old = version(&server.get("/orders/dev"));
    assert!(!is_lagging(&ask(&server, &old)));
    assert!(!is_lagging(&ask(&server, "main")), "no commit");

    let new = repo.push("a step", &[("orders.yml", "greeting: new\n")]);
    let lagging = ask(&server, &new);
    assert!(is_lagging(&lagging), "{lagging:?}");
    assert!(
        !is_lagging(&server.get("/orders/dev")),
        "nobody else hears of it"
    );
    assert_eq!(version(&sure(&server, &new)), new);
    assert!(!is_lagging(&ask(&server, &old)), "it was here");
    // A commit that nobody has costs some looks: one server of the Git host may lag, too.
    assert!(is_lagging(&ask(&server, UNKNOWN)));
    assert_eq!(version(&sure(&server, UNKNOWN)), new);
}

#[test]
fn without_its_remote_a_server_is_not_sure() {
    let repo = ConfigRepo::from_sample();
    let (mut daemon, folder) = (GitDaemon::serve(&repo), tempfile::tempdir().unwrap());
    let server = start(&daemon, folder.path());
    let old = version(&server.get("/orders/dev"));
    daemon.stop();
    let new = repo.push("a step", &[("orders.yml", "greeting: new\n")]);
    for _ in 0..3 {
        let failed = server.lines().len();
        assert!(is_lagging(&ask(&server, &new)));
        eventually("a look", || {
            let lines = server.lines().split_off(failed);
            expect_that(lines.iter().any(|line| line.contains(" looked ")), lines)
        });
    }
    let plain = server.get("/orders/dev");
    assert_eq!((version(&plain), is_lagging(&plain)), (old, false));
    daemon.start();
    assert_eq!(version(&sure(&server, &new)), new);
}

#[test]
fn nobody_is_given_less_because_a_server_missed_a_good_commit() {
    let repo = ConfigRepo::from_sample();
    let (daemon, folder) = (GitDaemon::serve(&repo), tempfile::tempdir().unwrap());
    let server = start(&daemon, folder.path());
    let old = version(&server.get("/orders/dev"));
    let good = repo.push("a step", &[("orders.yml", "greeting: new\n")]);
    repo.push("a mistake", &[("orders.yml", "greeting: [\n")]);
    look(&server);
    let held = server.get("/orders/dev");
    assert!(held.header("x-config-held").is_some(), "{held:?}");
    assert_eq!(version(&held), old);

    for _ in 0..2 {
        let answer = ask(&server, &good);
        assert!(is_lagging(&answer), "{answer:?}");
        look(&server);
    }
    assert!(
        !is_lagging(&ask(&server, &old)),
        "for others it is the newest"
    );
    let mended = repo.push("mended", &[("orders.yml", "greeting: mended\n")]);
    look(&server);
    assert_eq!(version(&sure(&server, &good)), mended);
}

#[test]
fn back_by_force_is_forward_for_who_has_heard_of_it() {
    let repo = ConfigRepo::from_sample();
    let (daemon, folder) = (GitDaemon::serve(&repo), tempfile::tempdir().unwrap());
    let server = start(&daemon, folder.path());
    let first = server.get("/orders/dev");
    let (old, generation) = (version(&first), generation(&first));
    let new = repo.push("a mistake", &[("orders.yml", "greeting: new\n")]);
    look(&server);
    assert_eq!(version(&server.get("/orders/dev")), new);
    repo.point("main", &old);
    look(&server);

    let back = ask(&server, &new);
    assert_eq!((version(&back), is_lagging(&back)), (old, false));
    assert_eq!(self::generation(&back), generation + 2);
}

#[test]
fn a_restart_without_the_remote_forgets_neither_where_it_was_nor_how_often_it_moved() {
    let repo = ConfigRepo::from_sample();
    let (mut daemon, folder) = (GitDaemon::serve(&repo), tempfile::tempdir().unwrap());
    let mut server = start(&daemon, folder.path());
    let old = version(&server.get("/orders/dev"));
    let new = repo.push("a step", &[("orders.yml", "greeting: new\n")]);
    look(&server);
    let before = generation(&server.get("/orders/dev"));
    daemon.stop();

    server.running().signal("TERM");
    server.running().wait();
    let mut server = restart(&daemon, folder.path());
    let answer = ask(&server, &old);
    assert_eq!(
        (version(&answer), is_lagging(&answer)),
        (new.clone(), false)
    );
    assert_eq!(generation(&answer), before, "nothing moved");

    server.running().kill();
    let server = restart(&daemon, folder.path());
    let answer = ask(&server, &old);
    assert_eq!((version(&answer), is_lagging(&answer)), (new, false));
    assert_eq!(generation(&answer), before, "nothing moved");
    daemon.start();
    repo.push("another step", &[("orders.yml", "greeting: newest\n")]);
    look(&server);
    assert_eq!(generation(&server.get("/orders/dev")), before + 1);
}

fn restart(daemon: &GitDaemon, folder: &Path) -> TestServer {
    let url = daemon.url();
    TestServer::in_folder(
        folder,
        &[
            ("spring.cloud.config.server.git.uri", &url),
            RARELY,
            AT_ONCE,
        ],
    )
    .ready()
}

fn generation(answer: &Answer) -> u64 {
    let generation = answer.header("x-config-generation");
    generation.unwrap().parse().unwrap()
}

#[test]
fn since_it_was_asked_a_server_has_looked_or_says_that_it_has_not() {
    let repo = ConfigRepo::from_sample();
    let (mut daemon, folder) = (GitDaemon::serve(&repo), tempfile::tempdir().unwrap());
    let server = start(&daemon, folder.path());
    // What it says of the moment, when it lags.
    let ask = |since: &str| {
        let request = Request::get("/orders/dev").header("X-Config-Since", since);
        let answer = server.send(&request);
        answer.header("x-config-lagging").map(str::to_owned)
    };
    let mark = ask("now").unwrap();
    let is_sure = |mark: &str| expect_that(ask(mark).is_none(), "it lags");
    eventually("a look", || is_sure(&mark));
    daemon.stop();
    let looks = server.lines().len();
    let mark = ask("now").unwrap();
    eventually("a look that fails", || {
        let lines = server.lines().split_off(looks);
        let has_looked = lines.iter().any(|line| line.contains(" looked "));
        expect_that(has_looked, lines)
    });
    assert!(ask(&mark).is_some());
    daemon.start();
    eventually("a look", || is_sure(&mark));
    assert!(ask("main").is_some(), "no moment");
}

#[test]
fn a_client_that_turns_to_a_server_that_lags_stays_where_it_is() {
    let repo = ConfigRepo::from_sample();
    let mut daemons = [GitDaemon::serve(&repo), GitDaemon::serve(&repo)];
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [mut first, second] = [0, 1].map(|index| start(&daemons[index], folders[index].path()));
    repo.push("new", &[("orders.yml", "greeting: new\n")]);
    look(&first);
    daemons[1].stop();
    let servers = format!("{},{}", first.url(), second.url());
    let arguments = [
        "watch",
        "orders/default",
        "--server",
        &servers,
        "--poll",
        "1",
    ];
    let client = Running::confbus(&arguments.map(str::to_owned));
    client.line_with("listening");

    first.running().kill();
    let asked = || {
        second
            .lines()
            .iter()
            .filter(|line| line.contains(" looked "))
            .count()
    };
    let before = asked();
    eventually("questions to the other server", || {
        expect_that(asked() >= before + 2, asked())
    });
    let newest = repo.push("newest", &[("orders.yml", "greeting: newest\n")]);
    daemons[1].start();
    client.line_with("→ newest");
    let lines = client.lines();
    let went_back = lines
        .iter()
        .any(|line| line.contains("→ Hello from orders"));
    assert!(!went_back, "{lines:?}");
    second.serves(&newest);
}

#[test]
fn nobody_is_led_forth_again_from_where_a_branch_went_back_to() {
    let repo = ConfigRepo::from_sample();
    let mut daemons = [GitDaemon::serve(&repo), GitDaemon::serve(&repo)];
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [mut first, second] = [0, 1].map(|index| start(&daemons[index], folders[index].path()));
    let old = version(&first.get("/orders/dev"));
    let mistake = repo.push("a mistake", &[("orders.yml", "greeting: mistaken\n")]);
    look(&first);
    look(&second);
    let servers = format!("{},{}", first.url(), second.url());
    let arguments = [
        "watch",
        "orders/default",
        "--server",
        &servers,
        "--poll",
        "1",
    ];
    let client = Running::confbus(&arguments.map(str::to_owned));
    client.line_with("listening");
    repo.point("main", &old);
    look(&first);
    client.line_with("→ Hello from orders");
    daemons[1].stop();
    first.running().kill();

    // The other server has both commits, the mistake after the one that runs.
    assert_eq!(version(&second.get("/orders/dev")), mistake);
    let looks = || {
        let lines = second.lines().into_iter();
        lines.filter(|line| line.contains(" looked ")).count()
    };
    let before = looks();
    eventually("questions to it", || {
        expect_that(looks() >= before + 2, looks())
    });
    daemons[1].start();
    repo.push("right", &[("orders.yml", "greeting: right\n")]);
    client.line_with("→ right");
    let lines = client.lines();
    assert!(
        !lines.iter().any(|line| line.contains("→ mistaken")),
        "{lines:?}"
    );
}
