//! The rehearsal: two servers asked the same.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
};

use tempfile::TempDir;

use crate::support::{ConfigRepo, Running, TEST_LOG, TestServer, eventually, expect_that};

const ALL_ROUTES: &str = "
# every route once
/orders/dev
/orders/dev/main -H 'Accept: application/vnd.spring-cloud.config-server.v2+json'
HEAD /orders/prod
OPTIONS /orders/dev
/orders-dev.yml
/main/orders-dev.json
/orders-dev.properties?resolvePlaceholders=false
/orders/prod/main/nginx.conf
/orders/dev/no-such-label
/orders/dev/no-such-label -H 'Accept: text/html'
/orders/../main
/orders/dev%2Fx
/orders/dev|x
/several/dev
";
/// A file whose documents are named after the place of the server's clone.
const SEVERAL: &str = "who: all\n---\nspring.config.activate.on-profile: dev\nwho: dev\n";

/// `confbus shadow` over a list of requests.
struct Shadow {
    _folder: TempDir,
    running: Running,
}

impl Shadow {
    fn start(requests: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("requests.txt");
        std::fs::write(&list, requests).unwrap();
        let mut all = vec!["shadow".to_owned(), "--requests".to_owned()];
        all.push(list.display().to_string());
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        Self {
            running: Running::confbus(&all),
            _folder: folder,
        }
    }

    /// Waits for the end and checks how it ended.
    #[track_caller]
    fn ends(mut self, code: i32, lines: &[&str]) -> Vec<String> {
        assert_eq!(
            self.running.wait().code(),
            Some(code),
            "{:?}",
            self.running.lines()
        );
        for line in lines {
            self.running.line_with(line);
        }
        self.running.lines()
    }
}

fn between(old: &TestServer, new: &TestServer, requests: &str, more: &[&str]) -> Shadow {
    let (old, new) = (old.url(), new.url());
    let arguments = [&["--against", &old, "--server", &new], more].concat();
    Shadow::start(requests, &arguments)
}

/// Two servers of one repository, the second of a branch on which one line is another.
fn one_line_apart() -> (ConfigRepo, TestServer, TestServer) {
    let repo = ConfigRepo::from_sample();
    for (branch, password) in [("main", "s3cret-of-old"), ("next", "s3cret-of-new")] {
        let vault = format!("open: 1\npassword: {password}\n");
        let page = format!("one\ntwo {password}\n");
        let files = [("vault.yml", vault.as_str()), ("page.txt", &page)];
        repo.push_to(branch, "a password", &files);
    }
    let uri = repo.path().display().to_string();
    let [old, new] = ["main", "next"].map(|label| {
        TestServer::with(&[
            ("spring.cloud.config.server.git.uri", &uri),
            ("spring.cloud.config.server.git.default-label", label),
        ])
        .ready()
    });
    (repo, old, new)
}

#[test]
fn two_servers_of_one_repository_answer_alike() {
    let repo = ConfigRepo::from_sample();
    repo.push("several documents", &[("several.yml", SEVERAL)]);
    let [old, new] = [(), ()].map(|()| TestServer::start(&repo).ready());
    let [of_old, of_new] = [&old, &new].map(|server| server.get("/several/dev").body);
    assert_ne!(of_old, of_new, "their clones lie in different places");
    let lines =
        between(&old, &new, ALL_ROUTES, &[]).ends(0, &["14 identical, 0 different, 0 deliberate"]);
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn a_server_of_its_own_stands_for_the_new_one() {
    let repo = ConfigRepo::from_sample();
    repo.push("several documents", &[("several.yml", SEVERAL)]);
    let uri = repo.path().display().to_string();
    let old = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        ("server.servlet.context-path", "/config"),
        ("spring.security.user.name", "ana"),
        ("spring.security.user.password", "s3cret"),
    ]);
    let against = format!("http://ana:s3cret@127.0.0.1:{}/config", old.port());
    let arguments = [
        "--against",
        &against,
        &format!("--spring.cloud.config.server.git.uri={uri}"),
        "--spring.security.user.name=ana",
        "--spring.security.user.password=s3cret",
        "--spring.rabbitmq.host=no-such-broker.invalid",
    ];
    let lines = Shadow::start(ALL_ROUTES, &arguments).ends(0, &["14 identical"]);
    let is_overruled = std::env::var_os(TEST_LOG).is_some();
    assert!(lines.len() == 1 || is_overruled, "{lines:?}");
}

