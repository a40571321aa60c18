//! What callers may send, how often, and how long they may take: each bound at its limit and beyond.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use crate::support::{Answer, ConfigRepo, DEADLINE, Request, TestServer, eventually, expect_that};

fn start(more: &[(&str, &str)]) -> (ConfigRepo, TestServer) {
    let repo = ConfigRepo::with_long_file(2_000);
    let server = TestServer::start_with(&repo, more);
    (repo, server)
}

fn connect(server: &TestServer) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// The status of the answer to these bytes; nothing when the connection just ends.
fn status(server: &TestServer, bytes: &[u8]) -> Option<u16> {
    let mut stream = connect(server);
    // The answer may come before everything is said.
    _ = stream.write_all(bytes);
    let mut head = [0; 12];
    stream.read_exact(&mut head).ok()?;
    str::from_utf8(&head[9..]).ok()?.parse().ok()
}

fn fields(count: usize) -> String {
    (0..count)
        .map(|number| format!("X-{number}: 1\r\n"))
        .collect()
}

#[test]
fn every_shape_of_a_request_has_its_status() {
    let (_repo, server) = start(&[]);
    let server = server.ready();
    let get = |target: &str, more: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n")
    };
    let post = |path: &str, more: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n{more}\r\n")
    };
    let target =
        |length: usize| format!("/orders/dev?{}", "x".repeat(length - "/orders/dev".len()));
    let chunked = "Transfer-Encoding: chunked\r\n";
    let both = format!("Content-Length: 5\r\n{chunked}");
    let turned = format!("{chunked}Content-Length: 5\r\n");
    for (text, expected) in [
        (get("/orders/dev", ""), 200),
        // As long as it may be, and longer.
        (get(&target(8 << 10), ""), 200),
        (get(&target((8 << 10) + 1), ""), 414),
        (get(&target(64 << 10), ""), 431),
        (get("/orders/dev", &fields(99)), 200),
        (get("/orders/dev", &fields(100)), 431),
        (
            get("/orders/dev", &format!("X: {}\r\n", "x".repeat(31 << 10))),
            200,
        ),
        (
            get("/orders/dev", &format!("X: {}\r\n", "x".repeat(33 << 10))),
            431,
        ),
        (
            post(
                "/encrypt",
                &format!("Content-Length: {}\r\n", (64 << 10) + 1),
            ),
            413,
        ),
        (
            post(
                "/monitor",
                &format!("Content-Length: {}\r\n", (1 << 20) + 1),
            ),
            413,
        ),
        (
            post(
                "/actuator/busenv",
                &format!("Content-Length: {}\r\n", (64 << 10) + 1),
            ),
            413,
        ),
        // Two ways to say the length.
        (post("/encrypt", &both) + "0\r\n\r\n", 400),
        (post("/encrypt", &turned) + "0\r\n\r\n", 400),
        (post("/encrypt", &(fields(40) + &both)) + "0\r\n\r\n", 400),
        (
            post("/encrypt", "Content-Length: 1\r\nContent-Length: 2\r\n") + "xx",
            400,
        ),
        (post("/encrypt", "Content-Length: +1\r\n") + "x", 400),
        (post("/encrypt", "Transfer-Encoding: gzip\r\n"), 400),
        (post("/encrypt", chunked) + "xyz\r\n", 400),
        (get("/orders/dev", &both), 400),
        // Whom it is for.
        (get("/orders/dev", "Host: localhost\r\n"), 400),
        (get("/orders/dev", "Host: 127.0.0.1\r\n"), 400),
        ("GET /orders/dev HTTP/1.1\r\n\r\n".into(), 400),
        ("GET /orders/dev HTTP/1.0\r\n\r\n".into(), 200),
        (get("http://localhost/orders/dev", ""), 200),
        (get("http://127.0.0.1/orders/dev", ""), 400),
        // Methods and forms that nobody needs.
        ("GET /orders/dev\r\n\r\n".into(), 400),
        // No answer that such a client would understand.
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 0),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n".into(), 404),
        (
            "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n".into(),
            404,
        ),
        (
            "TRACE /orders/dev HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
            405,
        ),
        (
            "get /orders/dev HTTP/1.1\r\nHost: localhost\r\n\r\n".into(),
            405,
        ),
        (
            "GET /orders/dev HTTP/1.1\r\nHost: localhost\r\n folded: x\r\n\r\n".into(),
            400,
        ),
        (
            "GET /orders/dev HTTP/1.1\r\nHost : localhost\r\n\r\n".into(),
            400,
        ),
        ("\0".repeat(64), 400),
    ] {
        let shown: String = text.chars().take(120).collect();
        let given = status(&server, text.as_bytes()).unwrap_or_default();
        assert_eq!(given, expected, "{shown}");
    }
}

