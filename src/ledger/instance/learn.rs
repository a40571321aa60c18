use super::{Fetched, Instance};

impl Instance {
    /// Takes over what another server has noted of it, each part where that is later. The order in which servers are heard does
    /// not matter, nor how often. Contents have numbers of this server.
    pub(in crate::ledger) fn learn(&mut self, other: Self, order: u64) {
        let is_later = other.last_sign > self.last_sign;
        if is_later {
            self.gives_sign(other.last_sign);
        }
        let decided = |instance: &Self| instance.decision().map(|(at, ..)| at);
        let read = |instance: &Self| instance.fetched.as_ref().map(|fetched| fetched.at);
        let (decides_later, reads_later) =
            (decided(&other) > decided(self), read(&other) > read(self));
        if is_later {
            self.asks_for(other.coordinates);
            self.transport = other.transport;
            self.poll_seconds = other.poll_seconds;
        }
        self.names_itself |= other.names_itself;
        self.reports |= other.reports;
        if decides_later {
            self.applied = other.applied;
            self.rejected = other.rejected;
        }
        if reads_later {
            self.fetched = other.fetched.map(|fetched| Fetched { order, ..fetched });
        }
    }

    /// When something was noted of it last.
    pub(in crate::ledger) fn times(&self) -> impl Iterator<Item = i64> {
        let applied = self.applied.as_ref().map(|applied| applied.at);
        let rejected = self.rejected.as_ref().map(|rejected| rejected.at);
        let fetched = self.fetched.as_ref().map(|fetched| fetched.at);
        let parts = [applied, rejected, fetched].into_iter().flatten();
        parts.chain([self.last_sign])
    }

    /// The same, with nothing later than that: clocks of servers differ.
    pub(in crate::ledger) fn not_after(mut self, now: i64) -> Self {
        let applied = self.applied.as_mut().map(|applied| &mut applied.at);
        let rejected = self.rejected.as_mut().map(|rejected| &mut rejected.at);
        let fetched = self.fetched.as_mut().map(|fetched| &mut fetched.at);
        for at in [applied, rejected, fetched]
            .into_iter()
            .flatten()
            .chain([&mut self.last_sign])
        {
            *at = now.min(*at);
        }
        self
    }

    /// Whether it will be known only then what its ack is worth.
    pub(in crate::ledger) fn settles_after(&self, now: i64) -> bool {
        let proof = self.ack.as_ref().and_then(|ack| ack.proof.as_ref());
        proof.is_some_and(|proof| proof.settles_at > now)
    }

    /// When it last said what became of a version, of which one, and why it refused that.
    pub(in crate::ledger) fn decision(&self) -> Option<(i64, Option<&str>, Option<&str>)> {
        let applied = self.applied.as_ref();
        let applied = applied.map(|applied| (applied.at, applied.version.as_deref(), None));
        let rejected = self.rejected.as_ref();
        let rejected = rejected.map(|rejected| {
            let reason = Some(rejected.reason.as_str());
            (rejected.at, rejected.version.as_deref(), reason)
        });
        applied
            .into_iter()
            .chain(rejected)
            .max_by_key(|(at, ..)| *at)
    }
}
