//! Several addresses kept current by one process: `confbus agent`.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::PathBuf,
    process::Command,
    sync::mpsc,
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    ConfigRepo, DEADLINE, Ran, Request, Running, TestServer, eventually, expect_that,
};

/// A folder with the file of an agent and what it writes.
struct Sidecar {
    folder: TempDir,
    repo: ConfigRepo,
}

impl Sidecar {
    fn new() -> Self {
        let sidecar = Self {
            folder: tempfile::tempdir().unwrap(),
            repo: ConfigRepo::from_sample(),
        };
        sidecar.push("orders", 20);
        sidecar.push("payments", 7);
        sidecar
    }

    /// Commits a number for one application.
    fn push(&self, application: &str, number: i32) -> String {
        let file = format!("{application}-dev.yml");
        let text = format!("it:\n  number: {number}\n");
        self.repo.push("a number", &[(&file, &text)])
    }

    /// Starts an agent that does this with what `server` has.
    fn start(&self, server: &str, rest: &str) -> Running {
        let text = format!("server = \"{server}\"\n{rest}");
        fs::write(self.path("agent.toml"), text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_confbus"));
        command
            .args(["agent", "--config=agent.toml"])
            .current_dir(self.folder.path());
        Running::start(command)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Waits until a file is this.
    #[track_caller]
    fn holds(&self, name: &str, text: &str) {
        eventually(&format!("{text:?} in {name}"), || {
            expect_that(self.file(name) == text, self.file(name))
        });
    }
}

/// Waits until the server knows the only instance of an application in this state.
#[track_caller]
fn knows(server: &TestServer, application: &str, state: &str) -> Value {
    let path = format!("/_/api/instances?application={application}");
    eventually(&format!("{application} {state}"), || {
        let view = server.get(&path).json();
        let instances = view["instances"].as_array().unwrap();
        let is_so = instances.len() == 1
            && instances[0]["state"] == state
            && instances[0]["evidence"] == "report";
        expect_that(is_so, &view).map(|()| instances[0].clone())
    })
}

const TWO: &str = r#"
[[deliver]]
address = "orders/dev"
out = ["orders.properties", "orders.env"]
only = "it"
mode = "0640"
check = "grep -q 'number: [0-9]' {orders.properties} || { echo below zero >&2; exit 3; }"
on-change = "cat orders.env >> orders.told"

[[deliver]]
address = "payments/dev"
out = "payments.properties"
only = "it"
on-change = "cat payments.properties >> payments.told"
"#;

#[test]
fn a_change_reaches_the_files_of_its_application_and_no_other() {
    let sidecar = Sidecar::new();
    let server = TestServer::start(&sidecar.repo).ready();
    let mut agent = sidecar.start(&server.url(), TWO);
    sidecar.holds("orders.told", "IT_NUMBER=20\n");
    sidecar.holds("payments.told", "it.number: 7\n");
    sidecar.holds("orders.properties", "it.number: 20\n");
    let found = |name: &str| fs::metadata(sidecar.path(name)).unwrap();
    let other = found("payments.properties");
    let mode = |name: &str| found(name).permissions().mode() & 0o777;
    assert_eq!(mode("orders.env"), 0o640);
    assert_eq!(mode("payments.properties"), 0o600);

    let commit = sidecar.push("orders", 40);
    sidecar.holds("orders.told", "IT_NUMBER=20\nIT_NUMBER=40\n");
    let line = agent.line_with("1 key changed: it.number");
    let start = format!("confbus: orders/dev {}  ", &commit[..7]);
    assert!(line.starts_with(&start), "{line}");
    eventually("the report", || {
        let instance = knows(&server, "orders", "live");
        expect_that(instance["applied"] == *commit, &instance)
    });
    let now = found("payments.properties");
    assert_eq!((now.ino(), now.mtime()), (other.ino(), other.mtime()));
    assert_eq!(sidecar.file("payments.told"), "it.number: 7\n");

    knows(&server, "payments", "live");
    agent.signal("TERM");
    assert_eq!(agent.wait().code(), Some(0));
    for application in ["orders", "payments"] {
        let view = server.get(&format!("/_/api/instances?application={application}"));
        assert_eq!(view.json()["instances"], json!([]));
    }
}

#[test]
fn a_version_that_fails_its_check_is_refused_by_its_address_alone() {
    let sidecar = Sidecar::new();
    let server = TestServer::start(&sidecar.repo).ready();
    let agent = sidecar.start(&server.url(), TWO);
    sidecar.holds("orders.told", "IT_NUMBER=20\n");

    let bad = sidecar.push("orders", -1);
    agent.line_with("check failed (exit 3): below zero");
    agent.line_with("orders/dev still on ");
    let instance = knows(&server, "orders", "rejected");
    assert_eq!(instance["reason"], "check failed (exit 3): below zero");
    assert_eq!(instance["fetched"], bad);
    assert_eq!(sidecar.file("orders.env"), "IT_NUMBER=20\n");

    sidecar.push("payments", 8);
    sidecar.holds("payments.properties", "it.number: 8\n");
    assert_eq!(sidecar.file("orders.told"), "IT_NUMBER=20\n");
}

#[test]
fn a_first_version_that_is_refused_holds_up_no_other_and_a_later_one_is_delivered() {
    let sidecar = Sidecar::new();
    sidecar.push("orders", -1);
    let server = TestServer::start(&sidecar.repo).ready();
    let agent = sidecar.start(&server.url(), TWO);
    agent.line_with("check failed (exit 3): below zero");
    sidecar.holds("payments.properties", "it.number: 7\n");
    knows(&server, "orders", "rejected");
    assert_eq!(sidecar.file("orders.env"), "");

    sidecar.push("orders", 5);
    sidecar.holds("orders.env", "IT_NUMBER=5\n");
    // One instance, however often it began anew.
    knows(&server, "orders", "live");
}

#[test]
fn without_a_server_there_is_the_last_good_configuration_or_an_error() {
    let sidecar = Sidecar::new();
    let server = TestServer::start(&sidecar.repo).ready();
    let url = server.url();
    fs::create_dir(sidecar.path("kept")).unwrap();
    fs::write(sidecar.path("key"), "5a".repeat(32)).unwrap();
    fs::set_permissions(sidecar.path("key"), fs::Permissions::from_mode(0o600)).unwrap();
    let kept = format!("last-good = {{ dir = \"kept\", key-file = \"key\" }}\n{TWO}");
    let mut agent = sidecar.start(&url, &kept);
    let files = eventually("two files", || {
        let files = fs::read_dir(sidecar.path("kept")).unwrap().flatten();
        let files: Vec<_> = files.map(|file| file.path()).collect();
        let is_kept = |file: &&PathBuf| file.extension().is_some_and(|end| end == "lastgood");
        expect_that(files.iter().filter(is_kept).count() == 2, &files).map(|()| files)
    });
    for file in files {
        let bytes = fs::read(file).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("number"));
    }
    agent.signal("TERM");
    assert_eq!(agent.wait().code(), Some(0));
    drop(server);
    for name in ["orders.env", "payments.properties"] {
        fs::remove_file(sidecar.path(name)).unwrap();
    }

    let mut agent = sidecar.start(&url, &kept);
    sidecar.holds("orders.env", "IT_NUMBER=20\n");
    sidecar.holds("payments.properties", "it.number: 7\n");
    agent.line_with("starting from the last good file");
    agent.signal("INT");
    assert_eq!(agent.wait().code(), Some(0));

    let mut agent = sidecar.start(&url, TWO);
    agent.line_with("payments/dev no configuration: ");
    assert_eq!(agent.wait().code(), Some(3));
    agent.line_with("error: there is no configuration for any address");
}

#[test]
fn what_it_runs_ends_with_it() {
    let sidecar = Sidecar::new();
    let server = TestServer::start(&sidecar.repo).ready();
    let slow = TWO.replace(
        "cat orders.env >> orders.told",
        "sleep 600 & echo $! > .new; mv .new child; wait",
    );
    let mut agent = sidecar.start(&server.url(), &slow);
    let child = eventually("a child", || {
        let child = sidecar.file("child").trim().to_owned();
        expect_that(!child.is_empty(), &child).map(|()| child)
    });
    agent.signal("TERM");
    assert_eq!(agent.wait().code(), Some(0));
    eventually("the end of the child", || {
        let process = PathBuf::from(format!("/proc/{child}/cmdline"));
        expect_that(fs::read(process).unwrap_or_default().is_empty(), &child)
    });
}

#[test]
fn a_process_is_signalled_by_its_number() {
    let sidecar = Sidecar::new();
    let server = TestServer::start(&sidecar.repo).ready();
    let signal = TWO.replace(
        r#"on-change = "cat orders.env >> orders.told""#,
        "on-change = \"SIGUSR1\"\npid-file = \"pid\"",
    );
    let agent = sidecar.start(&server.url(), &signal);
    // The program comes later and reads what is there.
    sidecar.holds("orders.env", "IT_NUMBER=20\n");
    knows(&server, "orders", "live");

    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    fs::write(sidecar.path("pid"), gone.id().to_string()).unwrap();
    sidecar.push("orders", 40);
    agent.line_with("SIGUSR1 not sent: ");
    knows(&server, "orders", "rejected");
    sidecar.holds("orders.env", "IT_NUMBER=40\n");

    // No shell can trap what was ignored when it began, as SIGHUP is below nohup.
    let line =
        "trap 'cp orders.env told' USR1; echo $$ > .pid; mv .pid pid; while :; do sleep 0.1; done";
    let mut program = Command::new("sh");
    program
        .args(["-c", line])
        .current_dir(sidecar.folder.path());
    let _program = Running::start(program);
    sidecar.holds("told", "IT_NUMBER=40\n");
    knows(&server, "orders", "live");
}

#[test]
fn a_listener_is_sent_a_post() {
    let sidecar = Sidecar::new();
    let server = TestServer::start(&sidecar.repo).ready();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let answers = ["503 Not Now", "204 No Content", "204 No Content"];
        for (answer, mut stream) in answers
            .iter()
            .zip(listener.incoming().map_while(Result::ok))
        {
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            write!(stream, "HTTP/1.1 {answer}\r\nConnection: close\r\n\r\n").unwrap();
            tell.send(line).unwrap();
        }
    });
    let post = format!("POST http://127.0.0.1:{port}/reload?now");
    let agent = sidecar.start(
        &server.url(),
        &TWO.replace("cat payments.properties >> payments.told", &post),
    );
    // What stands behind a question mark may be secret.
    let shown = format!("POST http://127.0.0.1:{port}/reload");
    agent.line_with(&format!("`{shown}` failed: status 503"));
    // Tried again until it works.
    for _ in 0..2 {
        let line = told.recv_timeout(DEADLINE).unwrap();
        assert_eq!(line, "POST /reload?now HTTP/1.1\r\n");
    }
    knows(&server, "payments", "live");
    sidecar.push("payments", 8);
    agent.line_with(&format!("payments.properties replaced; `{shown}` done"));
}