#[test]
fn a_changed_line_is_explained_and_kept_secret() {
    let (_repo, old, new) = one_line_apart();
    let requests =
        "/vault/dev\n/vault-dev.json\n/vault-dev.yml\n/vault/dev/page.txt?useDefaultLabel\n";
    let lines = between(&old, &new, requests, &[]).ends(
        1,
        &[
            "/vault.yml`, key `password` (of another commit): a text → another one",
            "GET /vault-dev.json (line 2): body, `password`: a text → another one",
            "GET /vault-dev.yml (line 3): body, line ",
            "(line 4): body, line 2, column 15: a line → another one",
            "0 identical, 4 different, 0 deliberate",
            "--show-values",
        ],
    );
    assert!(!lines.join("\n").contains("s3cret"), "{lines:?}");
    between(&old, &new, requests, &["--show-values"]).ends(
        1,
        &[
            "body, `password`: \"s3cret-of-old\" → \"s3cret-of-new\"",
            "two s3cret-of-old → two s3cret-of-new",
        ],
    );
}

#[test]
fn programs_can_read_it() {
    let (_repo, old, new) = one_line_apart();
    let shadow = between(
        &old,
        &new,
        "/vault-dev.json\n/nothing",
        &["--json", "--show-values"],
    );
    let lines = shadow.ends(1, &["\"unanswered\":0"]);
    let objects: Vec<serde_json::Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        objects,
        [
            serde_json::json!({
                "schema": "confbus.shadow/1", "type": "request", "line": 1, "request": "GET /vault-dev.json", "outcome": "different",
                "place": "body, `password`", "old": "\"s3cret-of-old\"", "new": "\"s3cret-of-new\"",
            }),
            serde_json::json!({
                "schema": "confbus.shadow/1", "type": "request", "line": 2, "request": "GET /nothing",
                "outcome": "identical", "status": 404,
            }),
            serde_json::json!({
                "schema": "confbus.shadow/1", "type": "result",
                "identical": 1, "different": 1, "deliberate": 0, "unanswered": 0,
            }),
        ]
    );
}

#[test]
fn a_log_is_a_list_too() {
    let repo = ConfigRepo::from_sample();
    let [old, new] = [(), ()].map(|()| TestServer::start(&repo).ready());
    let log = r#"127.0.0.1 - - [21/Nov/2026:18:58:10 +0000] "GET /orders/dev HTTP/1.1" 200 812
127.0.0.1 - - [21/Nov/2026:18:58:11 +0000] "POST /monitor HTTP/1.1" 200 12 "-" "curl/8.5"
127.0.0.1 - - [21/Nov/2026:18:58:12 +0000] "GET /orders/dev HTTP/1.1" 200 812 "-" "Java/17"
127.0.0.1 - - [21/Nov/2026:18:58:13 +0000] "HEAD /payments/dev HTTP/1.1" 200 -
"#;
    between(&old, &new, log, &[]).ends(
        0,
        &[
            "1 lines of the log are no reads",
            "2 identical, 0 different, 0 deliberate",
        ],
    );
    between(&old, &new, log, &["--most=1"])
        .ends(0, &["there were more than 1 requests", "1 identical"]);
}

#[test]
fn what_is_meant_to_differ_says_why() {
    let repo = ConfigRepo::from_sample();
    let new = TestServer::start(&repo).ready();
    repo.push("a slip", &[("orders.yml", "orders: [1\n")]);
    eventually("the slip", || {
        let answer = new.get("/orders/dev");
        expect_that(answer.header("x-config-held").is_some(), &answer)
    });
    let old = TestServer::start(&repo);
    eventually("the slip", || {
        let answer = old.get("/orders/dev");
        expect_that(answer.status == 500, &answer)
    });
    let lines = ["deliberate  GET /orders/dev (line 1): status: 500 → 200 (the commit "];
    between(&old, &new, "/orders/dev", &[]).ends(1, &lines);
    between(&old, &new, "/orders/dev", &["--allow-deliberate"])
        .ends(0, &["0 identical, 0 different, 1 deliberate"]);
}

