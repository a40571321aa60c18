//! A hundred applications in this process, of which a push concerns three.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use confbus_client::{BusHealth, Client, Settings, Transport};
use tokio::runtime::{Builder, Runtime};

use super::Scene;
use crate::support::{TestServer, eventually, expect_that};

const APPLICATIONS: usize = 100;

/// The applications that the push concerns.
const CONCERNED: [usize; 3] = [3, 17, 42];

/// Whom [`three_reload`] has the server tell.
pub(super) const TOLD: [&str; 4] = ["app-03:**", "app-17:**", "app-42:**", "**"];

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
pub(super) fn files() -> Vec<(String, String)> {
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

/// Pushes the twenty files, then a shared one, to see that the other 97 would have heard.
pub(super) fn three_reload(scene: &Scene, transport: &Transport) {
    let fleet = Fleet::start(&scene.server, transport);
    let names: Vec<_> = (0..APPLICATIONS).map(application).collect();
    scene.knows(&names.iter().map(String::as_str).collect());
    let everyone: Vec<_> = (0..APPLICATIONS).collect();
    let others: Vec<_> = everyone
        .iter()
        .copied()
        .filter(|index| !CONCERNED.contains(index))
        .collect();
    let before = fleet.instances[0].version();

    let files = twenty();
    assert_eq!(files.len(), 20);
    let commit = scene.push(&files);
    fleet.have_reloaded(&CONCERNED, 1, &commit);
    fleet.have_reloaded(&others, 0, &before);
    scene.shows("live", CONCERNED.len());
    scene.shows("same", others.len());

    let commit = scene.push(&[("application.yml", "shared: 1\n")]);
    fleet.have_reloaded(&CONCERNED, 2, &commit);
    fleet.have_reloaded(&others, 1, &commit);
    scene.shows("live", APPLICATIONS);
}
