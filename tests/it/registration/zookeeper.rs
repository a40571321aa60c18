use std::net::TcpListener;

use super::{PASSWORD, server, standing};
use crate::support::{ConfigRepo, eventually, expect_that};

#[test]
fn nobody_waits_for_an_ensemble_that_is_silent() {
    let repo = ConfigRepo::from_sample();
    // Connections wait in the kernel, and nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = silent.local_addr().unwrap().to_string();
    let mut server = server(
        &repo,
        &[
            ("spring.cloud.zookeeper.connect-string", &at),
            ("spring.cloud.zookeeper.session-timeout", "4s"),
            (
                "spring.cloud.zookeeper.discovery.metadata.password",
                PASSWORD,
            ),
        ],
    );
    eventually("an answer", || {
        let answer = server.get("/cfg/orders/dev");
        expect_that(answer.status == 200, &answer)
    });
    eventually("what is wrong", || {
        let standing = standing(&server, "zookeeper");
        expect_that(standing["error"].is_string(), &standing)
    });
    assert_eq!(standing(&server, "zookeeper")["registered"], false);
    let health = server.get("/actuator/health");
    assert_eq!(health.json()["status"], "UP");
    server.running().signal("TERM");
    assert!(server.running().wait().success());
    let told = server.lines().join("\n");
    assert!(told.contains("the registry was not told"), "{told}");
    assert!(!told.contains(PASSWORD), "{told}");
}
