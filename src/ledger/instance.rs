mod learn;

use confbus_protocol::{BusEvent, BusId, Member};
use serde::{Deserialize, Serialize};

use super::{coordinates::Coordinates, entry::RefreshId, state::Evidence};

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
    /// It said that it ends, and gave no sign since.
    #[serde(default)]
    pub(super) has_left: bool,
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
    /// What it was told before, in case this event does not go out; that one has none.
    #[serde(skip)]
    before: Option<Box<Self>>,
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
            has_left: false,
            last_sign: now,
        }
    }

    /// One of which nothing else is known than that it has left.
    pub(super) fn departed(id: BusId, at: i64) -> Self {
        let coordinates = Coordinates::of_bus_id(&id);
        Self {
            has_left: true,
            ..Self::new(id, coordinates, at)
        }
    }

    /// It said that it ends.
    pub(super) fn leaves(&mut self, now: i64) {
        self.has_left = true;
        self.last_sign = now;
    }

    /// It is there.
    pub(super) fn gives_sign(&mut self, now: i64) {
        if self.has_left {
            // It is another process of this name.
            self.has_left = false;
            self.applied = None;
            self.told = None;
            self.ack = None;
        }
        self.last_sign = now;
    }

    /// Whether it said of some version what became of it.
    pub(super) fn has_answered(&self) -> bool {
        self.applied.is_some() || self.rejected.is_some()
    }

    /// Whether people are shown it: who left is nobody's concern but for what it refused.
    pub(super) fn is_shown(&self) -> bool {
        !self.has_left || self.rejected.is_some()
    }

    /// What it runs, as far as we know.
    pub(super) fn applied(&self, now: i64) -> Option<Applied> {
        let acked = self.ack.as_ref().and_then(|ack| ack.applied(now));
        match (&self.applied, acked) {
            (Some(said), Some(acked)) if acked.at < said.at => Some(said.clone()),
            (said, acked) => acked.or_else(|| said.clone()),
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

    /// By its id, or by the application whose configuration it asks for.
    pub(super) fn is_meant_by(&self, event: &BusEvent) -> bool {
        let own = self.id.as_str().split(':').next();
        let names = self.coordinates.application.split(',').map(str::trim);
        let aliases = names.filter(|name| Some(*name) != own);
        let member = Member {
            id: self.id.clone(),
            config_names: aliases.map(str::to_owned).collect(),
        };
        member.is_meant_by(event)
    }

    /// It asks for the configuration of these coordinates from now on. Elsewhere the numbers of contents mean something else.
    pub(super) fn asks_for(&mut self, coordinates: Coordinates) {
        if self.coordinates == coordinates {
            return;
        }
        self.coordinates = coordinates;
        let proof = self.ack.as_mut().and_then(|ack| ack.proof.as_mut());
        let contents = [
            self.applied.as_mut().map(|applied| &mut applied.content),
            self.rejected.as_mut().map(|rejected| &mut rejected.content),
            proof.map(|proof| &mut proof.content),
        ];
        for content in contents.into_iter().flatten() {
            *content = None;
        }
    }

    /// The version that it read last: under its name, or before an ack.
    pub(super) fn fetched(&self, now: i64) -> Option<String> {
        let proven = self
            .applied(now)
            .filter(|applied| applied.evidence == Evidence::AckAndRead);
        match (&self.fetched, proven) {
            (Some(named), Some(proven)) if proven.at > named.at => proven.version,
            (Some(named), _) => named.version.clone(),
            (None, proven) => proven?.version,
        }
    }

    /// An event is for it.
    pub(super) fn is_told(&mut self, refresh: &RefreshId, now: i64) {
        let unanswered = self.told.as_ref().filter(|told| self.last_sign < told.at);
        let since = unanswered.map_or(now, |told| told.since);
        let before = self.told.take().map(|told| Told {
            before: None,
            ..told
        });
        self.told = Some(Told {
            refresh: refresh.clone(),
            at: now,
            since,
            before: before.map(Box::new),
        });
    }

    /// The event that was for it did not go out.
    pub(super) fn is_not_told(&mut self, refresh: &RefreshId) {
        if let Some(told) = self.told.take_if(|told| told.refresh == *refresh) {
            self.told = told.before.map(|before| *before);
        }
    }

    /// It handled an event; what an earlier ack has proven stays.
    pub(super) fn acked(&mut self, ack: Ack, now: i64) {
        self.applied = self.applied(now);
        if self.told.is_none() {
            self.is_told(&ack.refresh, now);
        }
        self.ack = Some(ack);
    }

    /// Whether their reads without a name could be taken for each other's.
    pub(super) fn is_sibling_of(&self, other: &Self) -> bool {
        let (one, other) = (&self.coordinates, &other.coordinates);
        one.application == other.application && one.profiles == other.profiles
    }

    pub(super) fn told_at(&self) -> i64 {
        self.told.as_ref().map_or(i64::MIN, |told| told.at)
    }

    /// It was there, and does not poll or answer any more.
    pub(super) fn is_silent(&self, now: i64) -> bool {
        self.has_left || self.is_silent_for(0, now)
    }

    /// Whether it is silent, and has been for more than so many milliseconds.
    pub(super) fn is_silent_for(&self, long: i64, now: i64) -> bool {
        self.expected()
            .is_some_and(|expected| now - expected > long)
    }

    /// When it gives the next sign at the latest, if it is there.
    pub(super) fn expected(&self) -> Option<i64> {
        if self.has_left {
            return Some(self.last_sign);
        }
        let next_poll = self
            .poll_seconds
            .filter(|seconds| *seconds > 0)
            .map(|seconds| self.last_sign + POLLS_MISSED * i64::from(seconds) * 1000);
        let unanswered = self.told.as_ref().filter(|told| self.last_sign < told.at);
        let answer = unanswered.map(|told| told.since + LONGEST_ANSWER);
        next_poll.into_iter().chain(answer).min()
    }
}

impl Ack {
    /// What is known now; what was settled stays so.
    pub(super) fn set_proof(&mut self, proof: Option<Proof>) {
        let earlier = self
            .proof
            .as_ref()
            .map_or(i64::MAX, |proof| proof.settles_at);
        self.proof = proof.map(|proof| Proof {
            settles_at: proof.settles_at.min(earlier),
            ..proof
        });
    }

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
