use std::{
    cell::Cell,
    hash::{Hash, Hasher},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;
use quick_cache::{
    DefaultHashBuilder, Equivalent, Weighter,
    unsync::{Cache, DefaultLifecycle},
};

use crate::http::{
    fields::Fields,
    finished::{Whole, Wire, Wish},
    keep::Kept,
};

/// How long an answer is given again, be nothing moved: so that whoever tells by reads what is still wanted sees some.
const LONGEST_USE: Duration = Duration::from_secs(60);
/// The same of errors, which tell the time.
const LONGEST_ERROR: Duration = Duration::from_millis(750);
/// Bytes that an answer takes on average, more or less; from this it is guessed how many there will be.
pub(super) const USUAL_WEIGHT: usize = 4096;

/// Reads that repeat one another and are noted, of each peer in a while: to tell that somebody is still there takes no more.
const NOTED_REPEATS: u8 = 4;
const WHILE: Duration = Duration::from_secs(10);

/// The answers that one core keeps; those that were not asked for longest make room.
pub(super) struct Answers(Cache<Key, Entry, Weights>);

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    target: Box<str>,
    accept: Box<[u8]>,
}

/// A [`Key`] that borrows from a request.
pub(super) struct KeyRef<'r> {
    target: &'r str,
    accept: &'r [u8],
}

/// A kept answer.
pub(super) struct Entry {
    pub(super) kept: Arc<Kept>,
    /// What nearly everybody wants of it, so that nothing else has to be looked at.
    whole: Option<Whole>,
    /// Whether the ledger hears who is given it.
    pub(super) is_noted: bool,
    is_error: bool,
    pub(super) made: Made,
    pub(super) repeats: Repeats,
}

/// When an answer was made, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made {
    pub(super) generation: u64,
    pub(super) at: Instant,
    pub(super) was_quick: bool,
}

#[derive(Clone)]
struct Weights;

impl Answers {
    /// Room for so many bytes.
    pub(super) fn new(room: usize) -> Self {
        Self(Cache::with(
            room / USUAL_WEIGHT,
            room as u64,
            Weights,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        ))
    }

    pub(super) fn get(&self, key: &KeyRef<'_>) -> Option<&Entry> {
        self.0.get(key)
    }

    pub(super) fn insert(&mut self, key: Key, entry: Entry) {
        self.0.insert(key, entry);
    }
}

impl Weighter<Key, Entry> for Weights {
    fn weight(&self, key: &Key, entry: &Entry) -> u64 {
        let own = size_of::<(Key, Entry)>() + size_of::<Kept>();
        (own + key.target.len() + key.accept.len() + entry.kept.finished.weight()) as u64
    }
}

impl<'r> KeyRef<'r> {
    pub(super) fn new(target: &'r str, accept: &'r [u8]) -> Self {
        Self { target, accept }
    }

    pub(super) fn target(&self) -> &'r str {
        self.target
    }

    pub(super) fn to_owned(&self) -> Key {
        Key {
            target: self.target.into(),
            accept: self.accept.into(),
        }
    }
}

/// As that of [`Key`].
impl Hash for KeyRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.target.hash(state);
        self.accept.hash(state);
    }
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.target == *key.target && *self.accept == *key.accept
    }
}

impl Entry {
    pub(super) fn new(kept: Arc<Kept>, made: Made) -> Self {
        Self {
            whole: kept.finished.whole(),
            is_noted: kept.keep.answered.is_some(),
            is_error: kept.finished.status() != StatusCode::OK,
            kept,
            made,
            repeats: Repeats::default(),
        }
    }

    /// The answer as it is sent; `None` when the server has more to do for it than that.
    pub(super) fn wire<F>(&self, wish: &Wish<'_, F>) -> Option<Wire<'_>>
    where
        F: Fields + ?Sized,
    {
        match &self.whole {
            Some(whole) if wish.is_plain() => Some(whole.wire()),
            _ => self.kept.finished.choose(wish)?.wire(),
        }
    }

    /// Whether it may be given in this generation at this time.
    pub(super) fn is_of(&self, generation: u64, now: Instant) -> bool {
        let longest = if self.is_error {
            LONGEST_ERROR
        } else {
            LONGEST_USE
        };
        self.made.generation == generation && now.saturating_duration_since(self.made.at) < longest
    }
}

/// Who read the same answer again lately, without a name.
#[derive(Debug, Default)]
pub(super) struct Repeats(Cell<Option<Lately>>);

#[derive(Debug, Clone, Copy)]
struct Lately {
    peer: IpAddr,
    /// The events so far: what is left out after one must stand behind a read that was noted after it.
    published: u64,
    since: Instant,
    noted: u8,
}

/// What to do with a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Note,
    /// Note that further ones are left out.
    StandsForMore,
    LeaveOut,
}

impl Repeats {
    /// What to do with a read by this peer, after so many events.
    pub(super) fn turn(&self, peer: IpAddr, published: u64, now: Instant) -> Turn {
        let first = Lately {
            peer,
            published,
            since: now,
            noted: 0,
        };
        let same = |lately: &Lately| {
            lately.peer == peer
                && lately.published == published
                && now.saturating_duration_since(lately.since) < WHILE
        };
        let mut lately = self.0.get().filter(same).unwrap_or(first);
        if lately.noted == NOTED_REPEATS {
            return Turn::LeaveOut;
        }
        lately.noted += 1;
        self.0.set(Some(lately));
        if lately.noted == NOTED_REPEATS {
            Turn::StandsForMore
        } else {
            Turn::Note
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{hash::BuildHasher as _, net::Ipv4Addr};

    use super::*;

    #[test]
    fn what_borrows_is_found_as_what_owns() {
        let hasher = DefaultHashBuilder::default();
        let borrowed = KeyRef::new("/foo/dev", b"*/*");
        let key = borrowed.to_owned();
        assert_eq!(hasher.hash_one(&borrowed), hasher.hash_one(&key));
        assert!(borrowed.equivalent(&key));
        assert!(!KeyRef::new("/foo/dev", b"").equivalent(&key));
        assert!(!KeyRef::new("/foo/de", b"*/*").equivalent(&key));
    }

    #[test]
    fn of_reads_that_repeat_one_another_the_last_that_is_noted_says_so() {
        let repeats = Repeats::default();
        let (one, other) = (Ipv4Addr::LOCALHOST.into(), Ipv4Addr::UNSPECIFIED.into());
        let now = Instant::now();
        let turns = |peer, published, after, count: usize| -> Vec<Turn> {
            let turn = |_| repeats.turn(peer, published, now + after);
            (0..count).map(turn).collect()
        };
        use Turn::{LeaveOut, Note, StandsForMore};
        let start = Duration::ZERO;
        assert_eq!(
            turns(one, 0, start, 6),
            [Note, Note, Note, StandsForMore, LeaveOut, LeaveOut]
        );
        // After an event it begins anew, and for another peer, and after a while.
        assert_eq!(turns(one, 1, start, 1), [Note]);
        assert_eq!(turns(other, 1, start, 5)[3..], [StandsForMore, LeaveOut]);
        assert_eq!(turns(other, 1, WHILE, 1), [Note]);
    }
}
