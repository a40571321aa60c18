//! Whoever pushes sees at the Git host what became of the commit.

use std::path::PathBuf;

use confbus_protocol::{BusId, Outcome, Report};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    ConfigRepo, GitDaemon, Post, Request, StatusHost, TestServer, eventually, expect_that,
};

const TOKEN: &str = "s3cret-token";
const OTHER_TOKEN: &str = "an0ther-token";

/// A server that tells a host, and a repository that belongs to this host.
struct Scene {
    repo: ConfigRepo,
    host: StatusHost,
    server: TestServer,
    token_file: PathBuf,
    _daemon: GitDaemon,
    _folder: TempDir,
}

impl Scene {
    fn start() -> Self {
        let (repo, host) = (ConfigRepo::from_sample(), StatusHost::start());
        // So that the repository has an owner.
        std::os::unix::fs::symlink(".", repo.parent().join("acme")).unwrap();
        let daemon = GitDaemon::serve(&repo);
        let uri = daemon.url().replace("/config.git", "/acme/config.git");
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        std::fs::write(&token_file, format!("{TOKEN}\n")).unwrap();
        let server = TestServer::with(&[
            ("spring.cloud.config.server.git.uri", &uri),
            ("spring.cloud.config.server.git.refresh-rate", "1"),
            ("confbus.commit-status.kind", "github"),
            (
                "confbus.commit-status.api-url",
                &format!("{}/api/v3", host.url()),
            ),
            (
                "confbus.commit-status.token-file",
                &token_file.display().to_string(),
            ),
        ]);
        let server = server.ready();
        eventually("that somebody reads orders", || {
            let known = server.get("/_/api/instances").json();
            expect_that(known["readers"][0]["application"] == "orders", &known)
        });
        Self {
            repo,
            host,
            server,
            token_file,
            _daemon: daemon,
            _folder: folder,
        }
    }

    /// An instance says what became of a version.
    fn report(&self, instance: &str, version: &str, outcome: Outcome) {
        let report = Report {
            instance: BusId::new(instance).unwrap(),
            application: "orders".into(),
            profiles: "dev".into(),
            label: None,
            version: Some(version.into()),
            running: None,
            outcome,
            transport: None,
            poll_seconds: None,
        };
        let post = Request::post("/confbus/reports", report.to_json());
        assert_eq!(self.server.send(&post).status, 204);
    }

    fn push(&self, text: &str) -> String {
        self.repo.push("a step", &[("orders.yml", text)])
    }

    /// What the host hears of a commit, as soon as it has heard it so many times.
    #[track_caller]
    fn hears(&self, commit: &str, times: usize) -> Post {
        eventually("a commit status", || {
            let mut posts = self.host.posts();
            posts.retain(|post| post.path.ends_with(commit));
            expect_that(posts.len() >= times, &posts)?;
            posts.pop().ok_or_else(String::new)
        })
    }

    /// Waits until the server says something.
    #[track_caller]
    fn says(&self, text: &str) {
        eventually(text, || {
            let lines = self.server.lines();
            expect_that(lines.iter().any(|line| line.contains(text)), lines)
        });
    }

    #[track_caller]
    fn keeps_its_tokens(&self) {
        for line in self.server.lines() {
            assert!(
                !line.contains(TOKEN) && !line.contains(OTHER_TOKEN),
                "{line}"
            );
        }
    }
}

fn description(post: &Post, state: &str) -> String {
    assert_eq!(post.body["state"], state, "{post:?}");
    let description = post.body["description"].as_str();
    description.unwrap().to_owned()
}

#[test]
fn a_host_hears_of_good_broken_and_mended_commits() {
    let scene = Scene::start();
    let good = scene.push("limit: 1\n");
    let post = scene.hears(&good, 1);
    assert_eq!(
        post.path,
        format!("/api/v3/repos/acme/config/statuses/{good}")
    );
    assert_eq!(post.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(post.headers["content-type"], "application/json");
    assert!(post.headers["user-agent"].starts_with("confbus/"));
    assert_eq!(post.body["context"], "confbus");
    assert_eq!(post.body.get("target_url"), None::<&Value>);
    assert_eq!(
        description(&post, "success"),
        "served; 1 application is told"
    );

    let broken = scene.push("limit: 2\nlist:\n  - a: [\n");
    let said = description(&scene.hears(&broken, 1), "failure");
    let held = format!("; held at {}", &good[..7]);
    assert!(said.starts_with("orders.yml:4:1: "), "{said}");
    assert!(said.ends_with(&held), "{said}");

    let mended = scene.push("limit: 3\n");
    assert_eq!(
        description(&scene.hears(&mended, 1), "success"),
        "served; 1 application is told"
    );
    let same = scene.push("# why\nlimit: 3\n");
    assert_eq!(
        description(&scene.hears(&same, 1), "success"),
        "served; nobody's configuration is different"
    );
    assert_eq!(scene.host.posts().len(), 4);
    scene.keeps_its_tokens();
}

#[test]
fn a_host_hears_once_what_those_made_of_a_commit_who_were_told() {
    let scene = Scene::start();
    let applied = || Outcome::Applied {
        restart: Vec::new(),
    };
    let first = scene.push("limit: 1\n");
    scene.hears(&first, 1);
    for instance in ["orders:dev:1:a", "orders:dev:2:b"] {
        scene.report(instance, &first, applied());
    }
    let second = scene.push("limit: 2\n");
    scene.hears(&second, 1);
    scene.report("orders:dev:1:a", &second, applied());
    scene.report("orders:dev:2:b", &second, applied());
    let live = format!("{} is live on 2 of 2 instances", &second[..7]);
    let post = scene.hears(&second, 2);
    assert_eq!(description(&post, "success"), live);

    let third = scene.push("limit: 3\n");
    scene.hears(&third, 1);
    scene.report("orders:dev:1:a", &third, applied());
    let reason = "too high".to_owned();
    scene.report("orders:dev:2:b", &third, Outcome::Rejected { reason });
    let refused = format!("{} is live on 1 of 2 instances; 1 rejected it", &third[..7]);
    let post = scene.hears(&third, 2);
    assert_eq!(description(&post, "failure"), refused);
    assert_eq!(scene.host.posts().len(), 5);
}

#[test]
fn a_host_that_fails_is_told_again_and_one_that_leads_elsewhere_is_not_followed() {
    let scene = Scene::start();
    scene.host.answer(&[
        "503 Service Unavailable",
        "429 Too Many Requests\r\nRetry-After: 1",
    ]);
    let first = scene.push("limit: 1\n");
    assert_eq!(scene.hears(&first, 3).body["state"], "success");
    scene.says("the host takes commit statuses again");

    let elsewhere = StatusHost::start();
    let redirect = format!("307 Temporary Redirect\r\nLocation: {}/", elsewhere.url());
    scene.host.answer(&[&redirect]);
    let second = scene.push("limit: 2\n");
    scene.hears(&second, 1);
    scene.says("the host leads elsewhere (307");

    std::fs::write(&scene.token_file, OTHER_TOKEN).unwrap();
    let third = scene.push("limit: 3\n");
    let post = scene.hears(&third, 1);
    assert_eq!(
        post.headers["authorization"],
        format!("Bearer {OTHER_TOKEN}")
    );
    assert_eq!(scene.host.posts().len(), 5);
    assert_eq!(elsewhere.posts().len(), 0);
    let told = scene.server.lines();
    let warnings = told
        .iter()
        .filter(|line| line.contains("WARN") && line.contains("was not told"));
    assert_eq!(warnings.count(), 3);
    scene.keeps_its_tokens();
}
