//! What a repository may hold besides ordinary files and a few branches.

use git2::{ObjectType, Oid, Repository};

use super::{differences::Local, *};

/// A tree as no tool would write it.
fn raw_tree(repository: &Repository, entries: &[(&str, &str, Oid)]) -> Oid {
    let entries = entries.iter().map(|(mode, name, id)| {
        let head = format!("{mode} {name}\0");
        [head.as_bytes(), id.as_bytes()].concat()
    });
    let tree = entries.collect::<Vec<_>>().concat();
    let odb = repository.odb().unwrap();
    odb.write(ObjectType::Tree, &tree).unwrap()
}

#[tokio::test]
async fn submodules_and_links_that_lead_outside_are_nothing_and_huge_files_are_named() {
    let local = Local::new();
    let repository = &local.repository;
    let blob = |text: &str| repository.blob(text.as_bytes()).unwrap();
    let elsewhere = Oid::from_str("0123456789012345678901234567890123456789").unwrap();
    let tree = raw_tree(
        repository,
        &[
            ("100644", ".gitmodules", blob("[submodule \"module\"]")),
            ("100644", "a.yml", blob("a: 1")),
            ("100644", "huge.bin", blob(&"x".repeat(1000))),
            ("160000", "module", elsewhere),
            ("120000", "outside", blob("../../etc/passwd")),
            ("120000", "round", blob("round")),
            ("100644", "\u{1b}[31m", blob("b: 1")),
        ],
    );
    local.put_tree("main", tree);
    let view = look(&local.open(), Fetch::No, &["main"]).await.unwrap();
    let version = view.labels[0].1.as_ref().unwrap();
    let files = version.snapshot.files().iter();
    let found: Vec<_> = files
        .map(|(path, blob)| (path.as_str(), blob.size(), blob.bytes().is_some()))
        .filter(|(path, ..)| !path.contains('\u{1b}'))
        .collect();
    assert_eq!(
        found,
        [
            (".gitmodules", 20, true),
            ("a.yml", 4, true),
            ("huge.bin", 1000, false)
        ]
    );
}

#[tokio::test]
async fn ten_thousand_branches_are_told_once_and_then_only_what_moves() {
    let scene = Scene::new(Manner::Ordinary);
    let first = scene.in_work(&["rev-parse", "HEAD~1"]);
    let refs = (0..10_000).map(|number| format!("{first} refs/heads/many/{number}\n"));
    let text: String = once("# pack-refs with: peeled fully-peeled \n".to_owned())
        .chain(refs)
        .collect();
    let remote = scene.folder.path().join("config.git");
    let before = std::fs::read_to_string(remote.join("packed-refs")).unwrap_or_default();
    let before = before.lines().filter(|line| !line.starts_with('#'));
    let before: String = before.map(|line| format!("{line}\n")).collect();
    std::fs::write(remote.join("packed-refs"), text + &before).unwrap();

    let git = scene.clone();
    let view = look(&git, Fetch::All, &["main", "many/9999"])
        .await
        .unwrap();
    assert_eq!(view.refs.branches.len(), 10_002);
    assert_eq!(versions(&view)[1], Ok(first));
    let held = view;
    let quiet = look(&git, Fetch::All, &["main", "many/9999"])
        .await
        .unwrap();
    assert!(!quiet.news);
    assert!(Arc::ptr_eq(&quiet.refs, &held.refs));

    let next = scene.commit("a: 4");
    let url = remote.display().to_string();
    scene.in_work(&["push", "-q", "--force", &url, "main:many/17", ":many/18"]);
    let view = look(&git, Fetch::All, &["many/17", "many/18"])
        .await
        .unwrap();
    let gone = Err("no such branch, tag or commit".to_owned());
    assert_eq!(versions(&view), [Ok(next), gone]);
    assert_eq!(view.refs.branches.len(), 10_001);
}

#[tokio::test]
async fn a_branch_that_is_deleted_and_made_again_and_a_tag_that_is_moved_are_followed() {
    let scene = Scene::new(Manner::Ordinary);
    let git = scene.clone();
    let held = look(&git, Fetch::All, &["feature/x", "v1"]).await.unwrap();
    scene.in_work(&["branch", "-D", "feature/x"]);
    scene.push();
    let view = look(&git, Fetch::All, &["feature/x"]).await.unwrap();
    assert!(versions(&view)[0].is_err());
    // Another history altogether.
    scene.in_work(&["checkout", "-q", "--orphan", "feature/x"]);
    let other = scene.commit("a: other");
    scene.in_work(&["tag", "-f", "v1"]);
    scene.in_work(&["branch", "-f", "main"]);
    scene.push();
    let view = look(&git, Fetch::All, &["feature/x", "v1", "main"]).await;
    let other = Ok(other);
    assert_eq!(
        versions(&view.unwrap()),
        [other.clone(), other.clone(), other]
    );
    drop(held);
}