#[test]
fn who_is_still_speaking_hears_the_answer_and_is_then_cut_off() {
    let (_repo, server) = start(&[]);
    let server = server.ready();
    // More than the system takes from one and keeps for the other.
    let body = "x".repeat(15 << 20);
    let post = |more: &str| format!("POST /monitor HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
    let length = format!("Content-Length: {}\r\n", body.len());
    for (text, status) in [
        (post(&length) + &body, "413"),
        (post(&format!("X: {body}\r\n")), "431"),
    ] {
        let mut stream = connect(&server);
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(&answer[9..12], status);
        // Nothing is said to who goes on, nor is it listened to.
        eventually("the connection is gone", || {
            expect_that(stream.write_all(b"x").is_err(), "it is there")
        });
    }
}

#[test]
fn nothing_follows_a_body_whose_length_is_not_said() {
    let (_repo, server) = start(&[]);
    let server = server.ready();
    let mut stream = connect(&server);
    let hidden = "GET /orders/dev HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let chunked =
        "POST /encrypt HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    stream
        .write_all([chunked, hidden].concat().as_bytes())
        .unwrap();
    let mut answers = String::new();
    _ = stream.read_to_string(&mut answers);
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
    assert!(answers.contains("Connection: close"), "{answers}");
}

#[test]
fn whoever_lets_the_server_wait_is_cut_off_in_time() {
    let (_repo, server) = start(&[
        ("confbus.limits.idle-timeout", "5s"),
        ("confbus.limits.head-timeout", "500ms"),
        ("confbus.limits.body-timeout", "500ms"),
    ]);
    let server = server.ready();
    let head = "GET /orders/dev HTTP/1.1\r\nHost: localhost\r\n";
    // The server looks at its clock now and then, so it may be a bit early.
    for (begun, least, most) in [
        ("", Duration::from_secs(4), DEADLINE),
        // For whoever begins, idling does not count.
        ("G", Duration::from_millis(300), Duration::from_secs(4)),
        (head, Duration::from_millis(300), Duration::from_secs(4)),
    ] {
        let mut stream = connect(&server);
        let began = Instant::now();
        stream.write_all(begun.as_bytes()).unwrap();
        let mut rest = Vec::new();
        _ = stream.read_to_end(&mut rest);
        let waited = began.elapsed();
        assert!(waited >= least && waited < most, "{begun:?}: {waited:?}");
    }
    let post = "POST /encrypt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx";
    assert_eq!(status(&server, post.as_bytes()), Some(408));
}

/// Byte by byte a head never ends, however busy its sender.
#[test]
fn a_head_that_comes_byte_by_byte_is_cut_off() {
    let (_repo, server) = start(&[("confbus.limits.head-timeout", "500ms")]);
    let server = server.ready();
    for more in [0, 40] {
        let mut stream = connect(&server);
        stream.set_nodelay(true).unwrap();
        let begun = format!(
            "GET /orders/dev HTTP/1.1\r\nHost: localhost\r\n{}X: ",
            fields(more)
        );
        stream.write_all(begun.as_bytes()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_millis(5)))
            .unwrap();
        eventually("the end of the connection", || {
            let ended = stream.write_all(b"x").is_err() || matches!(stream.read(&mut [0]), Ok(0));
            expect_that(ended, "it goes on")
        });
    }
}

#[test]
fn an_answer_that_nobody_takes_does_not_wait_for_ever() {
    let (_repo, server) = start(&[("confbus.limits.send-timeout", "500ms")]);
    let server = server.ready();
    let ask = "GET /long/dev HTTP/1.1\r\nHost: localhost\r\n\r\n";
    // Kept answers, and those that another one writes.
    for request in [
        ask.to_owned(),
        ask.replacen("\r\n", &format!("\r\n{}", fields(40)), 1),
    ] {
        let mut stream = connect(&server);
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        let batch = request.repeat(100);
        let began = Instant::now();
        while stream.write_all(batch.as_bytes()).is_ok() {
            assert!(
                began.elapsed() < DEADLINE,
                "it is sent answers that it does not read"
            );
        }
        assert!(began.elapsed() < DEADLINE);
    }
}

