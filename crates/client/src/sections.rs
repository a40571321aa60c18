use std::sync::{Arc, Weak};

use crate::store::Section;

/// The sections that are bound, in the order in which they came.
#[derive(Default)]
pub(crate) struct Sections {
    /// Each with its number, from 0.
    numbered: Vec<(u64, Weak<dyn Section>)>,
    came: u64,
    /// How many were left when those that are gone were last taken out.
    left: usize,
}

/// So few are not worth a search for those that are gone.
const FEW: usize = 32;

impl Sections {
    /// Takes out those that are gone whenever there are twice as many as were left the last time: who binds for every
    /// request of a quiet configuration fills no memory.
    pub(crate) fn push<S: Section + 'static>(&mut self, section: &Arc<S>) {
        if self.numbered.len() >= 2 * self.left.max(FEW) {
            self.prune();
        }
        let weak: Weak<S> = Arc::downgrade(section);
        self.numbered.push((self.came, weak));
        self.came += 1;
    }

    /// Takes out those that are gone.
    pub(crate) fn prune(&mut self) {
        self.numbered
            .retain(|(_, section)| section.strong_count() > 0);
        self.left = self.numbered.len();
    }

    /// How many have come.
    pub(crate) fn came(&self) -> u64 {
        self.came
    }

    /// Those that came after the first `asked`, and how many have come.
    pub(crate) fn since(&self, asked: u64) -> (Vec<Weak<dyn Section>>, u64) {
        let first = self.numbered.partition_point(|(number, _)| *number < asked);
        let unasked = self.numbered[first..].iter();
        (
            unasked.map(|(_, section)| section.clone()).collect(),
            self.came,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Rejection, Snapshot, store::Move};

    struct Nothing;

    impl Section for Nothing {
        fn prepare(self: Arc<Self>, _: &Snapshot) -> Result<Option<Move>, Rejection> {
            Ok(None)
        }
    }

    #[test]
    fn sections_that_are_gone_take_no_space_and_shift_nobody() {
        let mut sections = Sections::default();
        let first = Arc::new(Nothing);
        sections.push(&first);
        for _ in 0..1000 {
            sections.push(&Arc::new(Nothing));
        }
        assert!(
            sections.numbered.len() <= 2 * FEW,
            "{}",
            sections.numbered.len()
        );
        let last = Arc::new(Nothing);
        sections.push(&last);
        assert_eq!(sections.came(), 1002);
        let (unasked, asked) = sections.since(1001);
        assert_eq!((unasked.len(), asked), (1, 1002));
        assert_eq!(unasked[0].strong_count(), 1);
    }
}
