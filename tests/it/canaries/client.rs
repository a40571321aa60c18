//! What a configuration holds and what a client proves itself with: told to nobody but those who ask for the values.

use std::{
    fs,
    io::Read as _,
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use serde_json::Value;

use super::PASSWORD;
use crate::support::{ConfigRepo, Request, Running, Secrets, TestServer, eventually, expect_that};

/// Values of the configuration, before and after a push.
const VALUES: [[&str; 2]; 2] = [
    ["canary-of-a-value", "canary-in-an-address"],
    ["canary-of-its-successor", "canary-in-a-later-address"],
];
/// What the client is given besides.
const TOKEN: &str = "canary-of-the-config-token";
const HEADER: &str = "canary-of-a-header";
const KEY: &str = "c4aa1234c4aa1234c4aa1234c4aa1234c4aa1234c4aa1234c4aa1234c4aa1234";

fn push(repo: &ConfigRepo, [password, in_address]: [&str; 2], limit: u32) {
    let text = format!(
        "db:\n  password: {password}\n  url: https://ana:{in_address}@db.example/x\nlimit: {limit}\n"
    );
    repo.push("secrets", &[("orders-dev.yml", &text)]);
}

fn ask(server: &TestServer, path: &str) -> String {
    let request = Request::get(path).login("ana", PASSWORD);
    server.send(&request).body
}

/// Everything that comes over the stream of events.
fn listen(server: &TestServer) -> Arc<Mutex<String>> {
    let request = Request::get("/confbus/events").login("ana", PASSWORD);
    let mut stream = request.sent(server.port()).unwrap();
    let heard = Arc::<Mutex<String>>::default();
    let to = Arc::clone(&heard);
    thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut piece) {
            to.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&piece[..length]));
        }
    });
    heard
}

fn client(server: &TestServer, folder: &Path) -> Running {
    let key = folder.join("key");
    fs::write(&key, KEY).unwrap();
    let url = server
        .url()
        .replace("http://", &format!("http://ana:{PASSWORD}@"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_confbus"));
    command
        .args(["watch", "orders/dev", "--poll=1", "--settle=50ms"])
        .args(["--server", &url])
        .arg(format!("--last-good={}", folder.display()))
        .arg(format!("--last-good-key={}", key.display()))
        .env("RUST_LOG", "trace")
        .env("SPRING_CLOUD_CONFIG_TOKEN", TOKEN)
        .env("SPRING_CLOUD_CONFIG_HEADERS_X_TENANT", HEADER);
    Running::start(command)
}

/// Each refresh by itself, with what became of it.
fn refreshes(server: &TestServer) -> Vec<(String, String)> {
    let list: Value = serde_json::from_str(&ask(server, "/_/api/refreshes")).unwrap();
    let refreshes = list["refreshes"].as_array().unwrap().iter();
    let ids = refreshes.map(|refresh| refresh["id"].as_str().unwrap());
    let paths = ids.map(|id| format!("/_/api/refreshes/{id}"));
    paths
        .map(|path| (path.clone(), ask(server, &path)))
        .collect()
}

/// The files of a folder, and what they hold. Clones and journals hold the configuration, for their owner alone.
fn files(folder: &Path) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let files = entries.filter(|entry| entry.path().is_file());
    let texts = files.map(|entry| {
        let bytes = fs::read(entry.path()).unwrap();
        let name = entry.file_name().display().to_string();
        (name, String::from_utf8_lossy(&bytes).into_owned())
    });
    texts
        .filter(|(name, _)| !name.ends_with(".served"))
        .collect()
}

#[test]
fn no_value_and_no_proof_of_a_client_is_told_to_others() {
    let repo = ConfigRepo::from_sample();
    push(&repo, VALUES[0], 1001);
    let uri = repo.path().display().to_string();
    let server = TestServer::with_environment(
        &[
            ("spring.cloud.config.server.git.uri", &uri),
            ("spring.security.user.name", "ana"),
            ("spring.security.user.password", PASSWORD),
        ],
        &[("RUST_LOG", "trace")],
    );
    let heard = listen(&server);
    let folder = tempfile::tempdir().unwrap();
    let client = client(&server, folder.path());
    client.line_with("listening");
    push(&repo, VALUES[1], 1002);
    ask(&server, "/orders/dev");
    let refresh = Request::post("/actuator/busrefresh", "").login("ana", PASSWORD);
    assert_eq!(server.send(&refresh).status, 204);
    client.line_with("→ 1002");
    eventually("the event", || {
        let heard = heard.lock().unwrap().clone();
        expect_that(heard.contains("RefreshRemoteApplicationEvent"), heard)
    });

    let values = VALUES.as_flattened().iter();
    let secrets = values.fold(Secrets::default(), |secrets, value| secrets.and(value));
    let secrets = secrets.and(TOKEN).and(HEADER).and(KEY).and(PASSWORD);
    let shown = ask(&server, "/orders/dev");
    assert!(
        secrets.told_in(&shown).is_some(),
        "those who ask are told: {shown}"
    );
    let mut outlets = refreshes(&server);
    assert!(!outlets.is_empty());
    for path in [
        "/_/api/instances",
        "/_/api/instances?application=orders&profile=dev",
        "/_/api/refreshes",
        "/_/api/pins",
        "/_/api/waves",
        "/actuator/health",
        "/actuator/info",
    ] {
        outlets.push((path.to_owned(), ask(&server, path)));
    }
    outlets.push(("events".to_owned(), heard.lock().unwrap().clone()));
    outlets.extend(files(server.base()));
    let last_good = files(folder.path()).into_iter();
    outlets.extend(last_good.filter(|(name, _)| name != "key"));
    let lines = client.lines().into_iter().chain(server.lines());
    outlets.extend(lines.map(|line| ("a line".to_owned(), line)));
    for (outlet, text) in outlets {
        assert_eq!(secrets.told_in(&text), None, "{outlet}: {text}");
    }
}
