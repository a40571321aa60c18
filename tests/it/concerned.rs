//! Who is told after a push, and who is left alone.

mod fleet;
#[cfg(feature = "broker-tests")]
mod rabbit;

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
};

use confbus_client::Transport;
use serde_json::Value;

use crate::{
    support::{ConfigRepo, GitDaemon, Request, TestServer, eventually, expect_that},
    webhook::{github, github_push, quiet_settings, sign, start},
};

/// A server that looks when it is told, and everybody's ear on its stream of events.
struct Scene {
    repo: ConfigRepo,
    server: TestServer,
    heard: Arc<Mutex<Vec<String>>>,
    _daemon: GitDaemon,
}

impl Scene {
    fn start(
        files: &[(impl AsRef<str>, impl AsRef<str>)],
        more: &[(&'static str, String)],
    ) -> Self {
        let repo = ConfigRepo::from_sample();
        repo.push("the beginning", &borrowed(files));
        let daemon = GitDaemon::serve(&repo);
        let mut settings = quiet_settings(&daemon);
        settings.extend_from_slice(more);
        let server = start(&settings);
        let heard = listen(&server);
        Self {
            repo,
            server,
            heard,
            _daemon: daemon,
        }
    }

    /// Pushes files and delivers the webhook.
    fn push(&self, files: &[(impl AsRef<str>, impl AsRef<str>)]) -> String {
        let files = borrowed(files);
        let commit = self.repo.push("a step", &files);
        let paths: Vec<_> = files.iter().map(|(path, _)| *path).collect();
        let body = github_push("refs/heads/main", &paths);
        let delivery = github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body));
        assert_eq!(self.server.send(&delivery).status, 200);
        commit
    }

    /// Reads configuration, and waits until the server knows that somebody did.
    fn is_read_at(&self, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(self.server.get(address).status, 200);
        }
        self.knows(
            &addresses
                .iter()
                .map(|address| address.split('/').nth(1).unwrap())
                .collect(),
        );
    }

    fn knows(&self, applications: &BTreeSet<&str>) {
        eventually("known applications", || {
            let known = self.server.get("/_/api/instances").json();
            let known_by = |way: &str| known[way].as_array().unwrap();
            let named: BTreeSet<_> = known_by("readers")
                .iter()
                .chain(known_by("instances"))
                .filter_map(|one| one["application"].as_str())
                .collect();
            expect_that(named.is_superset(applications), &known)
        });
    }

    /// Waits until as many instances are in a state, as the ledger sees it.
    fn shows(&self, state: &str, number: usize) {
        eventually(&format!("{number} {state}"), || {
            let seen = self
                .server
                .get(&format!("/_/api/instances?state={state}"))
                .json();
            expect_that(seen["instances"].as_array().unwrap().len() == number, &seen)
        });
    }

    /// Waits until as many were told, and says whom.
    fn told(&self, number: usize) -> Vec<String> {
        eventually("refresh events", || {
            let heard = self.heard.lock().unwrap().clone();
            expect_that(heard.len() >= number, &heard)?;
            Ok(heard)
        })
    }
}

fn borrowed(files: &[(impl AsRef<str>, impl AsRef<str>)]) -> Vec<(&str, &str)> {
    files
        .iter()
        .map(|(path, text)| (path.as_ref(), text.as_ref()))
        .collect()
}

/// Notes for whom the events on the stream are.
fn listen(server: &TestServer) -> Arc<Mutex<Vec<String>>> {
    let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    connection
        .write_all(b"GET /confbus/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        .unwrap();
    let mut lines = BufReader::new(connection).lines();
    lines
        .by_ref()
        .map(Result::unwrap)
        .find(|line| line == "event: hello")
        .unwrap();
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let noted = Arc::clone(&heard);
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            let event = line
                .strip_prefix("data:")
                .and_then(|data| serde_json::from_str::<Value>(data).ok());
            if let Some(destination) = event
                .as_ref()
                .and_then(|event| event["destinationService"].as_str())
            {
                noted.lock().unwrap().push(destination.to_owned());
            }
        }
    });
    heard
}

#[test]
fn those_whose_values_changed_are_told_and_nobody_else() {
    let scene = Scene::start(
        &[
            ("orders.yml", "a: 1\nb: 1\n"),
            ("orders-dev.yml", "a: 0\n"),
            ("payments.yml", "a: 1\n"),
        ],
        &[],
    );
    scene.is_read_at(&["/orders/dev", "/payments/dev", "/shipping-api/dev"]);
    // Nobody: a comment, and a value that a stronger file hides.
    for quiet in ["# why\na: 1\nb: 1\n", "a: 2\nb: 1\n"] {
        let commit = scene.push(&[("orders.yml", quiet)]);
        scene.server.serves(&commit);
    }
    // The file of a profile.
    scene.push(&[("orders-dev.yml", "a: 3\n")]);
    assert_eq!(scene.told(1), ["orders:**"]);
    // A file that nobody known reads: the longest known name, or else all that it may mean.
    scene.push(&[("shipping-api-prod.yml", "a: 1\n")]);
    assert_eq!(scene.told(2)[1..], ["shipping-api:**"]);
    scene.push(&[("never-seen.yml", "a: 1\n")]);
    assert_eq!(scene.told(4)[2..], ["never:**", "never-seen:**"]);
    // A shared file.
    scene.push(&[("application.yml", "shared: 1\n")]);
    assert_eq!(scene.told(5)[4..], ["**"]);
}

