//! Who is told after a push, and who is left alone.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use confbus_client::{BusHealth, Client, Settings, Transport};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::{
    support::{ConfigRepo, GitDaemon, Request, TestServer, eventually, expect_that},
    webhook::{github, github_push, quiet_settings, sign, start},
};

/// Applications of the large fleet.
const APPLICATIONS: usize = 100;

/// A server that looks when it is told, and everybody's ear on its stream of events.
struct Scene {
    repo: ConfigRepo,
    server: TestServer,
    heard: Arc<Mutex<Vec<String>>>,
    _daemon: GitDaemon,
}

impl Scene {
    fn start(files: &[(&str, &str)], more: &[(&'static str, String)]) -> Self {
        let repo = ConfigRepo::from_sample();
        repo.push("the beginning", files);
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
    fn push(&self, files: &[(&str, &str)]) -> String {
        let commit = self.repo.push("a step", files);
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
            let readers = known["readers"].as_array().unwrap();
            let named: BTreeSet<_> = readers
                .iter()
                .filter_map(|reader| reader["application"].as_str())
                .collect();
            expect_that(named.is_superset(applications), &known)
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
    scene.push(&[("orders.yml", "# why\na: 1\nb: 1\n")]);
    scene.push(&[("orders.yml", "a: 2\nb: 1\n")]);
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
    let commit = scene.push(&[("orders.yml", "a: 2\n")]);
    assert_eq!(scene.told(1), ["orders:**"]);
    let refreshes = scene.server.get("/_/api/refreshes").json();
    let refresh = &refreshes["refreshes"][0];
    assert_eq!(refresh["trigger"], "push");
    assert_eq!(refresh["labels"][0]["to"], commit.as_str());
    assert_eq!(refresh["destinations"], serde_json::json!(["orders:**"]));
    assert_eq!(refresh["told"][0]["instance"], "orders:dev:8081:1");
    let timeline: Vec<_> = refresh["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|moment| &moment["what"])
        .collect();
    assert_eq!(timeline, ["looked", "swapped", "published"]);

    assert_eq!(
        scene.server.post("/actuator/busrefresh/payments").status,
        204
    );
    let refreshes = scene.server.get("/_/api/refreshes").json();
    assert_eq!(refreshes["refreshes"][0]["trigger"], "busrefresh");
}

/// One instance of each application, in this process.
struct Fleet {
    instances: Vec<Instance>,
    _runtime: Runtime,
}

struct Instance {
    client: Client,
    reloads: Arc<AtomicUsize>,
}

impl Fleet {
    fn start(server: &TestServer, transport: &Transport) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let instance = |index| {
            let settings = Settings::new(application(index))
                .profiles("dev")
                .server(server.url())
                .index(index.to_string())
                .transport(transport.clone())
                .without_poll();
            async { Instance::start(settings).await }
        };
        let all = futures_util::future::join_all((0..APPLICATIONS).map(instance));
        let fleet = Self {
            instances: runtime.block_on(all),
            _runtime: runtime,
        };
        eventually("everyone listen", || {
            let waiting = fleet
                .instances
                .iter()
                .filter(|instance| instance.client.health().bus != BusHealth::Connected);
            expect_that(waiting.count() == 0, "some do not yet")
        });
        fleet
    }

    /// Waits until exactly these runs another version than the others, and asserts that each of them reloaded once.
    fn have_reloaded(&self, expected: &[usize], times: usize, version: &str) {
        eventually(&format!("{expected:?} on {version}"), || {
            let versions: Vec<_> = expected
                .iter()
                .map(|index| self.instances[*index].version())
                .collect();
            let counts: Vec<_> = expected
                .iter()
                .map(|index| self.instances[*index].reloads())
                .collect();
            let arrived = versions.iter().all(|running| running == version)
                && counts.iter().all(|count| *count >= times);
            expect_that(arrived, (versions, counts))
        });
        for index in expected {
            assert_eq!(self.instances[*index].reloads(), times, "{index}");
        }
    }
}

impl Instance {
    async fn start(settings: Settings) -> Self {
        let client = Client::connect(settings).await.unwrap();
        let mut changes = client.changes();
        let reloads = Arc::<AtomicUsize>::default();
        let counted = Arc::clone(&reloads);
        tokio::spawn(async move {
            while changes.next().await.is_some() {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        Self { client, reloads }
    }

    fn version(&self) -> String {
        self.client.snapshot().version().unwrap().to_owned()
    }

    fn reloads(&self) -> usize {
        self.reloads.load(Ordering::SeqCst)
    }
}

fn application(index: usize) -> String {
    format!("app-{index:02}")
}

/// The files of all applications; four of them have one for `dev`, too, which hides a value.
fn hundred() -> Vec<(String, String)> {
    let own = (0..APPLICATIONS).map(|index| {
        (
            format!("app-{index:02}.yml"),
            format!("limit: {index}\nkept: 1\n"),
        )
    });
    let hiding = (60..64).map(|index| (format!("app-{index:02}-dev.yml"), "limit: 0\n".to_owned()));
    own.chain(hiding).collect()
}

/// Twenty files of which three change something for somebody.
fn twenty() -> Vec<(String, String)> {
    let own = |index| format!("app-{index:02}.yml");
    let concerning = [
        (own(3), "limit: 1000\nkept: 1\n".to_owned()),
        ("app-17-dev.yml".to_owned(), "limit: 1000\n".to_owned()),
        ("app-42.properties".to_owned(), "added=1\n".to_owned()),
    ];
    let comments =
        (50..57).map(|index| (own(index), format!("# why\nkept: 1\nlimit:   {index}\n")));
    let hidden = (60..64).map(|index| (own(index), "limit: 1000\nkept: 1\n".to_owned()));
    let moved = [
        (own(70), "kept: 1\n".to_owned()),
        ("app-70-dev.yml".to_owned(), "limit: 70\n".to_owned()),
    ];
    let elsewhere = [
        "README.md",
        "tools/app-80.yml",
        "app-81.json",
        "app-82/app-82.yml",
    ];
    let elsewhere = elsewhere.map(|path| (path.to_owned(), "limit: 1000\n".to_owned()));
    let all = concerning.into_iter().chain(comments).chain(hidden);
    all.chain(moved).chain(elsewhere).collect()
}

fn borrowed(files: &[(String, String)]) -> Vec<(&str, &str)> {
    files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect()
}

/// Pushes the twenty files, then a shared one, to see that the other 97 would have heard.
fn three_of_a_hundred(scene: &Scene, transport: &Transport) {
    let fleet = Fleet::start(&scene.server, transport);
    let names: Vec<_> = (0..APPLICATIONS).map(application).collect();
    scene.knows(&names.iter().map(String::as_str).collect());
    let everyone: Vec<_> = (0..APPLICATIONS).collect();
    let concerned = [3, 17, 42];
    let others: Vec<_> = everyone
        .iter()
        .copied()
        .filter(|index| !concerned.contains(index))
        .collect();
    let before = fleet.instances[0].version();

    let files = twenty();
    assert_eq!(files.len(), 20);
    let commit = scene.push(&borrowed(&files));
    fleet.have_reloaded(&concerned, 1, &commit);
    fleet.have_reloaded(&others, 0, &before);

    let commit = scene.push(&[("application.yml", "shared: 1\n")]);
    fleet.have_reloaded(&concerned, 2, &commit);
    fleet.have_reloaded(&others, 1, &commit);
}

const TOLD: [&str; 4] = ["app-03:**", "app-17:**", "app-42:**", "**"];

#[test]
fn three_of_a_hundred_applications_reload() {
    let scene = Scene::start(&borrowed(&hundred()), &[]);
    three_of_a_hundred(&scene, &Transport::Stream);
    assert_eq!(scene.told(4), TOLD);
}
