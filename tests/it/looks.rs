//! A look costs what there is to look for, and what is known is not looked for.

use std::path::Path;

use crate::support::{
    ConfigRepo, GitDaemon, GitHttp, Manner, Request, TestServer, eventually, expect_that,
    forget_what_was_served,
};

/// What the server has looked for so far, oldest first.
fn looks(server: &TestServer) -> Vec<String> {
    let lines = server.lines().into_iter();
    lines.filter(|line| line.contains(" looked ")).collect()
}

fn start(daemon: &GitDaemon, rate: &str) -> TestServer {
    start_at(&daemon.url(), rate)
}

fn start_at(url: &str, rate: &str) -> TestServer {
    TestServer::with(&settings(url, rate)).ready()
}

fn settings<'s>(url: &'s str, rate: &'s str) -> [(&'static str, &'s str); 3] {
    [
        ("spring.cloud.config.server.git.uri", url),
        ("spring.cloud.config.server.git.refresh-rate", rate),
        (
            "spring.cloud.config.server.monitor.validation-filter-enabled",
            "false",
        ),
    ]
}

#[test]
fn what_names_nothing_is_looked_for_once_and_names_not_at_all() {
    let repo = ConfigRepo::from_sample();
    repo.push_to("feature/known", "a branch", &[("orders.yml", "a: 1\n")]);
    let daemon = GitDaemon::serve(&repo);
    let server = start(&daemon, "3600");
    let first = eventually("the first look", || {
        let looks = looks(&server);
        let has_listed = looks.iter().any(|look| look.contains("fetch=All"));
        expect_that(has_listed, &looks).map(|()| looks.len())
    });
    for _ in 0..3 {
        assert_eq!(server.get("/orders/dev/nothing").status, 404);
        assert_eq!(server.get("/orders/dev/abcdef1").status, 404);
    }
    for _ in 0..3 {
        assert_eq!(server.get("/orders/dev/feature(_)known").status, 200);
    }
    let later = eventually("the looks of reads", || {
        let looks = looks(&server).split_off(first);
        expect_that(looks.len() >= 2, &looks).map(|()| looks)
    });
    assert_eq!(later.len(), 2, "{later:?}");
    assert!(
        later.iter().all(|look| look.contains("fetch=No")),
        "{later:?}"
    );
}

/// What a Git host says after a push.
fn pushed() -> Request {
    let push = r#"{"ref": "refs/heads/main", "commits": [{"modified": ["orders.yml"]}]}"#;
    Request::post("/monitor", push)
        .header("content-type", "application/json")
        .header("x-github-event", "push")
}

#[test]
fn a_push_asks_for_its_branch_alone() {
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let server = start(&daemon, "3600");
    let commit = repo.push("a step", &[("orders.yml", "greeting: next\n")]);
    assert_eq!(server.send(&pushed()).status, 200);
    server.serves(&commit);
    let asked = r#"fetch=Refs(["refs/heads/main"])"#;
    eventually("the look of the push", || {
        let looks = looks(&server);
        expect_that(looks.iter().any(|look| look.contains(asked)), &looks)
    });
}

#[test]
fn a_branch_that_nobody_told_of_is_found_by_its_first_reader() {
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let server = start(&daemon, "1");
    let before = looks(&server).len();
    repo.push_to("later", "a branch", &[("orders.yml", "a: 1\n")]);
    eventually("the branch", || {
        let answer = server.get("/orders/dev/later");
        expect_that(answer.status == 200, &answer)
    });
    let looks = looks(&server).split_off(before);
    let polls = looks.iter().filter(|look| look.contains("fetch=Refs"));
    assert!(polls.count() < 9, "only a poll found it: {looks:?}");
}

#[test]
fn after_a_restart_only_a_listing_tells_that_a_label_is_not_there() {
    let repo = ConfigRepo::from_sample();
    let mut daemon = GitDaemon::serve(&repo);
    let url = daemon.url();
    let settings = [
        ("spring.cloud.config.server.git.uri", url.as_str()),
        ("spring.cloud.config.server.git.refresh-rate", "-1"),
    ];
    let server = TestServer::with(&settings).ready();
    assert_eq!(server.get("/orders/dev/later").status, 404);
    assert_eq!(server.get("/orders/dev/abcdef1").status, 404);

    daemon.stop();
    let server = server.restarted(&settings).ready();
    for label in ["later", "abcdef1"] {
        let answer = server.get(&format!("/orders/dev/{label}"));
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
    }

    repo.push_to("later", "a branch", &[("orders.yml", "a: 1\n")]);
    daemon.start();
    for (label, status) in [("later", 200), ("never", 404), ("abcdef1", 404)] {
        eventually("what the remote says", || {
            let answer = server.get(&format!("/orders/dev/{label}"));
            expect_that(answer.status == status, &answer)
        });
    }
}

/// Packs in all clones below a folder.
fn packs(base: &Path) -> usize {
    let clones = std::fs::read_dir(base).unwrap().flatten();
    let folders = clones.filter_map(|clone| clone.path().join("objects/pack").read_dir().ok());
    let files = folders.flat_map(Iterator::flatten);
    files
        .filter(|file| file.path().extension().is_some_and(|pack| pack == "pack"))
        .count()
}

#[test]
fn a_clone_does_not_fill_with_the_packs_of_pushes() {
    let repo = ConfigRepo::from_sample();
    let remote = GitHttp::serve(repo.parent(), Manner::Ordinary);
    pushes_fill_no_clone(&repo, &remote.url("config.git"), || drop(remote));
}

#[test]
fn nor_where_libgit2_fetches() {
    let repo = ConfigRepo::from_sample();
    let mut daemon = GitDaemon::serve(&repo);
    pushes_fill_no_clone(&repo, &daemon.url(), || daemon.stop());
}

fn pushes_fill_no_clone(repo: &ConfigRepo, url: &str, end: impl FnOnce()) {
    let server = start_at(url, "3600");
    let mut most = 0;
    for step in 0..60 {
        let commit = repo.push("a step", &[("orders.yml", &format!("step: {step}\n"))]);
        assert_eq!(server.send(&pushed()).status, 200);
        server.serves(&commit);
        most = most.max(packs(server.base()));
    }
    assert!(
        most >= 45,
        "each push leaves a pack at first, but there were {most}"
    );
    eventually("few packs", || {
        let packs = packs(server.base());
        expect_that(packs < 15, packs)
    });
    // All that was in them is still there, for a server that has nothing but the clone.
    let last = server.get("/orders/dev").json();
    end();
    let server = server.restarted_after(&settings(url, "3600"), forget_what_was_served);
    assert_eq!(server.ready().get("/orders/dev").json(), last);
}
