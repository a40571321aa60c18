use confbus_protocol::{CommitId, Label};
use serde::{Deserialize, Serialize};

use super::Address;

/// In milliseconds.
const HOUR: i64 = 60 * 60 * 1000;
const TEN_MINUTES: i64 = 10 * 60 * 1000;

/// An address that somebody holds at a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pin {
    pub(crate) id: String,
    #[serde(flatten)]
    pub(crate) address: Address,
    /// The one that has the commit, without credentials; what others say to the same request is not held.
    pub(crate) repository: String,
    #[serde(with = "commit_as_text")]
    pub(crate) commit: CommitId,
    pub(crate) reason: String,
    /// Who pinned, as far as that is known.
    pub(crate) by: String,
    /// Milliseconds since 1970.
    pub(crate) since: i64,
    /// Milliseconds since 1970.
    pub(crate) until: i64,
}

impl Pin {
    /// The commit, as requests name it.
    pub(crate) fn commit_label(&self) -> Label {
        label_of(self.commit)
    }

    pub(super) fn is_over(&self, now: i64) -> bool {
        self.until <= now
    }

    /// Whether it says something else about what the other holds.
    pub(crate) fn replaces(&self, other: &Self) -> bool {
        self.address == other.address && self.repository == other.repository
    }

    /// When it is to be said again that it holds, after this time: every hour, and once before it ends.
    pub(super) fn next_reminder(&self, after: i64) -> Option<i64> {
        let hours = after.saturating_sub(self.since).div_euclid(HOUR) + 1;
        let hourly = self.since.saturating_add(hours.max(1).saturating_mul(HOUR));
        let times = [hourly, self.nears_end()];
        let next = times.into_iter().filter(|at| *at > after).min()?;
        (next < self.until).then_some(next)
    }

    /// From when on its end is near: ten minutes before, or less where it is short.
    pub(crate) fn nears_end(&self) -> i64 {
        let lasts = self.until.saturating_sub(self.since);
        self.until.saturating_sub((lasts / 4).min(TEN_MINUTES))
    }
}

/// A commit id as a label.
pub(crate) fn label_of(commit: CommitId) -> Label {
    Label::parse(&commit.to_string()).expect("hex digits are a plain name")
}

pub(crate) mod commit_as_text {
    use confbus_protocol::CommitId;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(
        commit: &CommitId,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(commit)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<CommitId, D::Error> {
        let text = String::deserialize(deserializer)?;
        CommitId::parse(&text).ok_or_else(|| D::Error::custom("not a commit id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(minutes: i64) -> Pin {
        Pin {
            id: "1".into(),
            address: Address::parse("orders").unwrap(),
            repository: "repo".into(),
            commit: CommitId::from_bytes([1; 20]),
            reason: "INC-812".into(),
            by: "jo".into(),
            since: 1000,
            until: 1000 + minutes * 60_000,
        }
    }

    #[test]
    fn a_pin_is_said_again_every_hour_and_before_its_end() {
        for (minutes, expected) in [
            (1, &[45_000][..]),
            (90, &[3_600_000, 4_800_000]),
            (120, &[3_600_000, 6_600_000]),
        ] {
            let (pin, mut at) = (pin(minutes), 0);
            let mut said = Vec::new();
            while let Some(next) = pin.next_reminder(at) {
                said.push(next - pin.since);
                at = next;
            }
            assert_eq!(said, expected, "{minutes}");
        }
    }
}
