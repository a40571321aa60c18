use std::sync::Arc;

use confbus_resolution::{Blob, BlobId, Files};

use super::*;
use crate::{
    git::checkpoint::{Checkpoint, Saved},
    look::Blobs,
};

/// What the checkpoint of a mirror holds, once it holds what is expected.
fn saved(mirror: &Path, is_expected: impl Fn(&Saved) -> bool) -> Saved {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let saved = Checkpoint::of(mirror).load(LIMITS, &mut Blobs::default());
        match saved.filter(&is_expected) {
            Some(saved) => return saved,
            None => assert!(Instant::now() < end, "nothing was saved"),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[tokio::test]
async fn a_start_takes_the_checkpoint_and_mends_what_is_old_of_it() {
    let scene = Scene::new(Manner::Ordinary);
    std::fs::write(scene.folder.path().join("work/b.yml"), "b: 1").unwrap();
    let first = scene.commit("a: 4");
    scene.push();
    let git = scene.clone();
    // Only what somebody holds is saved.
    let view = look(&git, Fetch::All, &["none", "main"]).await.unwrap();
    let mut known = saved(git.mirror(), |saved| saved.commit.to_string() == first);
    drop(view);
    let mirror = git.mirror().to_owned();
    complete(&git).await;
    drop(git);

    // Files that no pack has show who read the checkpoint.
    let marked = known.content.files.iter().map(|(path, _)| {
        let blob = Blob::new(BlobId([1; 20]), &b"from: checkpoint"[..]);
        (path.clone(), Arc::new(blob))
    });
    known.content.files = marked.collect::<Files>();
    let mut checkpoint = Checkpoint::of(&mirror);
    checkpoint.save(known);
    saved(&mirror, |saved| {
        let mut files = saved.content.files.iter();
        files.all(|(_, blob)| blob.id() == BlobId([1; 20]))
    });

    let git = scene.clone();
    let view = look(&git, Fetch::No, &["main"]).await.unwrap();
    assert_eq!(versions(&view), [Ok(first.clone())]);
    assert_eq!(text(&view, "a.yml"), "from: checkpoint");
    let second = scene.commit("a: 5");
    scene.push();
    let view = look(&git, Fetch::All, &["main"]).await.unwrap();
    assert_eq!(versions(&view), [Ok(second)]);
    assert_eq!(text(&view, "a.yml"), "a: 5");
    assert_eq!(text(&view, "b.yml"), "from: checkpoint");
}