#[test]
fn a_diff_names_those_who_are_told() {
    let scene = Scene::start(
        &[
            ("orders.yml", "url: http://${db.host}/x\ndb.host: pg\n"),
            ("payments.yml", "url: http://${db.host}/y\ndb.host: pg\n"),
            ("shipping.yml", "url: http://${db.host:none}/z\n"),
        ],
        &[],
    );
    let all = ["orders", "payments", "shipping"];
    for application in all {
        let request = Request::get(&format!("/{application}/dev"));
        let instance = format!("{application}:dev:8081:1");
        let answer = scene
            .server
            .send(&request.header("X-Config-Instance", &instance));
        assert_eq!(answer.status, 200);
    }
    scene.knows(&BTreeSet::from(all));
    let before = scene.server.get("/orders/dev").json()["version"].clone();
    // The key alone moves; who refers to it has it in the same answer.
    let after = scene.push(&[("orders.yml", "url: http://${db.host}/x\ndb.host: db\n")]);
    let told = scene.told(1);
    scene.server.serves(&after);
    let before = &before.as_str().unwrap()[..7];
    let path = format!(
        "/_/api/diffs?from=orders/dev@{before}&to=orders/dev@{}",
        &after[..7]
    );
    let diff = scene.server.get(&path).json();
    let radius = diff["blast_radius"].as_array().unwrap().iter();
    let concerned: Vec<_> = radius
        .map(|one| format!("{}:**", one["application"].as_str().unwrap()))
        .collect();
    assert_eq!((&concerned, concerned.len()), (&told, 1), "{diff}");
    assert_eq!(diff["blast_radius"][0]["keys"], 2, "{diff}");
    let keys = diff["changes"].as_array().unwrap().iter();
    let keys: Vec<_> = keys.map(|change| &change["key"]).collect();
    assert_eq!(keys, ["db.host", "url"]);
}

fn generation(scene: &Scene, path: &str) -> u64 {
    let answer = scene.server.get(path);
    let generation = answer.header("x-config-generation");
    generation.unwrap().parse().unwrap()
}

#[test]
fn the_ledger_shows_why_and_whom() {
    let scene = Scene::start(&[("orders.yml", "a: 1\n"), ("payments.yml", "a: 1\n")], &[]);
    let read = |application: &str| {
        let instance = format!("{application}:dev:8081:1");
        let request = Request::get(&format!("/{application}/dev"));
        let answer = scene
            .server
            .send(&request.header("X-Config-Instance", &instance));
        assert_eq!(answer.status, 200);
    };
    read("orders");
    read("payments");
    eventually("two instances", || {
        let known = scene.server.get("/_/api/instances").json();
        expect_that(known["instances"].as_array().unwrap().len() == 2, &known)
    });
    let before = generation(&scene, "/orders/dev");
    let commit = scene.push(&[("orders.yml", "a: 2\nb:\n- password: s3cret\n")]);
    assert_eq!(scene.told(1), ["orders:**"]);
    assert_eq!(generation(&scene, "/orders/dev"), before + 1);
    let known = scene.server.get("/_/api/instances").json();
    for instance in known["instances"].as_array().unwrap() {
        assert_eq!(instance["generation"], before + 1, "{instance}");
    }
    let refreshes = scene.server.get("/_/api/refreshes").json();
    let refresh = &refreshes["refreshes"][0];
    assert_eq!(refresh["trigger"], "push");
    assert_eq!(refresh["labels"][0]["to"], commit.as_str());
    assert_eq!(refresh["labels"][0]["generation"], before + 1);
    assert_eq!(refresh["destinations"], serde_json::json!(["orders:**"]));
    assert_eq!(refresh["told"][0]["instance"], "orders:dev:8081:1");
    let timeline: Vec<_> = refresh["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|moment| &moment["what"])
        .collect();
    assert_eq!(timeline, ["looked", "swapped", "published"]);
    assert!(refresh.get("changes").is_none(), "{refresh}");
    let id = refresh["id"].as_str().unwrap();
    let details = scene.server.get(&format!("/_/api/refreshes/{id}")).json();
    let keys = serde_json::json!([
        { "key": "a", "change": "changed" },
        { "key": "b[0].password", "change": "added" },
    ]);
    let orders = serde_json::json!({ "application": "orders", "keys": keys, "more": 0 });
    let changes = serde_json::json!({ "applications": [orders], "more": 0 });
    assert_eq!(details["changes"], changes);
    assert!(!details.to_string().contains("s3cret"), "{details}");

    assert_eq!(
        scene.server.post("/actuator/busrefresh/payments").status,
        204
    );
    let refreshes = scene.server.get("/_/api/refreshes").json();
    assert_eq!(refreshes["refreshes"][0]["trigger"], "busrefresh");
}

#[test]
fn three_of_a_hundred_applications_reload() {
    let scene = Scene::start(&fleet::files(), &[]);
    fleet::three_reload(&scene, &Transport::Stream);
    assert_eq!(scene.told(4), fleet::TOLD);
}
