use arc_swap::ArcSwap;
use confbus_protocol::{Application, Label, Profiles};
use confbus_resolution::KeyChange;
use tempfile::TempDir;

use super::*;
use crate::{
    Settings, Sources,
    environment_repository::{Announce, Hearers, Known, testing::Remote},
    pins::{self, Pins},
    tasks::Tasks,
    waves::{self, Waves},
};

/// Far more than any machine needs.
const DEADLINE: Duration = Duration::from_secs(60);

fn request(coordinates: &str) -> EnvironmentRequest {
    let mut parts = coordinates.split('/');
    EnvironmentRequest {
        application: Application::parse(parts.next().unwrap()).unwrap(),
        profiles: Profiles::parse(parts.next().unwrap()).unwrap(),
        label: parts.next().map(|label| Label::parse(label).unwrap()),
    }
}

struct Server {
    repository: EnvironmentRepository,
    known: Arc<Vec<EnvironmentRequest>>,
    tasks: Tasks,
}

impl Server {
    /// Opens repositories and reads the configuration of all who are known.
    async fn start(folder: &TempDir, settings: &[(&str, &str)], known: &[&str]) -> Self {
        let server = Self::open(folder, settings, known).await;
        server.repository.look(None, Announce::No).await.unwrap();
        for request in server.known.iter() {
            server
                .repository
                .find_one(request, None, None)
                .await
                .unwrap();
        }
        server.repository.unannounced().take();
        server
    }

    async fn open(folder: &TempDir, settings: &[(&str, &str)], known: &[&str]) -> Self {
        let place = folder.path().display().to_string();
        let base = ("spring.cloud.config.server.git.basedir", "<folder>/clones");
        let arguments = settings.iter().chain([&base]);
        let arguments =
            arguments.map(|(key, value)| ((*key).to_owned(), value.replace("<folder>", &place)));
        let sources = Sources {
            arguments: arguments.collect(),
            ..Sources::default()
        };
        let settings = Settings::load(&sources).unwrap().repository;
        let tasks = Tasks::default();
        let known = known.iter().map(|coordinates| request(coordinates));
        let known = Arc::new(known.collect::<Vec<_>>());
        let readers = Known::new(ArcSwap::new(Arc::clone(&known)));
        let (pins, _) = Pins::open(pins::Settings::default());
        let tasks_of = tasks.clone();
        let (waves, _) = Waves::open(waves::Settings::default());
        let repository =
            EnvironmentRepository::open(settings, pins, waves, tasks_of, readers, Hearers::none())
                .await
                .unwrap();
        Self {
            repository,
            known,
            tasks,
        }
    }

    /// Nothing that this server started looks at anything any more.
    async fn stop(self) {
        self.tasks.stop(DEADLINE).await;
    }

    /// Whom the next look finds concerned, and for whom nothing changed.
    #[track_caller]
    fn finds(&self, told: &[&str], unchanged: &[&str]) -> impl Future<Output = ()> {
        let caller = std::panic::Location::caller();
        async move {
            self.repository.look(None, Announce::No).await.unwrap();
            let (moved, _) = self.repository.unannounced().take();
            let found = concerned(
                self.repository.clone(),
                moved,
                Arc::clone(&self.known),
                DEADLINE,
            )
            .await;
            let destinations: Vec<_> = found.destinations.iter().map(Destination::as_str).collect();
            assert_eq!(destinations, told, "at {caller}");
            let left: Vec<_> = found
                .unchanged
                .iter()
                .map(|unchanged| &unchanged.request)
                .collect();
            let expected: Vec<_> = unchanged
                .iter()
                .map(|coordinates| request(coordinates))
                .collect();
            assert_eq!(left, expected.iter().collect::<Vec<_>>(), "at {caller}");
        }
    }
}

const URI: &str = "spring.cloud.config.server.git.uri";

