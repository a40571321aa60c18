//! `/livez` and `/readyz`.

use crate::support::{ConfigRepo, GitHttp, Manner, Request, TestServer, eventually, expect_that};

#[test]
fn a_server_is_ready_when_there_is_something_to_serve_and_stays_so() {
    let repo = ConfigRepo::from_sample();
    let path = repo.path();
    let git = GitHttp::serve(path.parent().unwrap(), Manner::WithLogin);
    let uri = git.url(path.file_name().unwrap().to_str().unwrap());
    let settings = [
        ("spring.cloud.config.server.git.uri", uri.as_str()),
        ("spring.cloud.config.server.git.refresh-rate", "1"),
        ("spring.security.user.password", "a password of somebody"),
    ];
    let server = TestServer::with(&settings);
    let answer = server.get("/readyz");
    assert_eq!(answer.status, 503);
    assert!(
        answer
            .body
            .starts_with("not ready: nothing has been read yet"),
        "{answer:?}"
    );
    assert!(!answer.body.contains("http"), "{answer:?}");
    let known = Request::get("/readyz").login("user", "a password of somebody");
    let answer = server.send(&known);
    assert!(
        answer.body.contains(&format!("waits for {uri}")),
        "{answer:?}"
    );
    assert_eq!(server.get("/livez").body, "live\n");

    let becomes = |path: &str, expected: u16| {
        eventually(&format!("{path} {expected}"), || {
            let answer = server.get(path);
            expect_that(answer.status == expected, &answer)
        });
    };
    git.behave(Manner::Ordinary);
    becomes("/readyz", 200);
    becomes("/actuator/health/readiness", 200);
    git.behave(Manner::WithLogin);
    eventually("trouble with Git", || {
        let request = Request::get("/actuator/health/git").login("user", "a password of somebody");
        let answer = server.send(&request);
        let degraded = answer.json()["details"]["degraded"] == true;
        expect_that(degraded, &answer)
    });
    for path in [
        "/readyz",
        "/livez",
        "/actuator/health/readiness",
        "/actuator/health/liveness",
    ] {
        assert_eq!(server.get(path).status, 200, "{path}");
    }
}
