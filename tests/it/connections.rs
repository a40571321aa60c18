//! Connections carry the same bytes whoever answers, and lose nothing between two who do.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use crate::support::{ConfigRepo, DEADLINE, TestServer};

const ORDERS: &str = "GET /orders/dev HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// A kept-alive connection.
struct Connection(BufReader<TcpStream>);

/// An answer, byte for byte but for the time.
#[derive(Debug, PartialEq, Eq)]
struct Whole {
    head: Vec<String>,
    body: String,
}

impl Connection {
    fn open(server: &TestServer) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn answer(&mut self) -> Whole {
        self.answer_to("GET")
    }

    fn answer_to(&mut self, method: &str) -> Whole {
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            match line.as_str() {
                "\r\n" => break,
                "" => panic!("the connection ended after {head:?}"),
                _ if line.starts_with("Date: ") => head.push("Date".to_owned()),
                _ => head.push(line),
            }
        }
        let length = head
            .iter()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .map_or(0, |length| length.trim().parse().unwrap());
        let mut body = vec![0; if method == "HEAD" { 0 } else { length }];
        self.0.read_exact(&mut body).unwrap();
        let body = String::from_utf8_lossy(&body).into_owned();
        Whole { head, body }
    }

    fn ask(&mut self, text: &str) -> Whole {
        self.say(text);
        self.answer()
    }
}

fn start() -> (ConfigRepo, TestServer) {
    let repo = ConfigRepo::with_long_file(300);
    let server = TestServer::start_with(&repo, &[("confbus.server.threads", "1")]);
    (repo, server.ready())
}

/// With more fields than are read before hyper sees the request.
fn with_many_fields(request: &str) -> String {
    let fields: String = (0..40)
        .map(|number| format!("X-Field-{number}: 1\r\n"))
        .collect();
    request.replacen("\r\n", &format!("\r\n{fields}"), 1)
}

#[test]
fn an_answer_has_the_same_bytes_whoever_sends_it() {
    let (_repo, server) = start();
    let mut connection = Connection::open(&server);
    let get = |path: &str, fields: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n")
    };
    let tagged = connection.ask(&get("/orders/dev", ""));
    let tag = tagged
        .head
        .iter()
        .find_map(|line| line.strip_prefix("Etag: "));
    let known = format!("if-none-match: {}", tag.unwrap());
    for request in [
        get("/orders/dev", ""),
        get("/orders/dev", "ACCEPT: */*\r\nConnection: keep-alive\r\n"),
        get("/orders/dev", &known),
        get("/orders-dev.yml", ""),
        get("/orders-dev.properties?resolvePlaceholders=false", ""),
        get("/orders/prod/main/nginx.conf", ""),
        get("/orders/prod/main/no-such-file", ""),
        get("/long/dev", ""),
        get("/long/dev", "Accept-Encoding: gzip\r\n"),
    ] {
        let made = connection.ask(&request);
        for _ in 0..2 {
            let kept = connection.ask(&request);
            let by_hyper = connection.ask(&with_many_fields(&request));
            assert_eq!(kept, by_hyper, "{request}");
            let tells_time = made.body.contains("timestamp");
            assert!(tells_time || kept == made, "{request}: {kept:?} {made:?}");
        }
    }
    let last = get("/orders/dev", "Connection: close\r\n");
    let mut other = Connection::open(&server);
    let kept = connection.ask(&last);
    assert_eq!(kept, other.ask(&with_many_fields(&last)));
    assert_eq!(connection.0.read(&mut [0]).unwrap(), 0);
    assert_eq!(other.0.read(&mut [0]).unwrap(), 0);
}

#[test]
fn requests_that_come_together_are_answered_in_their_order() {
    let (_repo, server) = start();
    let mut connection = Connection::open(&server);
    let expected = connection.ask(ORDERS);
    let unknown = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let head = ORDERS.replacen("GET", "HEAD", 1);
    let body = "x".repeat(100);
    let post = format!(
        "POST /encrypt HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let batch = [
        ORDERS,
        unknown,
        ORDERS,
        &head,
        ORDERS,
        &with_many_fields(ORDERS),
        ORDERS,
    ];
    let whole = batch.concat();
    // At once, and cut anywhere.
    let cuts = [whole.len(), 1, 7, 64, ORDERS.len() + 1];
    for cut in cuts {
        for part in whole.as_bytes().chunks(cut) {
            connection.say(str::from_utf8(part).unwrap());
        }
        for request in batch {
            let answer = connection.answer_to(&request[..4]);
            let is_unknown = request == unknown;
            assert_eq!(answer.head[0].contains("404"), is_unknown, "{answer:?}");
            if request.starts_with("GET /o") {
                assert_eq!(answer, expected, "pieces of {cut} bytes");
            }
        }
    }
    // What has a body is read by one who knows where it ends.
    connection.say(&[ORDERS, &post, ORDERS, ORDERS].concat());
    let answers = [(); 4].map(|()| connection.answer());
    for number in [0, 2, 3] {
        assert_eq!(answers[number], expected);
    }
    assert_ne!(answers[1], expected);
}

#[test]
fn whoever_reads_late_gets_everything() {
    let (_repo, server) = start();
    let mut connection = Connection::open(&server);
    let long = "GET /long/dev HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let expected = connection.ask(long);
    assert!(expected.body.len() > 2_000);
    const REQUESTS: usize = 3_000;
    let mut writer = connection.0.get_ref().try_clone().unwrap();
    let asking = std::thread::spawn(move || writer.write_all(long.repeat(REQUESTS).as_bytes()));
    for number in 0..REQUESTS {
        assert_eq!(connection.answer(), expected, "answer {number}");
    }
    asking.join().unwrap().unwrap();
}

#[test]
fn nobody_is_sent_what_another_did_not_wait_for() {
    let (_repo, server) = start();
    let mut connection = Connection::open(&server);
    connection.ask(ORDERS);
    for _ in 0..200 {
        let mut gone = Connection::open(&server);
        gone.say(ORDERS);
        // An answer that is there and is not read makes the system break the connection at its end.
        gone.0.get_ref().peek(&mut [0]).unwrap();
        gone.say(ORDERS);
        drop(gone);
        let answer = connection.ask("GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert!(answer.head[0].contains("404"), "{answer:?}");
    }
}
