//! Several repositories, directories, and composites of them.

use std::{fs, net::TcpListener, path::Path};

use serde_json::{Value, json};

use crate::support::{ConfigRepo, GitDaemon, GitHttp, Manner, TestServer, eventually, expect_that};

const GIT: &str = "spring.cloud.config.server.git";

fn repo(who: &str) -> ConfigRepo {
    let repo = ConfigRepo::from_sample();
    repo.push(who, &[("application.yml", &format!("who: {who}\n"))]);
    repo
}

fn path(repo: &ConfigRepo) -> String {
    repo.path().display().to_string()
}

fn names(environment: &Value) -> Vec<&str> {
    let sources = environment["propertySources"].as_array().unwrap();
    sources
        .iter()
        .map(|source| source["name"].as_str().unwrap())
        .collect()
}

#[test]
fn a_pattern_picks_the_repository() {
    let (usual, team, broken) = (repo("usual"), repo("team"), "/nowhere/broken.git");
    let settings = [
        (format!("{GIT}.uri"), path(&usual)),
        (format!("{GIT}.repos.team.pattern"), "team-*/dev*".into()),
        (format!("{GIT}.repos.team.uri"), path(&team)),
        (format!("{GIT}.repos.gone"), broken.into()),
    ];
    let server =
        TestServer::with(&settings.each_ref().map(|(k, v)| (k.as_str(), v.as_str()))).ready();
    for (address, expected) in [
        ("/team-a/dev,cloud", "team"),
        ("/team-a/prod", "usual"),
        ("/gone/dev", "usual"),
        ("/orders/dev", "usual"),
    ] {
        assert_eq!(server.value(address, "who"), expected, "{address}");
    }

    let moved = team.push("move", &[("application.yml", "who: moved\n")]);
    eventually("the team's commit", || {
        let answer = server.get("/team-a/dev").json();
        expect_that(answer["version"] == moved.as_str(), &answer)
    });
}

#[test]
fn a_repository_that_was_not_heard_of_yet_is_not_replaced_by_another() {
    // It accepts and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let remote = format!("git://{}/team.git", silent.local_addr().unwrap());
    let usual = repo("usual");
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", path(&usual).as_str()),
        ("spring.cloud.config.server.git.timeout", "60"),
        ("spring.cloud.config.server.git.repos.team", &remote),
    ])
    .ready();
    let answer = server.get("/team/dev");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some());
}

#[test]
fn the_same_repository_may_be_read_in_two_ways() {
    let repo = repo("root");
    repo.push("below", &[("below/application.yml", "who: below\n")]);
    let daemon = GitDaemon::serve(&repo);
    let uri = daemon.url();
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        ("spring.cloud.config.server.git.repos.team.uri", &uri),
        (
            "spring.cloud.config.server.git.repos.team.search-paths",
            "below",
        ),
    ])
    .ready();
    eventually("both clones", || {
        let who = server.get("/team/dev");
        expect_that(
            who.status == 200 && who.body.contains("below/application.yml"),
            &who,
        )
    });
    assert_eq!(server.value("/orders/dev", "who"), "root");
}

#[test]
fn a_commit_beyond_the_limits_is_an_error_and_not_nothing() {
    let repo = repo("large");
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", path(&repo).as_str()),
        ("confbus.limits.files", "1"),
    ]);
    eventually("the refusal", || {
        let answer = server.get("/orders/dev");
        expect_that(answer.status == 500, &answer)
    });
    assert_eq!(server.get("/orders/dev/main/banner.txt").status, 500);
    assert_eq!(server.get("/orders/dev/none").status, 404);
}

#[test]
fn an_address_with_placeholders_is_one_repository_for_each_application() {
    let folder = tempfile::tempdir().unwrap();
    let (orders, billing) = (repo("orders"), repo("billing"));
    for (name, repo) in [("orders", &orders), ("billing", &billing)] {
        std::os::unix::fs::symlink(repo.path(), folder.path().join(format!("{name}.git"))).unwrap();
    }
    let template = format!("{}/{{application}}.git", folder.path().display());
    let server = TestServer::with(&[("spring.cloud.config.server.git.uri", &template)]);
    assert_eq!(server.value("/orders/dev", "who"), "orders");
    assert_eq!(server.value("/billing/dev", "who"), "billing");
    let unknown = server.get("/nobody/dev");
    assert!(matches!(unknown.status, 404 | 503), "{unknown:?}");

    billing.push("move", &[("application.yml", "who: moved\n")]);
    eventually("the commit of an open repository", || {
        let who = server.value("/billing/dev", "who");
        expect_that(who == "moved", &who)
    });
}

#[test]
fn an_address_is_filled_with_nothing_but_what_is_allowed() {
    let orders = repo("orders");
    let remote = GitHttp::serve(orders.parent(), Manner::Ordinary);
    for name in ["orders", "billing", "team-a"] {
        let place = orders.parent().join(format!("{name}.git"));
        std::os::unix::fs::symlink(orders.path(), place).unwrap();
    }
    let template = remote.url("{application}.git");
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", template.as_str()),
        ("confbus.git.placeholder-values", "orders, team-*"),
    ]);
    // Plain files of a repository that is not there are 500, as Spring's.
    for (address, status) in [
        ("/billing/dev", 404),
        ("/billing-dev.yml", 404),
        ("/billing/dev/main/banner.txt", 500),
    ] {
        assert_eq!(server.get(address).status, status, "{address}");
    }
    assert_eq!(remote.asked(), [""; 0]);
    for (address, name) in [("/orders/dev", "orders"), ("/team-a/dev", "orders")] {
        eventually("an allowed repository", || {
            let answer = server.get(address);
            expect_that(answer.status == 200, &answer)
        });
        assert_eq!(server.value(address, "who"), name);
    }
    assert_eq!(server.get("/billing/dev").status, 404);
    let asked = remote.asked();
    assert!(!asked.is_empty() && !asked.iter().any(|line| line.contains("billing")));
}

