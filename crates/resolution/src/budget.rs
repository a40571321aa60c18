use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use arc_swap::ArcSwapOption;

use crate::parsed::Parsed;

/// A file takes about so many bytes once it is parsed, so that places and bytes run out together.
const USUAL_BYTES: usize = 2 << 10;

/// How many files that were read lately one newcomer may pass before it takes a place all the same.
const PATIENCE: usize = 64;

/// Room for parsed files: those that were not read lately make room for others.
///
/// A file that is not kept is parsed again when it is needed. The places lie in a circle that a hand goes round: it passes
/// a file that was read since it came by last, once, and takes out any other. Nobody who uses it waits for anybody else.
pub struct Budget {
    places: Box<[ArcSwapOption<Parsed>]>,
    hand: AtomicUsize,
    kept: AtomicUsize,
    limit: usize,
}

impl Budget {
    /// Room for so many bytes, as far as they can be counted.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let places = bytes.div_ceil(USUAL_BYTES).max(1);
        Self {
            places: std::iter::repeat_with(ArcSwapOption::empty)
                .take(places)
                .collect(),
            hand: AtomicUsize::new(0),
            kept: AtomicUsize::new(0),
            limit: bytes,
        }
    }

    /// How many bytes are kept now.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    /// Keeps a file, unless it would drive out too many others.
    pub(crate) fn keep(&self, parsed: &Arc<Parsed>) {
        if parsed.bytes() > self.limit / 4 {
            return;
        }
        let mut patience = PATIENCE;
        self.kept.fetch_add(parsed.bytes(), Ordering::Relaxed);
        let place = self.next(&mut patience);
        parsed.is_at(place);
        self.put(place, Some(Arc::clone(parsed)));
        // The first round may only find out who was read lately.
        for _ in 0..2 * self.places.len() {
            if self.kept() <= self.limit {
                return;
            }
            let place = self.next(&mut patience);
            if self.places[place].load().is_some() {
                self.put(place, None);
            }
        }
    }

    /// Drops a file that nobody can ask for any more.
    pub(crate) fn forget(&self, parsed: &Arc<Parsed>) {
        let Some(place) = self.places.get(parsed.place()) else {
            return;
        };
        // Another file may have the place by now.
        let before = place.compare_and_swap(parsed, None);
        if before
            .as_ref()
            .is_some_and(|before| Arc::ptr_eq(before, parsed))
        {
            self.kept.fetch_sub(parsed.bytes(), Ordering::Relaxed);
        }
    }

    /// The next place that is empty or whose file was not read lately.
    fn next(&self, patience: &mut usize) -> usize {
        loop {
            let hand = self.hand.fetch_add(1, Ordering::Relaxed);
            let place = hand % self.places.len();
            let kept = self.places[place].load();
            if *patience == 0 || !kept.as_ref().is_some_and(|parsed| parsed.was_read()) {
                return place;
            }
            *patience -= 1;
        }
    }

    fn put(&self, place: usize, parsed: Option<Arc<Parsed>>) {
        let bytes = self.places[place]
            .swap(parsed)
            .map_or(0, |gone| gone.bytes());
        self.kept.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("kept", &self.kept())
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blob, BlobId, documents::Syntax};

    /// Files of which `room` fit.
    fn blobs(count: u8, room: usize) -> (Arc<Budget>, Vec<Blob>) {
        let text = |number: u8| format!("number: {number:03}\ntext: {}", "x".repeat(2_000));
        let parse = |number: u8| Blob::new(BlobId([number; 20]), text(number).into_bytes());
        let bytes = parse(0).parsed(Syntax::Yaml).bytes();
        let budget = Arc::new(Budget::new(bytes * room + bytes / 2));
        let blobs = (0..count).map(|number| parse(number).kept_in(&budget));
        let blobs = blobs.collect();
        (budget, blobs)
    }

    fn read(blob: &Blob) {
        assert!(blob.parsed(Syntax::Yaml).documents().is_ok());
    }

    #[test]
    fn what_fits_is_parsed_once() {
        let (budget, blobs) = blobs(8, 8);
        blobs.iter().for_each(read);
        assert!(blobs.iter().all(Blob::is_parsed));
        let kept = budget.kept();
        blobs.iter().for_each(read);
        assert_eq!(budget.kept(), kept);
    }

    #[test]
    fn what_was_not_read_lately_makes_room() {
        let (budget, blobs) = blobs(100, 8);
        for blob in &blobs {
            read(blob);
            read(&blobs[0]);
            assert!(budget.kept() <= budget.limit, "{budget:?}");
        }
        assert!(blobs[0].is_parsed(), "it is read all the time");
        assert!(!blobs[1].is_parsed());
        let parsed = blobs.iter().filter(|blob| blob.is_parsed()).count();
        assert!((6..=8).contains(&parsed), "{parsed}");
        read(&blobs[1]);
    }

    #[test]
    fn a_file_that_is_too_large_drives_out_nothing() {
        let (budget, small) = blobs(4, 8);
        small.iter().for_each(read);
        let large = format!("text: {}", "x".repeat(8 * 2_000)).into_bytes();
        let large = Blob::new(BlobId([200; 20]), large).kept_in(&budget);
        read(&large);
        assert!(!large.is_parsed());
        assert!(small.iter().all(Blob::is_parsed));
    }

    #[test]
    fn what_nobody_can_ask_for_is_dropped() {
        let (budget, mut blobs) = blobs(8, 4);
        blobs.iter().for_each(read);
        let kept = budget.kept();
        // Half of them are not kept any more, and the places of others are left alone.
        drop(blobs.drain(..4).collect::<Vec<_>>());
        assert_eq!(budget.kept(), kept);
        assert!(blobs.iter().all(Blob::is_parsed));
        drop(blobs);
        assert_eq!(budget.kept(), 0);
        assert!(budget.places.iter().all(|place| place.load().is_none()));
    }

    #[test]
    fn many_threads_share_the_room() {
        let (budget, blobs) = blobs(64, 8);
        std::thread::scope(|scope| {
            for start in 0..4 {
                let blobs = &blobs;
                scope.spawn(move || {
                    for step in 0..500 {
                        read(&blobs[(start * 7 + step * (start + 1)) % blobs.len()]);
                    }
                });
            }
        });
        assert!(budget.kept() <= budget.limit, "{budget:?}");
        let places = budget.places.iter().filter_map(ArcSwapOption::load_full);
        assert_eq!(
            places.map(|parsed| parsed.bytes()).sum::<usize>(),
            budget.kept()
        );
    }
}
