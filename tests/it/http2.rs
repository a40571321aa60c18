//! HTTP/2, where a setting says so: the same answers as over HTTP/1.1, and the same bounds.

use std::{process::Command, time::Instant};

use crate::support::{
    Authority, ConfigRepo, DEADLINE, Request, TestServer, eventually, expect_that,
    http2::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, Http2, INITIAL_WINDOW, PING,
        RST_STREAM, head,
    },
    skipped_without,
};

const ON: (&str, &str) = ("server.http2.enabled", "true");
/// Of the goodbye of a connection.
const GOAWAY: u8 = 7;

fn start(more: &[(&str, &str)]) -> (ConfigRepo, TestServer) {
    let repo = ConfigRepo::with_long_file(2_000);
    let server = TestServer::start_with(&repo, more).ready();
    (repo, server)
}

/// Whether it still answers others.
fn is_well(server: &TestServer) {
    assert_eq!(server.get("/orders/dev").status, 200);
}

#[test]
fn answers_are_those_of_http_1() {
    let (_repo, server) = start(&[ON, ("encrypt.key", "a key that is long enough")]);
    for path in [
        "/orders/dev",
        "/orders/dev",
        "/long/dev",
        "/orders-dev.yml",
        "/actuator/health",
        "/_/",
    ] {
        let expected = server.get(path);
        let mut connection = Http2::connect(server.port(), &[]);
        connection.get(1, path, &[]).unwrap();
        let (status, body) = connection.answer(1).unwrap();
        assert_eq!(status, expected.status, "{path}");
        let is_page = path == "/_/";
        assert!(is_page || body == expected.bytes, "{path}");
    }
    let mut connection = Http2::connect(server.port(), &[]);
    for number in 0..20 {
        connection.get(2 * number + 1, "/orders/prod", &[]).unwrap();
    }
    let mut left = 20;
    while left > 0 {
        let frame = connection.next().unwrap();
        left -= u32::from(frame.kind == DATA && frame.flags & END_STREAM != 0);
    }
    let block = head("POST", "/encrypt", &[("content-type", "text/plain")]);
    connection.send(HEADERS, END_HEADERS, 41, &block).unwrap();
    connection.send(DATA, END_STREAM, 41, b"text").unwrap();
    let (status, body) = connection.answer(41).unwrap();
    assert_eq!((status, body.len() > 32), (200, true));

    // Who is not of this machine is not over HTTP/2, either.
    for (name, value) in [("host", "evil.example"), ("x-forwarded-for", "192.0.2.7")] {
        let mut connection = Http2::connect(server.port(), &[]);
        connection.get(1, "/orders/dev", &[(name, value)]).unwrap();
        let (status, _) = connection.answer(1).unwrap();
        assert!(matches!(status, 400 | 401), "{name}: {status}");
    }
    is_well(&server);
}

#[test]
fn nobody_speaks_it_unless_a_setting_says_so() {
    let (_repo, server) = start(&[]);
    let mut connection = Http2::connect(server.port(), &[]);
    _ = connection.get(1, "/orders/dev", &[]);
    assert_eq!(connection.answer(1), None);
    is_well(&server);
}

#[test]
fn tls_offers_it_where_a_setting_says_so() {
    if Command::new("curl").arg("--version").output().is_err() {
        return skipped_without("curl", "curl");
    }
    let authority = Authority::new();
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    for (enabled, expected) in [("true", "2"), ("false", "1.1")] {
        let tls = authority.settings();
        let tls = tls.iter().map(|(key, value)| (*key, value.as_str()));
        let mut settings: Vec<_> = tls.collect();
        settings.push(("spring.cloud.config.server.git.uri", &uri));
        settings.push(("server.http2.enabled", enabled));
        let server = TestServer::with(&settings);
        let url = format!("https://localhost:{}/readyz", server.port());
        let version = Command::new("curl")
            .args([
                "-sk",
                "--http2",
                "-o",
                "/dev/null",
                "-w",
                "%{http_version}",
                &url,
            ])
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&version.stdout), expected);
    }
}

#[test]
fn requests_that_are_taken_back_again_and_again_end_their_connection() {
    let (_repo, server) = start(&[ON]);
    let mut connection = Http2::connect(server.port(), &[]);
    for number in 0..20_000 {
        let stream = 2 * number + 1;
        // Each is another one, so that none is kept.
        let asked = connection.get(stream, &format!("/orders/p{number}"), &[]);
        let taken_back = asked.and_then(|()| connection.send(RST_STREAM, 0, stream, &[0, 0, 0, 8]));
        if taken_back.is_err() {
            break;
        }
    }
    // It says so, or is just gone; what matters is that nothing more is read.
    assert!(connection.send(PING, 0, 0, &[0; 8]).is_err() || !connection.rest().contains(&PING));
    is_well(&server);
}

