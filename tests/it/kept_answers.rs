//! Answers that are given again are the answers that would be made anew.

use crate::support::{Answer, ConfigRepo, Request, Running, TestServer, eventually, expect_that};

/// One thread, so that the second answer comes from where the first was kept.
const ONE_THREAD: (&str, &str) = ("confbus.server.threads", "1");
/// An application that has more to say than fits below the smallest answer that is compressed.
const LONG: &str = "text: a text that is long enough to be worth it\n";

fn start(repo: &ConfigRepo, settings: &[(&str, &str)]) -> TestServer {
    let uri = repo.path().display().to_string();
    let mut all = vec![
        ("spring.cloud.config.server.git.uri", uri.as_str()),
        ONE_THREAD,
    ];
    all.extend(settings);
    TestServer::with(&all)
}

/// How many answers for a path were given again.
fn given_again(server: &TestServer, path: &str) -> usize {
    let lines = server.lines().into_iter();
    let of_path = |line: &String| {
        line.contains("request answered from memory") && line.contains(&format!("{path:?}"))
    };
    lines.filter(of_path).count()
}

/// Everything but the time.
fn timeless(mut answer: Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    answer.headers.retain(|(name, _)| name != "date");
    let mut body = answer.bytes;
    for mark in [&b"\"timestamp\":\""[..], b"<div id='created'>"] {
        if let Some(at) = body.windows(mark.len()).position(|part| part == mark) {
            body.drain(at + mark.len()..at + mark.len() + 24);
        }
    }
    (answer.status, answer.headers, body)
}

fn long_file() -> String {
    (0..300)
        .map(|line| format!("key{line}: {line}\n"))
        .collect::<String>()
        + LONG
}

#[test]
fn an_answer_that_was_kept_is_the_same_answer() {
    let repo = ConfigRepo::from_sample();
    repo.push(
        "a long file",
        &[("long.yml", &long_file()), ("long.txt", &long_file())],
    );
    let kept = start(&repo, &[]).ready();
    let fresh = start(&repo, &[("confbus.server.kept-bytes", "0")]).ready();
    let tag = kept.get("/orders/dev").header("etag").unwrap().to_owned();
    let long_tag = kept.get("/long/dev").header("etag").unwrap().to_owned();
    let gzip_tag = format!("{}-gzip\"", long_tag.strip_suffix('"').unwrap());
    let get = Request::get;
    let requests = [
        get("/orders/dev"),
        {
            get("/orders/dev").header(
                "Accept",
                "application/vnd.spring-cloud.config-server.v2+json",
            )
        },
        get("/orders/dev").header("Accept", "text/html"),
        get("/orders/dev/main"),
        get("/orders/dev/no-such-label"),
        get("/nothing/dev.sh/no-such-label"),
        get("/orders-dev.yml"),
        get("/main/orders-dev.properties"),
        get("/orders-dev.json"),
        get("/orders-dev.json?resolvePlaceholders=false"),
        get("/orders-dev.json?resolvePlaceholders=perhaps"),
        get("/orders/prod/main/nginx.conf"),
        get("/orders/prod/main/no-such-file"),
        get("/orders/prod/main/nginx.conf").header("Accept", "application/octet-stream"),
        get("/long/dev"),
        get("/long/dev").header("Accept-Encoding", "gzip, deflate"),
        get("/long/dev").header("Accept-Encoding", "gzip;q=0"),
        get("/long/dev/main/long.txt").header("Accept-Encoding", "gzip"),
        Request::head("/orders/dev"),
        Request::head("/long/dev").header("Accept-Encoding", "gzip"),
        Request::head("/orders/dev/no-such-label"),
    ];
    let with_tags = [
        ("/orders/dev", &tag),
        ("/long/dev", &long_tag),
        ("/long/dev", &gzip_tag),
    ];
    let conditional = with_tags.iter().flat_map(|(path, tag)| {
        let known = |request: Request| request.header("If-None-Match", tag);
        [
            known(get(path)),
            known(get(path)).header("Accept-Encoding", "gzip"),
            known(Request::head(path)),
        ]
    });
    let again = [
        "/orders/dev",
        "/orders/dev/main",
        "/orders/dev/no-such-label",
        "/orders-dev.yml",
        "/orders-dev.json",
        "/orders/prod/main/nginx.conf",
        "/long/dev",
        "/long/dev/main/long.txt",
    ];
    for request in requests.into_iter().chain(conditional) {
        let anew = timeless(fresh.send(&request));
        for _ in 0..2 {
            assert_eq!(timeless(kept.send(&request)), anew, "{request:?}");
        }
    }
    for path in again {
        eventually("an answer that is given again", || {
            expect_that(given_again(&kept, path) > 0, path)
        });
        assert_eq!(given_again(&fresh, path), 0);
    }
}

