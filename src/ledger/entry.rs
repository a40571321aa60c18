use std::{fmt, net::IpAddr, sync::Arc};

use confbus_protocol::{BusEvent, BusId, CommitId, Destination, Label, Report};
use confbus_resolution::EnvironmentRequest;
use serde::{Deserialize, Serialize};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    changes::Changes,
    news::{News, Tell, Told},
    records::Records,
};
pub(crate) use crate::look::Trigger;
use crate::{look::Authorship, pins::PinStep};

/// An environment that was answered, to one or to many.
#[derive(Debug)]
pub(crate) struct Answered {
    /// What was asked for.
    pub(crate) request: EnvironmentRequest,
    /// The version that the answer shows, if it shows one.
    pub(crate) version: Option<String>,
    /// It was the whole environment as JSON, as applications read it, and not one of its text forms.
    pub(crate) is_environment: bool,
}

/// Somebody got an answer.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) answered: Arc<Answered>,
    /// Further reads like this one, by nobody who names itself, may have been left out since.
    pub(crate) stands_for_more: bool,
    /// Who asked, if it named itself.
    pub(crate) instance: Option<BusId>,
    /// The version that it says it runs.
    pub(crate) running: Option<String>,
    /// Where it asked from.
    pub(crate) peer: IpAddr,
}

/// A refresh that begins.
#[derive(Debug)]
pub(crate) struct Started {
    /// Why.
    pub(crate) trigger: Trigger,
    /// What moved; nothing when somebody only wants everyone to look again.
    pub(crate) labels: Vec<LabelMoved>,
    /// What became of pins.
    pub(crate) pins: Vec<PinStep>,
    /// The bus id of whoever publishes.
    pub(crate) origin: String,
}

/// A label that names another commit than before.
#[derive(Debug, Clone)]
pub(crate) struct LabelMoved {
    /// The repository without credentials.
    pub(crate) repository: Arc<str>,
    pub(crate) label: Label,
    /// `None` when the label is new.
    pub(crate) from: Option<CommitId>,
    pub(crate) to: CommitId,
    /// That of the new commit, as far as it is known.
    pub(crate) authorship: Option<Arc<Authorship>>,
    /// How often it has moved.
    pub(crate) generation: u64,
}

/// What a read would be given now.
#[derive(Debug, Clone)]
pub(crate) struct Current {
    pub(crate) version: String,
    /// How often its label has moved; nothing with several labels or repositories.
    pub(crate) generation: Option<u64>,
}

/// Why a read would be given something else than its label names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HeldBack {
    /// The version that the label names.
    pub(crate) wanted: String,
    /// For people; no value stands in it.
    pub(crate) because: String,
}

/// All who were told that a label moved have said what they make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Converged {
    /// The repository without credentials.
    pub(crate) repository: Arc<str>,
    pub(crate) commit: CommitId,
    /// How far they are.
    pub(crate) sentence: String,
    /// Somebody refused it.
    pub(crate) is_rejected: bool,
}

/// How a refresh gets on.
#[derive(Debug)]
pub(crate) enum Step<'e> {
    /// The repositories were looked at.
    Looked,
    /// What was found is in service.
    Swapped,
    /// These keys are different now.
    Changes(Changes),
    /// These are to be told, and whoever was to be told until now is not.
    Owed(&'e [Destination]),
    /// This event goes out.
    Published(&'e BusEvent),
    /// The bus took an event for this destination.
    Taken(&'e Destination),
    /// The bus did not take it after all, and why; no property value stands in the reason.
    Failed(&'e BusEvent, String),
}

/// By what a refresh is known: `r-` and twelve hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct RefreshId(Arc<str>);

impl RefreshId {
    pub(super) fn random() -> Self {
        let random = uuid::Uuid::new_v4().simple().to_string();
        Self(format!("r-{}", &random[..12]).into())
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it looks like one that a server made up.
    pub(super) fn is_made(&self) -> bool {
        let digits = self.0.strip_prefix("r-");
        digits.is_some_and(|digits| {
            digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    }
}

impl fmt::Display for RefreshId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What waits for the bookkeeper.
#[derive(Debug)]
pub(super) enum Entry {
    Read(Read),
    Reported(Report),
    Started(RefreshId, Started),
    Noted(RefreshId, Noted),
    Heard(BusEvent),
    Unchanged {
        request: EnvironmentRequest,
        from: CommitId,
        to: CommitId,
    },
    /// Another server has noted something. There are only so many places for that.
    Learnt(Box<News>, OwnedSemaphorePermit),
    /// Other servers are to be told.
    Tell(Tell, oneshot::Sender<Told>),
    /// Somebody wants to see the records.
    Show(oneshot::Sender<Arc<Records>>),
}

/// A [`Step`] that waits.
#[derive(Debug)]
pub(super) enum Noted {
    Looked,
    Swapped,
    Changes(Changes),
    Owed(Vec<Destination>),
    Published(BusEvent),
    Taken(Destination),
    Failed(BusEvent, String),
}
