//! Looks at remotes that Git itself serves over HTTP, and at those that nobody serves well.

mod caged;
mod clones;
mod damage;
mod differences;
mod oddities;

use std::{
    io::{Read as _, Write as _},
    iter::once,
    net::TcpListener,
    path::Path,
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use confbus_protocol::Label;
use tempfile::TempDir;

use super::{
    Access, Address, Cloning, Common, Git, Reach, Settings,
    git_http::{GitHttp, Manner},
    wire::CloneProgress,
};
use crate::look::{Fetch, Limits, LookError, Query, View};

const LIMITS: Limits = Limits {
    files: 10_000,
    file_bytes: 1 << 20,
    total_bytes: 64 << 20,
};

/// A remote with three commits, and a place for clones.
struct Scene {
    folder: TempDir,
    server: GitHttp,
}

impl Scene {
    fn new(manner: Manner) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = GitHttp::serve(folder.path(), manner);
        let scene = Self { folder, server };
        scene.git(&["init", "-q", "-b", "main", "work"]);
        for number in 1..=3 {
            scene.commit(&format!("a: {number}"));
        }
        scene.in_work(&["tag", "-a", "-m", "one", "v1", "main~1"]);
        scene.in_work(&["branch", "feature/x", "main~2"]);
        scene.git(&["clone", "-q", "--mirror", "work", "config.git"]);
        scene.in_work(&["remote", "add", "origin", "../config.git"]);
        scene
    }

    fn git(&self, arguments: &[&str]) -> String {
        run(self.folder.path(), arguments)
    }

    fn in_work(&self, arguments: &[&str]) -> String {
        run(&self.folder.path().join("work"), arguments)
    }

    fn commit(&self, content: &str) -> String {
        std::fs::write(self.folder.path().join("work/a.yml"), content).unwrap();
        self.in_work(&["add", "."]);
        self.in_work(&["commit", "-q", "-m", content]);
        self.in_work(&["rev-parse", "HEAD"])
    }

    fn push(&self) {
        self.in_work(&["push", "-q", "--force", "--mirror", "origin"]);
    }

    fn reach(&self) -> Reach {
        Reach {
            base_directory: self.folder.path().join("clones"),
            access: Access::default(),
            timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(20),
            clone_deadline: Duration::from_secs(60),
            limits: LIMITS,
        }
    }

    fn clone(&self) -> Git {
        clone_of(&self.server.url("config.git"), self.reach())
    }
}

fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(folder)
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
        .args(arguments)
        .output()
        .expect("git");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn clone_of(url: &str, reach: Reach) -> Git {
    let address = Address::parse(url).unwrap();
    Git::spawn(Settings::new(address, reach, &Common::default())).unwrap()
}

async fn look(git: &Git, fetch: Fetch, labels: &[&str]) -> Result<View, LookError> {
    let labels = labels.iter().map(|label| Label::parse(label).unwrap());
    let query = Query {
        fetch,
        labels: labels.collect(),
    };
    git.look(query).await
}

/// What the labels of a look name.
fn versions(view: &View) -> Vec<Result<String, String>> {
    let labels = view.labels.iter().map(|(_, found)| match found {
        Ok(version) => Ok(version.snapshot.version().to_string()),
        Err(error) => Err(error.to_string()),
    });
    labels.collect()
}

fn text(view: &View, path: &str) -> String {
    let version = view.labels[0].1.as_ref().unwrap();
    let (_, blob) = version.snapshot.files().get(path).unwrap();
    String::from_utf8(blob.bytes().unwrap().to_vec()).unwrap()
}

