use indexmap::IndexMap;

use crate::{BusEvent, BusId, EventKind, destination::matches_profiles};

/// Who we are on the bus.
#[derive(Debug, Clone)]
pub struct Member {
    /// Our bus id.
    pub id: BusId,
    /// Further names of our configuration (`spring.cloud.config.name`); each is an alias of the first part of the id.
    pub config_names: Vec<String>,
}

/// What we do when an event is for us; the defaults follow confbus, not Spring.
#[derive(Debug, Clone, Copy)]
pub struct Reactions {
    /// Look again when told to (`spring.cloud.bus.refresh.enabled`).
    pub refresh: bool,
    /// Answer with an ack (`spring.cloud.bus.ack.enabled`).
    pub ack: bool,
    /// Apply values that an event carries (`spring.cloud.bus.env.enabled`).
    pub environment_change: bool,
    /// Stop when told to (`spring.cloud.bus.shutdown.enabled`).
    pub shutdown: bool,
}

impl Default for Reactions {
    fn default() -> Self {
        Self {
            refresh: true,
            ack: false,
            environment_change: false,
            shutdown: false,
        }
    }
}

/// One thing to do, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Look again at the configuration.
    Refresh,
    /// Set these properties.
    ChangeEnvironment(IndexMap<String, Option<String>>),
    /// Stop.
    Shutdown,
    /// Tell the sender that the event was handled.
    Ack(EventKind),
}

impl Member {
    /// Whether the event's destination is us, by our id or by a name of our configuration.
    #[must_use]
    pub fn is_meant_by(&self, event: &BusEvent) -> bool {
        let destination = event.destination();
        destination.matches(&self.id)
            || self
                .config_names
                .iter()
                .any(|name| destination.matches_text(&self.id.alias(name)))
    }

    /// Whether the event came from us: its origin, read as a pattern, matches our id.
    #[must_use]
    pub fn sent(&self, event: &BusEvent) -> bool {
        !event.origin_service.is_empty()
            && matches_profiles(&event.origin_service, self.id.as_str())
    }
}

/// What a member does about an event.
///
/// An ack is neither acted on nor acked; our own event is acked but not acted on.
#[must_use]
pub fn react(event: &BusEvent, member: &Member, reactions: Reactions) -> Vec<Action> {
    if matches!(
        event.kind,
        EventKind::Ack { .. } | EventKind::Ledger { .. } | EventKind::Unknown { .. }
    ) || !member.is_meant_by(event)
    {
        return Vec::new();
    }
    let act = if member.sent(event) {
        None
    } else {
        action(&event.kind, reactions)
    };
    act.into_iter()
        .chain(reactions.ack.then(|| Action::Ack(ack_of(event))))
        .collect()
}

fn action(kind: &EventKind, reactions: Reactions) -> Option<Action> {
    match kind {
        EventKind::Refresh => reactions.refresh.then_some(Action::Refresh),
        EventKind::EnvironmentChange { values } => reactions
            .environment_change
            .then(|| Action::ChangeEnvironment(values.clone())),
        EventKind::Shutdown => reactions.shutdown.then_some(Action::Shutdown),
        EventKind::Ack { .. } | EventKind::Ledger { .. } | EventKind::Unknown { .. } => None,
    }
}

fn ack_of(event: &BusEvent) -> EventKind {
    EventKind::Ack {
        ack_id: Some(event.id.clone()).filter(|id| !id.is_empty()),
        ack_destination_service: event.destination_service.clone(),
        event: Some(event.class_name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Destination;

    fn member() -> Member {
        Member {
            id: BusId::new("orders:dev,cloud:8081:ab12").unwrap(),
            config_names: vec!["billing".into()],
        }
    }

    fn refresh(origin: &str, destination: &str) -> BusEvent {
        let mut event = BusEvent::refresh(
            "e1".into(),
            1,
            &BusId::new("server:8888:cd34").unwrap(),
            &Destination::from_wire(destination),
        );
        event.origin_service = origin.into();
        event
    }

    fn acted(event: &BusEvent) -> bool {
        react(event, &member(), Reactions::default()) == [Action::Refresh]
    }

    #[test]
    fn a_refresh_for_us_is_acted_on() {
        for destination in [
            "**",
            "",
            "orders:**",
            "orders:cloud:**",
            "billing:**",
            "orders:dev,cloud:8081:ab12",
        ] {
            assert!(
                acted(&refresh("server:8888:cd34", destination)),
                "{destination}"
            );
        }
        assert!(!acted(&refresh("server:8888:cd34", "customers:**")));
    }

    #[test]
    fn nothing_but_a_refresh_is_acted_on_unless_it_is_opened() {
        let values = [("a".to_owned(), Some("b".to_owned()))].into();
        for kind in [EventKind::Shutdown, EventKind::EnvironmentChange { values }] {
            let mut event = refresh("server:8888:cd34", "**");
            event.kind = kind;
            let actions = react(&event, &member(), Reactions::default());
            assert_eq!(actions, [], "{:?}", event.kind);
        }
    }

    #[test]
    fn an_event_of_our_own_is_acked_but_not_acted_on() {
        for origin in [
            "orders:dev,cloud:8081:ab12",
            "**",
            "orders:**",
            "orders:dev:8081:ab12",
        ] {
            assert!(!acted(&refresh(origin, "**")), "{origin}");
        }
        assert!(acted(&refresh("", "**")));
        let actions = react(
            &refresh("**", "**"),
            &member(),
            Reactions {
                ack: true,
                ..Reactions::default()
            },
        );
        assert!(matches!(actions.as_slice(), [Action::Ack(_)]));
    }

    #[test]
    fn an_ack_tells_what_was_handled() {
        let actions = react(
            &refresh("server:8888:cd34", "orders:**"),
            &member(),
            Reactions {
                ack: true,
                ..Reactions::default()
            },
        );
        let [Action::Refresh, Action::Ack(ack)] = actions.as_slice() else {
            panic!("{actions:?}")
        };
        assert_eq!(
            *ack,
            EventKind::Ack {
                ack_id: Some("e1".into()),
                ack_destination_service: Some("orders:**".into()),
                event: Some(
                    "org.springframework.cloud.bus.event.RefreshRemoteApplicationEvent".into()
                ),
            }
        );
        let mut event = refresh("server:8888:cd34", "**");
        event.kind = ack.clone();
        assert!(
            react(
                &event,
                &member(),
                Reactions {
                    ack: true,
                    ..Reactions::default()
                }
            )
            .is_empty()
        );
    }

    #[test]
    fn a_refresh_that_is_switched_off_is_acked_all_the_same() {
        let reactions = Reactions {
            refresh: false,
            ack: true,
            ..Reactions::default()
        };
        let mut event = refresh("server:8888:cd34", "**");
        event.id = String::new();
        let actions = react(&event, &member(), reactions);
        assert!(
            matches!(
                actions.as_slice(),
                [Action::Ack(EventKind::Ack { ack_id: None, .. })]
            ),
            "{actions:?}"
        );
    }

    #[test]
    fn other_kinds_wait_for_their_switch() {
        let mut event = refresh("server:8888:cd34", "**");
        event.kind = EventKind::Shutdown;
        assert!(react(&event, &member(), Reactions::default()).is_empty());
        assert_eq!(
            react(
                &event,
                &member(),
                Reactions {
                    shutdown: true,
                    ..Reactions::default()
                }
            ),
            [Action::Shutdown]
        );
    }
}
