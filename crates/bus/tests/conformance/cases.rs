//! The cases. Each takes a stage that nobody else is on.

use std::time::Duration;

use confbus_bus::{Message, PublishError, Signal, Status, Subscription};
use confbus_protocol::NO_LABEL;

use crate::stage::{Member, SECRET, Stage, message, within};

pub(crate) async fn everybody_hears_every_event_the_sender_too(stage: impl Stage) {
    let (mut one, mut other) = (
        Member::connected(&stage).await,
        Member::connected(&stage).await,
    );
    let mut second = one.bus.subscribe();
    for sender in [one.bus.clone(), other.bus.clone()] {
        let message = message("orders:prod:**");
        within("the broker", sender.publish(&message))
            .await
            .unwrap();
        one.hears(&message).await;
        other.hears(&message).await;
        let heard = within("a signal", second.next()).await;
        assert_eq!(heard, Some(Signal::Message(message)));
    }
    end(stage, [one, other]).await;
}

pub(crate) async fn events_of_one_sender_come_in_order(stage: impl Stage) {
    let (mut one, mut other) = (
        Member::connected(&stage).await,
        Member::connected(&stage).await,
    );
    let messages: Vec<_> = (0..100)
        .map(|number| message(&format!("application-{number}")))
        .collect();
    let bus = one.bus.clone();
    let publishing = messages.iter().map(|message| bus.publish(message));
    let published = within("the broker", futures_util::future::join_all(publishing)).await;
    assert!(published.iter().all(Result::is_ok), "{published:?}");
    for member in [&mut one, &mut other] {
        for message in &messages {
            member.hears(message).await;
        }
    }
    end(stage, [one, other]).await;
}

pub(crate) async fn who_comes_late_hears_what_follows(stage: impl Stage) {
    let early = Member::connected(&stage).await;
    early.publishes(&message("before")).await;
    let mut late = Member::connected(&stage).await;
    let mut later = early.bus.subscribe();
    let after = message("after");
    early.publishes(&after).await;
    late.hears(&after).await;
    let heard = within("a signal", later.next()).await;
    assert_eq!(heard, Some(Signal::Message(after)));
    end(stage, [early, late]).await;
}

pub(crate) async fn what_travels_beside_an_event_arrives(stage: impl Stage) {
    let (one, mut other) = (
        Member::connected(&stage).await,
        Member::connected(&stage).await,
    );
    let full = Message {
        commit: Some("3f9c1e2d3f9c1e2d3f9c1e2d3f9c1e2d3f9c1e2d".into()),
        labels: vec!["main".into(), "release/ä".into(), NO_LABEL.into()],
        generation: Some(u64::MAX),
        window: Duration::from_millis(1500),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        ..message("orders")
    };
    for message in [full, message("orders")] {
        one.publishes(&message).await;
        other.hears(&message).await;
    }
    end(stage, [one, other]).await;
}

pub(crate) async fn who_falls_behind_is_told_to_look_again(stage: impl Stage) {
    let mut member = Member::connected(&stage).await;
    let mut slow = member.bus.subscribe();
    let all = Subscription::CAPACITY + 1;
    let messages: Vec<_> = (0..all)
        .map(|number| message(&format!("application-{number}")))
        .collect();
    let bus = member.bus.clone();
    // Few enough at a time that the member itself keeps up.
    for some in messages.chunks(Subscription::CAPACITY / 4) {
        let publishing = some.iter().map(|message| bus.publish(message));
        let published = within("the broker", futures_util::future::join_all(publishing)).await;
        assert!(published.iter().all(Result::is_ok), "{published:?}");
        for message in some {
            member.hears(message).await;
        }
    }
    assert_eq!(
        within("a signal", slow.next()).await,
        Some(Signal::LookAgain)
    );
    for _ in 1..all {
        let heard = within("a signal", slow.next()).await;
        assert!(matches!(heard, Some(Signal::Message(_))), "{heard:?}");
    }
    end(stage, [member]).await;
}

