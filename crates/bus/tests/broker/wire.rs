//! What goes over the wire, and what may come.

use confbus_bus::{Counters, Message, Signal};
use futures_util::StreamExt;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable},
};

use crate::support::{Fixture, message, within};

#[tokio::test]
async fn a_published_event_has_springs_properties_and_no_others() {
    let fixture = Fixture::new().await;
    let member = fixture.connected_member().await;
    let mut listener = fixture.listener().await;
    let message = message("orders");

    member.bus.publish(&message).await.unwrap();

    let delivery = within("the event", listener.next()).await.unwrap().unwrap();
    assert_eq!(
        (delivery.exchange.as_str(), delivery.routing_key.as_str()),
        (fixture.exchange.as_str(), fixture.exchange.as_str())
    );
    assert_eq!(delivery.data, message.event.to_json());
    let mut headers = FieldTable::default();
    headers.insert(
        "confbus-commit".into(),
        AMQPValue::LongString("3f9c1e2d".into()),
    );
    let (id, timestamp) = (
        delivery.properties.message_id().clone().unwrap(),
        delivery.properties.timestamp().unwrap(),
    );
    assert!(
        uuid::Uuid::try_parse(id.as_str()).is_ok() && id.as_str() != message.event.id,
        "{id}"
    );
    assert!(
        (1_700_000_000..10_000_000_000).contains(&timestamp),
        "{timestamp} are not seconds"
    );
    let exactly = BasicProperties::default()
        .with_content_type("application/json".into())
        .with_headers(headers)
        .with_delivery_mode(2)
        .with_priority(0)
        .with_message_id(id)
        .with_timestamp(timestamp);
    assert_eq!(delivery.properties, exactly);

    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn an_event_without_commit_has_headers_and_they_are_empty() {
    let fixture = Fixture::new().await;
    let member = fixture.connected_member().await;
    let mut listener = fixture.listener().await;

    member
        .bus
        .publish(&Message {
            commit: None,
            ..message("**")
        })
        .await
        .unwrap();

    let delivery = within("the event", listener.next()).await.unwrap().unwrap();
    assert_eq!(*delivery.properties.headers(), Some(FieldTable::default()));
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn members_hear_each_other_and_themselves() {
    let fixture = Fixture::new().await;
    let (mut one, mut other) = (
        fixture.connected_member().await,
        fixture.connected_member().await,
    );
    for sender in [one.bus.clone(), other.bus.clone()] {
        let message = message("orders:prod:**");
        sender.publish(&message).await.unwrap();
        one.hears(&message).await;
        other.hears(&message).await;
    }
    one.stop().await;
    other.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn events_of_one_member_arrive_in_order_even_when_published_at_once() {
    let fixture = Fixture::new().await;
    let mut member = fixture.connected_member().await;
    let messages: Vec<_> = (0..200)
        .map(|number| message(&format!("application-{number}")))
        .collect();
    let bus = member.bus.clone();
    let published =
        futures_util::future::join_all(messages.iter().map(|message| bus.publish(message))).await;
    assert!(published.iter().all(Result::is_ok), "{published:?}");
    for message in &messages {
        member.hears(message).await;
    }
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn what_is_no_event_is_survived() {
    let fixture = Fixture::new().await;
    let mut member = fixture.connected_member().await;
    let large = vec![b'x'; 1024 * 1024];
    for body in [
        &b""[..],
        b"{",
        b"[]",
        b"\"text\"",
        b"{\"type\":5}",
        &[0xff, 0x00],
        &large,
    ] {
        fixture.publish(body, BasicProperties::default()).await;
    }
    let mut headers = FieldTable::default();
    headers.insert(
        "long".into(),
        AMQPValue::LongString(vec![b'x'; 12 * 1024].into()),
    );
    headers.insert("confbus-commit".into(), AMQPValue::LongInt(5));
    let message = Message {
        commit: None,
        ..message("orders")
    };
    fixture
        .publish(
            &message.event.to_json(),
            BasicProperties::default().with_headers(headers),
        )
        .await;
    member.hears(&message).await;

    fixture
        .publish(
            b"\x1f\x8b\x08",
            BasicProperties::default().with_content_encoding("gzip".into()),
        )
        .await;
    assert_eq!(member.signal().await, Some(Signal::LookAgain));
    let unknown = br#"{"type":"com.example.Custom","originService":"o:1:a"}"#;
    fixture.publish(unknown, BasicProperties::default()).await;
    assert!(matches!(member.signal().await, Some(Signal::Message(_))));
    let expected = Counters {
        heard: 2,
        unknown: 1,
        malformed: 6,
        oversized: 1,
        compressed: 1,
        connects: 1,
        ..Counters::default()
    };
    assert_eq!(member.bus.counters(), expected);
    member.stop().await;
    fixture.delete_exchange().await;
}
