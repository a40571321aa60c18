//! Writes down what is kept of a store: aside, after what it says was told to those whom it concerns and never before, so that
//! the next start tells what this one could not.

use std::{
    io,
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Confirmed, Inner, answers_file::AnswersFile, kept::Kept};

/// From a change to the file, and so the least between two writes; longer where writing takes long.
pub(super) const PACE: Duration = Duration::from_secs(2);

/// Where nothing has changed but when that was last confirmed.
pub(super) const SELDOM: Duration = Duration::from_secs(600);

/// After the disk has refused.
pub(super) const AGAIN: Duration = Duration::from_secs(10);

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
        if !self.file.is_kept() || self.saved.is(&now) || now.kept.is_empty() || is_too_long {
            return;
        }
        let began = Instant::now();
        let written = self.file.save(Arc::clone(&now.kept), now.confirmed).await;
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

/// What is to be written.
#[derive(Debug)]
struct Now {
    kept: Arc<Kept>,
    confirmed: Option<SystemTime>,
    /// On which it was taken; see [`Kept::days`].
    days: u64,
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
    use super::*;

    #[test]
    fn the_pause_grows_with_what_writing_takes() {
        let seconds = Duration::from_secs;
        let pauses = [0, 1, 70].map(|took| pause_after(seconds(took)));
        assert_eq!(pauses, [PACE, seconds(10), SELDOM]);
    }
}
