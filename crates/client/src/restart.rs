use std::sync::Mutex;

use crate::{Snapshot, pattern::KeyPattern, store::lock};

/// The keys that an application reads once, when it starts.
#[derive(Default)]
pub(crate) struct RestartKeys(Mutex<Vec<ReadAtStart>>);

struct ReadAtStart {
    pattern: KeyPattern,
    /// What the application has read.
    read: Snapshot,
}

impl RestartKeys {
    pub(crate) fn add<'a>(&self, patterns: impl Iterator<Item = &'a str>, read: &Snapshot) {
        lock(&self.0).extend(patterns.map(|pattern| ReadAtStart {
            pattern: KeyPattern::new(pattern),
            read: read.clone(),
        }));
    }

    /// The keys whose value is another than the one that was read, sorted.
    pub(crate) fn pending(&self, now: &Snapshot) -> Vec<String> {
        let mut keys: Vec<String> = lock(&self.0)
            .iter()
            .flat_map(|ReadAtStart { pattern, read }| {
                let moved = read.changes_to(now).into_iter().map(|change| change.key);
                moved.filter(|key| pattern.matches(key))
            })
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}
