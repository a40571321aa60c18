use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

/// What stands for all names for which there is no room.
pub(crate) const OTHER: &str = "_other";

/// Names of one sort that become labels: so many, and what comes later is [`OTHER`].
#[derive(Debug)]
pub(super) struct Bounded {
    most: usize,
    known: Mutex<HashSet<Box<str>>>,
}

impl Bounded {
    pub(super) fn to(most: usize) -> Self {
        Self {
            most,
            known: Mutex::default(),
        }
    }

    /// The name, or what stands for it.
    pub(super) fn name<'n>(&self, name: &'n str) -> &'n str {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(name) {
            return name;
        }
        if known.len() >= self.most {
            return OTHER;
        }
        known.insert(name.into());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_have_their_names_for_good() {
        let names = Bounded::to(2);
        let seen = ["a", "b", "c", "a", "b"].map(|name| names.name(name));
        assert_eq!(seen, ["a", "b", OTHER, "a", "b"]);
    }
}
