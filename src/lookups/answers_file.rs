//! What is kept of a store, on disk: a start answers from it before anybody asks the store.
//!
//! Nobody waits for it but a start, for a moment. It is written aside, after what it says was told to those whom it
//! concerns and never before, so that the next start tells what this one could not, and holds values as the clones of Git do.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    Confirmed, Inner, Place,
    form::{Read, Written},
    kept::{Kept, MOST_BYTES},
};
use crate::{hex, json_file};
pub(crate) use json_file::Check;

/// The form of the file. Another number is another form.
const VERSION: u32 = 1;

/// Text of which each byte is escaped, and what stands between, which counts as text, too.
const LONGEST_FILE: u64 = 8 * MOST_BYTES as u64;

/// How long the start waits for the disk.
const RESTORE: Duration = Duration::from_secs(5);

/// From a change to the file, and so the least between two writes; longer where writing takes long.
pub(super) const PACE: Duration = Duration::from_secs(2);

/// Where nothing has changed but when that was last confirmed.
pub(super) const SELDOM: Duration = Duration::from_secs(600);

/// After the disk has refused.
pub(super) const AGAIN: Duration = Duration::from_secs(10);

/// The file of one store, if there is any.
#[derive(Debug, Clone)]
pub(super) struct AnswersFile(json_file::Kept);

/// What was kept before the last stop.
#[derive(Debug, Default)]
pub(super) struct Restored {
    pub(super) kept: Arc<Kept>,
    pub(super) confirmed: Option<SystemTime>,
    /// Why it was not read, and will not be written.
    pub(super) trouble: Option<String>,
}

/// Where the answers of a place are kept below a folder by the server on this port: no two places that may answer
/// otherwise share a file.
pub(crate) fn file(folder: &Path, place: &dyn Place, port: u16) -> PathBuf {
    let identity = serde_json::Value::from(place.identity()).to_string();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, identity.as_bytes());
    let hash = hex::encoded(&digest.as_ref()[..12]);
    folder.join(format!("{}-{hash}-{port}.json", place.kind()))
}

impl AnswersFile {
    /// Reads what is there; a file that makes no sense is put aside. One that cannot be read in time, or that somebody else
    /// may have put there, is left alone for good.
    pub(super) async fn open(path: Option<PathBuf>, check: Check, store: &str) -> (Self, Restored) {
        let file = Self::at(path, check);
        if !file.0.is_kept() {
            return (file, Restored::default());
        }
        let reading = tokio::task::spawn_blocking({
            let file = file.clone();
            move || file.0.prepare().map(|()| file.load())
        });
        let read = timeout(RESTORE, reading).await;
        let read = read.map_err(|_| io::Error::other("the disk is slow"));
        match read.and_then(|read| read.map_err(io::Error::other)?) {
            Ok(restored) => (file, restored),
            Err(error) => {
                warn!(event = "journal.failed", store, error.text = %error, "what a store said before is not read, and what it says is not kept on disk");
                let restored = Restored {
                    trouble: Some(error.to_string()),
                    ..Restored::default()
                };
                (Self::at(None, check), restored)
            }
        }
    }

    fn at(path: Option<PathBuf>, check: Check) -> Self {
        Self(json_file::Kept::new(path, VERSION, LONGEST_FILE).if_ours(check))
    }

    fn load(&self) -> Restored {
        let lost = "what a store said before cannot be read; it is asked anew";
        let read: Option<Read> = self.0.load(lost);
        let (kept, confirmed) = read.map(Read::into_parts).unwrap_or_default();
        Restored {
            kept: Arc::new(kept),
            confirmed,
            trouble: None,
        }
    }
}

/// What is to be written.
#[derive(Debug)]
struct Now {
    kept: Arc<Kept>,
    confirmed: Option<SystemTime>,
    /// On which it was taken; see [`Kept::days`].
    days: u64,
}

/// Writes down what is kept.
#[derive(Debug)]
pub(crate) struct Saver {
    inner: Arc<Inner>,
    file: AnswersFile,
    saved: Now,
    /// What is longer than is read.
    too_long: Option<Arc<Kept>>,
    /// From a change to the next write.
    pause: Duration,
}

impl Saver {
    pub(super) fn new(inner: Arc<Inner>, file: AnswersFile) -> Self {
        let saved = Now::of(&inner);
        Self {
            inner,
            file,
            saved,
            too_long: None,
            pause: PACE,
        }
    }

    /// Writes what changes until `stop`, and once more then.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        while stop.run_until_cancelled(self.due()).await.is_some() {
            self.save().await;
        }
        self.save().await;
    }

    /// Waits until something is to be written, and then a moment in which nobody is untold: whom a change concerns hears of
    /// it also where the server ends right after.
    async fn due(&self) {
        let failed = self.inner.disk_error.load().is_some();
        let at_least = if failed { AGAIN } else { SELDOM };
        _ = timeout(at_least, self.inner.news.notified()).await;
        loop {
            let was_untold = self.is_untold();
            sleep(self.pause).await;
            if !was_untold && !self.is_untold() {
                return;
            }
        }
    }

    fn is_untold(&self) -> bool {
        self.inner.is_untold.load(Ordering::Acquire)
    }

    async fn save(&mut self) {
        let now = Now::of(&self.inner);
        // In this order: what is found here was marked before it was put there.
        if self.is_untold() {
            return;
        }
        let is_too_long = self.too_long.as_ref();
        let is_too_long = is_too_long.is_some_and(|kept| Arc::ptr_eq(kept, &now.kept));
        if !self.file.0.is_kept() || self.saved.is(&now) || now.kept.is_empty() || is_too_long {
            return;
        }
        let written = Written::new(Arc::clone(&now.kept), now.confirmed);
        let began = Instant::now();
        let written = self.file.0.save(written).await;
        self.pause = pause_after(began.elapsed());
        match written {
            Ok(()) => {
                self.saved = now;
                self.too_long = None;
                self.end_trouble();
            }
            Err(error) => {
                let is_too_long = error.kind() == io::ErrorKind::FileTooLarge;
                self.too_long = is_too_long.then_some(now.kept);
                self.note_trouble(&error);
            }
        }
    }

    fn note_trouble(&self, error: &io::Error) {
        let text = Arc::new(error.kind().to_string());
        if self.inner.disk_error.swap(Some(text)).is_none() {
            let store = &self.inner.shown;
            warn!(event = "journal.failed", store, error.text = %error, "what the store says is not on disk; a restart would serve what was before");
        }
    }

    fn end_trouble(&self) {
        if self.inner.disk_error.swap(None).is_some() {
            let store = &self.inner.shown;
            info!(
                event = "journal.saved",
                store, "what the store says is on disk again"
            );
        }
    }
}

