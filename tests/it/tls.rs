//! TLS on the server's own port, with real clients and with those who are none.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use rustls::version::{TLS12, TLS13};

use crate::support::{
    Answer, Authority, ConfigRepo, DEADLINE, Secured, TestServer, TlsClient, eventually,
    expect_that,
};

const ORDERS: &str = "GET /orders/dev HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn start(authority: &Authority, more: &[(&str, &str)]) -> (ConfigRepo, TestServer) {
    let repo = ConfigRepo::with_long_file(20_000);
    let tls = authority.settings();
    let mut settings: Vec<_> = tls
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    settings.extend(more);
    let server = TestServer::start_with(&repo, &settings);
    (repo, server)
}

fn ready(client: &TlsClient) -> Answer {
    eventually("an answer over TLS", || {
        let answer = client
            .get("/orders/dev")
            .map_err(|error| error.to_string())?;
        expect_that(answer.status == 200, &answer)?;
        Ok(answer)
    })
}

/// The next answer of a connection that stays open.
fn answer(connection: &mut Secured) -> Answer {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        connection.read_exact(&mut byte).unwrap();
        bytes.push(byte[0]);
    }
    let length = Answer::parse(&bytes)
        .header("content-length")
        .unwrap()
        .parse();
    let mut body = vec![0; length.unwrap()];
    connection.read_exact(&mut body).unwrap();
    bytes.extend(body);
    Answer::parse(&bytes)
}

/// Everything that comes until the other side ends the connection.
fn rest(mut stream: TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut bytes = Vec::new();
    // A reset is an end as well.
    _ = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn answers_are_the_same_over_either_version_with_and_without_a_name() {
    let authority = Authority::new();
    let (_repo, server) = start(&authority, &[]);
    let expected = ready(&authority.client(server.port()));
    assert_eq!(
        expected.header("strict-transport-security"),
        Some("max-age=31536000")
    );
    for version in [&TLS12, &TLS13] {
        let client = || authority.client_with(server.port(), None, &[version]);
        for client in [client(), client().naming("localhost")] {
            let mut connection = client.open();
            // Made, kept, and several at once.
            for batch in [1, 1, 50] {
                connection
                    .write_all(ORDERS.repeat(batch).as_bytes())
                    .unwrap();
                for _ in 0..batch {
                    assert_eq!(answer(&mut connection).body, expected.body);
                }
            }
            let encrypt = "POST /encrypt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx";
            connection
                .write_all([encrypt, ORDERS].concat().as_bytes())
                .unwrap();
            assert_eq!(answer(&mut connection).status, 400);
            assert_eq!(answer(&mut connection).body, expected.body);
            let long = client.get("/long/dev").unwrap();
            assert!(long.body.contains("\"key19999\":19999"), "{}", long.status);
        }
    }
}

#[test]
fn whoever_speaks_anything_else_is_told_or_cut_off() {
    let authority = Authority::new();
    let (_repo, server) = start(&authority, &[("confbus.limits.handshake-timeout", "1s")]);
    let client = authority.client(server.port());
    ready(&client);
    let say = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
        // The other side may have heard enough.
        _ = stream.write_all(bytes);
        rest(stream)
    };
    let plain = say(ORDERS.as_bytes());
    assert!(plain.starts_with(b"HTTP/1.1 400 "), "{plain:?}");
    // An alert, and what it says: a version that is not spoken.
    assert_eq!(say(&hello(&[3, 2]))[5..], [2, 70]);
    // A hello of a mebibyte, as far as it gets, and one that is never finished.
    let record = [&[22, 3, 1, 64, 0][..], &[0; 16_384]].concat();
    let mut endless = record.clone();
    endless[5..9].copy_from_slice(&[1, 16, 0, 0]);
    assert_eq!(
        say(&[endless, record.repeat(63)].concat())
            .first()
            .unwrap_or(&21),
        &21
    );
    let began = Instant::now();
    for unfinished in [&b""[..], &[22], &hello(&[3, 3])[..20]] {
        assert_eq!(say(unfinished), b"");
    }
    assert!(began.elapsed() >= Duration::from_secs(3));
    ready(&client);
}

/// One group and one way to sign.
const EXTENSIONS: [u8; 18] = [0, 16, 0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 4, 0, 2, 4, 1];

/// A client's first words, for a version and with one old cipher.
fn hello(version: &[u8]) -> Vec<u8> {
    let rest = [
        &[7; 32][..],
        &[0],
        &[0, 2, 0xc0, 0x13],
        &[1, 0],
        &EXTENSIONS,
    ]
    .concat();
    let body = [version, &rest].concat();
    let length = u8::try_from(body.len()).unwrap();
    [&[22, 3, 1, 0, length + 4, 1, 0, 0, length][..], &body].concat()
}

#[test]
fn callers_show_a_certificate_that_somebody_trusted_vouches_for() {
    let authority = Authority::new();
    let trusted = authority.path("ca.pem").display().to_string();
    let good = authority.issue("orders.example");
    let bad = [
        Authority::new().issue("orders.example"),
        authority.issue_expired("orders.example"),
    ];
    for (client_auth, may_show_none) in [("need", false), ("want", true)] {
        let (_repo, server) = start(
            &authority,
            &[
                ("server.ssl.client-auth", client_auth),
                ("server.ssl.trust-certificate", &trusted),
            ],
        );
        for version in [&TLS12, &TLS13] {
            let client = |identity| authority.client_with(server.port(), identity, &[version]);
            ready(&client(Some(&good)));
            for bad in &bad {
                assert!(client(Some(bad)).get("/orders/dev").is_err());
            }
            let without = client(None).get("/orders/dev");
            assert_eq!(without.is_ok(), may_show_none, "{without:?}");
        }
    }
}

