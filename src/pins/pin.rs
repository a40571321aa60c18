use confbus_protocol::{CommitId, Label};
use serde::{Deserialize, Serialize};

use super::{Address, now};

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
    pub(super) fn replaces(&self, other: &Self) -> bool {
        self.address == other.address && self.repository == other.repository
    }

    /// How long it goes on, in milliseconds.
    pub(super) fn left(&self) -> u64 {
        u64::try_from(self.until.saturating_sub(now())).unwrap_or_default()
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
