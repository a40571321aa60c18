//! What is tried, each for itself: the stage is put in order before each.

mod events;
mod faults;
mod ledger;

use super::line::Line;
use super::stage::Stage;

/// One of them.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    /// Whether every commit has to pass it.
    pub(super) quick: bool,
    /// The only line that has it.
    pub(super) line: Option<Line>,
    pub(super) play: Play,
}

type Play = fn(&mut Stage) -> anyhow::Result<()>;

const fn quick(name: &'static str, play: Play) -> Scenario {
    Scenario {
        quick: true,
        ..slow(name, play)
    }
}

const fn slow(name: &'static str, play: Play) -> Scenario {
    Scenario {
        name,
        quick: false,
        line: None,
        play,
    }
}

/// In the order in which they are played.
pub(super) const ALL: [Scenario; 15] = [
    quick("applications start from confbus", events::start),
    quick("busrefresh reaches everyone", events::everyone),
    quick("busrefresh reaches one application", events::application),
    quick(
        "busrefresh reaches one instance by its bus id",
        events::instance,
    ),
    quick("busrefresh reaches one instance by its port", events::port),
    quick("a signed push reaches those concerned", events::signed_push),
    quick("an unsigned push reaches nobody", events::unsigned_push),
    quick("acks show in the ledger", ledger::acks),
    quick("Spring's busrefresh reaches our client", events::our_client),
    slow("busenv changes a value in Spring", events::busenv),
    slow(
        "a value that does not bind is never live",
        faults::unbindable,
    ),
    slow("a listener that throws is never live", faults::throwing),
    slow(
        "a refresh without its server is never live",
        faults::server_away,
    ),
    slow(
        "Spring catches up after an outage of the broker",
        faults::broker_away,
    ),
    Scenario {
        line: Some(Line::Boot35),
        ..slow("the strictest reader takes our events", events::strict)
    },
];
