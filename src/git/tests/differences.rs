//! What is put together from differences is what is read as a whole.

use git2::{FileMode, Oid, Repository, Signature, build::TreeUpdateBuilder};

use super::*;

const SMALL: Limits = Limits {
    files: 6,
    file_bytes: 100,
    total_bytes: 60,
};

/// Files and what stands in them; what begins with `->` is a link.
type State<'s> = &'s [(&'s str, &'s str)];

/// A repository of this machine.
pub(super) struct Local {
    folder: TempDir,
    pub(super) repository: Repository,
}

impl Local {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        Self { folder, repository }
    }

    fn put(&self, branch: &str, files: State<'_>) -> Oid {
        self.put_tree(branch, self.tree(files))
    }

    pub(super) fn put_tree(&self, branch: &str, tree: Oid) -> Oid {
        let tree = self.repository.find_tree(tree).unwrap();
        let who = Signature::now("Test", "test@example.com").unwrap();
        let name = format!("refs/heads/{branch}");
        let commit = self.repository.commit(None, &who, &who, branch, &tree, &[]);
        let commit = commit.unwrap();
        self.repository.reference(&name, commit, true, "").unwrap();
        commit
    }

    fn tree(&self, files: State<'_>) -> Oid {
        let repository = &self.repository;
        let empty = repository.treebuilder(None).unwrap().write().unwrap();
        let mut update = TreeUpdateBuilder::new();
        for (path, text) in files {
            let (text, mode) = match text.strip_prefix("->") {
                Some(target) => (target, FileMode::Link),
                None => (*text, FileMode::Blob),
            };
            update.upsert(*path, repository.blob(text.as_bytes()).unwrap(), mode);
        }
        let empty = repository.find_tree(empty).unwrap();
        update.create_updated(repository, &empty).unwrap()
    }

    pub(super) fn open(&self) -> Git {
        let reach = Reach {
            base_directory: self.folder.path().join("clones"),
            access: Access::default(),
            timeout: Duration::from_secs(5),
            deadline: Duration::from_secs(20),
            clone_deadline: Duration::from_secs(60),
            limits: SMALL,
        };
        clone_of(&self.folder.path().display().to_string(), reach)
    }
}

fn files(view: &View) -> Vec<(String, String)> {
    let version = view.labels[0].1.as_ref().unwrap();
    let files = version.snapshot.files().iter().map(|(path, blob)| {
        let text = str::from_utf8(blob.bytes().unwrap()).unwrap();
        (path.as_str().to_owned(), text.to_owned())
    });
    files.collect()
}

#[tokio::test]
async fn what_is_put_together_from_differences_is_what_is_read_as_a_whole() {
    let states: [State<'_>; 8] = [
        &[("a.yml", "a"), ("d/x.yml", "x"), ("d.yml", "d")],
        &[("a.yml", "b"), ("d/x.yml", "x"), ("d.yml", "d")],
        &[("a.yml", "b"), ("d", "no folder"), ("d.yml", "d")],
        &[("a.yml/x", "b"), ("d/e/f/x.yml", "x"), ("d0", "d")],
        &[("a", "->d/x.yml"), ("d/x.yml", "x"), ("l", "->d")],
        &[("a", "->d/x.yml"), ("d/x.yml", "y"), ("l", "->d")],
        &[("a", "no link"), ("d/x.yml", "y")],
        &[],
    ];
    let local = Local::new();
    for (number, state) in states.iter().enumerate() {
        local.put(&format!("b{number}"), state);
    }
    let mut wholes = Vec::new();
    for number in 0..states.len() {
        let view = look(&local.open(), Fetch::No, &[&format!("b{number}")]).await;
        wholes.push(files(&view.unwrap()));
    }
    for old in 0..states.len() {
        for (new, whole) in wholes.iter().enumerate() {
            let git = local.open();
            let held = look(&git, Fetch::No, &[&format!("b{old}")]).await.unwrap();
            let view = look(&git, Fetch::No, &[&format!("b{new}")]).await.unwrap();
            assert_eq!(&files(&view), whole, "{old} {new}");
            drop(held);
        }
    }
}

#[tokio::test]
async fn limits_hold_for_differences_as_well() {
    let long = "x".repeat(31);
    let full: [(&str, &str); 6] = ["1", "2", "3", "4", "5", "6"].map(|name| (name, "x"));
    let cases: [(State<'_>, State<'_>); 2] = [
        (&full, &[&full[..], &[("7", "x")]].concat()),
        (
            &[("1", &long)],
            &[("1", &long), ("2", &long[1..]), ("3", "")],
        ),
    ];
    for (good, bad) in cases {
        let local = Local::new();
        local.put("good", good);
        local.put("bad", bad);
        for labels in [&["bad"][..], &["good", "bad"]] {
            let view = look(&local.open(), Fetch::No, labels).await.unwrap();
            let found = view.labels.last().unwrap();
            assert!(matches!(found.1, Err(LookError::TooLarge(_))), "{found:?}");
        }
    }
}

#[tokio::test]
async fn a_work_tree_is_followed_also_after_it_could_not_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("work");
    run(folder.path(), &["init", "-q", "-b", "main", "work"]);
    let write = |name: &str, text: &str| std::fs::write(path.join(name), text).unwrap();
    write("a.yml", "a: 1");
    write("b.yml", "b: 1");
    run(&path, &["add", "."]);
    run(&path, &["commit", "-q", "-m", "one"]);
    run(&path, &["tag", "v1"]);
    let reach = Reach {
        base_directory: folder.path().join("clones"),
        access: Access::default(),
        timeout: Duration::from_secs(5),
        deadline: Duration::from_secs(20),
        clone_deadline: Duration::from_secs(60),
        limits: SMALL,
    };
    let git = clone_of(&format!("file://{}", path.display()), reach);
    let found = |a: &str, names: &[&str]| {
        let texts = names.iter().map(|name| ((*name).to_owned(), a.to_owned()));
        texts.collect::<Vec<_>>()
    };
    let first = look(&git, Fetch::All, &["main"]).await.unwrap();
    write("a.yml", "a: 2");
    std::fs::remove_file(path.join("b.yml")).unwrap();
    let second = look(&git, Fetch::All, &["main"]).await.unwrap();
    assert_eq!(files(&second), found("a: 2", &["a.yml"]));
    // Too large for a moment; what goes meanwhile is gone.
    write("c.yml", "a: 2");
    let third = look(&git, Fetch::All, &["main"]).await.unwrap();
    assert_eq!(files(&third), found("a: 2", &["a.yml", "c.yml"]));
    write("d.yml", &"x".repeat(70));
    let refused = look(&git, Fetch::All, &["main"]).await.unwrap();
    assert!(versions(&refused)[0].is_err());
    std::fs::remove_file(path.join("c.yml")).unwrap();
    std::fs::remove_file(path.join("d.yml")).unwrap();
    let healed = look(&git, Fetch::All, &["main", "v1"]).await.unwrap();
    assert_eq!(files(&healed), found("a: 2", &["a.yml"]));
    // The tag is what was committed, whatever lies in the tree.
    let tag = healed.labels[1].1.as_ref().unwrap();
    assert_eq!(tag.snapshot.files().len(), 2);
    drop(first);
}
