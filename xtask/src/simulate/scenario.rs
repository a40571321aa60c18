//! Who is where: what is simulated with the same parameters.

use std::time::Duration;

use super::window::window;

/// So many instances a ledger keeps; it tells the window, too.
const KNOWN: usize = 10_000;

/// A fleet of one server, and everything between the two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scenario {
    /// How many instances the server tells.
    pub(super) instances: usize,
    /// Instances that are given the same answer.
    pub(super) of_an_application: usize,
    pub(super) way: Way,
    pub(super) place: Place,
    pub(super) window: Window,
    pub(super) connections: Connections,
}

/// How events reach the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Rabbit,
    Stream,
}

/// Which machines there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Place {
    /// Everybody on one machine, clients in ten processes with one thread each: what can be measured here.
    Together,
    /// Server, broker and each client have machines of their own.
    Apart {
        server_cores: usize,
        broker_cores: usize,
        /// Between any two of them and back, in milliseconds.
        round_trip: f64,
    },
}

/// Within which time a fleet asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Window {
    /// As the server says.
    Rule,
    Fixed(Duration),
}

/// What questions come over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connections {
    /// One that is there.
    Kept,
    /// A new one: the last push is longer ago than connections are kept.
    New,
    /// The same with TLS.
    Tls,
}

impl Scenario {
    /// The server's own rule unless another window is asked for.
    pub(super) fn window(&self) -> Duration {
        match self.window {
            Window::Rule => window(self.instances.min(KNOWN)),
            Window::Fixed(window) => window,
        }
    }
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rabbit => "RabbitMQ",
            Self::Stream => "stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::KNOWN;
    use crate::shell::root;

    #[test]
    fn a_ledger_keeps_as_many_as_is_said_here() {
        let ledger = fs::read_to_string(root().join("src/ledger/records.rs")).unwrap();
        let digits: String = ledger
            .split_once("MAX_KEPT: usize = ")
            .map(|(_, rest)| rest.chars().take_while(|it| *it != ';').collect())
            .unwrap();
        assert_eq!(digits.replace('_', ""), KNOWN.to_string());
    }
}