/// Looks until the history is here: only then is it known that a commit is not.
async fn complete(git: &Git) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let view = look(git, Fetch::No, &["main", "deadbee"]).await.unwrap();
        let found = versions(&view);
        if found[1] == Err("no such branch, tag or commit".into()) {
            return;
        }
        assert!(Instant::now() < end, "{found:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_first_look_brings_one_commit_and_the_history_follows() {
    let scene = Scene::new(Manner::Ordinary);
    let first = scene.in_work(&["rev-parse", "main~2"]);
    let git = scene.clone();
    let view = look(&git, Fetch::All, &["main", &first[..8], "none", "deadbee"])
        .await
        .unwrap();
    assert_eq!(text(&view, "a.yml"), "a: 3");
    assert!(view.news && view.listed);
    let found = versions(&view);
    assert_eq!(found[1], Err("it is still being fetched".into()));
    assert_eq!(found[2], Err("no such branch, tag or commit".into()));
    assert!(view.refs.branches.contains_key("feature/x"));

    complete(&git).await;
    let view = look(
        &git,
        Fetch::No,
        &["feature/x", "v1", &first[..8], "deadbee"],
    )
    .await
    .unwrap();
    let found = versions(&view);
    assert_eq!(found[0], Ok(first.clone()));
    assert_eq!(found[1], Ok(scene.in_work(&["rev-parse", "main~1"])));
    assert_eq!(found[2], Ok(first));
    assert_eq!(found[3], Err("no such branch, tag or commit".into()));
    let mirror = git.mirror();
    assert!(!mirror.join("shallow").exists());
    run(mirror, &["fsck", "--full", "--strict"]);
    let refs = run(
        mirror,
        &["for-each-ref", "--format=%(objectname) %(refname)"],
    );
    let remote = &scene.folder.path().join("config.git");
    assert_eq!(
        refs,
        run(
            remote,
            &["for-each-ref", "--format=%(objectname) %(refname)"]
        )
    );
}

#[tokio::test]
async fn a_look_asks_for_the_refs_that_it_is_told() {
    let scene = Scene::new(Manner::Ordinary);
    let git = scene.clone();
    let first = look(&git, Fetch::All, &["main"]).await.unwrap();
    let again = look(&git, Fetch::All, &["main"]).await.unwrap();
    assert!(!again.news && again.listed);
    complete(&git).await;

    let commit = scene.commit("a: 4");
    scene.in_work(&["branch", "other"]);
    scene.push();
    scene.server.asked();
    let fetch = Fetch::Refs(vec!["refs/heads/main".into()]);
    let view = look(&git, fetch.clone(), &["main", "other"]).await.unwrap();
    let asked = scene.server.asked();
    assert_eq!(versions(&view)[0], Ok(commit));
    assert!(versions(&view)[1].is_err());
    assert!(view.news && !view.listed);
    let count = |text: &str| asked.iter().filter(|line| line.starts_with(text)).count();
    assert_eq!((count("ref-prefix"), count("want")), (1, 1), "{asked:?}");
    assert_eq!(count("GET"), 0, "{asked:?}");
    assert!(count("have") > 0, "{asked:?}");
    let shared = &first.labels[0].1.as_ref().unwrap().snapshot;
    assert_eq!(shared.files().len(), 1);

    let quiet = look(&git, fetch, &["main"]).await.unwrap();
    assert!(!quiet.news);
    scene.in_work(&["branch", "-D", "other"]);
    scene.push();
    let view = look(
        &git,
        Fetch::Refs(vec!["feature/x".into(), "other".into()]),
        &["main"],
    );
    assert!(!view.await.unwrap().news);
}

#[tokio::test]
async fn what_is_gone_or_rewritten_is_followed() {
    let scene = Scene::new(Manner::Ordinary);
    let git = scene.clone();
    look(&git, Fetch::All, &["main"]).await.unwrap();
    complete(&git).await;

    scene.in_work(&["branch", "-D", "feature/x"]);
    scene.in_work(&["branch", "feature"]);
    scene.in_work(&["reset", "-q", "--hard", "main~1"]);
    let commit = scene.commit("a: other");
    scene.push();
    let view = look(&git, Fetch::All, &["main", "feature", "feature/x"])
        .await
        .unwrap();
    let found = versions(&view);
    assert_eq!(found[0], Ok(commit));
    assert!(found[1].is_ok() && found[2].is_err(), "{found:?}");

    scene.in_work(&["branch", "-D", "feature"]);
    scene.push();
    let view = look(&git, Fetch::Refs(vec!["feature".into()]), &["feature"])
        .await
        .unwrap();
    assert!(view.news && versions(&view)[0].is_err());
    run(git.mirror(), &["fsck", "--full"]);
}