#[test]
fn gzip_has_a_tag_of_its_own_and_either_is_known() {
    let repo = ConfigRepo::from_sample();
    repo.push("a long file", &[("long.yml", &long_file())]);
    let server = start(&repo, &[]).ready();
    let plain = server.get("/long/dev");
    assert_eq!(plain.header("content-encoding"), None);
    assert_eq!(plain.header("vary"), Some("Accept-Encoding"));
    let packed = server.send(&Request::get("/long/dev").header("Accept-Encoding", "gzip"));
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.bytes.len() < plain.bytes.len() / 2);
    let tags = [plain, packed].map(|answer| answer.header("etag").unwrap().to_owned());
    assert_ne!(tags[0], tags[1]);
    for tag in &tags {
        for accepted in ["gzip", "identity"] {
            let request = Request::get("/long/dev")
                .header("If-None-Match", tag)
                .header("Accept-Encoding", accepted);
            let answer = server.send(&request);
            assert_eq!(answer.status, 304, "{tag} {accepted}");
            assert_eq!(answer.header("content-encoding"), None);
        }
    }
    let short = Request::get("/orders/dev").header("Accept-Encoding", "gzip");
    assert_eq!(server.send(&short).header("content-encoding"), None);

    let off = start(&repo, &[("server.compression.enabled", "false")]).ready();
    let answer = off.send(&Request::get("/long/dev").header("Accept-Encoding", "gzip"));
    assert_eq!(
        (answer.header("content-encoding"), answer.header("vary")),
        (None, None)
    );
}

#[test]
fn no_answer_outlives_what_it_was_made_of() {
    let repo = ConfigRepo::from_sample();
    let server = start(&repo, &[]).ready();
    let paths = [
        "/orders/dev",
        "/orders/dev/main",
        "/orders-dev.json",
        "/orders/dev/main/note.txt",
    ];
    repo.push("a note", &[("note.txt", "round\n")]);
    eventually("the note", || {
        let answer = server.get("/orders/dev/main/note.txt");
        expect_that(answer.status == 200, &answer)
    });
    for round in 0..3 {
        for path in paths {
            let before = given_again(&server, path);
            eventually("an answer that is given again", || {
                assert_eq!(server.get(path).status, 200, "{path}");
                expect_that(given_again(&server, path) > before, path)
            });
        }
        let line = format!("round: {round}\n");
        let commit = repo.push("next", &[("orders.yml", &line), ("note.txt", &line)]);
        server.serves(&commit);
        for path in paths {
            let answer = server.get(path);
            assert_eq!(
                answer.header("x-config-version"),
                Some(commit.as_str()),
                "{path}"
            );
            let text = &answer.body;
            assert!(
                text.contains("round") && text.contains(&round.to_string()),
                "{text}"
            );
        }
    }
    let path = "/orders/dev/soon-there";
    assert_eq!(server.get(path).status, 404);
    repo.push_to(
        "soon-there",
        "a branch",
        &[("orders.yml", "branch: true\n")],
    );
    eventually("the branch", || {
        let answer = server.get(path);
        expect_that(answer.status == 200, &answer)
    });
}

#[test]
fn who_may_ask_is_asked_each_time() {
    let repo = ConfigRepo::from_sample();
    let server = start(&repo, &[]).ready();
    for (name, value) in [
        ("X-Forwarded-For", "192.0.2.7"),
        ("Via", "1.1 proxy"),
        ("Sec-Fetch-Site", "cross-site"),
    ] {
        let answer = server.send(&Request::get("/orders/dev").header(name, value));
        assert_eq!(answer.status, 401, "{name}");
        assert_eq!(server.get("/orders/dev").status, 200);
    }
    eventually("an answer that is given again", || {
        let count = given_again(&server, "/orders/dev");
        expect_that(count > 0, count)
    });

    let login = [
        ("spring.security.user.name", "ana"),
        ("spring.security.user.password", "s3cret"),
    ];
    let server = start(&repo, &login);
    let with = |credentials: &str| {
        let basic = format!("Basic {credentials}");
        server.send(&Request::get("/orders/dev").header("Authorization", &basic))
    };
    // ana:s3cret
    eventually("an answer", || {
        let answer = with("YW5hOnMzY3JldA==");
        expect_that(answer.status == 200, &answer)
    });
    for _ in 0..2 {
        assert_eq!(with("YW5hOnMzY3JldA==").status, 200);
        // ana:secret
        assert_eq!(with("YW5hOnNlY3JldA==").status, 401);
        assert_eq!(server.get("/orders/dev").status, 401);
    }
}

#[test]
fn a_port_has_one_server() {
    let repo = ConfigRepo::from_sample();
    let server = start(&repo, &[]);
    let mut second = Running::confbus(&[
        "serve".to_owned(),
        "--server.address=127.0.0.1".to_owned(),
        format!("--server.port={}", server.port()),
        format!(
            "--spring.cloud.config.server.git.uri={}",
            repo.path().display()
        ),
    ]);
    second.line_with("cannot be listened on");
    assert!(!second.wait().success());
}
