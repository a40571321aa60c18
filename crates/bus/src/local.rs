use tokio::sync::broadcast;

use crate::{
    Message,
    subscription::{CAPACITY, Signal, Subscription},
};

/// A bus within this process.
#[derive(Debug, Clone)]
pub(crate) struct Local(broadcast::Sender<Signal>);

impl Local {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(CAPACITY))
    }

    pub(crate) fn publish(&self, message: Message) {
        // The only error is that nobody listens, which is no error on a bus.
        _ = self.0.send(Signal::Message(message));
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        Subscription::new(self.0.subscribe())
    }
}

#[cfg(test)]
mod tests {
    use confbus_protocol::{BusEvent, BusId, Destination};

    use super::*;
    use crate::{Bus, Status};

    fn message(id: usize) -> Message {
        let event = BusEvent::refresh(
            id.to_string(),
            1,
            &BusId::new("server:8888:cd34").unwrap(),
            &Destination::everyone(),
        );
        Message {
            commit: Some("3f9c1e2".into()),
            ..Message::of(event)
        }
    }

    #[tokio::test]
    async fn every_subscriber_hears_every_event() {
        let bus = Bus::local();
        let (mut one, mut other) = (bus.subscribe(), bus.clone().subscribe());
        bus.publish(&message(1)).await.unwrap();
        for subscription in [&mut one, &mut other] {
            assert_eq!(subscription.next().await, Some(Signal::Message(message(1))));
        }
        assert_eq!(bus.status(), Status::Local);
    }

    #[tokio::test]
    async fn a_late_subscriber_hears_only_what_follows() {
        let bus = Bus::local();
        bus.publish(&message(1)).await.unwrap();
        let mut late = bus.subscribe();
        bus.publish(&message(2)).await.unwrap();
        assert_eq!(late.next().await, Some(Signal::Message(message(2))));
    }

    #[tokio::test]
    async fn who_falls_behind_is_told_to_look_again() {
        let bus = Bus::local();
        let mut slow = bus.subscribe();
        for id in 0..=CAPACITY {
            bus.publish(&message(id)).await.unwrap();
        }
        assert_eq!(slow.next().await, Some(Signal::LookAgain));
        assert_eq!(slow.next().await, Some(Signal::Message(message(1))));
    }

    #[tokio::test]
    async fn a_subscription_ends_with_its_bus() {
        let bus = Bus::local();
        let mut subscription = bus.subscribe();
        drop(bus);
        assert_eq!(subscription.next().await, None);
    }
}
