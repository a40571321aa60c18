//! Behind gateways: whose word counts, who is counted, and where links lead.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::SocketAddr,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::UnixStream,
    },
    path::Path,
};

use socket2::{Domain, Socket, Type};

use crate::support::{
    Answer, ConfigRepo, DEADLINE, Nginx, Request, Running, TestServer, eventually, expect_that,
};

const USER: &str = "ana";
const PASSWORD: &str = "correct horse battery";
/// Whatever gateways may say, in both ways.
const SAID: [(&str, &str); 6] = [
    ("Forwarded", "for=192.0.2.7;proto=https;host=config.example"),
    ("X-Forwarded-For", "192.0.2.7"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "config.example"),
    ("X-Forwarded-Port", "8443"),
    ("X-Forwarded-Prefix", "/config"),
];

fn start(more: &[(&str, &str)]) -> (ConfigRepo, TestServer) {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let mut settings = vec![
        ("spring.cloud.config.server.git.uri", uri.as_str()),
        ("spring.security.user.name", USER),
        ("spring.security.user.password", PASSWORD),
    ];
    settings.extend(more);
    let server = TestServer::with(&settings);
    eventually("readiness", || {
        let context = more.iter().find(|(key, _)| key.ends_with("context-path"));
        let path = format!("{}/readyz", context.map_or("", |(_, path)| path));
        expect_that(server.get(&path).status == 200, server.lines())
    });
    (repo, server)
}

/// As through a gateway that asks for this one.
fn through(request: Request, asker: &str) -> Request {
    request.header("X-Forwarded-For", asker)
}

fn told(request: Request) -> Request {
    let all = SAID.iter();
    all.fold(request, |request, (name, value)| {
        request.header(name, value)
    })
}

fn page(path: &str) -> Request {
    Request::get(path)
        .header("Accept", "text/html")
        .login(USER, PASSWORD)
}

