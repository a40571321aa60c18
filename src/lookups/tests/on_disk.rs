//! When what is kept is written down. The clock stands still but for whoever waits, so that times are exact.

use std::{fs, path::Path};

use tempfile::TempDir;
use tokio::time::Instant;

use super::*;
use crate::lookups::saver::{AGAIN, PACE, SELDOM};

/// Between two looks at the file.
const STEP: Duration = Duration::from_millis(100);

struct OnDisk {
    running: Running,
    saver: JoinHandle<()>,
    file: PathBuf,
    _folder: TempDir,
}

async fn start() -> OnDisk {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("below/fake-1.json");
    let (running, saver) = open(
        Duration::from_secs(3600),
        Fake::default(),
        Trouble::Spoils,
        Some(file.clone()),
    )
    .await;
    let saver = tokio::spawn(saver.run(running.stop.clone()));
    running.fake.say("first");
    OnDisk {
        running,
        saver,
        file,
        _folder: folder,
    }
}

/// What is there, or nothing.
fn text(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_default()
}

impl OnDisk {
    async fn find(&self, application: &str) {
        self.running.find(application).await.unwrap().unwrap();
    }

    /// Until the file says something else; how long that took, up to a step more.
    async fn written(&self) -> Duration {
        let began = Instant::now();
        let before = text(&self.file);
        let other = async {
            while text(&self.file) == before {
                sleep(STEP).await;
            }
        };
        timeout(SELDOM * 2, other).await.unwrap();
        began.elapsed()
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_was_told_is_not_written_down() {
    let mut on_disk = start().await;
    on_disk.find("a").await;
    on_disk.written().await;
    on_disk.running.fake.say("second");
    on_disk.running.lookups.look(None).await.unwrap();
    on_disk.find("b").await;
    sleep(PACE * 9).await;
    assert!(!text(&on_disk.file).contains("second"));
    on_disk.running.look().await.unwrap().unwrap();
    assert_eq!(on_disk.running.told().await, ["a"]);
    on_disk.written().await;
    assert!(text(&on_disk.file).contains("second"));
}

/// The next start finds the difference then, and tells it.
#[tokio::test(start_paused = true)]
async fn the_end_writes_nothing_down_that_nobody_was_told() {
    let on_disk = start().await;
    on_disk.find("a").await;
    on_disk.written().await;
    on_disk.running.fake.say("second");
    on_disk.running.lookups.look(None).await.unwrap();
    on_disk.running.stop.cancel();
    on_disk.saver.await.unwrap();
    assert!(text(&on_disk.file).contains("first"));
}

#[tokio::test(start_paused = true)]
async fn what_is_new_is_written_down_at_a_pace() {
    let on_disk = start().await;
    for name in ["a", "b"] {
        on_disk.find(name).await;
        let took = on_disk.written().await;
        assert!((PACE..=PACE + STEP).contains(&took), "{took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_confirmed_is_written_down_seldom() {
    let on_disk = start().await;
    on_disk.find("a").await;
    on_disk.written().await;
    on_disk.running.lookups.look(None).await.unwrap();
    let took = on_disk.written().await;
    assert!((SELDOM..=SELDOM + PACE + STEP).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_the_disk_refused_is_written_down_again() {
    let on_disk = start().await;
    let folder = on_disk.file.parent().unwrap();
    fs::remove_dir(folder).unwrap();
    fs::write(folder, "in the way").unwrap();
    on_disk.find("a").await;
    while on_disk.running.lookups.disk_error().is_none() {
        sleep(STEP).await;
    }
    fs::remove_file(folder).unwrap();
    let took = on_disk.written().await;
    assert!((AGAIN..=AGAIN + PACE + STEP).contains(&took), "{took:?}");
    assert_eq!(on_disk.running.lookups.disk_error(), None);
}