#[test]
fn programs_of_the_machine_are_answered_while_the_server_is_away() {
    let sidecar = Sidecar::new();
    let server = TestServer::start(&sidecar.repo).ready();
    let rest = format!("http = \"127.0.0.1:0\"\n{TWO}\n[[deliver]]\naddress = \"shipping/dev\"\n");
    let agent = sidecar.start(&server.url(), &rest);
    let port = agent.line_with("answering on 127.0.0.1:");
    let port: u16 = port.rsplit(':').next().unwrap().parse().unwrap();
    let get = |path: &str| Request::get(path).send(port).unwrap();
    eventually("readiness", || {
        let answer = get("/readyz");
        expect_that(answer.status == 200, answer.body)
    });
    assert_eq!(get("/livez").status, 200);
    for path in [
        "/shipping/dev",
        "/shipping-dev.yml",
        "/shipping-dev.properties",
    ] {
        let (ours, theirs) = (get(path), server.get(path));
        assert_eq!((ours.status, &ours.body), (200, &theirs.body), "{path}");
        assert_eq!(ours.header("content-type"), theirs.header("content-type"));
        assert_eq!(ours.header("x-content-type-options"), Some("nosniff"));
    }
    let only = get("/orders/dev").json();
    assert_eq!(
        only["propertySources"][0]["source"],
        json!({"it.number": 20})
    );
    for unknown in [
        "/",
        "/orders",
        "/orders/prod",
        "/orders/dev/main",
        "/legacy/dev",
        "/shipping-dev.env",
    ] {
        assert_eq!(get(unknown).status, 404, "{unknown}");
    }
    assert_eq!(Request::post("/orders/dev", "").status(port).unwrap(), 405);
    // A page that somebody else wrote, in a browser of this machine.
    for (host, more, status) in [
        ("localhost", "", "200"),
        ("evil.example", "", "403"),
        ("127.0.0.1\r\nHost: evil.example", "", "403"),
        ("localhost", "Origin: http://evil.example\r\n", "403"),
        ("localhost", "Sec-Fetch-Site: cross-site\r\n", "403"),
        ("localhost", "Sec-Fetch-Site: same-site\r\n", "403"),
        ("localhost", "Sec-Fetch-Site: same-origin\r\n", "200"),
        ("localhost", "Sec-Fetch-Site: none\r\n", "200"),
    ] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let head = format!("GET /orders/dev HTTP/1.1\r\nHost: {host}\r\n{more}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).unwrap();
        assert_eq!(line.split(' ').nth(1), Some(status), "{host} {more}");
    }

    let answer = get("/payments-dev.json");
    let tag = answer.header("etag").unwrap().to_owned();
    let again = Request::get("/payments-dev.json").header("If-None-Match", &tag);
    assert_eq!(again.status(port).unwrap(), 304);
    sidecar.push("payments", 8);
    eventually("the change", || {
        let answer = again.send(port).unwrap();
        expect_that(
            answer.body.contains('8') && answer.status == 200,
            answer.body,
        )
    });
    drop(server);
    assert_eq!(get("/payments/dev").status, 200);
    assert_eq!(get("/readyz").status, 200);
}

