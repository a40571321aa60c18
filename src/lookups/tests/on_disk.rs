//! When what is kept is written down. The clock stands still but for whoever waits, so that times are exact.

use std::{fs, path::Path};

use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::*;
use crate::lookups::last_good::PACE;

struct OnDisk {
    running: Running,
    saver: JoinHandle<()>,
    file: PathBuf,
    _folder: TempDir,
}

async fn start() -> OnDisk {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("below/fake-1.json");
    let (running, saver) = open(Fake::default(), Trouble::Spoils, Some(file.clone())).await;
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

    /// Until the file says something else, and how long that took.
    async fn written(&self) -> Duration {
        let began = Instant::now();
        let before = text(&self.file);
        let other = async {
            while text(&self.file) == before {
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(DEADLINE * 60, other).await.unwrap();
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
