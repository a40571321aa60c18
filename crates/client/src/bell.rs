use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use confbus_protocol::{CommitId, Properties};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};

use crate::{error::RefreshError, overrides::Overrides, store::lock};

/// Events that come together are few: of each server and label the last one.
const MOST_TOLD: usize = 16;

/// Asks the refresher for a round.
pub(crate) struct Bell {
    /// When the next round is due. Holds one: a hundred events during one round make one more.
    due: Mutex<Option<Instant>>,
    /// It is due earlier than before.
    rung: Notify,
    /// Rounds that have begun.
    begun: AtomicU64,
    finished: watch::Receiver<Round>,
    overrides: Mutex<Overrides>,
    /// Commits that events told of and no answer has covered yet, the newest last.
    told: Mutex<VecDeque<Told>>,
}

/// What an event told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    /// Which server told it.
    pub(crate) origin: String,
    pub(crate) commit: CommitId,
    /// Those that name it; of others it says nothing.
    pub(crate) labels: Vec<String>,
}

/// The refresher's end of the bell.
pub(crate) struct Rounds {
    bell: Arc<Bell>,
    finished: watch::Sender<Round>,
}

#[derive(Clone)]
struct Round {
    number: u64,
    outcome: Result<(), RefreshError>,
}

impl Bell {
    pub(crate) fn new() -> (Arc<Self>, Rounds) {
        let (finished, receiver) = watch::channel(Round {
            number: 0,
            outcome: Ok(()),
        });
        let bell = Arc::new(Self {
            due: Mutex::default(),
            rung: Notify::new(),
            begun: AtomicU64::new(0),
            finished: receiver,
            overrides: Mutex::default(),
            told: Mutex::default(),
        });
        (Arc::clone(&bell), Rounds { bell, finished })
    }

    /// Asks for a round and does not wait for it.
    pub(crate) fn ring(&self) {
        self.ring_after(Duration::ZERO);
    }

    /// Asks for a round after a pause, unless one is due sooner.
    pub(crate) fn ring_after(&self, pause: Duration) {
        let at = Instant::now() + pause;
        let mut due = lock(&self.due);
        if due.is_none_or(|due| at < due) {
            *due = Some(at);
            self.rung.notify_one();
        }
    }

    /// Asks for a round that begins after this call, and waits for its end.
    pub(crate) async fn refresh(&self) -> Result<(), RefreshError> {
        self.refresh_after(Duration::ZERO).await
    }

    /// The same after a pause.
    pub(crate) async fn refresh_after(&self, pause: Duration) -> Result<(), RefreshError> {
        let begun = self.begun.load(Ordering::SeqCst);
        let mut finished = self.finished.clone();
        self.ring_after(pause);
        let round = finished.wait_for(|round| round.number > begun).await;
        round.map_or(Err(RefreshError::Stopped), |round| round.outcome.clone())
    }

    /// An event told of a commit: rounds that read its labels ask for nothing older from now on. What the same server told of
    /// these before was older, and is asked for no more: a server that was behind may never have seen it.
    pub(crate) fn tell(&self, news: Told) {
        let mut told = lock(&self.told);
        told.retain_mut(|earlier| {
            if earlier.origin == news.origin {
                earlier.labels.retain(|label| !news.labels.contains(label));
            }
            !earlier.labels.is_empty()
        });
        told.push_back(news);
        if told.len() > MOST_TOLD {
            told.pop_front();
        }
    }

    /// Sets values above those of the server; `None` takes one back.
    pub(crate) fn set_overrides(&self, values: impl IntoIterator<Item = (String, Option<String>)>) {
        lock(&self.overrides).set(values);
    }
}

impl Rounds {
    /// Waits until a round is due that somebody asked for.
    pub(crate) async fn asked(&self) {
        loop {
            let due = *lock(&self.bell.due);
            let rung = self.bell.rung.notified();
            match due {
                // A timer would sleep to the end of its millisecond.
                Some(at) if at <= Instant::now() => return,
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(at) => return,
                    () = rung => {}
                },
                None => rung.await,
            }
        }
    }

    /// Whoever asks from now on waits for the round after this one.
    pub(crate) fn begin(&self) -> u64 {
        *lock(&self.bell.due) = None;
        self.bell.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn end(&self, number: u64, outcome: Result<(), RefreshError>) {
        self.finished.send_replace(Round { number, outcome });
    }

    /// The commits that events told of under labels that are read; the others are forgotten.
    pub(crate) fn told(&self, is_read: impl Fn(&str) -> bool) -> Vec<CommitId> {
        let mut told = lock(&self.bell.told);
        told.retain(|told| told.labels.iter().any(|label| is_read(label)));
        told.iter().map(|told| told.commit).collect()
    }

    /// An answer covers these, or nobody could give one.
    pub(crate) fn forget(&self, told: &[CommitId]) {
        lock(&self.bell.told).retain(|news| !told.contains(&news.commit));
    }

    pub(crate) fn overrides(&self) -> Properties {
        lock(&self.bell.overrides).values()
    }

    /// Takes back what was tried and is not applied.
    pub(crate) fn take_back(&self, tried: &Properties, applied: &Properties) {
        lock(&self.bell.overrides).take_back(tried, applied);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(origin: &str, commit: u8, labels: &[&str]) -> Told {
        Told {
            origin: origin.to_owned(),
            commit: CommitId::from_bytes([commit; 20]),
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
        }
    }

    fn told(rounds: &Rounds, label: &str) -> Vec<u8> {
        // To ask forgets what is not read.
        let mut told = lock(&rounds.bell.told).clone();
        told.retain(|told| told.labels.iter().any(|own| own == label));
        let numbers = 0..=u8::MAX;
        let number = |commit| {
            numbers
                .clone()
                .find(|&number| CommitId::from_bytes([number; 20]) == commit)
        };
        told.iter().filter_map(|told| number(told.commit)).collect()
    }

    #[test]
    fn what_a_server_told_of_a_label_before_is_not_asked_for() {
        let (bell, rounds) = Bell::new();
        bell.tell(news("one", 1, &["main", "release"]));
        bell.tell(news("other", 2, &["main"]));
        bell.tell(news("one", 3, &["main", "*"]));
        assert_eq!(told(&rounds, "main"), [2, 3]);
        assert_eq!(told(&rounds, "release"), [1], "of this it said no more");
        bell.tell(news("one", 4, &["release"]));
        assert_eq!(told(&rounds, "release"), [4]);
        assert_eq!(
            lock(&bell.told).len(),
            3,
            "nothing stays that is of no label"
        );
    }

    #[test]
    fn what_is_told_is_bounded() {
        let (bell, rounds) = Bell::new();
        for server in 0..40 {
            bell.tell(news(&server.to_string(), server, &["main"]));
        }
        assert_eq!(told(&rounds, "main"), (24..40).collect::<Vec<_>>());
    }
}
