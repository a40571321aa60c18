//! What was served once is served again after a start, whatever else is gone.

use crate::support::{
    ConfigRepo, GitDaemon, GitHttp, Manner, Running, TestServer, eventually, expect_that,
};

const URI: &str = "spring.cloud.config.server.git.uri";

fn limit(repo: &ConfigRepo, limit: u32) -> String {
    repo.push("a limit", &[("orders.yml", &format!("limit: {limit}\n"))])
}

fn refresh(server: &TestServer) {
    let answer = server.post("/actuator/busrefresh");
    assert!(answer.status < 300, "{answer:?}");
}

#[test]
fn a_start_answers_without_clone_and_remote_and_repairs_itself() {
    let repo = ConfigRepo::from_sample();
    let mut daemon = GitDaemon::serve(&repo);
    let (url, commit) = (daemon.url(), limit(&repo, 1));
    let settings = [
        (URI, url.as_str()),
        ("spring.cloud.config.server.git.refresh-rate", "1"),
    ];
    let server = TestServer::with(&settings).ready();
    server.serves(&commit);
    daemon.stop();
    let server = server.restarted_after(&settings, |base| {
        for entry in std::fs::read_dir(base).unwrap().flatten() {
            if entry.path().is_dir() {
                std::fs::remove_dir_all(entry.path()).unwrap();
            }
        }
    });
    let answer = server.get("/orders/dev");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["version"], commit.as_str());
    let shown = server.get("/_/api/configurations/orders/dev").json();
    assert_eq!(shown["commits"][0]["subject"], "a limit", "{shown}");
    eventually("what is wrong, and how old it is", || {
        let health = server.get("/actuator/health");
        let git = health.json()["components"]["git"]["details"].clone();
        let says = git["error"].is_string() && git["confirmed_seconds_ago"].is_u64();
        expect_that(says && git["degraded"] == true, &health)
    });
    daemon.start();
    let next = limit(&repo, 2);
    server.serves(&next);
}

#[test]
fn a_start_never_goes_back_behind_what_was_answered() {
    let repo = ConfigRepo::from_sample();
    let mut daemon = GitDaemon::serve(&repo);
    let url = daemon.url();
    let settings = [(URI, url.as_str())];
    let mut server = TestServer::with(&settings).ready();
    for round in 0..8 {
        let commit = limit(&repo, round);
        refresh(&server);
        server.serves(&commit);
        daemon.stop();
        server = server.restarted(&settings);
        let answer = server.get("/orders/dev");
        assert_eq!(answer.json()["version"], commit.as_str(), "{answer:?}");
        daemon.start();
    }
}

#[test]
fn a_disk_that_cannot_be_written_costs_no_answer_and_is_told_of() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let folder = tempfile::tempdir().unwrap();
    // No directory can be made below a file.
    let base = folder.path().join("in the way");
    std::fs::write(&base, "").unwrap();
    let server = TestServer::in_folder(&base, &[(URI, &uri)]).ready();
    let commit = limit(&repo, 1);
    refresh(&server);
    server.serves(&commit);
    let health = server.get("/actuator/health").json();
    let git = &health["components"]["git"]["details"];
    assert!(git["disk_error"].is_string(), "{health}");
}

#[test]
fn two_servers_do_not_share_a_directory() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let mut second = Running::confbus(&[
        "serve".to_owned(),
        format!("--{URI}={}", repo.path().display()),
        format!(
            "--spring.cloud.config.server.git.basedir={}",
            server.base().display()
        ),
        "--server.address=127.0.0.1".to_owned(),
        "--server.port=0".to_owned(),
    ]);
    assert_eq!(second.wait().code(), Some(1));
    second.line_with("another confbus has its clones in");
    server.ready();
}

/// Bytes that cannot be packed.
fn noise() -> String {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:016x}")
    };
    (0..500_000).map(|_| next()).collect()
}

#[test]
fn a_first_clone_that_takes_long_is_told_and_succeeds() {
    let repo = ConfigRepo::from_sample();
    let commit = repo.push("much", &[("notes.txt", &noise())]);
    let remote = GitHttp::serve(repo.parent(), Manner::SlowPacks);
    let url = remote.url("config.git");
    let server = TestServer::with(&[(URI, &url), ("confbus.git.deadline", "3")]);
    eventually("a clone that goes on", || {
        let health = server.get("/actuator/health");
        let git = health.json()["components"]["git"].clone();
        let said = git["details"]["cloning"].as_str().unwrap_or_default();
        let is_told = said.starts_with("a clone goes on: ")
            && git["status"] == "DOWN"
            && health.status == 503;
        expect_that(is_told, &health)
    });
    server.serves(&commit);
    let health = server.get("/actuator/health").json();
    let git = &health["components"]["git"];
    assert_eq!(git["status"], "UP", "{git}");
    assert_eq!(git["details"]["cloning"], serde_json::Value::Null, "{git}");
}

#[test]
fn a_worker_that_hangs_is_replaced_and_the_clone_made_anew() {
    let repo = ConfigRepo::from_sample();
    let remote = GitHttp::serve(repo.parent(), Manner::Ordinary);
    let url = remote.url("config.git");
    let settings = [
        (URI, url.as_str()),
        ("spring.cloud.config.server.git.refresh-rate", "1"),
        ("confbus.git.deadline", "3"),
    ];
    let server = TestServer::with(&settings).ready();
    let before = server.get("/orders/dev").json();
    let mirrors = std::fs::read_dir(server.base()).unwrap().flatten();
    let mut mirrors = mirrors.map(|entry| entry.path());
    let mirror = mirrors.find(|path| path.is_dir()).unwrap();
    // As a crash leaves it: libgit2 reads the beginning of a stream without end.
    let commit = repo.commit("main", "a limit", &[("orders.yml", "limit: 1\n")]);
    let object = mirror.join("objects").join(&commit[..2]);
    std::fs::create_dir_all(&object).unwrap();
    std::fs::write(object.join(&commit[2..]), [0x78, 0x01, 0x4b]).unwrap();
    repo.point("main", &commit);
    eventually("what is wrong", || {
        let health = server.get("/actuator/health");
        assert_eq!(server.get("/orders/dev").json(), before);
        let git = health.json()["components"]["git"]["details"].clone();
        expect_that(git["error"] == "no answer within 3 s", &health)
    });
    server.serves(&commit);
}
