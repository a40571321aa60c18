//! Notices when a thread that never waits for anybody does nothing: a mistake of ours then, which would only show as answers
//! that never come.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// How often threads say that they are there, and how often somebody looks.
pub(crate) const BEAT: Duration = Duration::from_millis(250);
/// A thread that says nothing for so long is stuck.
const PATIENCE: Duration = Duration::from_secs(2);
/// Threads that have been stuck for so long are not coming back.
const LOST: Duration = Duration::from_secs(15);

/// The pulses of all threads that are watched.
#[derive(Debug, Clone)]
pub(crate) struct Watchdog(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    began: Instant,
    pulses: Mutex<Vec<Weak<Heart>>>,
    /// Since when there have been threads that do nothing, as the one sees it that looks.
    stuck_since: Mutex<Option<Instant>>,
}

/// The pulse of one thread, which is watched as long as it lives.
#[derive(Debug)]
pub(crate) struct Pulse {
    began: Instant,
    heart: Arc<Heart>,
}

#[derive(Debug)]
struct Heart {
    name: &'static str,
    /// Milliseconds after the watchdog began.
    last: AtomicU64,
}

impl Watchdog {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            began: Instant::now(),
            pulses: Mutex::default(),
            stuck_since: Mutex::default(),
        }))
    }

    /// Looks from a thread of its own, until this and all its clones are gone: one that waits with others may be stuck with
    /// them.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn start(&self) -> std::io::Result<()> {
        let inner = Arc::downgrade(&self.0);
        let look = move || {
            let mut rounds = Rounds::default();
            while let Some(inner) = inner.upgrade() {
                rounds.look(&Self(inner), Instant::now());
                thread::sleep(BEAT);
            }
        };
        let builder = thread::Builder::new().name("watchdog".into());
        builder.spawn(look).map(|_| ())
    }

    /// Watches a thread.
    pub(crate) fn watch(&self, name: &'static str) -> Pulse {
        let heart = Arc::new(Heart {
            name,
            last: AtomicU64::new(0),
        });
        let pulse = Pulse {
            began: self.0.began,
            heart,
        };
        pulse.beat();
        self.pulses().push(Arc::downgrade(&pulse.heart));
        pulse
    }

    /// The names of threads that do nothing.
    pub(crate) fn stuck(&self) -> Vec<&'static str> {
        self.stuck_at(Instant::now())
    }

    /// Whether threads have been stuck for so long that they will not go on by themselves: none of them is replaced by
    /// anybody, so only another start helps.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost_at(Instant::now())
    }

    fn is_lost_at(&self, now: Instant) -> bool {
        let since = *self.stuck_since();
        since.is_some_and(|since| now.saturating_duration_since(since) > LOST)
    }

    fn stuck_since(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        let since = self.0.stuck_since.lock();
        since.unwrap_or_else(PoisonError::into_inner)
    }

    fn stuck_at(&self, now: Instant) -> Vec<&'static str> {
        let now = since(self.0.began, now);
        let mut pulses = self.pulses();
        pulses.retain(|pulse| pulse.strong_count() > 0);
        let hearts = pulses.iter().filter_map(Weak::upgrade);
        let is_stuck = |heart: &Arc<Heart>| {
            let silent = now.saturating_sub(heart.last.load(Ordering::Relaxed));
            Duration::from_millis(silent) > PATIENCE
        };
        hearts.filter(is_stuck).map(|heart| heart.name).collect()
    }

    fn pulses(&self) -> std::sync::MutexGuard<'_, Vec<Weak<Heart>>> {
        self.0.pulses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pulse {
    /// The thread is there.
    pub(crate) fn beat(&self) {
        let now = since(self.began, Instant::now());
        self.heart.last.store(now, Ordering::Relaxed);
    }

    /// Beats as a task, as long as the threads that run tasks get to it.
    pub(crate) async fn beat_until(self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(BEAT);
        let beats = async {
            loop {
                tick.tick().await;
                self.beat();
            }
        };
        shutdown.run_until_cancelled(beats).await;
    }
}

fn since(began: Instant, now: Instant) -> u64 {
    let elapsed = now.saturating_duration_since(began).as_millis();
    u64::try_from(elapsed).unwrap_or(u64::MAX)
}

/// What one look after the other sees.
#[derive(Debug, Default)]
struct Rounds {
    before: Option<Instant>,
    told: Vec<&'static str>,
}

impl Rounds {
    fn look(&mut self, watchdog: &Watchdog, now: Instant) {
        let before = self.before.replace(now);
        // Where nobody ran, all of us were stopped, and it is nobody's mistake.
        if before.is_some_and(|before| now.duration_since(before) > PATIENCE / 2) {
            return;
        }
        let stuck = watchdog.stuck_at(now);
        {
            let mut since = watchdog.stuck_since();
            *since = since.or(Some(now)).filter(|_| !stuck.is_empty());
        }
        if stuck == self.told {
            return;
        }
        if stuck.is_empty() {
            info!(event = "server.unstuck", "no thread is stuck any more");
        } else {
            error!(event = "server.stuck", threads = ?stuck, "threads are stuck: who asks them gets no answer");
        }
        self.told = stuck;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_is_stuck_until_it_goes_on_or_ends() {
        let watchdog = Watchdog::new();
        let (first, second) = (watchdog.watch("first"), watchdog.watch("second"));
        assert_eq!(watchdog.stuck(), [""; 0]);
        let later = Instant::now() + 2 * PATIENCE;
        assert_eq!(watchdog.stuck_at(later), ["first", "second"]);
        drop(second);
        assert_eq!(watchdog.stuck_at(later), ["first"]);
        let beaten = since(watchdog.0.began, later);
        first.heart.last.store(beaten, Ordering::Relaxed);
        assert_eq!(watchdog.stuck_at(later), [""; 0]);
    }

    #[test]
    fn nobody_is_blamed_for_a_time_in_which_nobody_ran() {
        let watchdog = Watchdog::new();
        let _pulse = watchdog.watch("http");
        let mut rounds = Rounds::default();
        let start = Instant::now();
        rounds.look(&watchdog, start);
        // As if the machine had slept.
        let awake = start + 10 * PATIENCE;
        rounds.look(&watchdog, awake);
        assert_eq!(rounds.told, [""; 0]);
        rounds.look(&watchdog, awake + BEAT);
        assert_eq!(rounds.told, ["http"]);
    }

    #[test]
    fn a_server_is_lost_when_a_thread_does_not_come_back() {
        let watchdog = Watchdog::new();
        let pulse = watchdog.watch("http");
        let mut rounds = Rounds::default();
        let start = Instant::now();
        let mut now = start;
        while now < start + 2 * PATIENCE {
            rounds.look(&watchdog, now);
            now += BEAT;
        }
        assert!(!watchdog.is_lost_at(now));
        assert!(watchdog.is_lost_at(now + LOST));
        let beaten = since(watchdog.0.began, now);
        pulse.heart.last.store(beaten, Ordering::Relaxed);
        rounds.look(&watchdog, now);
        assert!(!watchdog.is_lost_at(now + LOST));
    }
}
