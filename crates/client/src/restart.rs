use std::sync::Mutex;

use crate::{Snapshot, pattern::KeyPattern, store::lock};

/// The keys that an application reads once, when it starts.
#[derive(Default)]
pub(crate) struct RestartKeys(Mutex<Vec<ReadAtStart>>);

struct ReadAtStart {
    /// What the application has read.
    read: Snapshot,
    patterns: Vec<KeyPattern>,
}

impl RestartKeys {
    /// Adds patterns; one that is there already counts from when it came first.
    pub(crate) fn add<'a>(&self, patterns: impl Iterator<Item = &'a str>, read: &Snapshot) {
        let mut all = lock(&self.0);
        for pattern in patterns {
            let mut known = all.iter().flat_map(|at_start| &at_start.patterns);
            if known.any(|known| known.text() == pattern) {
                continue;
            }
            let pattern = KeyPattern::new(pattern);
            match all.last_mut().filter(|last| last.read.is(read)) {
                Some(last) => last.patterns.push(pattern),
                None => all.push(ReadAtStart {
                    read: read.clone(),
                    patterns: vec![pattern],
                }),
            }
        }
    }

    /// The keys whose value is another than the one that was read, sorted.
    pub(crate) fn pending(&self, now: &Snapshot) -> Vec<String> {
        let mut keys: Vec<String> = lock(&self.0)
            .iter()
            .flat_map(|ReadAtStart { read, patterns }| {
                let moved = read.changes_to(now).into_iter().map(|change| change.key);
                moved.filter(|key| patterns.iter().any(|pattern| pattern.matches(key)))
            })
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use confbus_protocol::Environment;

    #[test]
    fn patterns_share_what_was_read_and_come_once() {
        let keys = RestartKeys::default();
        let first = Snapshot::of(&Environment::default());
        keys.add(["a", "b.*", "a"].into_iter(), &first);
        keys.add(["c"].into_iter(), &first);
        keys.add(
            ["a", "c"].into_iter(),
            &Snapshot::of(&Environment::default()),
        );
        let all = lock(&keys.0);
        assert_eq!((all.len(), all[0].patterns.len()), (1, 3));
    }
}
