//! A clone that something happens to.

use std::{fs, path::PathBuf};

use super::*;

type Happens = fn(&Path);

/// Everything below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let entries = entries.flat_map(|entry| {
        let path = entry.path();
        let inside = if path.is_dir() { below(&path) } else { vec![] };
        once(path).chain(inside)
    });
    entries.collect()
}

fn with_extension(mirror: &Path, extension: &str) -> Vec<PathBuf> {
    let all = below(mirror).into_iter();
    let found = all.filter(|path| path.extension().is_some_and(|found| found == extension));
    found.collect()
}

/// Packs are not writable.
fn write(path: &Path, bytes: &[u8]) {
    _ = fs::remove_file(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn cut(path: &Path) {
    let bytes = fs::read(path).unwrap();
    write(path, &bytes[..bytes.len() / 2]);
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes.iter_mut().skip(12).for_each(|byte| *byte ^= 0x55);
    write(path, &bytes);
}

/// What happens to a clone.
const HAPPENS: [(&str, Happens); 9] = [
    ("removed", |mirror| fs::remove_dir_all(mirror).unwrap()),
    ("emptied", |mirror| {
        fs::remove_dir_all(mirror.join("objects")).unwrap();
    }),
    ("packs cut", |mirror| {
        with_extension(mirror, "pack")
            .iter()
            .for_each(|path| cut(path));
    }),
    ("packs damaged", |mirror| {
        with_extension(mirror, "pack")
            .iter()
            .for_each(|path| flip(path));
    }),
    ("indexes removed", |mirror| {
        let indexes = with_extension(mirror, "idx");
        indexes
            .iter()
            .for_each(|path| fs::remove_file(path).unwrap());
    }),
    ("refs damaged", |mirror| {
        write(&mirror.join("packed-refs"), b"\0nonsense");
    }),
    ("head damaged", |mirror| {
        write(&mirror.join("HEAD"), b"nonsense");
    }),
    ("configuration damaged", |mirror| {
        write(&mirror.join("config"), b"[nonsense");
    }),
    ("locked", |mirror| {
        let locks = [
            "index.lock",
            "config.lock",
            "packed-refs.lock",
            "shallow.lock",
            "HEAD.lock",
            "refs/heads/main.lock",
            "refs/remotes/origin/main.lock",
        ];
        locks.iter().for_each(|lock| write(&mirror.join(lock), b""));
    }),
];

#[tokio::test]
async fn whatever_happens_to_a_clone_new_commits_come() {
    for manner in [Manner::Ordinary, Manner::Older] {
        for restarts in [false, true] {
            for (what, happens) in HAPPENS {
                let scene = Scene::new(manner);
                let git = scene.clone();
                let held = look(&git, Fetch::All, &["main"]).await.unwrap();
                complete(&git).await;
                let mirror = git.mirror().to_owned();
                let running = (!restarts).then_some(git);
                let next = scene.commit("a: 4");
                scene.push();
                happens(&mirror);
                let git = running.unwrap_or_else(|| scene.clone());
                comes(&git, &next, what).await;
                assert_eq!(text(&held, "a.yml"), "a: 3");
            }
        }
    }
}

/// Looks as the server does, until the commit is there.
async fn comes(git: &Git, commit: &str, what: &str) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let view = look(git, Fetch::All, &["main"]).await;
        let found = view.as_ref().map(versions).map_err(ToString::to_string);
        if found == Ok(vec![Ok(commit.to_owned())]) {
            return;
        }
        assert!(Instant::now() < end, "{what}: {found:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