#[test]
fn an_address_without_a_configuration_is_not_ready() {
    let sidecar = Sidecar::new();
    sidecar.push("orders", -1);
    let server = TestServer::start(&sidecar.repo).ready();
    let agent = sidecar.start(&server.url(), &format!("http = \"127.0.0.1:0\"\n{TWO}"));
    let port = agent.line_with("answering on 127.0.0.1:");
    let port: u16 = port.rsplit(':').next().unwrap().parse().unwrap();
    sidecar.holds("payments.properties", "it.number: 7\n");
    eventually("one that waits", || {
        let answer = Request::get("/readyz").send(port).unwrap();
        expect_that(answer.body == "orders/dev waits\n", answer.body)
    });
    let answer = Request::get("/orders/dev").send(port).unwrap();
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1"))
    );
    sidecar.push("orders", 5);
    eventually("readiness", || {
        let answer = Request::get("/readyz").send(port).unwrap();
        expect_that(answer.status == 200, answer.body)
    });
}

#[test]
fn wrong_settings_are_told_with_their_places_and_nothing_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("agent.toml");
    let config = format!("--config={}", file.display());
    let run = |text: &str, more: &[&str]| {
        fs::write(&file, text).unwrap();
        Ran::confbus(&[&["agent", &config], more].concat())
    };
    let good = "[[deliver]]\naddress = \"a\"\nout = \"a.env\"\n";
    let ran = run(&good.replace("address", "adress"), &[]);
    assert_eq!(ran.code, Some(78));
    for line in [
        "error[CB8001]: `adress` is none of its settings\n",
        &format!("  --> {}:2:1\n", file.display()),
        "  = help: did you mean `address`?\n",
    ] {
        assert!(ran.stderr.contains(line), "{}", ran.stderr);
    }

    let ran = run(good, &["--check"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));
    let said = ran.stdout.ends_with("agent.toml: nothing is wrong\n");
    assert!(said, "{}", ran.stdout);

    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/agent.toml");
    let ran = Ran::confbus(&["agent", "--check", "--config", shipped]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));

    let ran = run(
        &format!("token-file = \"/no/token\"\n{good}"),
        &["--check", "--json"],
    );
    assert_eq!(ran.code, Some(78));
    let error: Value = serde_json::from_str(&ran.stderr).unwrap();
    assert_eq!(error["schema"], "confbus.error/1");
}
