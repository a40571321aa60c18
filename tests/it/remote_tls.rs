//! A remote over TLS whose certificate must not be believed.

use crate::support::{
    ConfigRepo, GitHttp, Manner, Shows, TestServer, TlsFront, eventually, expect_that,
};

/// As rustls says it, and what nobody must read there.
const REFUSALS: [(Shows, &str); 3] = [
    (Shows::Expired, "xpired"),
    (Shows::AnotherHost, "not valid for name"),
    (Shows::SignedByItself, "UnknownIssuer"),
];

#[test]
fn nothing_is_fetched_from_a_remote_whose_certificate_is_not_good() {
    let repo = ConfigRepo::from_sample();
    let path = repo.path();
    let name = path.file_name().unwrap().to_str().unwrap();
    let remote = GitHttp::serve(repo.parent(), Manner::Ordinary);
    let front = TlsFront::before(&remote.url(name));
    let url = format!("https://ana:s3cret@localhost:{}/{name}", front.port());
    let server = TestServer::with_environment(
        &[
            ("spring.cloud.config.server.git.uri", &url),
            ("spring.cloud.config.server.git.refresh-rate", "1"),
        ],
        &[("SSL_CERT_FILE", &front.authority().display().to_string())],
    )
    .ready();

    for (number, (shows, reason)) in REFUSALS.into_iter().enumerate() {
        let before = server.get("/orders/dev").json();
        front.show(shows);
        let greeting = format!("greeting: number {number}\n");
        let commit = repo.push("another greeting", &[("orders.yml", &greeting)]);
        remote.asked();
        eventually("the reason in health", || {
            let health = server.get("/actuator/health");
            assert!(!health.body.contains("s3cret"), "{health:?}");
            let git = &health.json()["components"]["git"]["details"];
            let error = git["error"].as_str().unwrap_or_default();
            expect_that(git["degraded"] == true && error.contains(reason), &health)
        });
        assert_eq!(server.get("/orders/dev").json(), before, "{shows:?}");
        assert_eq!(remote.asked(), [""; 0], "{shows:?}: it was asked something");

        front.show(Shows::Good);
        server.serves(&commit);
    }
    assert!(!server.lines().iter().any(|line| line.contains("s3cret")));
}