#[test]
fn a_head_without_an_end_ends_its_connection() {
    let (_repo, server) = start(&[ON]);
    let mut connection = Http2::connect(server.port(), &[]);
    let block = head("GET", "/orders/dev", &[("x-long", &"x".repeat(16 << 10))]);
    connection
        .send(HEADERS, END_STREAM, 1, &block[..64])
        .unwrap();
    let mut sent = 0;
    while sent < 64 << 20 && connection.send(CONTINUATION, 0, 1, &[0; 16 << 10]).is_ok() {
        sent += 16 << 10;
    }
    assert!(sent < 64 << 20);
    is_well(&server);

    // One that is too long and has an end is refused alone.
    let mut connection = Http2::connect(server.port(), &[]);
    let long = "x".repeat(15 << 10);
    let fields = [("x-a", long.as_str()), ("x-b", &long), ("x-c", &long)];
    let block = head("GET", "/orders/dev", &fields);
    let (first, rest) = block.split_at(16 << 10);
    let (second, third) = rest.split_at(16 << 10);
    connection.send(HEADERS, END_STREAM, 1, first).unwrap();
    connection.send(CONTINUATION, 0, 1, second).unwrap();
    connection
        .send(CONTINUATION, END_HEADERS, 1, third)
        .unwrap();
    let answer = connection.answer(1).map(|(status, _)| status);
    assert!(matches!(answer, None | Some(431)), "{answer:?}");
}

#[test]
fn requests_that_are_given_up_while_they_are_answered_end_their_connection() {
    let (_repo, server) = start(&[ON, ("encrypt.key", "a key that is long enough")]);
    let mut connection = Http2::connect(server.port(), &[]);
    let block = head("POST", "/encrypt", &[("content-type", "text/plain")]);
    let ended = (0..500).any(|number| {
        let stream = 2 * number + 1;
        // It waits for its body once it was seen.
        connection
            .send(HEADERS, END_HEADERS, stream, &block)
            .is_err()
            || connection.ping().is_none()
            || connection
                .send(RST_STREAM, 0, stream, &[0, 0, 0, 8])
                .is_err()
    });
    assert!(ended);
    is_well(&server);
}

#[test]
fn whoever_lets_the_server_wait_is_cut_off() {
    let (_repo, server) = start(&[
        ON,
        ("confbus.limits.head-timeout", "300ms"),
        ("confbus.limits.idle-timeout", "500ms"),
        ("confbus.limits.send-timeout", "500ms"),
    ]);
    // Says that it is there, which is no reason to wait for it.
    let is_cut_off = |mut connection: Http2| {
        let began = Instant::now();
        while connection.ping().is_some() {
            assert!(began.elapsed() < DEADLINE, "it is still there");
        }
    };
    is_cut_off(Http2::connect(server.port(), &[]));
    let mut asked = Http2::connect(server.port(), &[]);
    asked.get(1, "/orders/dev", &[]).unwrap();
    assert_eq!(asked.answer(1).unwrap().0, 200);
    is_cut_off(asked);
    let mut slow = Http2::connect(server.port(), &[(INITIAL_WINDOW, 1)]);
    slow.get(1, "/long/dev", &[]).unwrap();
    is_cut_off(slow);
    is_well(&server);
}

#[test]
fn a_request_beside_others_counts_as_a_connection() {
    let (_repo, server) = start(&[
        ON,
        ("confbus.limits.this-machine", "true"),
        ("confbus.limits.connections-per-address", "3"),
    ]);
    let mut connection = Http2::connect(server.port(), &[]);
    for stream in [1, 3, 5] {
        connection.get(stream, "/confbus/events", &[]).unwrap();
        loop {
            let frame = connection.next().unwrap();
            if (frame.kind, frame.stream) == (HEADERS, stream) {
                break;
            }
        }
    }
    connection.get(7, "/orders/dev", &[]).unwrap();
    assert_eq!(connection.answer(7).unwrap().0, 503);
    // They are gone with their connection.
    drop(connection);
    eventually("room", || {
        let answer = Request::get("/orders/dev").send(server.port());
        let status = answer.map(|answer| answer.status);
        expect_that(matches!(status, Ok(200)), status)
    });
}

#[test]
fn a_server_that_stops_says_goodbye() {
    let (_repo, mut server) = start(&[ON]);
    let mut connection = Http2::connect(server.port(), &[]);
    connection.get(1, "/orders/dev", &[]).unwrap();
    assert_eq!(connection.answer(1).unwrap().0, 200);
    server.running().signal("TERM");
    assert!(connection.rest().contains(&GOAWAY));
    assert!(server.running().wait().success());
}