impl Inner {
    /// Puts answers in service; they are written down aside.
    pub(super) fn keep(&self, kept: Kept) {
        self.kept.store(Arc::new(kept));
        self.news.notify_one();
    }

    /// Whoever was to hear of what is kept.
    pub(super) fn all_are_told(&self) {
        self.is_untold.store(false, Ordering::Release);
        self.news.notify_one();
    }

    pub(super) fn tell_of_restored(&self) {
        let answers = self.kept.load().requests().count();
        if answers > 0 {
            let ago = self.confirmed.load().as_ref().and_then(|at| at.ago());
            let seconds_ago = ago.map(|ago| ago.as_secs());
            let store = &self.shown;
            info!(
                event = "store.restored",
                store, answers, seconds_ago, "answers as before the last stop"
            );
        }
    }
}

/// Whoever asks for ever new answers keeps the disk busy for an eleventh of the time at most.
fn pause_after(took: Duration) -> Duration {
    (took * 10).clamp(PACE, SELDOM)
}

impl Now {
    fn of(inner: &Inner) -> Self {
        let confirmed = inner.confirmed.load();
        let kept = inner.kept.load_full();
        Self {
            confirmed: confirmed.as_deref().map(Confirmed::at),
            days: kept.days(),
            kept,
        }
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.kept, &other.kept)
            && self.confirmed == other.confirmed
            && self.days == other.days
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use confbus_protocol::{Application, Profiles, PropertySource};
    use confbus_resolution::EnvironmentRequest;

    use super::{super::Answer, *};

    fn request() -> EnvironmentRequest {
        EnvironmentRequest {
            application: Application::parse("orders").unwrap(),
            profiles: Profiles::parse("default").unwrap(),
            label: None,
        }
    }

    fn kept() -> Arc<Kept> {
        let source = PropertySource {
            name: "opensesame".into(),
            source: Arc::default(),
        };
        let answer = Arc::new(Answer::new(vec![source]));
        Arc::new([(request(), answer)].into_iter().collect())
    }

    async fn open(path: &Path) -> Restored {
        AnswersFile::open(Some(path.to_owned()), |_| Ok(()), "fake")
            .await
            .1
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/fake-1.json");
        let file = AnswersFile::at(Some(path.clone()), |_| Ok(()));
        file.0.save(Written::new(kept(), None)).await.unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let before = open(&path).await;
        assert!(before.kept.get(&request()).is_some() && before.trouble.is_none());

        let text = fs::read_to_string(&path).unwrap();
        for wrong in [
            String::new(),
            text[..text.len() / 2].to_owned(),
            text.replace("\"version\":1", "\"version\":2"),
            text.replace("\"application\"", "\"applications\""),
        ] {
            assert_ne!(wrong, text);
            fs::write(&path, &wrong).unwrap();
            let before = open(&path).await;
            assert!(before.kept.is_empty() && before.trouble.is_none());
            let aside = path.with_extension("damaged.json");
            assert_eq!(fs::read_to_string(aside).unwrap(), wrong);
            assert!(!path.exists());
        }
    }

    #[tokio::test]
    async fn what_others_may_have_put_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fake-1.json");
        let file = AnswersFile::at(Some(path.clone()), |_| Ok(()));
        file.0.save(Written::new(kept(), None)).await.unwrap();
        let refuses: Check = |_| Err(io::Error::other("somebody else's"));
        let (file, before) = AnswersFile::open(Some(path.clone()), refuses, "fake").await;
        assert!(before.kept.is_empty() && !file.0.is_kept());
        assert_eq!(before.trouble.as_deref(), Some("somebody else's"));
        assert!(path.exists());
    }

    #[tokio::test]
    async fn its_folder_is_looked_at_again_before_each_write() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("below");
        let is_ours: Check = |file| {
            let is_taken = file.with_extension("taken").exists();
            if is_taken {
                Err(io::Error::other("taken"))
            } else {
                Ok(())
            }
        };
        let path = below.join("fake-1.json");
        let (file, _) = AnswersFile::open(Some(path.clone()), is_ours, "fake").await;
        let mode = fs::metadata(&below).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        fs::write(path.with_extension("taken"), "").unwrap();
        let saved = file.0.save(Written::new(kept(), None)).await;
        assert_eq!(saved.unwrap_err().to_string(), "taken");
        assert!(!path.exists());
    }

    #[test]
    fn the_pause_grows_with_what_writing_takes() {
        let seconds = Duration::from_secs;
        let pauses = [0, 1, 70].map(|took| pause_after(seconds(took)));
        assert_eq!(pauses, [PACE, seconds(10), SELDOM]);
    }
}
