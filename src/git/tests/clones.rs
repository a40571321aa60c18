//! First clones that take longer than a look may.

use super::*;

/// Bytes that cannot be packed, as many files.
fn noise(file: u64) -> Vec<u8> {
    let mut state = file + 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..100_000).flat_map(|_| next()).collect()
}

/// A remote with six megabytes, a megabyte a second.
fn slow_scene() -> Scene {
    let scene = Scene::new(Manner::SlowPacks);
    for file in 0..8 {
        let path = scene.folder.path().join(format!("work/{file}.bin"));
        std::fs::write(path, noise(file)).unwrap();
    }
    scene.commit("a: 4");
    scene.push();
    scene
}

fn slow_clone(scene: &Scene, manner: Manner, clone_deadline: Duration) -> Git {
    scene.server.behave(manner);
    let reach = Reach {
        // Shorter than the clone takes, and long enough for Git to begin.
        deadline: Duration::from_secs(5),
        clone_deadline,
        ..scene.reach()
    };
    clone_of(&scene.server.url("config.git"), reach)
}

#[tokio::test]
async fn a_first_clone_goes_on_as_long_as_enough_comes_of_it() {
    let scene = slow_scene();
    let git = slow_clone(&scene, Manner::SlowPacks, Duration::from_secs(120));
    let mut cloning = git.cloning();
    let heard = async {
        let has_come = |cloning: &Option<Cloning>| {
            cloning.is_some_and(|cloning| cloning.progress().bytes > 1_000_000)
        };
        cloning.wait_for(has_come).await.unwrap().unwrap()
    };
    let (view, heard) = tokio::join!(look(&git, Fetch::All, &["main"]), heard);
    assert_eq!(text(&view.unwrap(), "a.yml"), "a: 4");
    let CloneProgress {
        objects,
        of_objects,
        ..
    } = heard.progress();
    assert!(objects < of_objects && heard.rate() > 0, "{heard:?}");
    assert!(git.cloning().borrow().is_none());
}

#[tokio::test]
async fn no_clone_takes_longer_than_its_deadline() {
    let scene = slow_scene();
    let git = slow_clone(&scene, Manner::SlowPacks, Duration::from_secs(4));
    let looked = look(&git, Fetch::All, &["main"]).await;
    match looked {
        Err(LookError::Slow(why)) => assert!(
            why.starts_with("it took longer than confbus.git.clone-deadline; "),
            "{why}"
        ),
        other => panic!("{other:?}"),
    }
    assert!(git.cloning().borrow().is_none());
    // The worker is there, and has left nothing behind.
    scene.server.behave(Manner::Ordinary);
    let view = look(&git, Fetch::All, &["main"]).await.unwrap();
    assert_eq!(text(&view, "a.yml"), "a: 4");
}

#[tokio::test]
async fn a_clone_that_nobody_waits_for_ends() {
    let scene = slow_scene();
    let git = slow_clone(&scene, Manner::SlowPacks, Duration::from_secs(120));
    let mut cloning = git.cloning();
    tokio::select! {
        _ = look(&git, Fetch::All, &["main"]) => panic!("it takes longer"),
        heard = cloning.wait_for(Option::is_some) => assert!(heard.is_ok()),
    }
    // Long before the rest has come.
    let ended = cloning.wait_for(Option::is_none);
    assert!(ended.await.is_ok());
    let clones = scene.folder.path().join("clones");
    let end = Instant::now() + Duration::from_secs(20);
    while std::fs::read_dir(&clones).unwrap().count() > 0 {
        assert!(Instant::now() < end, "what came of it is still there");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
