use serde::{Deserialize, Serialize};

use super::instance::{Ack, Applied, Fetched, Instance, Rejected};

/// An instance with respect to the wanted version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// Runs it.
    Live,
    /// Runs an earlier version with the same content.
    Same,
    /// Is to look again, and nothing shows that it did.
    Told,
    /// Read it; whether it runs it is unknown.
    Served,
    /// Read it and will say what becomes of it.
    Applying,
    /// Refused it and runs another.
    Rejected,
    /// Runs it but for keys that need a new start.
    Restart,
    /// Was there, and gives no sign any more.
    Silent,
}

impl State {
    /// As in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Same => "same",
            Self::Told => "told",
            Self::Served => "served",
            Self::Applying => "applying",
            Self::Rejected => "rejected",
            Self::Restart => "restart",
            Self::Silent => "silent",
        }
    }

    /// The state of this name in JSON.
    pub(crate) fn named(word: &str) -> Option<Self> {
        serde_json::from_value(word.into()).ok()
    }
}

/// How we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Evidence {
    /// It said so itself.
    #[serde(rename = "report")]
    Report,
    /// It acked an event after it had read.
    #[serde(rename = "ack+read")]
    AckAndRead,
    /// It acked an event; whether it had read is unknown.
    #[serde(rename = "ack")]
    Ack,
    /// It read.
    #[serde(rename = "read")]
    Read,
    /// Nothing.
    #[serde(rename = "none")]
    Nothing,
}

/// The version that a read would be given now.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted<'w> {
    /// `None` where versions are not known, as of several backends together.
    pub(super) version: Option<&'w str>,
    pub(super) content: Option<u64>,
}

impl Instance {
    /// Where it stands, and how we know.
    pub(super) fn state(&self, wanted: Wanted<'_>, now: i64) -> (State, Evidence) {
        if self.is_silent(now) {
            return (State::Silent, Evidence::Nothing);
        }
        let applied = self.applied(now);
        if let Some(applied) = &applied
            && let Some(state) = self.running_state(applied, wanted)
        {
            return (state, applied.evidence);
        }
        let refused = |rejected: &Rejected| {
            wanted
                .is(rejected.version.as_deref(), rejected.content)
                .unwrap_or_else(|| self.told_at() <= rejected.at)
        };
        if self.rejected.as_ref().is_some_and(refused) {
            return (State::Rejected, Evidence::Report);
        }
        self.state_of_one_behind(wanted)
    }

    /// What its running version is to the wanted one, if they are the same in some way.
    fn running_state(&self, applied: &Applied, wanted: Wanted<'_>) -> Option<State> {
        let is_wanted = wanted.is(applied.version.as_deref(), applied.content);
        // Without versions only times can tell.
        let refused_at = self
            .rejected
            .as_ref()
            .map_or(i64::MIN, |rejected| rejected.at);
        let after_all = applied.at >= self.told_at().max(refused_at);
        match is_wanted.unwrap_or(after_all) {
            false => None,
            true if !applied.restart.is_empty() => Some(State::Restart),
            true if is_wanted.is_some() && applied.version.as_deref() != wanted.version => {
                Some(State::Same)
            }
            true => Some(State::Live),
        }
    }

    fn state_of_one_behind(&self, wanted: Wanted<'_>) -> (State, Evidence) {
        let of_last_refresh = |ack: &&Ack| {
            self.told
                .as_ref()
                .is_none_or(|told| told.refresh == ack.refresh)
        };
        if !self.reports && self.ack.as_ref().filter(of_last_refresh).is_some() {
            return (State::Told, Evidence::Ack);
        }
        let has_it = |fetched: &Fetched| {
            wanted
                .is(fetched.version.as_deref(), None)
                .unwrap_or_else(|| self.told_at() <= fetched.at)
        };
        match self.fetched.as_ref().is_some_and(has_it) {
            true if self.reports => (State::Applying, Evidence::Read),
            true => (State::Served, Evidence::Read),
            false => (State::Told, Evidence::Nothing),
        }
    }
}

impl Wanted<'_> {
    /// Whether this is the wanted version, or one with the same content; `None` where versions are not known.
    fn is(self, version: Option<&str>, content: Option<u64>) -> Option<bool> {
        let wanted = self.version?;
        let version = version?;
        Some(version == wanted || (content.is_some() && content == self.content))
    }
}