/// The form of a refresh, filled in, with the cookie that it belongs to.
fn filled(form: &Answer, path: &str) -> Request {
    let token = form.body.split("name=\"token\" value=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap();
    let cookie = form.header("set-cookie").unwrap().split(';').next();
    Request::post(path, format!("token={token}&to=orders&reason=test"))
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Accept", "text/html")
        .header("Cookie", cookie.unwrap())
        .login(USER, PASSWORD)
}

/// Whom a server has refused, as its log says.
fn refused(server: &TestServer, path: &str, address: &str) {
    let said = format!("address={address} ");
    eventually("a refusal", || {
        let mut lines = server.lines().into_iter();
        let is_it = |line: &String| {
            line.contains("request refused") && line.contains(path) && line.contains(&said)
        };
        expect_that(lines.any(|line| is_it(&line)), server.lines())
    });
}

/// An answer to somebody at this address of loopback.
fn from(address: [u8; 4], port: u16, head: &str) -> Answer {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
    let server = SocketAddr::from(([127, 0, 0, 1], port));
    socket.connect(&server.into()).unwrap();
    let mut stream = std::net::TcpStream::from(socket);
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    Answer::parse(&answer)
}

/// Over the socket, as whatever the head says.
fn over(socket: &Path, head: &str) -> Answer {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    Answer::parse(&answer)
}

#[test]
fn whoever_is_not_trusted_says_what_it_likes() {
    for trusted in [
        &[][..],
        &[("confbus.server.trusted-proxies", "192.0.2.0/24")],
    ] {
        let mut settings = vec![("server.servlet.context-path", "/ctx")];
        settings.extend(trusted);
        let (_repo, server) = start(&settings);
        let form = server.send(&told(page("/ctx/_/refresh")));
        assert_eq!(form.status, 200, "{form:?}");
        assert!(form.body.contains("data-base=\"/ctx/_\""), "{form:?}");
        let cookie = form.header("set-cookie").unwrap();
        assert!(
            cookie.contains("Path=/ctx/_;") && !cookie.contains("Secure"),
            "{cookie}"
        );
        let done = server.send(&told(filled(&form, "/ctx/_/refresh")));
        assert_eq!(
            done.header("location"),
            Some("/ctx/_/refreshes"),
            "{done:?}"
        );

        let moved = server.send(&told(Request::get("/ctx")));
        assert_eq!(moved.header("location"), Some("/ctx/"), "{moved:?}");
        let links = server.send(&told(Request::get("/ctx/actuator").login(USER, PASSWORD)));
        let own = format!("http://127.0.0.1:{}/ctx/actuator", server.port());
        assert_eq!(links.json()["_links"]["self"]["href"], *own, "{links:?}");
        assert_eq!(links.header("cache-control"), Some("no-store"));

        assert_eq!(
            server.send(&told(Request::get("/ctx/orders/dev"))).status,
            401
        );
        refused(&server, "/ctx/orders/dev", "127.0.0.1");
        assert!(!server.lines().iter().any(|line| line.contains("192.0.2.7")));
    }
}

#[test]
fn links_and_forms_are_those_of_the_gateway() {
    for strategy in ["native", "framework"] {
        let (_repo, server) = start(&[
            ("server.servlet.context-path", "/ctx"),
            ("server.forward-headers-strategy", strategy),
            ("confbus.server.trusted-proxies", "127.0.0.1"),
        ]);
        let host = match strategy {
            "native" => "config.example:8443",
            _ => "config.example",
        };
        let form = server.send(&told(page("/ctx/_/refresh")));
        assert!(
            form.body.contains("data-base=\"/config/ctx/_\""),
            "{form:?}"
        );
        let cookie = form.header("set-cookie").unwrap();
        assert!(
            cookie.contains("Path=/config/ctx/_;") && cookie.contains("; Secure"),
            "{cookie}"
        );
        let sent = |origin: &str| {
            let form = filled(&form, "/ctx/_/refresh").header("Origin", origin);
            server.send(&told(form))
        };
        let done = sent(&format!("https://{host}"));
        assert_eq!(done.status, 303, "{done:?}");
        assert_eq!(done.header("location"), Some("/config/ctx/_/refreshes"));
        for other in ["https://evil.example", &server.url()] {
            assert_eq!(sent(other).status, 403, "{other}");
        }
        let nothing = server.send(&told(page("/ctx/_/nothing")));
        assert_eq!(nothing.status, 404);
        assert!(
            nothing.body.contains("data-base=\"/config/ctx/_\""),
            "{nothing:?}"
        );

        let moved = server.send(&told(Request::get("/ctx?a=b")));
        assert_eq!(
            moved.header("location"),
            Some("/config/ctx/?a=b"),
            "{moved:?}"
        );
        let links = server.send(&told(Request::get("/ctx/actuator").login(USER, PASSWORD)));
        let own = format!("https://{host}/config/ctx/actuator");
        assert_eq!(links.json()["_links"]["self"]["href"], *own, "{links:?}");
    }
}

#[test]
fn each_one_behind_a_gateway_counts_by_itself() {
    let (_repo, server) = start(&[
        ("confbus.server.trusted-proxies", "127.0.0.1"),
        ("confbus.limits.rates.encryption", "2"),
        ("encrypt.key", "a key that is long enough"),
    ]);
    let encrypt = |asker: &str| {
        let request = Request::post("/encrypt", "text").header("Content-Type", "text/plain");
        server
            .send(&through(request.login(USER, PASSWORD), asker))
            .status
    };
    let statuses = [1, 2, 3].map(|_| encrypt("192.0.2.7"));
    assert_eq!(statuses, [200, 200, 429]);
    // What it writes in front of itself makes it nobody else.
    assert_eq!(encrypt("192.0.2.9, 192.0.2.7"), 429);
    assert_eq!(encrypt("192.0.2.8"), 200);

    let read = |asker: &str, password: &str| {
        let request = Request::get("/orders/dev").login(USER, password);
        server.send(&through(request, asker)).status
    };
    // The answer is kept from here on.
    assert_eq!(read("192.0.2.10", PASSWORD), 200);
    let wrong: Vec<_> = (0..22)
        .map(|number| read("192.0.2.7", &format!("no {number}")))
        .collect();
    assert_eq!((wrong[0], wrong[21]), (401, 429), "{wrong:?}");
    assert_eq!(read("192.0.2.8", "not this one"), 401);
    assert_eq!(read("192.0.2.10", PASSWORD), 200);
    refused(&server, "/orders/dev", "192.0.2.8");

    eventually("two readers", || {
        let request = Request::get("/_/api/instances").login(USER, PASSWORD);
        let readers = server.send(&request).json()["readers"].clone();
        let has = |address: &str| {
            let all = readers.as_array().unwrap().iter();
            all.clone()
                .any(|reader| reader.to_string().contains(address))
        };
        read("192.0.2.11", PASSWORD);
        expect_that(has("192.0.2.10") && has("192.0.2.11"), &readers)
    });
}

#[test]
fn what_cannot_be_read_makes_nobody_more_than_the_gateway() {
    let (_repo, server) = start(&[("confbus.server.trusted-proxies", "127.0.0.1")]);
    for (number, said) in ["unknown", "192.0.2.7,,", "0.0.0.0", "192.0.2.7 127.0.0.1"]
        .into_iter()
        .enumerate()
    {
        let path = format!("/orders/dev{number}");
        assert_eq!(server.send(&through(Request::get(&path), said)).status, 401);
        refused(&server, &path, "127.0.0.1");
    }
    // Without identities only this machine may ask, and whoever comes through a gateway never is.
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        ("confbus.server.trusted-proxies", "127.0.0.1,unix"),
    ]);
    eventually("readiness", || {
        expect_that(server.get("/readyz").status == 200, server.lines())
    });
    for said in ["127.0.0.1", "::1", "192.0.2.7", "nonsense"] {
        let answer = server.send(&through(Request::get("/orders/dev"), said));
        assert_eq!(answer.status, 401, "{said}: {answer:?}");
    }
    for (name, value) in SAID {
        let answer = server.send(&Request::get("/orders/dev").header(name, value));
        assert_eq!(answer.status, 401, "{name}: {answer:?}");
    }
    assert_eq!(server.get("/orders/dev").status, 401);
}