#[test]
fn an_address_has_so_many_connections_and_the_next_one_is_told() {
    let (_repo, server) = start(&[
        ("confbus.limits.connections-per-address", "2"),
        ("confbus.limits.this-machine", "true"),
    ]);
    let server = server.ready();
    let get = b"GET /orders/dev HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let open = || {
        let mut stream = connect(&server);
        stream.write_all(get).unwrap();
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        // Whoever asked whether the server is ready may still be there.
        assert_eq!(status, *b"HTTP/1.1 200");
        stream
    };
    let _two = eventually("room for two", || {
        let two = std::panic::catch_unwind(|| [open(), open()]);
        two.map_err(|_| "refused".to_owned())
    });
    for (path, status, wait) in [
        ("/orders/dev", 503, Some("1")),
        ("/actuator/health", 200, None),
    ] {
        let mut third = connect(&server);
        let get = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        third.write_all(get.as_bytes()).unwrap();
        let mut answer = Vec::new();
        _ = third.read_to_end(&mut answer);
        let answer = Answer::parse(&answer);
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("retry-after"), wait, "{path}");
    }
}

#[test]
fn who_says_nothing_keeps_nobody_from_hearing_how_the_server_is() {
    let (_repo, server) = start(&[
        ("confbus.limits.connections", "1"),
        ("confbus.limits.head-timeout", "10m"),
        ("confbus.limits.idle-timeout", "10m"),
    ]);
    let server = server.ready();
    let _silent: Vec<_> = (0..80).map(|_| connect(&server)).collect();
    let get = b"GET /actuator/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    eventually("health", || match status(&server, get) {
        Some(200) => Ok(()),
        other => Err(format!("{other:?}")),
    });
}

#[test]
fn what_costs_something_may_be_asked_for_so_often() {
    let (_repo, server) = start(&[
        ("confbus.limits.rates.encryption", "2"),
        ("confbus.limits.rates.webhooks", "1"),
        ("confbus.limits.this-machine", "true"),
    ]);
    let server = server.ready();
    for (path, expected) in [
        ("/encrypt", [false, false, true]),
        ("/monitor", [false, true, true]),
        ("/actuator/busrefresh", [false; 3]),
    ] {
        for is_refused in expected {
            let answer = server.post(path);
            assert_eq!(answer.status == 429, is_refused, "{path}: {answer:?}");
            let wait = answer
                .header("retry-after")
                .map(|wait| wait.parse::<u64>().unwrap());
            assert_eq!(
                wait.is_some_and(|wait| (1..=60).contains(&wait)),
                is_refused
            );
        }
    }
    // Reads are not counted.
    assert!((0..50).all(|_| server.get("/orders/dev").status == 200));
}

#[test]
fn management_has_a_port_of_its_own_where_that_is_set() {
    let (_repo, server) = start(&[
        ("management.server.port", "0"),
        ("encrypt.key", "a pass phrase that nobody guesses"),
    ]);
    let server = server.ready();
    let line = server.line_with("management has a port of its own");
    let address: SocketAddr = line.rsplit('=').next().unwrap().trim().parse().unwrap();
    assert_ne!(address.port(), server.port());
    let encrypt = Request::post("/encrypt", "x").header("Content-Type", "text/plain");
    for (request, main, management) in [
        (Request::get("/orders/dev"), 200, 404),
        (Request::get("/orders-dev.yml"), 200, 404),
        (Request::get("/actuator/health"), 404, 200),
        (Request::get("/actuator/health/liveness"), 200, 200),
        (Request::get("/actuator/health/readiness"), 200, 200),
        (Request::get("/actuator/info"), 404, 200),
        (Request::post("/actuator/busrefresh", ""), 404, 204),
        (Request::get("/_/api/instances"), 404, 200),
        // Where nothing is managed, there is no configuration of an application with that name either.
        (Request::get("/actuator/prod"), 404, 404),
        (Request::get("/actuator/health/prod/main"), 404, 404),
        (Request::get("/_/api/orders-dev.yml"), 404, 404),
        (Request::get("/bus/refresh"), 200, 404),
        (encrypt, 404, 200),
    ] {
        let answer = server.send(&request);
        assert_eq!(answer.status, main, "{request:?}: {answer:?}");
        let answer = request.send(address.port()).unwrap();
        assert_eq!(answer.status, management, "{request:?}: {answer:?}");
    }
}

#[test]
fn answers_tell_browsers_to_take_them_for_nothing_else() {
    let (_repo, server) = start(&[]);
    let server = server.ready();
    for (path, is_shown) in [
        ("/orders/dev", false),
        ("/orders/prod/main/nginx.conf", false),
        ("/actuator/health", false),
        ("/a%2Fb", true),
    ] {
        let answer = server.get(path);
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        let policy = answer.header("content-security-policy");
        assert_eq!(
            policy == Some("default-src 'none'"),
            is_shown,
            "{path}: {answer:?}"
        );
        assert_eq!(answer.header("strict-transport-security"), None);
        assert_eq!(answer.header("server"), None);
    }
}
