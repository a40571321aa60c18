//! What the bus lost, and when to make up for it.
//!
//! Who was away from the broker missed its events. Our own clients look again as soon as they are back; Spring's come
//! back a few seconds later and do not, so once they are there, whoever may have missed something is told again.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use confbus_bus::Status;
use confbus_protocol::Destination;
use indexmap::IndexSet;

use super::destinations::MAX_EVENTS;

/// Spring's clients try every 5 seconds, and are back up to 6 after the broker is.
const CATCH_UP_AFTER: Duration = Duration::from_secs(10);

/// A broken connection is noticed when two heartbeats of a minute are missing; until then events seem to go out.
const MAY_BE_LOST: Duration = Duration::from_secs(120);

/// What was told lately, what could not be told, and how long the bus has been away.
#[derive(Debug, Default)]
pub(super) struct Outage {
    /// When each destination was told last.
    told: HashMap<Destination, Instant>,
    /// What moved and could not be told.
    missed: IndexSet<Destination>,
    /// Connections that were seen.
    connections: u64,
    /// Since when the bus has been away, until it was made up for.
    lost: Option<Instant>,
    /// Since when it has been back.
    back: Option<Instant>,
}

impl Outage {
    /// Makes up for what an earlier server left untold; the broker may have gone down with it.
    pub(super) fn inherited(untold: &[Destination], now: Instant) -> Self {
        let mut outage = Self::default();
        for destination in untold {
            outage.missed(destination);
        }
        outage.lost = (!untold.is_empty()).then_some(now);
        outage
    }

    /// The bus took an event.
    pub(super) fn told(&mut self, destination: &Destination, now: Instant) {
        if self.lost.is_none() {
            self.told
                .retain(|_, at| now.duration_since(*at) < MAY_BE_LOST);
        }
        self.told.insert(destination.clone(), now);
        if self.told.len() > MAX_EVENTS {
            self.told = HashMap::from([(Destination::everyone(), now)]);
        }
    }

    /// The bus did not take an event. Returns whether that is news.
    pub(super) fn missed(&mut self, destination: &Destination) -> bool {
        let is_news = self.missed.is_empty();
        self.missed.insert(destination.clone());
        if self.missed.len() > MAX_EVENTS {
            self.missed = IndexSet::from([Destination::everyone()]);
        }
        is_news
    }

    /// The bus says that events may have been lost: after a connection was made, or because we fell behind.
    pub(super) fn interrupted(&mut self, status: &Status, now: Instant) {
        let Status::Connected { reconnects } = status else {
            return;
        };
        let seen = std::mem::replace(&mut self.connections, reconnects + 1);
        let is_another = seen <= *reconnects;
        if is_another && seen > 0 {
            self.lost.get_or_insert(now);
        }
        if is_another {
            self.back = Some(now);
        }
    }

    /// Whom to tell now; called every now and then with how the bus is doing.
    pub(super) fn due(&mut self, status: &Status, now: Instant) -> Vec<Destination> {
        if matches!(status, Status::Disconnected { .. }) {
            if self.connections > 0 || !self.missed.is_empty() {
                self.lost.get_or_insert(now);
            }
            self.back = None;
            return Vec::new();
        }
        let Some(lost) = self.lost else {
            return one_or_all(std::mem::take(&mut self.missed));
        };
        let back = *self.back.get_or_insert(now);
        if now.duration_since(back) < CATCH_UP_AFTER {
            return Vec::new();
        }
        self.lost = None;
        let may_be_lost = |at: &Instant| *at + MAY_BE_LOST >= lost;
        let told = self.told.iter().filter(|(_, at)| may_be_lost(at));
        let told: Vec<_> = told.map(|(destination, _)| destination.clone()).collect();
        let mut concerned = std::mem::take(&mut self.missed);
        concerned.extend(told);
        one_or_all(concerned)
    }
}