#[test]
fn whom_nobody_trusts_any_more_has_to_show_its_certificate_again() {
    let authority = Authority::new();
    let trusted = authority.path("trusted.pem");
    fs::copy(authority.path("ca.pem"), &trusted).unwrap();
    let good = authority.issue("orders.example");
    let (_repo, server) = start(
        &authority,
        &[
            ("server.ssl.client-auth", "want"),
            (
                "server.ssl.trust-certificate",
                &trusted.display().to_string(),
            ),
        ],
    );
    let client = |identity| authority.client_with(server.port(), identity, &[&TLS13]);
    ready(&client(Some(&good)));
    let mut shows = client(Some(&good)).open();
    let mut shows_none = client(None).open();
    let ask = |connection: &mut Secured, expected| {
        connection.write_all(ORDERS.as_bytes()).unwrap();
        assert_eq!(answer(connection).status, expected);
    };
    let mut streams = client(Some(&good)).open();
    let events = ORDERS.replace("/orders/dev", "/confbus/events");
    streams.write_all(events.as_bytes()).unwrap();
    ask(&mut shows, 200);
    ask(&mut shows_none, 401);

    authority.renew();
    server.line_with("the certificate was renewed");
    ask(&mut shows, 200);

    let others = Authority::new();
    fs::copy(others.path("ca.pem"), &trusted).unwrap();
    let mut rest = Vec::new();
    shows.read_to_end(&mut rest).unwrap();
    assert!(rest.is_empty(), "{rest:?}");
    // A stream has no end of its own.
    _ = streams.read_to_end(&mut rest);
    assert!(String::from_utf8_lossy(&rest).contains("event: hello"));
    ask(&mut shows_none, 401);
    assert!(client(Some(&good)).get("/orders/dev").is_err());
}

#[test]
fn a_renewed_certificate_is_shown_to_new_connections_and_disturbs_nobody() {
    let authority = Authority::new();
    let (_repo, server) = start(&authority, &[]);
    let client = authority.client(server.port());
    ready(&client);
    let mut old = client.open();
    let mut ask_old = || {
        old.write_all(ORDERS.as_bytes()).unwrap();
        assert_eq!(answer(&mut old).status, 200);
    };
    let shown = || {
        let mut connection = client.open();
        connection.write_all(ORDERS.as_bytes()).unwrap();
        assert_eq!(answer(&mut connection).status, 200);
        connection.conn.peer_certificates().unwrap()[0].clone()
    };
    ask_old();
    let renewed = authority.renew();
    eventually("the renewed certificate", || {
        expect_that(shown() == renewed, "")
    });
    ask_old();

    let details =
        || client.get("/actuator/health").unwrap().json()["components"]["ssl"]["details"].clone();
    fs::write(authority.path("server.pem"), "nothing of use").unwrap();
    eventually("what is wrong, in health", || {
        let details = details();
        expect_that(details["error"].is_string(), &details)
    });
    assert_eq!(shown(), renewed);
    ask_old();
    let told = server.lines();
    let told = told.iter().filter(|line| line.contains("cannot be used"));
    assert_eq!(told.count(), 1);

    let renewed = authority.renew();
    eventually("the next certificate", || {
        expect_that(shown() == renewed, "")
    });
    assert!(details()["error"].is_null(), "{}", details());
    ask_old();
}

#[test]
fn a_key_store_does_as_well() {
    let authority = Authority::new();
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let store = authority.path("server.p12").display().to_string();
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        ("server.ssl.key-store", &store),
        ("server.ssl.key-store-password", "changeit"),
    ]);
    ready(&authority.client(server.port()));
}

#[test]
fn files_that_are_of_no_use_are_named_before_anybody_is_served() {
    let authority = Authority::new();
    let file = |name: &str| authority.path(name).display().to_string();
    let (pem, key, ca) = (file("server.pem"), file("server.key"), file("ca.pem"));
    for (settings, expected) in [
        (
            &[("server.ssl.enabled", "true")][..],
            "there is no `server.ssl.certificate`",
        ),
        (&[("server.ssl.certificate", &pem)], "holds no private key"),
        (&[("server.ssl.certificate", "/no/such")], "names no file"),
        (
            &[
                ("server.ssl.certificate", &ca),
                ("server.ssl.certificate-private-key", &key),
            ],
            "ca.pem: ",
        ),
        (
            &[
                ("server.ssl.certificate", &pem),
                ("server.ssl.certificate-private-key", &key),
                ("server.ssl.client-auth", "need"),
            ],
            "nobody vouches for callers",
        ),
        (
            &[
                ("server.ssl.certificate", &pem),
                ("server.ssl.certificate-private-key", &key),
                ("server.ssl.enabled-protocols", "TLSv1.1,TLSv1.2"),
            ],
            "names others than `TLSv1.2` and `TLSv1.3`",
        ),
        (
            &[
                ("server.ssl.key-store", &ca),
                ("server.ssl.key-store-type", "JKS"),
            ],
            "is not PKCS12",
        ),
        (
            &[("server.ssl.ciphers", "X")],
            "`server.ssl.ciphers` is not supported",
        ),
    ] {
        let said = refusal(settings);
        assert!(said.contains(expected), "{settings:?}: {said}");
    }
}

/// What a server says that does not start.
fn refusal(settings: &[(&str, &str)]) -> String {
    let arguments = settings
        .iter()
        .map(|(key, value)| format!("--{key}={value}"));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_confbus"))
        .arg("serve")
        .args(arguments)
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}
