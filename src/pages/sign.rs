use crate::ledger::{Column, Evidence, FleetInstance, State};

/// Where an instance stands, as pages show it: a sign, a word and a colour, never a colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sign {
    Live,
    /// By its ack alone.
    Acked,
    Same,
    Restart,
    /// Kept at another version on purpose.
    Held,
    Applying,
    Told,
    Served,
    Silent,
    Rejected,
}

impl Sign {
    /// The best first, the worst last.
    pub(super) const ALL: [Self; 10] = [
        Self::Live,
        Self::Acked,
        Self::Same,
        Self::Restart,
        Self::Held,
        Self::Applying,
        Self::Told,
        Self::Served,
        Self::Silent,
        Self::Rejected,
    ];

    pub(super) fn of(state: State, evidence: Evidence, is_held: bool) -> Self {
        match state {
            State::Live | State::Same | State::Restart if is_held => Self::Held,
            State::Live if matches!(evidence, Evidence::Ack | Evidence::AckAndRead) => Self::Acked,
            State::Live => Self::Live,
            State::Same => Self::Same,
            State::Told => Self::Told,
            State::Served => Self::Served,
            State::Applying => Self::Applying,
            State::Rejected => Self::Rejected,
            State::Restart => Self::Restart,
            State::Silent => Self::Silent,
        }
    }

    pub(super) fn of_instance(instance: &FleetInstance) -> Self {
        let is_held = instance.counts_as == Column::Held;
        Self::of(instance.state, instance.evidence, is_held)
    }

    pub(super) fn mark(self) -> char {
        match self {
            Self::Live => '●',
            Self::Acked => '◉',
            Self::Same => '○',
            Self::Restart => '↻',
            Self::Held => '‖',
            Self::Applying => '◐',
            Self::Told => '◔',
            Self::Served => '?',
            Self::Silent => '◌',
            Self::Rejected => '✗',
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Acked => "live (ack)",
            Self::Same => "same",
            Self::Restart => "restart",
            Self::Held => "held",
            Self::Applying => "applying",
            Self::Told => "told",
            Self::Served => "served",
            Self::Silent => "silent",
            Self::Rejected => "rejected",
        }
    }

    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Live => "says that it runs this content",
            Self::Acked => "its listener returned; an ack comes only then",
            Self::Same => "this commit does not change its content",
            Self::Restart => "live but for keys that need a new start",
            Self::Held => "kept at another version on purpose",
            Self::Applying => "read it and will say what becomes of it",
            Self::Told => "an event was sent, no answer yet",
            Self::Served => "read this commit; whether it runs it is unknown",
            Self::Silent => "was there, and gives no sign any more",
            Self::Rejected => "refused it and still runs another commit",
        }
    }

    /// Of the stylesheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Live | Self::Acked => "ok",
            Self::Same | Self::Served | Self::Silent => "dim",
            Self::Applying | Self::Told | Self::Restart => "wait",
            Self::Held => "held",
            Self::Rejected => "bad",
        }
    }

    /// As the address of a page names it.
    pub(super) fn state(self) -> &'static str {
        match self {
            Self::Live | Self::Acked => "live",
            other => other.word(),
        }
    }
}

/// How we know.
pub(super) fn told_by(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::Report => "its own report",
        Evidence::AckAndRead => "ack and read",
        Evidence::Ack => "ack",
        Evidence::Read => "a read",
        Evidence::Nothing => "nothing",
    }
}
