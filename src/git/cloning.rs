use std::{
    fmt, io,
    time::{Duration, Instant},
};

use tokio::sync::watch;
use tracing::info;

use super::{
    cage::Caged,
    wire::{Answer, CloneProgress},
};
use crate::telemetry;

/// Between two lines of the log about one clone.
const SAY_EVERY: Duration = Duration::from_secs(10);

/// Bytes for people: `41.2 MB`.
#[derive(Debug, Clone, Copy)]
pub struct Megabytes(pub u64);

impl fmt::Display for Megabytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0 / 100_000;
        write!(f, "{}.{} MB", tenths / 10, tenths % 10)
    }
}

/// A clone that goes on: the first one, or one made anew because what was here is damaged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cloning {
    began: Instant,
    /// When it was heard of last.
    heard: Instant,
    progress: CloneProgress,
}

impl Cloning {
    /// What has come.
    pub(crate) fn progress(&self) -> CloneProgress {
        self.progress
    }

    /// For how long it has gone on.
    pub(crate) fn lasts(&self) -> Duration {
        self.heard.duration_since(self.began)
    }

    /// How long it goes on at this pace, if the remote has said how many objects there are.
    pub(crate) fn left(&self) -> Option<Duration> {
        let CloneProgress {
            objects,
            of_objects,
            ..
        } = self.progress;
        let millis = u64::try_from(self.lasts().as_millis()).ok()?;
        let all = millis.checked_mul(of_objects)?.checked_div(objects)?;
        Some(Duration::from_millis(all.saturating_sub(millis)))
    }

    /// Bytes a second so far.
    pub(crate) fn rate(&self) -> u64 {
        let millis = self.lasts().as_millis().max(1);
        let rate = u128::from(self.progress.bytes) * 1000 / millis;
        u64::try_from(rate).unwrap_or(u64::MAX)
    }

    /// Whether it was heard of lately.
    pub(super) fn goes_on(&self, within: Duration) -> bool {
        self.heard.elapsed() < within
    }
}

/// Whether somebody still waits for a look.
pub(super) type IsWanted<'a> = dyn Fn() -> bool + 'a;

/// How long a look may take.
pub(super) struct Time {
    pub(super) until: Instant,
    /// `until` never goes beyond it.
    longest: Instant,
    /// How long each word about a first clone lets it go on.
    more: Duration,
}

impl Time {
    /// A look that begins now.
    pub(super) fn new(deadline: Duration, clone_deadline: Duration) -> Self {
        let until = Instant::now() + deadline;
        Self {
            until,
            longest: until + clone_deadline,
            more: deadline,
        }
    }
}

/// Keeps what is known of the clone of one repository, and says it now and then.
#[derive(Debug)]
pub(super) struct Watched {
    repository: String,
    cloning: watch::Sender<Option<Cloning>>,
    said: Option<Instant>,
}

impl Watched {
    pub(super) fn new(repository: String) -> (Self, watch::Receiver<Option<Cloning>>) {
        let (cloning, receiver) = watch::channel(None);
        let watched = Self {
            repository,
            cloning,
            said: None,
        };
        (watched, receiver)
    }

    /// Waits for the answer to a look. A first clone has time as long as it tells how far it is, and somebody wants it.
    ///
    /// # Errors
    /// When there is none in time, or nobody wants it.
    pub(super) fn answer(
        &mut self,
        worker: &mut Caged,
        time: &mut Time,
        is_wanted: &IsWanted<'_>,
    ) -> io::Result<Answer> {
        loop {
            match worker.answer(time.until)? {
                Answer::Cloning(_) if !is_wanted() => {
                    return Err(io::ErrorKind::Interrupted.into());
                }
                Answer::Cloning(progress) => {
                    self.note(progress);
                    time.until = (Instant::now() + time.more).min(time.longest);
                }
                answer => return Ok(answer),
            }
        }
    }

    /// More has come.
    pub(super) fn note(&mut self, progress: CloneProgress) {
        if let Some(cloning) = self.note_at(Instant::now(), progress) {
            self.say(&cloning);
        }
    }

    /// What there is to say, if it is time for that.
    fn note_at(&mut self, now: Instant, progress: CloneProgress) -> Option<Cloning> {
        let began = self.cloning.borrow().map_or(now, |cloning| cloning.began);
        let cloning = Cloning {
            began,
            heard: now,
            progress,
        };
        self.cloning.send_replace(Some(cloning));
        let is_due = now >= self.said.unwrap_or(began) + SAY_EVERY;
        is_due.then(|| {
            self.said = Some(now);
            cloning
        })
    }

    /// It is here, or was given up.
    pub(super) fn end(&mut self) {
        self.said = None;
        // Whoever waits is not to be woken by looks that clone nothing.
        self.cloning
            .send_if_modified(|cloning| cloning.take().is_some());
    }

    fn say(&self, cloning: &Cloning) {
        let (bytes, bytes_per_second) = (cloning.progress.bytes, cloning.rate());
        let seconds = cloning.lasts().as_secs();
        info!(
            target: telemetry::PROGRESS,
            event = "git.cloning",
            repository = self.repository,
            bytes,
            bytes_per_second,
            seconds,
            "a clone goes on: {} so far",
            cloning.progress
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_is_told_at_once_and_said_every_ten_seconds() {
        let (mut watched, cloning) = Watched::new("config.git".into());
        let begin = Instant::now();
        let mut said = Vec::new();
        for seconds in 0..=35 {
            let progress = CloneProgress {
                bytes: seconds * 2_000_000,
                objects: seconds,
                of_objects: 70,
            };
            let at = begin + Duration::from_secs(seconds);
            if watched.note_at(at, progress).is_some() {
                said.push(seconds);
            }
            assert_eq!(cloning.borrow().unwrap().progress(), progress);
        }
        assert_eq!(said, [10, 20, 30]);
        let last = cloning.borrow().unwrap();
        assert_eq!((last.rate(), last.lasts().as_secs()), (2_000_000, 35));
        assert_eq!(last.left(), Some(Duration::from_secs(35)));
        watched.end();
        assert!(cloning.borrow().is_none());
    }
}
