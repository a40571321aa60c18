//! What happens when the broker is not there, goes away, or does not want us.

use std::time::Duration;

use confbus_bus::{PublishError, PublisherStart, Signal, Status};
use lapin::{
    BasicProperties, ExchangeKind,
    types::{AMQPValue, FieldTable},
};

use crate::{
    proxy::Proxy,
    support::{Fixture, Member, eventually, message, within},
};

#[tokio::test]
async fn a_cut_connection_is_made_again_with_a_new_queue() {
    let fixture = Fixture::new().await;
    let (settings, proxy) = Proxy::before(&fixture.settings).await;
    let mut member = Member::start(settings);
    member.connected().await;
    assert_eq!(member.bus.status(), Status::Connected { reconnects: 0 });

    proxy.cut();
    member.disconnected(|_| true).await;
    assert!(matches!(
        member.bus.publish(&message("**")).await,
        Err(PublishError::NotConnected)
    ));
    proxy.restore();

    member.connected().await;
    assert_eq!(member.bus.status(), Status::Connected { reconnects: 1 });
    let message = message("orders");
    member.bus.publish(&message).await.unwrap();
    member.hears(&message).await;
    let queues = proxy.declared_queues(&fixture.exchange);
    assert!(
        matches!(queues.as_slice(), [old, new] if old != new),
        "{queues:?}"
    );
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn every_subscriber_is_told_to_look_again_after_a_cut() {
    let fixture = Fixture::new().await;
    let (settings, proxy) = Proxy::before(&fixture.settings).await;
    let mut member = Member::start(settings);
    member.connected().await;
    let mut late = member.bus.subscribe();
    proxy.cut();
    member.disconnected(|_| true).await;
    proxy.restore();
    member.connected().await;
    assert_eq!(
        within("a signal", late.next()).await,
        Some(Signal::LookAgain)
    );
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn a_broker_that_comes_late_is_found() {
    let fixture = Fixture::new().await;
    let (settings, proxy) = Proxy::before(&fixture.settings).await;
    proxy.cut();
    let mut member = Member::start(settings);
    eventually(
        || member.bus.status(),
        |status| matches!(status, Status::Disconnected { attempts: 2.., .. }),
    )
    .await;
    let error = member.disconnected(|_| true).await;
    assert!(error.contains(&proxy.port().to_string()), "{error}");
    assert!(matches!(
        member.bus.publish(&message("**")).await,
        Err(PublishError::NotConnected)
    ));

    proxy.restore();
    member.connected().await;
    let message = message("orders");
    member.bus.publish(&message).await.unwrap();
    member.hears(&message).await;
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn the_next_address_is_taken_when_one_does_not_answer() {
    let fixture = Fixture::new().await;
    let (cut, proxy) = Proxy::before(&fixture.settings).await;
    proxy.cut();
    let addresses = [cut.addresses, fixture.settings.addresses.clone()].concat();
    let mut member = Member::start(
        fixture
            .settings
            .clone()
            .with(|rabbit| rabbit.addresses = addresses),
    );
    member.connected().await;
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn a_broker_that_falls_silent_is_given_up() {
    let fixture = Fixture::new().await;
    let (settings, proxy) = Proxy::before(&fixture.settings).await;
    let mut member =
        Member::start(settings.with(|rabbit| rabbit.requested_heartbeat = Duration::from_secs(1)));
    member.connected().await;
    proxy.silence();
    member
        .disconnected(|error| error.contains("heartbeat"))
        .await;
    proxy.restore();
    member.connected().await;
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn an_event_that_is_not_confirmed_is_an_error_and_ends_the_connection() {
    let fixture = Fixture::new().await;
    let (settings, proxy) = Proxy::before(&fixture.settings).await;
    let mut member = Member::start(settings.with(|rabbit| {
        rabbit.publish_timeout = Duration::from_millis(200);
        rabbit.publisher = PublisherStart::AtOnce;
    }));
    member.connected().await;
    proxy.silence();
    assert!(matches!(
        member.bus.publish(&message("**")).await,
        Err(PublishError::Timeout)
    ));
    member.disconnected(|_| true).await;
    proxy.restore();
    while member.signal().await != Some(Signal::LookAgain) {}
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn a_publisher_that_cannot_connect_says_so_and_can_later() {
    let fixture = Fixture::new().await;
    let (settings, proxy) = Proxy::before(&fixture.settings).await;
    let mut member =
        Member::start(settings.with(|rabbit| rabbit.publish_timeout = Duration::from_millis(200)));
    member.connected().await;
    proxy.silence();
    let error = member.bus.publish(&message("**")).await.unwrap_err();
    assert!(
        matches!(error, PublishError::NoPublisher(_)) && error.is_transient(),
        "{error}"
    );
    proxy.restore();
    let message = message("orders");
    let published = async { while member.bus.publish(&message).await.is_err() {} };
    within("a publisher", published).await;
    member.hears(&message).await;
    assert_eq!(member.bus.status(), Status::Connected { reconnects: 0 });
    assert_eq!(member.bus.counters().published, 1);
    assert!(member.bus.counters().unpublished >= 1);
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn an_exchange_declared_otherwise_is_explained_until_it_is_mended() {
    let fixture = Fixture::new().await;
    fixture.declare(ExchangeKind::Fanout).await;
    let mut member = fixture.member();
    let error = member
        .disconnected(|error| error.contains("PRECONDITION_FAILED"))
        .await;
    assert!(
        error.contains(&fixture.exchange) && error.contains("delete it"),
        "{error}"
    );
    fixture.delete_exchange().await;
    member.connected().await;
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn without_declaring_the_exchange_has_to_exist() {
    let fixture = Fixture::new().await;
    let mut member = Member::start(
        fixture
            .settings
            .clone()
            .with(|rabbit| rabbit.declare_exchange = false),
    );
    member
        .disconnected(|error| error.contains("does not exist"))
        .await;
    fixture.declare(ExchangeKind::Topic).await;
    member.connected().await;
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn an_exchange_that_was_deleted_is_declared_again() {
    let fixture = Fixture::new().await;
    let mut member = fixture.connected_member().await;
    fixture.delete_exchange().await;
    let error = member.bus.publish(&message("**")).await.unwrap_err();
    assert!(
        matches!(&error, PublishError::Lost(reason) if reason.contains("no exchange"))
            && error.is_transient(),
        "{error}"
    );
    member.connected().await;
    let message = message("orders");
    member.bus.publish(&message).await.unwrap();
    member.hears(&message).await;
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn wrong_credentials_are_explained_and_not_shown() {
    let fixture = Fixture::new().await;
    let member = Member::start(
        fixture
            .settings
            .clone()
            .with(|rabbit| rabbit.password = "s3cret".into()),
    );
    let error = member
        .disconnected(|error| error.contains("password"))
        .await;
    let shown = format!("{error} {:?} {:?}", member.bus, member.bus.status());
    assert!(!shown.contains("s3cret"), "{shown}");
    member.stop().await;
}

#[tokio::test]
async fn a_virtual_host_that_is_missing_is_explained() {
    let fixture = Fixture::new().await;
    for virtual_host in ["nowhere".to_owned(), "x".repeat(300)] {
        let member = Member::start(
            fixture
                .settings
                .clone()
                .with(|rabbit| rabbit.virtual_host = virtual_host),
        );
        member
            .disconnected(|error| error.contains("virtual host"))
            .await;
        member.stop().await;
    }
}

#[tokio::test]
async fn headers_larger_than_a_frame_cost_a_reconnect() {
    let fixture = Fixture::new().await;
    let mut member = fixture.connected_member().await;
    let mut headers = FieldTable::default();
    headers.insert(
        "long".into(),
        AMQPValue::LongString(vec![b'x'; 100 * 1024].into()),
    );
    fixture
        .publish(b"{}", BasicProperties::default().with_headers(headers))
        .await;
    member.connected().await;
    let message = message("orders");
    member.bus.publish(&message).await.unwrap();
    member.hears(&message).await;
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn who_stops_leaves_nothing_behind() {
    let fixture = Fixture::new().await;
    let (settings, proxy) = Proxy::before(&fixture.settings).await;
    let mut member = Member::start(settings);
    member.connected().await;
    let queue = proxy.declared_queues(&fixture.exchange).remove(0);
    assert!(fixture.has_queue(&queue).await);
    let bus = member.bus.clone();
    member.stop().await;
    assert_eq!(
        bus.status(),
        Status::Disconnected {
            error: "the bus was stopped".into(),
            attempts: 0
        }
    );
    assert!(matches!(
        bus.publish(&message("**")).await,
        Err(PublishError::NotConnected)
    ));
    assert_eq!(bus.subscribe().next().await, None);
    let gone = async { while fixture.has_queue(&queue).await {} };
    within("the end of the queue", gone).await;
    fixture.delete_exchange().await;
}
