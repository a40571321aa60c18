//! A remote that is away costs freshness, never an answer.

use crate::support::{
    ConfigRepo, GitDaemon, TestServer, eventually, expect_that, forget_what_was_served,
};

#[test]
fn reads_answer_while_the_remote_is_away_and_after_a_restart() {
    let repo = ConfigRepo::from_sample();
    let mut daemon = GitDaemon::serve(&repo);
    let url = daemon.url();
    let settings = [
        ("spring.cloud.config.server.git.uri", url.as_str()),
        ("spring.cloud.config.server.git.refresh-rate", "1"),
    ];
    let server = TestServer::with(&settings).ready();
    let before = server.get("/orders/dev").json();

    daemon.stop();
    eventually("trouble in health", || {
        let health = server.get("/actuator/health");
        let git = &health.json()["components"]["git"]["details"];
        expect_that(
            health.status == 200 && git["degraded"] == true && git["error"].is_string(),
            &health,
        )
    });
    assert_eq!(server.get("/orders/dev").json(), before);

    let server = server.restarted(&settings);
    eventually("an answer from disk", || {
        expect_that(
            server.get("/orders/dev").status == 200,
            server.get("/orders/dev"),
        )
    });
    assert_eq!(server.get("/orders/dev").json(), before);

    let commit = repo.push("back again", &[("orders.yml", "greeting: back\n")]);
    daemon.start();
    server.serves(&commit);
    eventually("good health", || {
        let health = server.get("/actuator/health");
        expect_that(
            health.json()["components"]["git"]["details"]["degraded"] == false,
            &health,
        )
    });
}

#[test]
fn before_the_first_clone_nobody_is_told_that_nothing_is_configured() {
    let repo = ConfigRepo::from_sample();
    let mut daemon = GitDaemon::serve(&repo);
    let url = daemon.url();
    daemon.stop();
    let server = TestServer::with(&[("spring.cloud.config.server.git.uri", &url)]);
    let answer = server.get("/orders/dev");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");

    daemon.start();
    server.ready();
}

#[test]
fn a_remote_is_polled_and_new_labels_are_found() {
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &daemon.url()),
        ("spring.cloud.config.server.git.refresh-rate", "1"),
    ])
    .ready();
    assert_eq!(server.get("/orders/dev/feature(_)x").status, 404);

    let commit = repo.push_to(
        "feature/x",
        "a feature",
        &[("orders.yml", "greeting: feature\n")],
    );
    eventually("the new branch", || {
        let answer = server.get("/orders/dev/feature(_)x");
        expect_that(
            answer.status == 200 && answer.json()["version"] == commit.as_str(),
            &answer,
        )
    });
    assert_eq!(
        server.value("/orders/default/feature(_)x", "greeting"),
        "feature"
    );
    assert_eq!(
        server.value("/orders/default/main", "greeting"),
        "Hello from orders"
    );
}

#[test]
fn a_branch_that_becomes_a_folder_of_branches_keeps_nobody_from_moving() {
    let repo = ConfigRepo::from_sample();
    repo.push_to(
        "feature",
        "a branch",
        &[("orders.yml", "greeting: branch\n")],
    );
    let daemon = GitDaemon::serve(&repo);
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &daemon.url()),
        ("spring.cloud.config.server.git.refresh-rate", "1"),
    ])
    .ready();

    repo.delete_branch("feature");
    repo.push_to(
        "feature/x",
        "a folder",
        &[("orders.yml", "greeting: folder\n")],
    );
    let commit = repo.push("main moves, too", &[("orders.yml", "greeting: moved\n")]);
    server.serves(&commit);
    eventually("the branch in the folder", || {
        let answer = server.get("/orders/default/feature(_)x");
        expect_that(answer.status == 200, &answer)
    });
}

#[test]
fn a_label_that_is_gone_is_served_on_unless_it_is_to_be_forgotten() {
    for (forget, status) in [("false", 200), ("true", 404)] {
        let repo = ConfigRepo::from_sample();
        repo.push_to("old", "a branch", &[("orders.yml", "greeting: old\n")]);
        let daemon = GitDaemon::serve(&repo);
        let server = TestServer::with(&[
            ("spring.cloud.config.server.git.uri", &daemon.url()),
            ("spring.cloud.config.server.git.refresh-rate", "1"),
            (
                "spring.cloud.config.server.git.delete-untracked-branches",
                forget,
            ),
        ])
        .ready();
        assert_eq!(server.get("/orders/dev/old").status, 200);

        repo.delete_branch("old");
        let commit = repo.push("another commit", &[("orders.yml", "greeting: new\n")]);
        server.serves(&commit);
        assert_eq!(
            server.get("/orders/dev/old").status,
            status,
            "forget: {forget}"
        );
    }
}

#[test]
fn master_stands_in_for_a_missing_main() {
    let repo = ConfigRepo::from_sample();
    let commit = repo.push_to(
        "master",
        "the old name",
        &[("orders.yml", "greeting: master\n")],
    );
    repo.delete_branch("main");
    let server = TestServer::start(&repo);
    eventually("health before the first read", || {
        let health = server.get("/actuator/health");
        expect_that(
            health.status == 200 && health.body.contains(&commit),
            &health,
        )
    });
    assert_eq!(
        server.get("/orders/dev/main").json()["version"],
        commit.as_str()
    );
}

#[test]
fn a_clone_that_was_cut_off_is_no_empty_repository() {
    let repo = ConfigRepo::from_sample();
    let mut daemon = GitDaemon::serve(&repo);
    let url = daemon.url();
    let folder = tempfile::tempdir().unwrap();
    let settings = [("spring.cloud.config.server.git.uri", url.as_str())];
    drop(TestServer::in_folder(folder.path(), &settings).ready());
    daemon.stop();
    let mirror = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    std::fs::remove_dir_all(mirror.join("refs")).unwrap();
    std::fs::create_dir_all(mirror.join("refs")).unwrap();
    _ = std::fs::remove_file(mirror.join("packed-refs"));
    forget_what_was_served(folder.path());

    let server = TestServer::in_folder(folder.path(), &settings);
    assert_eq!(server.get("/orders/dev").status, 503);
    daemon.start();
    server.ready();
}