#[tokio::test]
async fn a_clone_that_stopped_half_way_goes_on_after_a_restart() {
    let scene = Scene::new(Manner::Ordinary);
    let first = scene.in_work(&["rev-parse", "main~2"]);
    let place = scene.folder.path().join("half");
    let remote = scene.server.url("config.git");
    let mut reach = scene.reach();
    reach.base_directory = place.clone();
    let address = Address::parse(&remote).unwrap();
    let mirror = place.join(format!("{}.git", address.directory_name()));
    std::fs::create_dir_all(&place).unwrap();
    scene.git(&[
        "clone",
        "-q",
        "--bare",
        "--depth=1",
        &remote,
        mirror.to_str().unwrap(),
    ]);
    assert!(mirror.join("shallow").exists());

    let git = clone_of(&remote, reach);
    let view = look(&git, Fetch::No, &["main", &first]).await.unwrap();
    let found = versions(&view);
    assert!(found[0].is_ok());
    assert_eq!(found[1], Err("it is still being fetched".into()));
    look(&git, Fetch::All, &["main"]).await.unwrap();
    complete(&git).await;
    let view = look(&git, Fetch::No, &[&first]).await.unwrap();
    assert_eq!(versions(&view)[0], Ok(first));
    run(&mirror, &["fsck", "--full"]);
}

#[tokio::test]
async fn a_login_goes_along_and_is_never_shown() {
    let scene = Scene::new(Manner::WithLogin);
    let url = scene.server.url("config.git");
    let unreachable = |view: Result<View, LookError>| match view {
        Err(LookError::Unreachable(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let reason = unreachable(look(&scene.clone(), Fetch::All, &["main"]).await);
    assert_eq!(
        reason,
        "the remote asks for a login, and none is configured"
    );
    let wrong = url.replace("http://", "http://ana:wr0ng@");
    let reason = unreachable(look(&clone_of(&wrong, scene.reach()), Fetch::All, &["main"]).await);
    assert_eq!(reason, "the login was refused");
    let right = url.replace("http://", "http://ana:s3cret@");
    let git = clone_of(&right, scene.reach());
    assert_eq!(
        text(&look(&git, Fetch::All, &["main"]).await.unwrap(), "a.yml"),
        "a: 3"
    );
    let nothing = url
        .replace("config.git", "nothing.git")
        .replace("http://", "http://ana:s3cret@");
    let reason = unreachable(look(&clone_of(&nothing, scene.reach()), Fetch::All, &["main"]).await);
    assert!(
        reason.starts_with("there is no such repository"),
        "{reason}"
    );
}

#[tokio::test]
async fn an_older_server_is_asked_through_libgit2() {
    let scene = Scene::new(Manner::Older);
    let git = scene.clone();
    let view = look(&git, Fetch::All, &["main", "v1"]).await.unwrap();
    assert_eq!(text(&view, "a.yml"), "a: 3");
    assert!(versions(&view)[1].is_ok());
    scene.commit("a: 4");
    scene.push();
    let view = look(&git, Fetch::Refs(vec!["main".into()]), &["main"])
        .await
        .unwrap();
    assert_eq!(text(&view, "a.yml"), "a: 4");
}

#[tokio::test]
async fn a_pack_that_is_no_good_changes_nothing() {
    let scene = Scene::new(Manner::Ordinary);
    let git = scene.clone();
    look(&git, Fetch::All, &["main"]).await.unwrap();
    complete(&git).await;
    // As long as it is in service, it is no news.
    let _served = look(&git, Fetch::All, &["main"]).await.unwrap();
    scene.commit("a: 4");
    scene.push();
    for manner in [Manner::CutsPacks, Manner::SpoilsPacks] {
        scene.server.behave(manner);
        let view = look(&git, Fetch::All, &["main"]).await.unwrap();
        assert!(
            matches!(view.fetched, Some(Err(LookError::Unreachable(_)))),
            "{view:?}"
        );
        assert_eq!(text(&view, "a.yml"), "a: 3");
        assert!(!view.news);
    }
    let empty = look(&scene.clone_elsewhere(), Fetch::All, &["main"]).await;
    assert!(matches!(empty, Err(LookError::Unreachable(_))), "{empty:?}");
    scene.server.behave(Manner::Ordinary);
    let view = look(&git, Fetch::All, &["main"]).await.unwrap();
    assert_eq!(text(&view, "a.yml"), "a: 4");
}

#[tokio::test]
async fn a_damaged_clone_is_made_anew() {
    let scene = Scene::new(Manner::Ordinary);
    let git = scene.clone();
    look(&git, Fetch::All, &["main"]).await.unwrap();
    complete(&git).await;
    // Somebody removed the objects.
    for entry in std::fs::read_dir(git.mirror().join("objects/pack")).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    let view = look(&git, Fetch::No, &["main"]).await.unwrap();
    assert!(versions(&view)[0].is_err());
    let view = look(&git, Fetch::All, &["main"]).await.unwrap();
    assert_eq!(text(&view, "a.yml"), "a: 3");
}

/// A server that answers every connection with the same bytes, a part at a time.
fn listener(answer: &'static [u8], pause: Option<Duration>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/x.git", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                _ = stream.read(&mut [0; 1024]);
                let body = answer.windows(4).position(|four| four == b"\r\n\r\n");
                let (head, body) = answer.split_at(body.map_or(0, |end| end + 4));
                let mut parts =
                    once(head).chain(body.chunks(if pause.is_some() { 1 } else { 4096 }));
                while parts
                    .next()
                    .is_some_and(|part| stream.write_all(part).is_ok())
                {
                    thread::sleep(pause.unwrap_or_default());
                }
                // Open until the other side goes.
                _ = stream.read(&mut [0; 1024]);
            });
        }
    });
    url
}

