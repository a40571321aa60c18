//! What an operator does to a broker, with `rabbitmqctl` and by other means.

use std::time::Duration;

use confbus_bus::{PublishError, PublisherStart, Signal, Status};
use futures_util::StreamExt as _;

use crate::{
    own_broker::Lent,
    support::{Fixture, Member, message, within},
};

const QUEUES: [&str; 2] = ["list_queues", "name"];

async fn still_works(fixture: Fixture, mut member: Member) {
    let message = message("orders");
    member.bus.publish(&message).await.unwrap();
    while member.signal().await != Some(Signal::Message(message.clone())) {}
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn a_queue_that_is_deleted_is_replaced_by_another() {
    let broker = Lent::new().await;
    let fixture = broker.fixture().await;
    let mut member = fixture.connected_member().await;
    let [queue] = &broker.listed(&QUEUES, &fixture.exchange).await[..] else {
        panic!("one queue")
    };

    // Only a member of the broker itself may delete what belongs to a connection.
    let delete = format!(
        "{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<\"/\">>, queue, <<\"{queue}\">>)), \
         rabbit_amqqueue:delete(Q, false, false, <<\"operator\">>)."
    );
    broker.control(&["eval", &delete]).await;

    member.connected().await;
    assert_eq!(member.bus.status(), Status::Connected { reconnects: 1 });
    let queues = broker.listed(&QUEUES, &fixture.exchange).await;
    assert!(queues.len() == 1 && queues[0] != *queue, "{queues:?}");
    still_works(fixture, member).await;
}

#[tokio::test]
async fn connections_that_the_broker_closes_are_made_again() {
    let broker = Lent::new().await;
    let fixture = broker.fixture().await;
    let name = format!("closed-{}", fixture.exchange);
    let mut member = Member::start(fixture.settings.clone().with(|rabbit| {
        rabbit.connection_name = name.clone();
        rabbit.publisher = PublisherStart::AtOnce;
    }));
    member.connected().await;
    for (role, reconnects) in [(".publisher", 1), ("", 2)] {
        let wanted = format!("\"{name}{role}\"");
        let listing = ["list_connections", "pid", "client_properties"];
        let pids = broker.listed(&listing, &wanted).await;
        assert_eq!(pids.len(), 1, "{role}: {pids:?}");
        broker
            .control(&["close_connection", &pids[0], "by an operator"])
            .await;
        member.connected().await;
        assert_eq!(member.bus.status(), Status::Connected { reconnects });
    }
    still_works(fixture, member).await;
}

#[tokio::test]
async fn a_memory_alarm_stops_events_and_not_the_bus() {
    let broker = Lent::new().await;
    let fixture = broker.fixture().await;
    let mut member = Member::start(
        fixture
            .settings
            .clone()
            .with(|rabbit| rabbit.publish_timeout = Duration::from_millis(500)),
    );
    member.connected().await;
    member.bus.publish(&message("before")).await.unwrap();

    broker.control(&["set_vm_memory_high_watermark", "0"]).await;
    let refused = within("a refusal", async {
        loop {
            if let Err(error) = member.bus.publish(&message("during")).await {
                return error;
            }
        }
    });
    let refused = refused.await;
    assert!(matches!(refused, PublishError::Blocked), "{refused}");
    assert_eq!(member.bus.status(), Status::Connected { reconnects: 0 });

    broker
        .control(&["set_vm_memory_high_watermark", "0.8"])
        .await;
    let after = message("after");
    let taken = within("the end of the alarm", async {
        while member.bus.publish(&after).await.is_err() {}
    });
    taken.await;
    let heard = async { while member.signal().await != Some(Signal::Message(after.clone())) {} };
    within("what was published after", heard).await;
    assert_eq!(member.bus.status(), Status::Connected { reconnects: 0 });
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn who_only_listens_has_one_connection() {
    let broker = Lent::new().await;
    let fixture = broker.fixture().await;
    let name = format!("listener-{}", fixture.exchange);
    let mut member = Member::start(
        fixture
            .settings
            .clone()
            .with(|rabbit| rabbit.connection_name = name.clone()),
    );
    member.connected().await;
    let listing = ["list_connections", "pid", "client_properties"];
    assert_eq!(broker.listed(&listing, &name).await.len(), 1);
    member.bus.publish(&message("orders")).await.unwrap();
    assert_eq!(broker.listed(&listing, &name).await.len(), 2);
    still_works(fixture, member).await;
}

#[tokio::test]
async fn what_is_declared_is_what_spring_declares() {
    let broker = Lent::new().await;
    let fixture = broker.fixture().await;
    let member = fixture.connected_member().await;
    let columns = [
        "name",
        "type",
        "durable",
        "auto_delete",
        "internal",
        "arguments",
    ];
    let exchanges = [&["list_exchanges"], &columns[..]].concat();
    let listing = broker.control(&exchanges).await;
    let exchange = format!("{}\ttopic\ttrue\tfalse\tfalse\t[]", fixture.exchange);
    assert!(listing.lines().any(|line| line == exchange), "{listing}");

    let columns = ["durable", "auto_delete", "exclusive", "arguments", "name"];
    let queues = [&["list_queues"], &columns[..]].concat();
    let listing = broker.control(&queues).await;
    let queue = format!("false\ttrue\ttrue\t[]\t{}.anonymous.", fixture.exchange);
    assert!(
        listing.lines().any(|line| line.starts_with(&queue)),
        "{listing}"
    );
    member.stop().await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn the_queue_of_a_group_keeps_events_for_those_who_are_away() {
    let broker = Lent::new().await;
    let fixture = broker.fixture().await;
    let settings = fixture
        .settings
        .clone()
        .with(|rabbit| rabbit.group = Some("audit".into()));
    let mut away = Member::start(settings.clone());
    away.connected().await;
    away.stop().await;
    let listing = broker
        .control(&["list_queues", "durable", "auto_delete", "exclusive", "name"])
        .await;
    let queue = format!("true\tfalse\tfalse\t{}.audit", fixture.exchange);
    assert!(listing.lines().any(|line| line == queue), "{listing}");

    let other = fixture.connected_member().await;
    let message = message("orders");
    other.bus.publish(&message).await.unwrap();
    let mut back = Member::start(settings);
    while back.signal().await != Some(Signal::Message(message.clone())) {}
    back.stop().await;
    other.stop().await;
    broker
        .control(&["delete_queue", &format!("{}.audit", fixture.exchange)])
        .await;
    fixture.delete_exchange().await;
}

#[tokio::test]
async fn a_rotated_password_counts_with_the_next_connection() {
    let broker = Lent::new().await;
    let fixture = broker.fixture().await;
    let folder = tempfile::tempdir().unwrap();
    let (username, password) = (folder.path().join("user"), folder.path().join("password"));
    let user = format!("u{}", uuid::Uuid::new_v4().simple());
    broker.control(&["add_user", &user, "first"]).await;
    broker
        .control(&["set_permissions", &user, ".*", ".*", ".*"])
        .await;
    std::fs::write(&username, format!("{user}\n")).unwrap();
    std::fs::write(&password, "first\n").unwrap();
    let mut member = Member::start(fixture.settings.clone().with(|rabbit| {
        rabbit.username_file = Some(username);
        rabbit.password_file = Some(password.clone());
    }));
    member.connected().await;

    broker.control(&["change_password", &user, "second"]).await;
    broker
        .control(&["close_all_user_connections", &user, "rotated"])
        .await;
    member
        .disconnected(|error| error.contains("password"))
        .await;
    std::fs::write(&password, "second\n").unwrap();
    member.connected().await;
    still_works(fixture, member).await;
    broker.control(&["delete_user", &user]).await;
}

#[tokio::test]
async fn events_may_go_to_one_exchange_and_come_from_another() {
    let broker = Lent::new().await;
    let fixture = broker.fixture().await;
    let out = format!("{}-out", fixture.exchange);
    let mut listener = fixture.listener_of(&out).await;
    let mut member = Member::start(fixture.settings.clone().with(|rabbit| {
        rabbit.output_exchange = Some(out.clone());
        rabbit.routing_key = Some("a.key".into());
        rabbit.binding_keys = vec!["any.*".into()];
    }));
    member.connected().await;
    member.bus.publish(&message("orders")).await.unwrap();
    let delivery = within("the event", listener.next()).await.unwrap().unwrap();
    assert_eq!(
        (delivery.exchange.as_str(), delivery.routing_key.as_str()),
        (out.as_str(), "a.key")
    );
    let heard = message("from elsewhere");
    let json = heard.event.to_json();
    fixture
        .publish(&json, lapin::BasicProperties::default())
        .await;
    let Some(Signal::Message(seen)) = member.signal().await else {
        panic!("an event")
    };
    assert_eq!(seen.event, heard.event);
    member.stop().await;
    fixture.delete_exchange().await;
}
