use confbus_bus::{Bus, Message, Signal, Subscription};
use confbus_protocol::BusEvent;
use tracing::warn;

use super::Listener;

/// Hears events from Spring Cloud Bus until the bus ends.
pub(crate) async fn run(bus: Bus, mut subscription: Subscription, listener: Listener) {
    while let Some(signal) = subscription.next().await {
        match signal {
            Signal::LookAgain => listener.look_again(),
            Signal::Message(message) => acknowledge(&bus, listener.hear(&message).await).await,
        }
    }
}

/// An ack that is lost is not sent again: whoever waits for it asks once more.
async fn acknowledge(bus: &Bus, ack: Option<BusEvent>) {
    let Some(event) = ack else { return };
    if let Err(error) = bus.publish(&Message::of(event)).await {
        warn!(%error, "an event was handled, but not acknowledged");
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use confbus_protocol::{BusId, Destination, Environment, EventKind, Member, Reactions};

    use tokio::task::JoinHandle;

    use super::*;
    use crate::{
        RefreshError, Snapshot,
        bell::{Bell, Rounds},
        error::Unavailable,
        health::{Board, Source},
        pace::Pace,
        store::Store,
    };

    /// Our side of the bus, and the refresher's end of its bell.
    fn listening(bus: &Bus, reactions: Reactions) -> (JoinHandle<()>, Rounds) {
        let (bell, rounds) = Bell::new();
        let environment = Environment {
            version: Some("c1".into()),
            ..Environment::default()
        };
        let id = BusId::new("orders:8081:ab12").unwrap();
        let listener = Listener {
            pace: Arc::new(Pace::new(&id, Duration::ZERO)),
            member: Member {
                id,
                config_names: Vec::new(),
            },
            reactions,
            bell,
            store: Arc::new(Store::new(Snapshot::of(&environment))),
            board: Arc::new(Board::new(Source::Server, Some("c1"))),
        };
        (
            tokio::spawn(run(bus.clone(), bus.subscribe(), listener)),
            rounds,
        )
    }

    fn refresh(commit: &str) -> Message {
        let origin = BusId::new("configserver:8888:x").unwrap();
        let event = BusEvent::refresh("e1".into(), 1, &origin, &Destination::complete("orders"));
        Message {
            commit: Some(commit.to_owned()),
            ..Message::of(event)
        }
    }

    async fn ack(subscription: &mut Subscription) -> BusEvent {
        loop {
            match subscription.next().await.unwrap() {
                Signal::Message(Message { event, .. })
                    if matches!(event.kind, EventKind::Ack { .. }) =>
                {
                    return event;
                }
                Signal::Message(_) | Signal::LookAgain => {}
            }
        }
    }

    #[tokio::test]
    async fn an_ack_goes_out_once_the_refresh_is_applied() {
        let bus = Bus::local();
        let mut heard = bus.subscribe();
        let (task, rounds) = listening(
            &bus,
            Reactions {
                ack: true,
                ..Reactions::default()
            },
        );

        bus.publish(&refresh("c2")).await.unwrap();
        rounds.asked().await;
        let failed = rounds.begin();
        rounds.end(
            failed,
            Err(RefreshError::Unavailable(Unavailable(Vec::new()))),
        );
        // The failed one was not acked, so the only ack is that of the next.
        let mut second = refresh("c2");
        second.event.id = "e2".into();
        bus.publish(&second).await.unwrap();
        rounds.asked().await;
        let applied = rounds.begin();
        rounds.end(applied, Ok(()));

        let ack = ack(&mut heard).await;
        let EventKind::Ack { ack_id, .. } = &ack.kind else {
            panic!("{ack:?}")
        };
        assert_eq!(
            (ack_id.as_deref(), ack.origin_service.as_str()),
            (Some("e2"), "orders:8081:ab12")
        );
        task.abort();
    }

    #[tokio::test]
    async fn what_is_running_is_acked_without_a_round() {
        let bus = Bus::local();
        let mut heard = bus.subscribe();
        let (task, _rounds) = listening(
            &bus,
            Reactions {
                ack: true,
                ..Reactions::default()
            },
        );
        bus.publish(&refresh("c1")).await.unwrap();
        ack(&mut heard).await;
        task.abort();
    }

    #[tokio::test]
    async fn values_of_events_are_taken_only_when_asked_for() {
        let mut message = refresh("c2");
        let values = [("max".to_owned(), Some("1".to_owned()))]
            .into_iter()
            .collect();
        message.event.kind = EventKind::EnvironmentChange { values };
        for (accepted, expected) in [(false, 0), (true, 1)] {
            let bus = Bus::local();
            let (task, rounds) = listening(
                &bus,
                Reactions {
                    environment_change: accepted,
                    ..Reactions::default()
                },
            );
            bus.publish(&message).await.unwrap();
            bus.publish(&refresh("c3")).await.unwrap();
            rounds.asked().await;
            assert_eq!(rounds.overrides().len(), expected);
            task.abort();
        }
    }
}