impl Scene {
    fn clone_elsewhere(&self) -> Git {
        let mut reach = self.reach();
        reach.base_directory = self.folder.path().join("elsewhere");
        clone_of(&self.server.url("config.git"), reach)
    }
}

#[tokio::test]
async fn a_remote_that_does_not_answer_well_ends_a_look_in_time() {
    let head = concat!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-advertisement\r\n",
        "Content-Length: 100000\r\n\r\n"
    );
    let garbage = format!("{head}this is no line of Git").leak();
    let endless = format!("{head}fff0{}", "x".repeat(100)).leak();
    let slow = concat!(
        "it took longer than confbus.git.deadline at less than 16 KiB a second; ",
        "0.0 MB came"
    );
    let cases: [(&'static [u8], Option<u64>, &str); 5] = [
        (b"", None, "nothing came from it for too long"),
        (head.as_bytes(), None, "nothing came from it for too long"),
        (endless.as_bytes(), Some(100), slow),
        (
            garbage.as_bytes(),
            None,
            "its answer is not one of a Git server",
        ),
        (
            b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
            None,
            "it answered HTTP 500",
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (answer, pause, reason) in cases {
        let reach = Reach {
            base_directory: folder.path().to_path_buf(),
            access: Access::default(),
            timeout: Duration::from_secs(1),
            // Far beyond the silence, also on a machine that has much else to do.
            deadline: Duration::from_secs(6),
            clone_deadline: Duration::from_secs(60),
            limits: LIMITS,
        };
        let url = listener(answer, pause.map(Duration::from_millis));
        let git = clone_of(&url, reach);
        let view = look(&git, Fetch::All, &["main"]).await;
        match view {
            Err(LookError::Unreachable(found) | LookError::Slow(found)) => {
                assert_eq!(found, reason);
            }
            other => panic!("{reason}: {other:?}"),
        }
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{reason}: {left:?}");
    }
}
