use std::sync::{Mutex, TryLockError};

use arc_swap::ArcSwapOption;

/// A number that takes a while to work out: once for everything that it depends on, and by one at a time.
#[derive(Debug, Default)]
pub(super) struct Tally {
    last: ArcSwapOption<Counted>,
    turn: Mutex<()>,
}

/// The last number.
#[derive(Debug)]
struct Counted {
    /// What it depends on.
    of: (u64, u64),
    number: usize,
}

impl Tally {
    /// The number for this; while somebody else works one out the last one, if there is any.
    pub(super) fn get(&self, of: (u64, u64), count: impl FnOnce() -> usize) -> Option<usize> {
        let last = self.last.load_full();
        let last = match last {
            Some(last) if last.of == of => return Some(last.number),
            last => last.map(|last| last.number),
        };
        let _turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            // Nothing is half done: the number is swapped as a whole.
            Err(TryLockError::Poisoned(turn)) => turn.into_inner(),
            Err(TryLockError::WouldBlock) => return last,
        };
        let number = count();
        self.last.store(Some(Counted { of, number }.into()));
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_worked_out_once_and_by_one() {
        let tally = Tally::default();
        let nobody = || -> usize { panic!("this is known") };
        let first = tally.get((1, 1), || {
            assert_eq!(tally.get((1, 1), nobody), None);
            3
        });
        assert_eq!((first, tally.get((1, 1), nobody)), (Some(3), Some(3)));
        for of in [(2, 1), (2, 2)] {
            let next = tally.get(of, || {
                assert!(tally.get(of, nobody).is_some());
                4
            });
            assert_eq!(next, Some(4));
        }
    }
}
