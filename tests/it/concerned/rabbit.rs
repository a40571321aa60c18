//! The same over a real broker, and what follows when it was away.

use confbus_client::{RabbitSettings, Transport};

use super::{Scene, fleet};
use crate::support::{
    broker::{self, OwnBroker, Tap},
    eventually, expect_that,
};

#[test]
fn a_push_of_twenty_files_is_three_events_on_the_exchange() {
    let (url, exchange) = (broker::shared(), broker::own_exchange());
    let scene = Scene::start(&fleet::files(), &broker::settings(&url, &exchange));
    broker::connected(&scene.server);
    let tap = Tap::on(&url, &exchange);
    let rabbit = RabbitSettings::from_url(&url)
        .unwrap()
        .with(|rabbit| rabbit.exchange = exchange);
    fleet::three_reload(&scene, &Transport::Amqp(Box::new(rabbit)));
    tap.message_to("**");
    assert_eq!(tap.destinations(), fleet::TOLD);
}

/// Waits until the server has noticed that its broker is gone.
fn lost(scene: &Scene) {
    eventually("a lost bus", || {
        let health = scene.server.get("/actuator/health").json();
        let connected = &health["components"]["bus"]["details"]["connected"];
        expect_that(connected == false, &health)
    });
}

#[test]
fn after_an_outage_those_concerned_are_told_once() {
    let mut rabbit = OwnBroker::start();
    let (url, exchange) = (rabbit.url(), broker::own_exchange());
    let files = [
        ("orders.yml", "a: 1\n"),
        ("payments.yml", "a: 1\n"),
        ("billing.yml", "a: 1\n"),
    ];
    let scene = Scene::start(&files, &broker::settings(&url, &exchange));
    broker::connected(&scene.server);
    scene.is_read_at(&["/orders/dev", "/payments/dev", "/billing/dev"]);
    // This event goes out shortly before the loss.
    scene.push(&[("payments.yml", "a: 2\n")]);
    scene.told(1);

    rabbit.stop();
    lost(&scene);
    let commit = scene.push(&[("orders.yml", "a: 2\n")]);
    scene.server.serves(&commit);
    assert_eq!(
        scene.server.post("/actuator/busrefresh/billing").status,
        500
    );

    rabbit.start_again();
    broker::connected(&scene.server);
    let tap = Tap::on(&url, &exchange);
    tap.message_to("orders:**");
    tap.message_to("payments:**");
    // Behind this event there is nothing left of the outage.
    assert_eq!(scene.server.post("/actuator/busrefresh/end").status, 204);
    tap.message_to("end:**");
    let mut told = tap.destinations();
    told.sort();
    assert_eq!(told, ["end:**", "orders:**", "payments:**"]);
}
