use confbus_protocol::BusId;
use serde::{Deserialize, Serialize};

use super::{coordinates::Coordinates, entry::RefreshId};

/// One running process, by its bus id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Instance {
    pub(super) id: BusId,
    pub(super) coordinates: Coordinates,
    /// It names itself when it reads, so its reads are nobody else's.
    pub(super) names_itself: bool,
    /// It says which version it runs, so an ack of it adds nothing.
    pub(super) reports: bool,
    /// How it hears of changes.
    pub(super) transport: Option<String>,
    /// How often it asks without being told, in seconds.
    pub(super) poll_seconds: Option<u32>,
    pub(super) fetched: Option<Fetched>,
    pub(super) applied: Option<Applied>,
    pub(super) rejected: Option<Rejected>,
    pub(super) told: Option<Told>,
    pub(super) ack: Option<Ack>,
    /// Milliseconds since 1970, as all times here.
    pub(super) last_sign: i64,
}

/// The last version that it read under its name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Fetched {
    pub(super) version: Option<String>,
    /// Where in the order of all entries.
    pub(super) order: u64,
    pub(super) at: i64,
}

/// What it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Applied {
    pub(super) version: Option<String>,
    /// All versions with the same content have the same.
    pub(super) content: Option<u64>,
    /// What it changes only with the next start.
    pub(super) restart: Vec<String>,
    pub(super) evidence: Evidence,
    pub(super) at: i64,
}

/// What it refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Rejected {
    pub(super) version: Option<String>,
    pub(super) content: Option<u64>,
    pub(super) reason: String,
    pub(super) at: i64,
}

/// An event was for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Told {
    pub(super) refresh: RefreshId,
    pub(super) at: i64,
    /// The first time that it did not answer since.
    pub(super) since: i64,
}

/// It says that it handled an event.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ack {
    pub(super) refresh: RefreshId,
    pub(super) at: i64,
    /// The read that came before it, if one is known to be its own.
    pub(super) proof: Option<Proof>,
}

/// The read that goes with an ack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Proof {
    pub(super) version: Option<String>,
    pub(super) content: Option<u64>,
    /// Before that, an ack of a sibling may still show that the read was not this one's.
    pub(super) settles_at: i64,
}

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

/// A poll may be late, or two be lost.
const POLLS_MISSED: i64 = 3;
/// How long an answer to a refresh may take.
const LONGEST_ANSWER: i64 = 10 * 60 * 1000;

impl Instance {
    pub(super) fn new(id: BusId, coordinates: Coordinates, now: i64) -> Self {
        Self {
            id,
            coordinates,
            names_itself: false,
            reports: false,
            transport: None,
            poll_seconds: None,
            fetched: None,
            applied: None,
            rejected: None,
            told: None,
            ack: None,
            last_sign: now,
        }
    }

    /// What it runs, as far as we know.
    pub(super) fn applied(&self, now: i64) -> Option<Applied> {
        let acked = self.ack.as_ref().and_then(|ack| ack.applied(now));
        match (&self.applied, acked) {
            (Some(said), Some(acked)) if acked.at < said.at => Some(said.clone()),
            (said, acked) => acked.or_else(|| said.clone()),
        }
    }

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

    /// It says that it runs this version; known again, that is no news.
    pub(super) fn runs(&mut self, version: &str, content: Option<u64>, now: i64) {
        let is_known = |applied: &Applied| applied.version.as_deref() == Some(version);
        if self.applied.as_ref().is_some_and(is_known) {
            return;
        }
        let is_refused = |rejected: &Rejected| rejected.version.as_deref() == Some(version);
        if self.rejected.as_ref().is_some_and(is_refused) {
            self.rejected = None;
        }
        self.applied = Some(Applied {
            version: Some(version.to_owned()),
            content,
            restart: Vec::new(),
            evidence: Evidence::Report,
            at: now,
        });
    }

    /// An event is for it.
    pub(super) fn is_told(&mut self, refresh: &RefreshId, now: i64) {
        let unanswered = self.told.as_ref().filter(|told| self.last_sign < told.at);
        let since = unanswered.map_or(now, |told| told.since);
        self.told = Some(Told {
            refresh: refresh.clone(),
            at: now,
            since,
        });
    }

    /// It handled an event; what an earlier ack has proven stays.
    pub(super) fn acked(&mut self, ack: Ack, now: i64) {
        self.applied = self.applied(now);
        self.ack = Some(ack);
    }

    /// Whether their reads without a name could be taken for each other's.
    pub(super) fn is_sibling_of(&self, other: &Self) -> bool {
        let (one, other) = (&self.coordinates, &other.coordinates);
        one.application == other.application && one.profiles == other.profiles
    }

    fn told_at(&self) -> i64 {
        self.told.as_ref().map_or(i64::MIN, |told| told.at)
    }

    /// It was there, and does not poll or answer any more.
    pub(super) fn is_silent(&self, now: i64) -> bool {
        self.is_silent_for(0, now)
    }

    /// Whether it is silent, and has been for more than so many milliseconds.
    pub(super) fn is_silent_for(&self, long: i64, now: i64) -> bool {
        let next_poll = self
            .poll_seconds
            .filter(|seconds| *seconds > 0)
            .map(|seconds| self.last_sign + POLLS_MISSED * i64::from(seconds) * 1000);
        let unanswered = self.told.as_ref().filter(|told| self.last_sign < told.at);
        let answer = unanswered.map(|told| told.since + LONGEST_ANSWER);
        let expected = next_poll.into_iter().chain(answer).min();
        expected.is_some_and(|expected| now - expected > long)
    }
}

impl Ack {
    /// What the ack shows to run.
    fn applied(&self, now: i64) -> Option<Applied> {
        let proof = self
            .proof
            .as_ref()
            .filter(|proof| proof.settles_at <= now)?;
        Some(Applied {
            version: proof.version.clone(),
            content: proof.content,
            restart: Vec::new(),
            evidence: Evidence::AckAndRead,
            at: self.at,
        })
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