/// Nobody twice.
fn one_or_all(destinations: IndexSet<Destination>) -> Vec<Destination> {
    if destinations.contains(&Destination::everyone()) || destinations.len() > MAX_EVENTS {
        return vec![Destination::everyone()];
    }
    destinations.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: Status = Status::Connected { reconnects: 0 };
    const UP_AGAIN: Status = Status::Connected { reconnects: 1 };

    fn down() -> Status {
        Status::Disconnected {
            error: String::new(),
            attempts: 1,
        }
    }

    /// A bus that was connected at the start, and a clock.
    struct Watch {
        outage: Outage,
        start: Instant,
    }

    impl Watch {
        fn new() -> Self {
            let start = Instant::now();
            let mut outage = Outage::default();
            outage.interrupted(&UP, start);
            Self { outage, start }
        }

        fn at(&self, second: u64) -> Instant {
            self.start + Duration::from_secs(second)
        }

        fn told(&mut self, second: u64, name: &str) {
            let now = self.at(second);
            self.outage.told(&Destination::complete(name), now);
        }

        fn missed(&mut self, name: &str) -> bool {
            self.outage.missed(&Destination::complete(name))
        }

        fn interrupted(&mut self, second: u64, status: &Status) {
            let now = self.at(second);
            self.outage.interrupted(status, now);
        }

        fn due(&mut self, second: u64, status: &Status) -> Vec<String> {
            let now = self.at(second);
            let due = self.outage.due(status, now);
            let mut due: Vec<_> = due.iter().map(ToString::to_string).collect();
            due.sort();
            due
        }
    }

    #[test]
    fn nobody_is_told_when_nothing_was_lost() {
        let mut watch = Watch::new();
        assert!(watch.due(0, &UP).is_empty());
        watch.told(1, "orders");
        assert!(watch.due(20, &UP).is_empty());
        assert!(watch.due(200, &down()).is_empty());
        watch.interrupted(300, &UP_AGAIN);
        assert!(watch.due(400, &UP_AGAIN).is_empty());
    }

    #[test]
    fn what_was_told_shortly_before_the_loss_is_told_again_once() {
        let mut watch = Watch::new();
        watch.told(10, "early");
        watch.told(100, "orders");
        watch.told(110, "payments");
        assert!(watch.due(200, &down()).is_empty());
        watch.interrupted(900, &UP_AGAIN);
        assert!(
            watch.due(902, &UP_AGAIN).is_empty(),
            "Spring's clients are not back yet"
        );
        assert_eq!(watch.due(910, &UP_AGAIN), ["orders:**", "payments:**"]);
        assert!(watch.due(912, &UP_AGAIN).is_empty());
    }

    #[test]
    fn what_moved_meanwhile_waits_until_springs_clients_are_back() {
        let mut watch = Watch::new();
        watch.due(10, &down());
        assert!(watch.missed("orders"));
        assert!(!watch.missed("payments"));
        watch.interrupted(20, &UP_AGAIN);
        watch.told(21, "billing");
        assert!(watch.due(28, &UP_AGAIN).is_empty());
        assert_eq!(
            watch.due(30, &UP_AGAIN),
            ["billing:**", "orders:**", "payments:**"]
        );
    }

    #[test]
    fn a_loss_that_nobody_noticed_counts() {
        let mut watch = Watch::new();
        watch.told(10, "orders");
        watch.interrupted(11, &UP_AGAIN);
        assert_eq!(watch.due(21, &UP_AGAIN), ["orders:**"]);
    }

    #[test]
    fn to_fall_behind_is_no_loss() {
        let mut watch = Watch::new();
        watch.told(10, "orders");
        watch.interrupted(11, &UP);
        assert!(watch.due(30, &UP).is_empty());
    }

    #[test]
    fn a_second_loss_begins_the_wait_anew() {
        let mut watch = Watch::new();
        watch.told(10, "orders");
        watch.interrupted(11, &UP_AGAIN);
        watch.due(15, &down());
        watch.interrupted(18, &Status::Connected { reconnects: 2 });
        assert!(watch.due(22, &UP_AGAIN).is_empty());
        assert_eq!(watch.due(28, &UP_AGAIN), ["orders:**"]);
    }

    #[test]
    fn what_a_connected_broker_refused_is_tried_again_soon() {
        let mut watch = Watch::new();
        watch.missed("orders");
        assert_eq!(watch.due(2, &UP), ["orders:**"]);
        assert!(watch.due(4, &UP).is_empty());
    }

    #[test]
    fn a_broker_that_was_away_at_the_start_is_an_outage() {
        let mut outage = Outage::default();
        let start = Instant::now();
        assert!(outage.due(&down(), start).is_empty());
        outage.missed(&Destination::complete("orders"));
        outage.due(&down(), start);
        outage.interrupted(&UP, start);
        assert!(outage.due(&UP, start + Duration::from_secs(5)).is_empty());
        assert_eq!(outage.due(&UP, start + CATCH_UP_AFTER).len(), 1);
    }

    #[test]
    fn what_an_earlier_server_left_untold_waits_for_springs_clients() {
        let start = Instant::now();
        let mut outage = Outage::inherited(&[Destination::complete("orders")], start);
        outage.interrupted(&UP, start);
        assert!(outage.due(&UP, start).is_empty());
        assert_eq!(outage.due(&UP, start + CATCH_UP_AFTER).len(), 1);
        let mut outage = Outage::inherited(&[], start);
        outage.missed(&Destination::complete("orders"));
        assert_eq!(outage.due(&UP, start).len(), 1);
    }

    #[test]
    fn many_are_everyone() {
        let mut watch = Watch::new();
        for index in 0..=MAX_EVENTS {
            watch.missed(&format!("app-{index}"));
        }
        assert_eq!(watch.due(2, &UP), ["**"]);
        for index in 0..=MAX_EVENTS {
            watch.told(3, &format!("app-{index}"));
        }
        watch.interrupted(4, &UP_AGAIN);
        assert_eq!(watch.due(14, &UP_AGAIN), ["**"]);
    }
}
