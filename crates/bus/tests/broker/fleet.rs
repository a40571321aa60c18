//! What makes large fleets cheap: shared connections, and events that the broker filters.

use confbus_bus::{Connections, Routing, Status};
use confbus_protocol::BusId;
use futures_util::StreamExt as _;

use crate::{
    own_broker::Lent,
    support::{Fixture, Member, message, within},
};

const QUEUES: [&str; 2] = ["list_queues", "name"];
const CONNECTIONS: [&str; 3] = ["list_connections", "pid", "client_properties"];

/// Two members with the same connections, whose name at the broker is told.
async fn two(fixture: &Fixture) -> (String, Member, Member) {
    let name = format!("shared-{}", fixture.exchange);
    let settings = fixture.settings.clone().with(|rabbit| {
        rabbit.connection_name = name.clone();
        rabbit.connections = Connections::shared();
    });
    let mut one = Member::start(settings.clone());
    let mut other = Member::start(settings);
    one.connected().await;
    other.connected().await;
    (name, one, other)
}

#[tokio::test]
async fn members_that_share_have_a_queue_each_and_may_leave_alone() {
    let broker = Lent::new().await;
    let fixture = broker.fixture().await;
    let (name, mut one, mut other) = two(&fixture).await;
    assert_eq!(broker.listed(&CONNECTIONS, &name).await.len(), 1);
    assert_eq!(broker.listed(&QUEUES, &fixture.exchange).await.len(), 2);

    let first = message("orders");
    one.bus.publish(&first).await.unwrap();
    other.bus.publish(&message("billing")).await.unwrap();
    one.hears(&first).await;
    other.hears(&first).await;
    assert_eq!(broker.listed(&CONNECTIONS, &name).await.len(), 2);

    one.stop().await;
    assert_eq!(broker.listed(&QUEUES, &fixture.exchange).await.len(), 1);
    let last = message("shipping");
    other.bus.publish(&last).await.unwrap();
    while other.signal().await != Some(confbus_bus::Signal::Message(last.clone())) {}
    assert_eq!(other.bus.status(), Status::Connected { reconnects: 0 });

    other.stop().await;
    assert!(broker.listed(&CONNECTIONS, &name).await.is_empty());
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn a_shared_connection_that_is_lost_is_made_again_once_for_all() {
    let broker = Lent::new().await;
    let fixture = broker.fixture().await;
    let (name, mut one, mut other) = two(&fixture).await;
    let pids = broker.listed(&CONNECTIONS, &name).await;
    broker
        .control(&["close_connection", &pids[0], "by an operator"])
        .await;
    one.connected().await;
    other.connected().await;
    assert_eq!(one.bus.status(), Status::Connected { reconnects: 1 });
    assert_eq!(broker.listed(&CONNECTIONS, &name).await.len(), 1);
    one.stop().await;
    other.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn the_broker_keeps_what_is_for_other_applications() {
    let fixture = Fixture::new().await;
    let orders = confbus_protocol::Member {
        id: BusId::new("orders:8081:ab12").unwrap(),
        config_names: vec!["shop".to_owned()],
    };
    let routing = Routing::PerApplication;
    let mut member = Member::start(
        fixture
            .settings
            .clone()
            .with(|rabbit| rabbit.binding_keys = routing.keys_of(&rabbit.exchange, &orders)),
    );
    member.connected().await;
    let mut spring = fixture.listener().await;
    let server = fixture
        .settings
        .clone()
        .with(|rabbit| rabbit.routing = routing);
    let mut server = Member::start(server);
    server.connected().await;

    let all = ["orders", "billing", "shop", "**"].map(message);
    for message in &all {
        server.bus.publish(message).await.unwrap();
        server.hears(message).await;
        let delivery = within("what a queue of Spring's gets", spring.next()).await;
        assert_eq!(delivery.unwrap().unwrap().data, message.event.to_json());
    }
    for meant in [&all[0], &all[2], &all[3]] {
        member.hears(meant).await;
    }
    server.stop().await;
    member.stop().await;
    fixture.delete_exchange().await;
}
