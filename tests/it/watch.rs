//! Programs in other languages: real ones, that get their configuration from `confbus watch`.

use std::{
    fs,
    net::TcpListener,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{ConfigRepo, Running, TestServer, eventually, expect_that};

/// A folder in which programs are watched over.
struct Desk {
    folder: TempDir,
    repo: ConfigRepo,
}

impl Desk {
    fn new() -> Self {
        let desk = Self {
            folder: tempfile::tempdir().unwrap(),
            repo: ConfigRepo::from_sample(),
        };
        desk.limit(20);
        desk
    }

    /// Commits a limit of open orders.
    fn limit(&self, limit: i32) -> String {
        let text = format!("orders:\n  limits:\n    max-open: {limit}\n");
        self.repo.push("a limit", &[("orders-dev.yml", &text)])
    }

    /// `confbus watch` for the sample application, in the folder.
    fn watch(&self, server: &str, arguments: &[&str]) -> Running {
        Running::start(self.command(server, arguments))
    }

    fn command(&self, server: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_confbus"));
        command.args(["watch", "orders/dev", "--server", server]);
        if !arguments
            .iter()
            .any(|argument| argument.starts_with("--settle"))
        {
            command.arg("--settle=200ms");
        }
        command.args(arguments).current_dir(self.folder.path());
        command
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// The files that are there.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn program(name: &str) -> String {
    format!("{}/tests/it/programs/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Whether an interpreter is here; says so when it is not.
fn has(interpreter: &str) -> bool {
    let version = if interpreter == "go" {
        "version"
    } else {
        "--version"
    };
    let started = Command::new(interpreter)
        .arg(version)
        .stdout(Stdio::null())
        .status();
    let is_here = started.is_ok_and(|status| status.success());
    if !is_here {
        eprintln!("skipped: there is no {interpreter}");
    }
    is_here
}

/// Lines with `text`.
fn count(running: &Running, text: &str) -> usize {
    running
        .lines()
        .iter()
        .filter(|line| line.contains(text))
        .count()
}

/// Waits until the server knows the only instance in this state.
#[track_caller]
fn knows(server: &TestServer, state: &str) -> Value {
    eventually(&format!("the instance {state}"), || {
        let view = server.get("/_/api/instances?application=orders").json();
        let instance = view["instances"][0].clone();
        let is_so = instance["state"] == state && instance["evidence"] == "report";
        expect_that(is_so, &view).map(|()| instance)
    })
}

/// Waits until the server knows an instance that was given a version and refused it, and still runs another or none.
#[track_caller]
fn knows_refusal(server: &TestServer, fetched: &str, applied: &Value) {
    eventually("the refusal", || {
        let view = server.get("/_/api/instances?state=rejected").json();
        let mut instances = view["instances"].as_array().unwrap().iter();
        let is_there = instances.any(|instance| {
            instance["fetched"] == fetched
                && instance["applied"] == *applied
                && instance["reason"] == "check failed (exit 3): a limit above 0"
        });
        expect_that(is_there, &view)
    });
}

/// The number of the process that wrote a line with `text`.
fn pid(running: &Running, text: &str) -> String {
    running
        .line_with(text)
        .split(' ')
        .nth(1)
        .unwrap()
        .to_owned()
}

/// Waits until a process is gone.
#[track_caller]
fn ends(pid: &str) {
    eventually("the end of a process", || {
        let there = Command::new("kill")
            .args(["-0", pid])
            .stderr(Stdio::null())
            .status();
        expect_that(!there.unwrap().success(), pid)
    });
}

#[test]
fn a_python_program_is_told_of_a_good_change_and_spared_a_bad_one() {
    if !has("python3") {
        return;
    }
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    let reader = program("reader.py");
    let check = format!("python3 {reader} --validate {{config.json}}");
    let watch = desk.watch(
        &server.url(),
        &[
            "--out=config.json",
            "--check",
            &check,
            "--on-change=SIGHUP",
            "--",
            "python3",
            &reader,
            "config.json",
        ],
    );
    let first = pid(&watch, "max-open 20");
    watch.line_with("started python3 reader.py");
    assert!(desk.file("config.json").contains(r#""max-open":20"#));
    let mode = fs::metadata(desk.path("config.json"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let good_commit = desk.limit(40);
    assert_eq!(pid(&watch, "max-open 40"), first);
    let line = watch.line_with("SIGHUP sent");
    assert!(
        line.contains("1 key changed: orders.limits.max-open; check passed in "),
        "{line}"
    );
    assert!(
        line.contains("; config.json replaced; SIGHUP sent"),
        "{line}"
    );

    let good = desk.file("config.json");
    let bad = desk.limit(-1);
    let line = watch.line_with("check failed");
    assert_eq!(
        line,
        format!(
            "confbus: {}  check failed (exit 1): ValueError: max-open must be positive, found -1",
            &bad[..7]
        )
    );
    watch.line_with("will look again at the next commit");
    assert_eq!(desk.file("config.json"), good);
    let instance = knows(&server, "rejected");
    assert_eq!(
        instance["reason"],
        "check failed (exit 1): ValueError: max-open must be positive, found -1"
    );
    assert_eq!(instance["fetched"], bad);
    assert_eq!(instance["applied"], good_commit);

    let next = desk.limit(50);
    assert_eq!(pid(&watch, "max-open 50"), first);
    assert_eq!(knows(&server, "live")["applied"], next);
    assert_eq!(count(&watch, "max-open -1"), 0, "{:?}", watch.lines());
    assert_eq!(desk.names(), ["config.json"]);
}

#[test]
fn a_go_program_is_told_of_a_good_change_and_spared_a_bad_one() {
    if !has("go") {
        return;
    }
    let built = tempfile::tempdir().unwrap();
    let reader = built.path().join("reader").display().to_string();
    let compiled = Command::new("go")
        .args(["build", "-o", &reader, &program("reader.go")])
        .status();
    assert!(compiled.unwrap().success());
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    let check = format!("{reader} --validate {{config.json}}");
    let watch = desk.watch(
        &server.url(),
        &[
            "--out=config.json",
            "--check",
            &check,
            "--on-change=SIGHUP",
            "--",
            &reader,
            "config.json",
        ],
    );
    let first = pid(&watch, "max-open 20");
    desk.limit(-1);
    let line = watch.line_with("check failed (exit 1)");
    assert!(
        line.ends_with("max-open must be positive, found -1"),
        "{line}"
    );
    desk.limit(40);
    assert_eq!(pid(&watch, "max-open 40"), first);
    assert_eq!(count(&watch, "max-open -1"), 0, "{:?}", watch.lines());
}

/// What the page shows is what runs here.
#[test]
fn the_page_shows_the_go_program() {
    let page = include_str!("../../docs/how-to/any-program.md");
    assert!(page.contains(include_str!("programs/reader.go")));
}

#[test]
fn a_node_program_is_restarted_with_new_variables() {
    if !has("node") {
        return;
    }
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    let reader = program("reader.js");
    let watch = desk.watch(
        &server.url(),
        &[
            "--env",
            "--only=orders.limits",
            "--check=test \"$ORDERS_LIMITS_MAX_OPEN\" -gt 0 || { echo 'a limit above 0' >&2; exit 3; }",
            "--",
            "node",
            &reader,
        ],
    );
    let first = pid(&watch, "max-open 20");

    desk.limit(-1);
    watch.line_with("check failed (exit 3): a limit above 0");
    // Nothing that is wanted changes here.
    desk.repo.push(
        "others",
        &[
            ("application.yml", "shared:\n  owner: somebody else\n"),
            ("orders-dev.yml", "orders:\n  limits:\n    max-open: 20\n"),
        ],
    );
    desk.limit(40);
    let second = pid(&watch, "max-open 40");
    assert_ne!(first, second);
    watch.line_with("restarted node reader.js");
    assert_eq!(count(&watch, "max-open"), 3, "{:?}", watch.lines());
    assert_eq!(count(&watch, "leaves"), 1, "{:?}", watch.lines());
    assert!(desk.names().is_empty());
}

#[test]
fn a_program_outlives_its_server_and_gets_the_next_commit_when_that_is_back() {
    if !has("node") {
        return;
    }
    let desk = Desk::new();
    let mut server = TestServer::start(&desk.repo).ready();
    let reader = program("reader.js");
    let watch = desk.watch(
        &server.url(),
        &[
            "--out=config.json",
            "--on-change=SIGHUP",
            "--poll=1",
            "--",
            "node",
            &reader,
            "config.json",
        ],
    );
    let first = pid(&watch, "max-open 20");
    let port = server.port().to_string();
    let uri = desk.repo.path().display().to_string();

    server.running().kill();
    watch.line_with("no configuration from the server");
    desk.limit(40);
    let _server = server.restarted(&[
        ("server.port", &port),
        ("spring.cloud.config.server.git.uri", &uri),
    ]);
    assert_eq!(pid(&watch, "max-open 40"), first);
}

/// Waits for the last good file: the first version is on trial until the program has settled.
fn is_kept(folder: &Path) {
    eventually("a last good file", || {
        let files = fs::read_dir(folder).unwrap().flatten();
        let mut names = files.map(|file| file.file_name().into_string().unwrap());
        expect_that(names.any(|name| name.ends_with(".lastgood")), folder)
    });
}

#[test]
fn a_program_starts_without_a_server_from_the_last_good_configuration() {
    if !has("python3") {
        return;
    }
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    let url = server.url();
    let folder = desk.path("last-good");
    fs::create_dir(&folder).unwrap();
    let reader = program("reader.py");
    let arguments = [
        "--last-good",
        folder.to_str().unwrap(),
        "--out=config.json",
        "--",
        "python3",
        &reader,
        "config.json",
    ];
    let mut watch = desk.watch(&url, &arguments);
    watch.line_with("max-open 20");
    is_kept(&folder);
    watch.signal("TERM");
    assert_eq!(watch.wait().code(), Some(5));
    drop(server);

    fs::remove_file(desk.path("config.json")).unwrap();
    let mut watch = desk.watch(&url, &arguments);
    watch.line_with("max-open 20");
    watch.line_with("starting from the last good file");
    watch.signal("USR1");
    assert_eq!(watch.wait().code(), Some(7));
}

#[test]
fn a_first_version_that_the_check_refuses_gives_way_to_the_last_good_one() {
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    let folder = desk.path("last-good");
    fs::create_dir(&folder).unwrap();
    let arguments = [
        "--out=app.env",
        "--check=! grep -- =-1 {app.env} || { echo 'a limit above 0' >&2; exit 3; }",
        "--",
        "sh",
        "-c",
        "echo runs $(cat app.env); exec sleep 60",
    ];
    let kept = [&["--last-good", folder.to_str().unwrap()], &arguments[..]].concat();
    let mut watch = desk.watch(&server.url(), &kept);
    watch.line_with("ORDERS_LIMITS_MAX_OPEN=20");
    let good = knows(&server, "live")["applied"].clone();
    is_kept(&folder);
    watch.signal("TERM");
    watch.wait();

    let bad = desk.limit(-1);
    eventually("the refused version in service", || {
        let served = server.get("/orders/dev").json();
        expect_that(served["version"] == bad.as_str(), &served)
    });
    fs::remove_file(desk.path("app.env")).unwrap();
    let mut watch = desk.watch(&server.url(), &arguments);
    assert_eq!(watch.wait().code(), Some(1));
    assert!(!desk.path("app.env").exists());
    knows_refusal(&server, &bad, &Value::Null);

    let watch = desk.watch(&server.url(), &kept);
    watch.line_with("check failed (exit 3): a limit above 0");
    watch.line_with("running the last good version instead of the newest");
    watch.line_with("ORDERS_LIMITS_MAX_OPEN=20");
    knows_refusal(&server, &bad, &good);
    assert_eq!(count(&watch, "=-1"), 0, "{:?}", watch.lines());

    let next = desk.limit(40);
    watch.line_with("ORDERS_LIMITS_MAX_OPEN=40");
    eventually("the next version", || {
        let view = server.get("/_/api/instances?state=live").json();
        expect_that(view["instances"][0]["applied"] == next.as_str(), &view)
    });
}

#[test]
fn the_last_good_configuration_lacks_no_secret_in_silence() {
    let desk = Desk::new();
    let text = "db:\n  password: hunter2\n";
    desk.repo.push("a password", &[("orders-dev.yml", text)]);
    let server = TestServer::start(&desk.repo).ready();
    let url = server.url();
    let key = desk.path("key");
    fs::write(&key, "07".repeat(32)).unwrap();
    let folders = ["without", "encrypted"].map(|name| desk.path(name));
    let arguments = folders.each_ref().map(|folder| {
        fs::create_dir(folder).unwrap();
        vec!["--last-good", folder.to_str().unwrap(), "--out=config.json"]
    });
    let [without, mut encrypted] = arguments;
    encrypted.extend(["--last-good-key", key.to_str().unwrap()]);
    let has_secret = || {
        let is_there = desk.path("config.json").exists();
        expect_that(
            is_there && desk.file("config.json").contains("hunter2"),
            "no secret yet",
        )
    };
    for (arguments, folder) in [&without, &encrypted].into_iter().zip(&folders) {
        let mut watch = desk.watch(&url, arguments);
        eventually("the secret in the file", has_secret);
        is_kept(folder);
        watch.signal("TERM");
        watch.wait();
        fs::remove_file(desk.path("config.json")).unwrap();
    }
    drop(server);

    let watch = desk.watch(&url, &without);
    watch.line_with("`db.password`: its value looks secret and was left out");
    assert!(!desk.path("config.json").exists());
    let _watch = desk.watch(&url, &encrypted);
    eventually("the secret in the file", has_secret);
}

#[test]
fn a_change_is_one_line_and_a_closed_pipe_a_good_end() {
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    let watch = desk.command(&server.url(), &[]);
    let line = "\"$0\" \"$@\" | sed -u 3q; echo ended ${PIPESTATUS[0]}";
    let mut command = Command::new("bash");
    command.args(["-c", line]).arg(watch.get_program());
    let watch = Running::start({
        command.args(watch.get_args());
        command
    });
    watch.line_with("listening as bus id");
    let commit = |text: &str| desk.repo.push("a text", &[("orders-dev.yml", text)]);
    commit("text: \"a\\nforged\\e[2J\"\n");
    watch.line_with(r"text  → a\nforged\u{1b}[2J");
    eventually("the end", || {
        commit(&format!("text: {}\n", watch.lines().len()));
        expect_that(count(&watch, "ended 0") == 1, watch.lines())
    });
}

#[test]
fn no_key_decides_what_code_a_program_runs() {
    let desk = Desk::new();
    let text = "path: /tmp\norders:\n  limits:\n    max-open: 20\n";
    desk.repo.push("a path", &[("orders-dev.yml", text)]);
    let server = TestServer::start(&desk.repo).ready();
    let url = server.url();
    let mut watch = desk.watch(&url, &["--env", "--", "true"]);
    assert_eq!(watch.wait().code(), Some(1));
    watch.line_with("`path` would set PATH");

    let mut watch = desk.watch(&url, &["--env", "--only=orders", "--", "true"]);
    assert_eq!(watch.wait().code(), Some(0));
}

#[test]
fn the_exit_code_is_that_of_the_program_or_says_what_is_wrong() {
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    let url = server.url();
    let ends = |server: &str, arguments: &[&str]| desk.watch(server, arguments).wait().code();
    assert_eq!(
        ends(&url, &["--settle=1m", "--", "sh", "-c", "exit 9"]),
        Some(9)
    );
    assert_eq!(
        ends(&url, &["--settle=0s", "--", "sh", "-c", "sleep 1; exit 0"]),
        Some(0)
    );
    assert_eq!(ends(&url, &["--", "sh", "-c", "kill -9 $$"]), Some(137));
    assert_eq!(ends(&url, &["--env", "--", "true"]), Some(0));
    let soon = ["--settle=1m", "--", "sh", "-c", "sleep 0.1"];
    assert_eq!(ends(&url, &soon), Some(0));
    assert_eq!(ends(&url, &["--", "/nowhere/at/all"]), Some(127));
    assert_eq!(ends(&url, &["--", "/etc/passwd"]), Some(126));
    assert_eq!(
        ends(
            &url,
            &["--out=a.json", "--check=false", "--", "sleep", "60"]
        ),
        Some(1)
    );
    assert!(desk.names().is_empty(), "{:?}", desk.names());

    let closed = "http://127.0.0.1:1";
    assert_eq!(ends(closed, &["--wait-first=1ms", "--out=a.json"]), Some(3));
    assert_eq!(ends("nonsense", &["--out=a.json"]), Some(78));
    assert_eq!(ends(&url, &["--check=true"]), Some(2));
    assert_eq!(
        ends(&url, &["--env", "--on-change=SIGHUP", "--", "true"]),
        Some(2)
    );
}

#[test]
fn only_means_keys_in_any_spelling_and_tells_what_fits_none() {
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    let arguments = [
        "--out=app.env",
        "--only=orders.limits.maxOpen,orders.limitz",
    ];
    let watch = desk.watch(&server.url(), &arguments);
    watch.line_with("--only orders.limitz: no key fits it");
    watch.line_with("app.env written (1 key)");
    assert_eq!(count(&watch, "no key fits"), 1, "{:?}", watch.lines());
    assert_eq!(desk.file("app.env"), "ORDERS_LIMITS_MAX_OPEN=20\n");
}

#[test]
fn the_wait_for_the_first_configuration_keeps_the_pauses_of_the_settings() {
    let desk = Desk::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            drop(connection);
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let mut command = desk.command(&server, &["--wait-first=2s", "--out=a.json"]);
    command.env("SPRING_CLOUD_CONFIG_RETRY_INITIAL_INTERVAL", "20");
    command.env("SPRING_CLOUD_CONFIG_RETRY_MAX_INTERVAL", "20");
    assert_eq!(Running::start(command).wait().code(), Some(3));
    let asked = asked.load(Ordering::Relaxed);
    assert!(asked > 10, "{asked}");
}

#[test]
fn credentials_come_from_variables() {
    let desk = Desk::new();
    let uri = desk.repo.path().display().to_string();
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        ("spring.security.user.name", "ana"),
        ("spring.security.user.password", "s3cret"),
    ]);
    let arguments = ["--out=config.yaml", "--wait-first=30s"];
    let mut denied = desk.watch(&server.url(), &arguments);
    assert_eq!(denied.wait().code(), Some(4));

    let mut command = desk.command("http://127.0.0.1:1", &arguments);
    let position = command
        .get_args()
        .position(|argument| argument == "--server")
        .unwrap();
    let arguments: Vec<_> = command.get_args().map(ToOwned::to_owned).collect();
    command = Command::new(command.get_program());
    command
        .args(&arguments[..position])
        .args(&arguments[position + 2..]);
    command
        .current_dir(desk.folder.path())
        .env("CONFBUS_SERVER", server.url())
        .env("SPRING_CLOUD_CONFIG_USERNAME", "ana")
        .env("SPRING_CLOUD_CONFIG_PASSWORD", "s3cret");
    let mut watch = Running::start(command);
    watch.line_with("config.yaml written");
    assert!(desk.file("config.yaml").contains("    max-open: 20\n"));
    watch.signal("TERM");
    assert_eq!(watch.wait().code(), Some(0));
    assert!(!watch.lines().join("\n").contains("s3cret"));
}

#[test]
fn a_program_that_does_not_start_with_a_version_is_tried_again_until_one_fits() {
    if !has("python3") {
        return;
    }
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    let reader = program("reader.py");
    let watch = desk.watch(
        &server.url(),
        &[
            "--out=config.json",
            "--settle=5s",
            "--",
            "python3",
            &reader,
            "config.json",
        ],
    );
    watch.line_with("max-open 20");
    desk.limit(-1);
    watch.line_with("ended (exit 1) when it was told");
    eventually("a second try", || {
        expect_that(
            count(&watch, "restarted python3 reader.py") > 1,
            watch.lines(),
        )
    });
    let reason = knows(&server, "rejected")["reason"].to_string();
    assert!(
        reason.contains("python3 reader.py ended (exit 1)"),
        "{reason}"
    );
    desk.limit(40);
    watch.line_with("max-open 40");
    knows(&server, "live");
}

#[test]
fn what_a_program_does_not_take_is_put_back_when_asked_for() {
    if !has("python3") {
        return;
    }
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    let reader = program("reader.py");
    let watch = desk.watch(
        &server.url(),
        &[
            "--out=config.json",
            "--restore",
            "--settle=2s",
            "--",
            "python3",
            &reader,
            "config.json",
        ],
    );
    let first = pid(&watch, "max-open 20");
    desk.limit(-1);
    watch.line_with("config.json put back; still on ");
    assert!(desk.file("config.json").contains(r#""max-open":20"#));
    eventually("the old limit once more", || {
        expect_that(count(&watch, "max-open 20") == 2, watch.lines())
    });
    assert_ne!(
        watch
            .lines()
            .iter()
            .rfind(|line| line.contains("max-open 20"))
            .unwrap()
            .split(' ')
            .nth(1),
        Some(first.as_str())
    );
    desk.limit(40);
    watch.line_with("max-open 40");
}

#[test]
fn a_command_that_fails_is_tried_again_until_it_works() {
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    let tell = "test -e ready || { echo not yet; exit 1; }; cp app.env told";
    let on_change = format!("--on-change={tell}");
    let outputs = ["--out=config.properties", "--out=app.env", &on_change];
    let watch = desk.watch(&server.url(), &outputs);
    let fails = |commit: &str| {
        watch.line_with(&format!(
            "{}  `{tell}` failed (exit 1): not yet",
            &commit[..7]
        ))
    };
    let holds = |name: &str, line: &str| {
        eventually(&format!("`{line}` in {name}"), || {
            expect_that(desk.file(name).contains(line), desk.file(name))
        });
    };

    watch.line_with("config.properties, app.env written");
    watch.line_with("failed (exit 1): not yet");
    fs::write(desk.path("ready"), "").unwrap();
    holds("told", "ORDERS_LIMITS_MAX_OPEN=20\n");

    fs::remove_file(desk.path("ready")).unwrap();
    fails(&desk.limit(40));
    holds("config.properties", "orders.limits.max-open: 40\n");
    holds("app.env", "ORDERS_LIMITS_MAX_OPEN=40\n");
    holds("told", "ORDERS_LIMITS_MAX_OPEN=20\n");
    fs::write(desk.path("ready"), "").unwrap();
    holds("told", "ORDERS_LIMITS_MAX_OPEN=40\n");
}

#[test]
fn a_disk_that_fails_is_tried_again_without_a_poll() {
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    fs::create_dir(desk.path("there")).unwrap();
    let watch = desk.watch(&server.url(), &["--poll=0", "--out=there/app.env"]);
    watch.line_with("app.env written");
    fs::rename(desk.path("there"), desk.path("gone")).unwrap();
    desk.limit(40);
    watch.line_with("there/app.env cannot be written");
    watch.line_with("; will try again in 1s");
    fs::rename(desk.path("gone"), desk.path("there")).unwrap();
    eventually("the new file", || {
        let text = desk.file("there/app.env");
        expect_that(text.contains("MAX_OPEN=40"), text)
    });
}

#[test]
fn secrets_do_not_get_into_reasons() {
    let desk = Desk::new();
    let secret = "orders:\n  limits:\n    max-open: 20\ndb:\n  password: s3cret-of-many\n";
    desk.repo.push("a secret", &[("orders-dev.yml", secret)]);
    let server = TestServer::start(&desk.repo).ready();
    let mut watch = desk.watch(
        &server.url(),
        &[
            "--out=config.yaml",
            "--check=grep password {config.yaml}; exit 1",
        ],
    );
    assert_eq!(watch.wait().code(), Some(1));
    watch.line_with("check failed (exit 1): password: …");
    assert!(!watch.lines().join("\n").contains("s3cret-of-many"));
}

#[test]
fn a_program_that_will_not_end_is_killed_with_what_it_started() {
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    let deaf = "trap '' TERM; sleep 600 & echo child $! up; while :; do wait; done";
    let mut watch = desk.watch(&server.url(), &["--max-wait=100ms", "--", "sh", "-c", deaf]);
    let child = pid(&watch, " up");
    watch.signal("TERM");
    let status = watch.wait();
    assert_eq!((status.code(), status.signal()), (Some(137), None));
    ends(&child);
}

#[test]
fn nobody_waits_for_a_check_to_leave() {
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    fs::write(desk.path("go"), "").unwrap();
    let check = "--check=test -e go || { echo $$ > .new; mv .new checking; exec sleep 600; }";
    let program = "trap 'exit 5' TERM; echo up; while :; do sleep 0.1; done";
    let arguments = [
        "--out=config.yaml",
        check,
        "--check-timeout=10m",
        "--",
        "sh",
        "-c",
        program,
    ];
    let mut watch = desk.watch(&server.url(), &arguments);
    watch.line_with("up");
    let good = desk.file("config.yaml");
    fs::remove_file(desk.path("go")).unwrap();
    desk.limit(40);
    eventually("the check", || {
        expect_that(desk.path("checking").exists(), desk.names())
    });
    watch.signal("TERM");
    assert_eq!(watch.wait().code(), Some(5));
    ends(desk.file("checking").trim());
    assert_eq!(desk.file("config.yaml"), good);
    assert_eq!(desk.names(), ["checking", "config.yaml"]);
}

#[test]
fn as_the_first_process_it_collects_what_loses_its_parent() {
    let namespace = [
        "--user",
        "--map-root-user",
        "--pid",
        "--fork",
        "--mount-proc",
    ];
    let allowed = Command::new("unshare").args(namespace).arg("true").status();
    if !allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no namespace of processes may be made here");
        return;
    }
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    // What has ended but was not collected can still be sent signals.
    let orphan = "sh -c 'sleep 0.1 & echo $! > pid'; while kill -0 $(cat pid) 2>/dev/null; do :; done; exit 9";
    let watch = desk.command(&server.url(), &["--", "sh", "-c", orphan]);
    let mut command = Command::new("unshare");
    command
        .args(namespace)
        .arg(watch.get_program())
        .args(watch.get_args());
    command.current_dir(desk.folder.path());
    assert_eq!(Running::start(command).wait().code(), Some(9));
}

#[test]
fn files_read_as_the_answers_of_the_server() {
    let desk = Desk::new();
    let text = "port: 8081\nurl: http://${host:here}:${port}/\ncopy: ${port}\nenabled: ${flag}\nflag: true\nlist: [a, {b: 1}]\nmissing: ${nobody}\n";
    desk.repo.push("placeholders", &[("orders-dev.yml", text)]);
    let server = TestServer::start(&desk.repo).ready();
    let outputs = [
        "--out=config.yaml",
        "--out=config.json",
        "--out=config.toml",
    ];
    let watch = desk.watch(&server.url(), &outputs);
    watch.line_with("config.yaml, config.json, config.toml written");
    let body = |path: &str| server.get(path).body;
    assert_eq!(desk.file("config.yaml"), body("/orders-dev.yml"));
    assert_eq!(desk.file("config.json"), body("/orders-dev.json") + "\n");
    assert!(
        desk.file("config.toml")
            .contains("copy = 8081\nenabled = true\n"),
        "{}",
        desk.file("config.toml")
    );
}

#[test]
fn a_program_that_ends_by_itself_is_not_brought_back() {
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    fs::write(desk.path("go"), "").unwrap();
    let check = "--check=touch checking; while ! test -e go; do sleep 0.1; done; rm checking";
    let program = "echo program $$ up; while ! test -e end; do sleep 0.1; done; exit 6";
    let mut watch = desk.watch(&server.url(), &["--env", check, "--", "sh", "-c", program]);
    let pid = pid(&watch, " up");
    fs::remove_file(desk.path("go")).unwrap();
    desk.limit(40);
    eventually("the check", || {
        expect_that(desk.names() == ["checking"], desk.names())
    });
    fs::write(desk.path("end"), "").unwrap();
    ends(&pid);
    fs::write(desk.path("go"), "").unwrap();
    assert_eq!(watch.wait().code(), Some(6));
}

#[test]
fn a_program_has_taken_a_version_only_when_it_is_ready() {
    if !has("node") {
        return;
    }
    let desk = Desk::new();
    let server = TestServer::start(&desk.repo).ready();
    fs::write(desk.path("ready"), "").unwrap();
    let reader = program("reader.js");
    let watch = desk.watch(
        &server.url(),
        &[
            "--out=config.json",
            "--on-change=SIGHUP",
            "--ready=test -e ready",
            "--ready-timeout=1s",
            "--",
            "node",
            &reader,
            "config.json",
        ],
    );
    let first = pid(&watch, "max-open 20");
    knows(&server, "live");
    fs::remove_file(desk.path("ready")).unwrap();
    desk.limit(40);
    watch.line_with("node reader.js is not ready after 1s: `test -e ready` failed (exit 1)");
    let reason = knows(&server, "rejected")["reason"].to_string();
    assert!(
        reason.contains("node reader.js is not ready after 1s"),
        "{reason}"
    );
    fs::write(desk.path("ready"), "").unwrap();
    assert_eq!(pid(&watch, "max-open 40"), first);
    knows(&server, "live");
}