#[tokio::test(flavor = "multi_thread")]
async fn everyone_is_told_when_the_time_is_up() {
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::new(&folder, "config");
    remote.push("main", &[("orders.yml", "a: 1")]);
    let server = Server::start(&folder, &[(URI, "<folder>/config")], &["orders/dev"]).await;
    remote.push("main", &[("orders.yml", "a: 2")]);
    server.repository.look(None, Announce::No).await.unwrap();
    let (moved, _) = server.repository.unannounced().take();
    let now = Instant::now();
    assert_eq!(find(&server.repository, &moved, &server.known, now), None);
    assert_eq!(or_everyone(None).destinations, [Destination::everyone()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_that_change_are_told_by_application() {
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::new(&folder, "config");
    remote.push("main", &[("application.yml", "a: 1"), ("qa.yml", "b: 1")]);
    let known = ["orders/dev", "orders/qa", "one,qa/dev", "hidden/dev"];
    remote.push("main", &[("hidden.yml", "a: 0"), ("orders.yml", "l: [1]")]);
    let server = Server::start(&folder, &[(URI, "<folder>/config")], &known).await;
    remote.push(
        "main",
        &[
            ("application.yml", "a: 2"),
            ("orders-qa.yml", "l: [1, 2]"),
            ("qa.yml", "c: 1"),
        ],
    );
    server.repository.look(None, Announce::No).await.unwrap();
    let (moved, _) = server.repository.unannounced().take();
    let known = Arc::clone(&server.known);
    let found = concerned(server.repository.clone(), moved, known, DEADLINE).await;

    let (added, removed, changed) = (KeyChange::Added, KeyChange::Removed, KeyChange::Changed);
    let keys = |keys: &[(&str, KeyChange)]| {
        let keys = keys.iter();
        keys.map(|(key, change)| ((*key).to_owned(), *change))
            .collect()
    };
    let mut expected = Changes::default();
    expected.note("orders", &keys(&[("a", changed), ("l[1]", added)]));
    expected.note("qa", &keys(&[("a", changed), ("b", removed), ("c", added)]));
    expected.are_of(2);
    assert_eq!(found.changes, Some(expected));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_readers_of_the_label_are_concerned() {
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::new(&folder, "config");
    remote.push(
        "main",
        &[
            ("orders.yml", "a: 1"),
            ("payments.yml", "a: 1"),
            ("empty.yml", ""),
        ],
    );
    remote.push("next", &[("orders.yml", "a: 1")]);
    let known = [
        "orders/dev",
        "orders/dev/next",
        "payments/dev/main",
        "payments/dev,qa",
    ];
    let server = Server::start(&folder, &[(URI, "<folder>/config")], &known).await;

    remote.push("main", &[("orders.yml", "a: 2")]);
    server
        .finds(&["orders:**"], &["payments/dev/main", "payments/dev,qa"])
        .await;
    remote.push("next", &[("payments.yml", "a: 2")]);
    server.finds(&["payments:**"], &["orders/dev/next"]).await;
    remote.push(
        "main",
        &[("payments-qa.yml", "a: 1"), ("orders.yml", "# why\na: 2")],
    );
    server
        .finds(&[], &["orders/dev", "payments/dev/main", "payments/dev,qa"])
        .await;
    // Who needs the broken file is given what it was given before, and is told when that is mended.
    remote.push("main", &[("payments-qa.yml", "a: [")]);
    server
        .finds(&[], &["orders/dev", "payments/dev/main"])
        .await;
    remote.push("main", &[("payments-qa.yml", "a: 3")]);
    server
        .finds(&["payments:**"], &["orders/dev", "payments/dev/main"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_concerns_those_who_were_told_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::new(&folder, "config");
    remote.push("main", &[("orders.yml", "a: 1")]);
    let server = Server::start(&folder, &[(URI, "<folder>/config")], &["orders/dev"]).await;
    // As for a refresh that somebody asks for, which tells whom it names.
    remote.push("main", &[("orders.yml", "a: 2")]);
    server.repository.look(None, Announce::No).await.unwrap();
    remote.push("main", &[("orders.yml", "a: 1")]);
    server.finds(&["orders:**"], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_default_label_that_appears_concerns_those_who_read_another_in_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::new(&folder, "config");
    let files = [("orders.yml", "a: 1"), ("payments.yml", "a: 1")];
    remote.push("master", &files);
    let known = ["orders/dev", "orders/dev/master", "payments/dev"];
    let server = Server::start(&folder, &[(URI, "<folder>/config")], &known).await;
    remote.push("main", &[("orders.yml", "a: 2"), ("payments.yml", "a: 1")]);
    server.finds(&["orders:**"], &["payments/dev"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_imported_file_concerns_importers_that_were_never_seen() {
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::new(&folder, "config");
    let import = "spring.config.import: imp/x.yml";
    remote.push(
        "main",
        &[
            ("orders.yml", import),
            ("billing.yml", import),
            ("billing-dev.yml", "c: 0"),
            ("payments.yml", import),
            ("imp/x.yml", "c: 1"),
        ],
    );
    let known = ["payments/dev", "billing/dev"];
    let server = Server::start(&folder, &[(URI, "<folder>/config")], &known).await;
    remote.push("main", &[("imp/x.yml", "c: 2")]);
    server
        .finds(&["orders:**", "payments:**"], &["billing/dev"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_names_those_whose_files_changed_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let remote = Remote::new(&folder, "config");
    remote.push(
        "main",
        &[
            ("one.yml", "a: 1"),
            ("two.yml", "b: 1\nspring.config.import: imp/x.yml"),
            ("imp/x.yml", "c: 1"),
        ],
    );
    let server = Server::start(&folder, &[(URI, "<folder>/config")], &["one,two/dev"]).await;
    remote.push(
        "main",
        &[("two.yml", "b: 2\nspring.config.import: imp/x.yml")],
    );
    server.finds(&["two:**"], &[]).await;
    remote.push("main", &[("imp/x.yml", "c: 2")]);
    server.finds(&["one:**", "two:**"], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_readers_of_the_repository_are_concerned() {
    let folder = tempfile::tempdir().unwrap();
    let (usual, team) = (Remote::new(&folder, "usual"), Remote::new(&folder, "team"));
    for remote in [&usual, &team] {
        remote.push("main", &[("team-a.yml", "a: 1"), ("orders.yml", "a: 1")]);
    }
    let settings = [
        (URI, "<folder>/usual"),
        (
            "spring.cloud.config.server.git.repos.team.pattern",
            "team-*/*",
        ),
        (
            "spring.cloud.config.server.git.repos.team.uri",
            "<folder>/team",
        ),
    ];
    let server = Server::start(&folder, &settings, &["team-a/dev", "orders/dev"]).await;
    team.push("main", &[("team-a.yml", "a: 2")]);
    server.finds(&["team-a:**"], &[]).await;
    team.push("main", &[("application.yml", "b: 1")]);
    server.finds(&["team-*:**", "team-a:**"], &[]).await;
    usual.push("main", &[("orders.yml", "a: 2")]);
    server.finds(&["orders:**"], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_of_one_application_concerns_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let (orders, payments) = (
        Remote::new(&folder, "orders"),
        Remote::new(&folder, "payments"),
    );
    for remote in [&orders, &payments] {
        remote.push("main", &[("application.yml", "a: 1")]);
    }
    let settings = [(URI, "file://<folder>/{application}")];
    let server = Server::start(&folder, &settings, &["orders/dev", "payments/dev"]).await;
    orders.push("main", &[("application.yml", "a: 2")]);
    server.finds(&["orders:**"], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_was_open_before_a_stop_is_looked_at_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let orders = Remote::new(&folder, "orders");
    orders.push("main", &[("application.yml", "a: 1")]);
    let settings = [(URI, "file://<folder>/{application}")];
    let before = Server::start(&folder, &settings, &["orders/dev"]).await;
    before.stop().await;
    orders.push("main", &[("application.yml", "a: 2")]);
    let after = Server::open(&folder, &settings, &["orders/dev", "gone/dev"]).await;
    after.repository.reopen(&after.known).await;
    after.finds(&["orders:**"], &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_concerns_those_who_search_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("native/application.yml", "a: 1");
    write("apps/orders/application.yml", "b: 1");
    let settings = [
        ("spring.profiles.active", "native"),
        (
            "spring.cloud.config.server.native.search-locations",
            "file://<folder>/native,file://<folder>/apps/{application}",
        ),
    ];
    let server = Server::start(&folder, &settings, &["orders/dev", "payments/dev/blue"]).await;
    write("apps/orders/application.yml", "b: 2");
    server.finds(&["orders:**"], &["payments/dev/blue"]).await;
    write("native/blue/payments.yml", "c: 1");
    server.finds(&["payments:**"], &["orders/dev"]).await;
}