/// A server that answers everything in this way.
fn answering(head: &str, body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let length = body.len();
    let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n{body}");
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            // Whether anybody asks on it is seen when nothing comes.
            let asked = matches!(connection.read(&mut [0; 4096]), Ok(1..));
            if asked {
                _ = connection.write_all(answer.as_bytes());
            }
        }
    });
    url
}

#[test]
fn a_profile_that_nobody_can_have_is_no_failure() {
    let repo = ConfigRepo::from_sample();
    let new = TestServer::start(&repo).ready();
    // As Spring's does over such a profile in a directory.
    let old = answering(
        "500 \r\nContent-Type: application/json",
        r#"{"timestamp":"2026-11-23T04:18:08.078Z","status":500,"error":"Internal Server Error"}"#,
    );
    let new = new.url();
    let servers = ["--against", &old, "--server", &new];
    Shadow::start("/orders/-dev\n", &servers).ends(
        1,
        &["deliberate  GET /orders/-dev (line 1): status: 500 → 404 (no application can have this profile"],
    );
    Shadow::start("/orders/dev\n", &servers).ends(
        1,
        &["different   GET /orders/dev (line 1): status: 500 → 200"],
    );
}

#[test]
fn who_is_refused_may_be_told_why() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let new = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        ("spring.security.user.name", "ana"),
        ("spring.security.user.password", "s3cret-of-ana"),
    ]);
    // As Spring Security does.
    let old = answering("401 \r\nWWW-Authenticate: Basic realm=\"Realm\"", "");
    let servers = ["--against", &old, "--server", &new.url()];
    Shadow::start("/orders/dev\n", &servers).ends(
        1,
        &["(who is refused is told what is missing)", "1 deliberate"],
    );
    let lines = Shadow::start(
        "/orders/dev/%2e%2e\n",
        &[
            "--header=Authorization: Basic YW5hOnMzY3JldC1vZi1hbmE=",
            "--against",
            &old,
            "--server",
            &new.url(),
        ],
    );
    lines.ends(1, &["status: 401 → 400 (a path that could be an attack"]);
}

#[test]
fn wrong_usage_has_codes_of_its_own() {
    let closed = "http://ana:s3cret@127.0.0.1:1";
    for (requests, arguments, code, line) in [
        (
            "/a/b",
            &["--against", "old:s3cret"][..],
            2,
            "neither http:// nor https://",
        ),
        (
            "a/b",
            &["--against", closed],
            2,
            "requests.txt:1:1: neither a request",
        ),
        (
            "POST /monitor",
            &["--against", closed],
            2,
            "only reads are compared",
        ),
        (
            "/a/b",
            &["--against", closed, "--header=s3cret"],
            2,
            "--header: not a header",
        ),
        (
            "/a/b",
            &["--against", closed, "--server=http://x", "--server.port=1"],
            2,
            "cannot be used with",
        ),
        (
            "/a/b",
            &["--against", closed],
            3,
            "http://127.0.0.1:1 cannot be asked: no connection",
        ),
    ] {
        let lines = Shadow::start(requests, arguments).ends(code, &[line]);
        assert!(!lines.join("\n").contains("s3cret"), "{lines:?}");
    }
    let old = TestServer::start(&ConfigRepo::from_sample()).ready();
    let arguments = ["--against", &old.url()];
    Shadow::start("/a/b", &arguments).ends(78, &["no repository is configured"]);
    Shadow::start("/a/b", &[&arguments[..], &["--a.b"]].concat())
        .ends(2, &["`--a.b` is not a setting"]);
}

#[test]
fn being_refused_twice_is_said() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let [old, new] = [(), ()].map(|()| {
        TestServer::with(&[
            ("spring.cloud.config.server.git.uri", &uri),
            ("spring.security.user.name", "ana"),
            ("spring.security.user.password", "s3cret"),
        ])
    });
    between(&old, &new, "/orders/dev", &[])
        .ends(0, &["both servers refused 1 requests", "1 identical"]);
}
