use super::{bus::Direction, description::REPLICA_NEWS, family::Counters, page::Page};

/// What servers tell each other.
#[derive(Debug, Clone)]
pub(crate) struct Replicas(Counters);

impl Default for Replicas {
    fn default() -> Self {
        Self(Counters::of(&REPLICA_NEWS))
    }
}

impl Replicas {
    /// So many messages came or went.
    pub(crate) fn news(&self, direction: Direction, result: &'static str, count: u64) {
        if count > 0 {
            self.0.add(&[direction.name(), result], count);
        }
    }

    pub(super) fn write(&self, page: &mut Page) {
        self.0.write(page);
    }
}
