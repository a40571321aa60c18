use std::net::TcpListener;

use super::{PASSWORD, server, server_that_trusts, standing};
use crate::support::{ConfigRepo, Shows, StatusHost, TlsFront, eventually, expect_that};

const ZONE: &str = "eureka.client.service-url.defaultZone";
/// eureka:pw-of-the-registry-9Kd2
const LOGIN: &str = "Basic ZXVyZWthOnB3LW9mLXRoZS1yZWdpc3RyeS05S2Qy";

/// Peers there, and what else is said of the instance.
fn settings(zone: &str) -> [(&str, &str); 4] {
    [
        (ZONE, zone),
        ("eureka.instance.instance-id", "config-1"),
        ("eureka.instance.lease-renewal-interval-in-seconds", "1"),
        ("eureka.instance.metadata-map.password", PASSWORD),
    ]
}

#[test]
fn a_registry_hears_when_a_server_comes_stays_and_goes() {
    let repo = ConfigRepo::from_sample();
    let peer = StatusHost::start();
    let address = peer.url().replace("//", &format!("//eureka:{PASSWORD}@"));
    // Nobody listens at the first one.
    let zone = format!("http://127.0.0.1:1/eureka/,{address}/eureka/");
    let mut server = server(&repo, &settings(&zone));
    let posts = eventually("two renewals", || {
        let posts = peer.posts();
        expect_that(posts.len() > 2, &posts).map(|()| posts)
    });
    assert_eq!(posts[0].path, "/eureka/apps/CONFIGSERVER");
    assert_eq!(posts[0].headers["authorization"], LOGIN);
    assert_eq!(posts[0].headers["content-type"], "application/json");
    let instance = &posts[0].body["instance"];
    assert_eq!(instance["vipAddress"], "configserver");
    assert_eq!(instance["port"]["$"], server.port());
    assert_eq!(instance["metadata"]["configPath"], "/cfg");
    let renewal = "PUT /eureka/apps/CONFIGSERVER/config-1?status=UP&lastDirtyTimestamp=";
    assert!(posts[1].path.starts_with(renewal), "{}", posts[1].path);

    let standing = standing(&server, "eureka");
    assert_eq!(standing["registered"], true, "{standing}");
    assert_eq!(standing["server"], format!("{}/eureka", peer.url()));
    let metrics = server.get("/metrics").body;
    assert!(
        metrics.contains("confbus_registered{registry=\"eureka\"} 1"),
        "{metrics}"
    );

    server.running().signal("TERM");
    assert!(server.running().wait().success());
    let last = peer.posts().pop().unwrap();
    assert_eq!(
        last.path,
        "DELETE /eureka/apps/CONFIGSERVER/config-1 HTTP/1.1"
    );
    let told = server.lines().join("\n");
    assert!(
        told.contains("registered") && !told.contains(PASSWORD),
        "{told}"
    );
}

#[test]
fn a_registry_that_has_forgotten_a_server_is_told_anew_and_one_that_fails_is_passed_over() {
    let repo = ConfigRepo::from_sample();
    let [first, second] = [(); 2].map(|()| StatusHost::start());
    // It takes the server, has forgotten it, takes it again, and breaks.
    first.answer(&[
        "204 No Content",
        "404 Not Found",
        "204 No Content",
        "503 Service Unavailable",
    ]);
    let [one, other] = [&first, &second].map(|peer| format!("{}/eureka/", peer.url()));
    let mut server = server(&repo, &settings(&format!("{one},{other}")));
    let elsewhere = eventually("two renewals elsewhere", || {
        let posts = second.posts();
        expect_that(posts.len() > 1, &posts).map(|()| posts)
    });
    let asked = first.posts();
    let registers = "/eureka/apps/CONFIGSERVER";
    let registrations = asked.iter().map(|post| post.path == registers);
    assert_eq!(
        registrations.collect::<Vec<_>>(),
        [true, false, true, false],
        "who answered last is asked first: {asked:?}"
    );
    assert!(elsewhere[0].path.starts_with("PUT "), "{elsewhere:?}");

    second.answer(&["404 Not Found"; 3]);
    eventually("a registration elsewhere", || {
        let posts = second.posts();
        let mut posts = posts.iter();
        expect_that(posts.any(|post| post.path == registers), "none")
    });
    server.running().signal("TERM");
    assert!(server.running().wait().success());
}

#[test]
fn a_registry_over_tls_hears_of_nobody_until_its_certificate_is_good() {
    let repo = ConfigRepo::from_sample();
    let peer = StatusHost::start();
    let front = TlsFront::before(&peer.url());
    front.show(Shows::AnotherHost);
    let at = format!("localhost:{}/eureka", front.port());
    let zone = format!("https://eureka:{PASSWORD}@{at}/");
    let authority = front.authority().display().to_string();
    let trusts = [("SSL_CERT_FILE", authority.as_str())];
    let server = server_that_trusts(&repo, &settings(&zone), &trusts);
    for (shows, reason) in [
        (Shows::AnotherHost, "not valid for name"),
        (Shows::SignedByItself, "UnknownIssuer"),
        (Shows::Expired, "xpired"),
    ] {
        front.show(shows);
        eventually("what is wrong", || {
            let standing = standing(&server, "eureka");
            let error = standing["error"].as_str().unwrap_or_default();
            expect_that(error.contains(reason), &standing)
        });
    }
    assert!(peer.posts().is_empty(), "it was told who asks");

    front.show(Shows::Good);
    let posts = eventually("a renewal", || {
        let posts = peer.posts();
        expect_that(posts.len() > 1, &posts).map(|()| posts)
    });
    assert!(
        posts
            .iter()
            .all(|post| post.headers["authorization"] == LOGIN)
    );
    let standing = standing(&server, "eureka");
    assert_eq!(standing["server"], format!("https://{at}"), "{standing}");
    assert!(!server.lines().join("\n").contains(PASSWORD));
}

#[test]
fn nobody_waits_for_a_registry_that_is_silent() {
    let repo = ConfigRepo::from_sample();
    // Connections wait in the kernel, and nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = silent.local_addr().unwrap();
    let zone = format!("http://eureka:{PASSWORD}@{at}/eureka/");
    let mut server = server(&repo, &settings(&zone));
    eventually("an answer", || {
        let answer = server.get("/cfg/orders/dev");
        expect_that(answer.status == 200, &answer)
    });
    eventually("what is wrong", || {
        let standing = standing(&server, "eureka");
        expect_that(standing["error"] == "it did not answer in time", &standing)
    });
    assert_eq!(standing(&server, "eureka")["registered"], false);
    let health = server.get("/actuator/health");
    assert_eq!(health.status, 200);
    assert_eq!(health.json()["status"], "UP");
    server.running().signal("TERM");
    assert!(server.running().wait().success());
    let told = server.lines().join("\n");
    assert!(told.contains("until its lease ends"), "{told}");
    assert!(!told.contains(PASSWORD), "{told}");
}