#[test]
fn a_placeholder_in_the_host_answers_nothing() {
    let uri = "https://{application}.example/config.git";
    let server = TestServer::with(&[("spring.cloud.config.server.git.uri", uri)]);
    assert_eq!(server.get("/evil/dev").status, 404);
    let warned = server
        .lines()
        .iter()
        .any(|line| line.contains("placeholder in the host"));
    assert!(warned, "{:?}", server.lines());
}

#[test]
fn several_labels_are_one_answer() {
    let repo = repo("main");
    repo.push_to("next", "next", &[("application.yml", "who: next\n")]);
    let server = TestServer::start(&repo).ready();
    let answer = server.get("/orders/dev/main,next").json();
    assert_eq!(answer["label"], "main,next");
    let version = answer["version"].as_str().unwrap();
    assert_eq!(version.split(',').count(), 2, "{version}");
    assert_eq!(server.value("/orders/dev/main,next", "who"), "next");
    assert_eq!(server.value("/orders/dev/next,main", "who"), "main");
    assert_eq!(server.get("/orders/dev/main,none").status, 404);
    assert_eq!(server.get("/orders/dev/main,next/banner.txt").status, 404);
}

/// As a whole: a file that is half written would be served as it is.
fn write(folder: &Path, name: &str, content: &str) {
    let file = folder.join(name);
    let aside = file.with_extension("aside");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&aside, content).unwrap();
    fs::rename(aside, file).unwrap();
}

#[test]
fn directories_are_served_as_they_change() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "application.yml", "who: shared\n");
    write(folder.path(), "next/application.yml", "who: next\n");
    let location = format!("file:{}", folder.path().display());
    let server = TestServer::with(&[
        ("spring.profiles.active", "native"),
        (
            "spring.cloud.config.server.native.search-locations",
            &location,
        ),
    ])
    .ready();
    let answer = server.get("/orders/dev/next").json();
    let expected =
        ["next/application.yml", "application.yml"].map(|name| format!("{location}/{name}"));
    assert_eq!(names(&answer), expected);
    assert_eq!(
        (&answer["version"], &answer["state"]),
        (&Value::Null, &Value::Null)
    );

    write(folder.path(), "orders.yml", "who: orders\n");
    eventually("the new file", || {
        let who = server.value("/orders/dev", "who");
        expect_that(who == "orders", &who)
    });
    write(folder.path(), "orders.yml", "who: [\n");
    eventually("the last good file, marked", || {
        let answer = server.get("/orders/dev");
        let held = answer
            .header("x-config-held")
            .is_some_and(|held| held.contains("orders.yml:2:1"));
        expect_that(
            held && server.value("/orders/dev", "who") == "orders",
            &answer,
        )
    });
}

#[test]
fn a_composite_is_all_of_its_members_in_order() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "application.yml",
        "who: directory\nonly: here\n",
    );
    let git = repo("git");
    let location = format!("file:{}", folder.path().display());
    let (uri, server) = (path(&git), "spring.cloud.config.server");
    let settings = [
        ("spring.profiles.active".to_owned(), "composite".to_owned()),
        (format!("{server}.composite[0].type"), "native".into()),
        (format!("{server}.composite[0].search-locations"), location),
        (format!("{server}.composite[0].order"), "2".into()),
        (format!("{server}.composite[1].type"), "git".into()),
        (format!("{server}.composite[1].uri"), uri),
        (format!("{server}.composite[1].order"), "1".into()),
        (format!("{server}.overrides.forced"), "yes".into()),
    ];
    let server =
        TestServer::with(&settings.each_ref().map(|(k, v)| (k.as_str(), v.as_str()))).ready();
    assert_eq!(server.value("/nobody/dev", "who"), "git");
    assert_eq!(server.value("/nobody/dev", "only"), "here");
    let answer = server.get("/nobody/dev").json();
    assert_eq!(
        answer["propertySources"][0],
        json!({ "name": "overrides", "source": { "forced": "yes" } })
    );
    assert_eq!(names(&answer).len(), 3, "the overrides come once");
    assert_eq!(answer["version"], Value::Null);
}

#[test]
fn a_member_without_answer_spoils_the_composite_unless_it_may_not() {
    let git = repo("git");
    let uri = path(&git);
    let settings = |lenient: &'static str| {
        [
            ("spring.profiles.active", "composite"),
            (
                "spring.cloud.config.server.fail-on-composite-error",
                lenient,
            ),
            ("spring.cloud.config.server.composite[0].type", "git"),
            (
                "spring.cloud.config.server.composite[0].uri",
                "/nowhere/none.git",
            ),
            ("spring.cloud.config.server.composite[1].type", "git"),
        ]
    };
    let second = ("spring.cloud.config.server.composite[1].uri", uri.as_str());
    let strict = TestServer::with(&[settings("true").as_slice(), &[second]].concat());
    assert_eq!(strict.get("/orders/dev").status, 503);
    let lenient = TestServer::with(&[settings("false").as_slice(), &[second]].concat()).ready();
    assert_eq!(lenient.value("/orders/dev", "who"), "git");
}