#[test]
fn nobody_chooses_to_count_as_the_gateway() {
    let many = "10.0.0.1,".repeat(40);
    let much = "x".repeat(3000);
    for strategy in ["native", "framework"] {
        let (_repo, server) = start(&[
            ("confbus.server.trusted-proxies", "127.0.0.1"),
            ("server.forward-headers-strategy", strategy),
            ("confbus.limits.rates.encryption", "2"),
            ("encrypt.key", "a key that is long enough"),
        ]);
        let encrypt = || {
            let request = Request::post("/encrypt", "text").header("Content-Type", "text/plain");
            request.login(USER, PASSWORD)
        };
        let status = |request: Request| server.send(&request).status;
        let own = [1, 2, 3].map(|_| status(through(encrypt(), "192.0.2.7")));
        assert_eq!(own, [200, 200, 429]);
        // As nginx passes on what a caller wrote, with the caller's address behind it.
        for wrote in [&many, &much, "é", "\"", ",,", "127.0.0.1"] {
            let said = format!("{wrote}, 192.0.2.7");
            assert_eq!(status(through(encrypt(), &said)), 429, "{strategy}: {said}");
        }
        // A field that a gateway passes on as it came.
        let passed_on = ["\"", "for=\"", &much].map(|wrote| {
            let request = encrypt().header("Forwarded", wrote);
            status(through(request, "192.0.2.8"))
        });
        assert_eq!(passed_on, [200, 200, 429], "{strategy}");
        // What nobody can read counts as the gateway, which is never this machine.
        let nobody = [1, 2, 3].map(|_| status(through(encrypt(), "unknown")));
        assert_eq!(nobody[2], 429, "{strategy}: {nobody:?}");
        assert_eq!(status(encrypt()), 429, "{strategy}");
        let request = Request::get("/orders/dev").header("Forwarded", "\"");
        assert_eq!(status(through(request, "192.0.2.8")), 401);
        let counts = match strategy {
            "native" => "192.0.2.8",
            _ => "127.0.0.1",
        };
        refused(&server, "/orders/dev", counts);
    }
}