pub(crate) async fn subscriptions_end_with_the_bus<S: Stage>(stage: S) {
    let member = Member::connected(&stage).await;
    let (bus, mut subscription) = member.stop().await;
    if S::HAS_BROKER {
        let error = bus.publish(&message("**")).await.unwrap_err();
        assert!(matches!(error, PublishError::NotConnected), "{error:?}");
        assert!(matches!(bus.status(), Status::Disconnected { .. }));
        assert_eq!(within("the end", bus.subscribe().next()).await, None);
    }
    drop(bus);
    drop(stage);
    assert_eq!(within("the end", subscription.next()).await, None);
}

pub(crate) async fn who_connects_is_told_to_look_again(stage: impl Stage) {
    let mut member = Member::start(&stage).await;
    let mut second = member.bus.subscribe();
    member.connects(&stage).await;
    assert_eq!(member.bus.status(), Status::Connected { reconnects: 0 });
    assert_eq!(member.bus.counters().connects, 1);
    let heard = within("a signal", second.next()).await;
    assert_eq!(heard, Some(Signal::LookAgain));
    end(stage, [member]).await;
}

pub(crate) async fn a_broker_that_is_away_at_the_start_is_found(stage: impl Stage) {
    stage.cut().await;
    let mut member = Member::start(&stage).await;
    member.disconnected(2).await;
    stage.restore().await;
    member.connects(&stage).await;
    assert!(member.bus.counters().failed_connects >= 2);
    let message = message("orders");
    member.publishes(&message).await;
    member.hears(&message).await;
    end(stage, [member]).await;
}

pub(crate) async fn a_broker_that_dies_and_returns_is_found_again(stage: impl Stage) {
    let mut member = Member::connected(&stage).await;
    let before = message("before");
    member.publishes(&before).await;
    member.hears(&before).await;
    stage.cut().await;
    member.disconnected(0).await;
    stage.restore().await;
    member.connects(&stage).await;
    assert_eq!(member.bus.status(), Status::Connected { reconnects: 1 });
    let after = message("after");
    member.publishes(&after).await;
    member.hears(&after).await;
    end(stage, [member]).await;
}

pub(crate) async fn what_is_published_without_a_broker_fails_at_once_and_may_be_tried_again(
    stage: impl Stage,
) {
    let mut member = Member::connected(&stage).await;
    stage.cut().await;
    member.disconnected(0).await;
    let lost = message("lost");
    let error = member.bus.publish(&lost).await.unwrap_err();
    assert!(matches!(error, PublishError::NotConnected), "{error:?}");
    assert!(error.is_transient() && !error.may_have_been_sent());
    stage.restore().await;
    member.connects(&stage).await;
    member.publishes(&lost).await;
    member.hears(&lost).await;
    let counters = member.bus.counters();
    assert_eq!((counters.published, counters.unpublished), (1, 1));
    end(stage, [member]).await;
}

pub(crate) async fn what_is_no_event_is_counted_and_survived(stage: impl Stage) {
    let mut member = Member::connected(&stage).await;
    stage.junk().await;
    let message = message("orders");
    member.publishes(&message).await;
    member.hears(&message).await;
    let counters = member.bus.counters();
    assert_eq!((counters.heard, counters.unknown), (1, 0));
    assert!(counters.malformed >= 3, "{counters:?}");
    assert_eq!(counters.oversized, 1);
    end(stage, [member]).await;
}

/// Of a stage that nobody can connect to.
pub(crate) async fn a_refusal_shows_no_secret(stage: impl Stage) {
    let member = Member::start(&stage).await;
    let error = member.disconnected(1).await;
    let publish = member.bus.publish(&message("**")).await.unwrap_err();
    let shown = format!("{error} {publish:?} {publish} {:?}", member.bus);
    assert!(!shown.contains(SECRET), "{shown}");
    end(stage, [member]).await;
}

async fn end(stage: impl Stage, members: impl IntoIterator<Item = Member>) {
    for member in members {
        member.stop().await;
    }
    stage.strike().await;
}