#[test]
fn nginx_takes_off_a_prefix_and_changes_the_host() {
    let (_repo, server) = start(&[("confbus.server.trusted-proxies", "127.0.0.1/32")]);
    let lines = format!(
        "location /config/ {{
            proxy_pass http://127.0.0.1:{}/;
            proxy_set_header Host inner.example;
            proxy_set_header Forwarded \"\";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto https;
            proxy_set_header X-Forwarded-Host config.example;
            proxy_set_header X-Forwarded-Port 443;
            proxy_set_header X-Forwarded-Prefix /config;
        }}",
        server.port()
    );
    let Some(nginx) = Nginx::with(&lines) else {
        return;
    };
    let send = |request: Request| request.send(nginx.port()).unwrap();
    let form = send(page("/config/_/refresh"));
    assert!(
        form.body.contains("action=\"/config/_/refresh\""),
        "{form:?}"
    );
    let done = filled(&form, "/config/_/refresh").header("Origin", "https://config.example");
    let done = send(done);
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("/config/_/refreshes"))
    );
    let links = send(Request::get("/config/actuator").login(USER, PASSWORD)).json();
    let own = "https://config.example/config/actuator";
    assert_eq!(links["_links"]["self"]["href"], own, "{links}");

    // Another address than the gateway's, which says that it is a third one.
    let head = "GET /config/orders/dev HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
        X-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\n\r\n";
    let stranger = from([127, 0, 0, 2], nginx.port(), head);
    assert_eq!(stranger.status, 401, "{stranger:?}");
    refused(&server, "/orders/dev", "127.0.0.2");
    assert!(!server.lines().iter().any(|line| line.contains("192.0.2.7")));
}

#[test]
fn a_socket_answers_as_the_network_does() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let socket = folder.path().join("confbus.sock");
    let path = socket.display().to_string();
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let settings = [
        ("spring.cloud.config.server.git.uri", uri.as_str()),
        ("confbus.server.socket", &path),
    ];
    let mut server = TestServer::with(&settings).ready();
    let file = fs::symlink_metadata(&socket).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o660);

    let get =
        |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert_eq!(over(&socket, &get("/readyz")).status, 200);
    // Whoever is behind it is not this machine, though the port is open to it.
    assert_eq!(over(&socket, &get("/orders/dev")).status, 401);
    assert_eq!(server.get("/orders/dev").status, 200);

    let second = tempfile::tempdir().unwrap();
    let mut arguments = vec![
        "serve".to_owned(),
        "--server.port=0".to_owned(),
        format!(
            "--spring.cloud.config.server.git.basedir={}",
            second.path().display()
        ),
    ];
    arguments.extend(settings.map(|(key, value)| format!("--{key}={value}")));
    let ran = Running::confbus(&arguments);
    ran.line_with("cannot be a socket of this server");
    drop(ran);
    assert_eq!(over(&socket, &get("/readyz")).status, 200);

    server.running().signal("TERM");
    server.running().wait();
    assert!(!socket.exists());
}

#[test]
fn nginx_speaks_over_a_socket() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let socket = folder.path().join("confbus.sock");
    let path = socket.display().to_string();
    let lines = format!(
        "location / {{
            proxy_pass http://unix:{path}:;
            proxy_set_header Forwarded \"\";
            proxy_set_header X-Forwarded-For 192.0.2.7;
        }}"
    );
    for (trusted, expected) in [("unix", "192.0.2.7"), ("10.0.0.0/8", "0.0.0.0")] {
        let (_repo, server) = start(&[
            ("confbus.server.socket", &path),
            ("confbus.server.trusted-proxies", trusted),
        ]);
        let Some(nginx) = Nginx::with(&lines) else {
            return;
        };
        let known = Request::get("/orders/dev").login(USER, PASSWORD);
        assert_eq!(known.send(nginx.port()).unwrap().status, 200);
        let stranger = Request::get("/orders/dev").send(nginx.port()).unwrap();
        assert_eq!(stranger.status, 401, "{stranger:?}");
        refused(&server, "/orders/dev", expected);
    }
}
