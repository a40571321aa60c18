//! A broker's exchange, and members of the bus on it.

use std::{fmt::Debug, time::Duration};

use confbus_bus::{Bus, Message, RabbitSettings, Signal, Status, Subscription};
use confbus_protocol::{BusEvent, BusId, Destination};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, Consumer, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicPublishOptions, ExchangeDeclareOptions, ExchangeDeleteOptions,
        QueueBindOptions, QueueDeclareOptions,
    },
    types::FieldTable,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longer than any pause of the driver, on a busy machine, too.
const DEADLINE: Duration = Duration::from_secs(60);

pub(crate) struct Fixture {
    pub(crate) exchange: String,
    pub(crate) settings: RabbitSettings,
    admin: Connection,
    channel: Channel,
}

pub(crate) struct Member {
    pub(crate) bus: Bus,
    subscription: Subscription,
    shutdown: CancellationToken,
    driver: JoinHandle<()>,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let url = std::env::var("CONFBUS_TEST_AMQP").expect("CONFBUS_TEST_AMQP names the broker");
        Self::at(&url).await
    }

    pub(crate) async fn at(url: &str) -> Self {
        let admin = Connection::connect(url, ConnectionProperties::default())
            .await
            .unwrap();
        let channel = admin.create_channel().await.unwrap();
        let exchange = format!("confbus-test-{}", uuid::Uuid::new_v4());
        let settings = RabbitSettings::from_url(url)
            .unwrap()
            .with(|rabbit| rabbit.exchange = exchange.clone());
        Self {
            exchange,
            settings,
            admin,
            channel,
        }
    }

    pub(crate) fn member(&self) -> Member {
        Member::start(self.settings.clone())
    }

    pub(crate) async fn connected_member(&self) -> Member {
        let mut member = self.member();
        member.connected().await;
        member
    }

    /// A receiver that knows nothing of the bus.
    pub(crate) async fn listener(&self) -> Consumer {
        self.listener_of(&self.exchange).await
    }

    /// The same on another exchange, which is declared.
    pub(crate) async fn listener_of(&self, exchange: &str) -> Consumer {
        self.declare_as(exchange, ExchangeKind::Topic).await;
        let ours_alone = QueueDeclareOptions {
            exclusive: true,
            auto_delete: true,
            ..QueueDeclareOptions::default()
        };
        let queue = self
            .channel
            .queue_declare("".into(), ours_alone, FieldTable::default())
            .await
            .unwrap();
        let name = queue.name().clone();
        self.channel
            .queue_bind(
                name.clone(),
                exchange.into(),
                "#".into(),
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await
            .unwrap();
        let no_ack = BasicConsumeOptions {
            no_ack: true,
            ..BasicConsumeOptions::default()
        };
        self.channel
            .basic_consume(name, "".into(), no_ack, FieldTable::default())
            .await
            .unwrap()
    }

    /// A sender that knows nothing of the bus.
    pub(crate) async fn publish(&self, body: &[u8], properties: BasicProperties) {
        let options = BasicPublishOptions::default();
        self.channel
            .basic_publish(
                self.exchange.as_str().into(),
                "any.key".into(),
                options,
                body,
                properties,
            )
            .await
            .unwrap();
    }

    pub(crate) async fn declare(&self, kind: ExchangeKind) {
        self.declare_as(&self.exchange, kind).await;
    }

    async fn declare_as(&self, exchange: &str, kind: ExchangeKind) {
        let durable = ExchangeDeclareOptions {
            durable: true,
            ..ExchangeDeclareOptions::default()
        };
        self.channel
            .exchange_declare(exchange.into(), kind, durable, FieldTable::default())
            .await
            .unwrap();
    }

    pub(crate) async fn delete_exchange(&self) {
        self.channel
            .exchange_delete(
                self.exchange.as_str().into(),
                ExchangeDeleteOptions::default(),
            )
            .await
            .unwrap();
    }

    /// Whether the broker knows this queue. A queue of somebody else's is known, too.
    pub(crate) async fn has_queue(&self, name: &str) -> bool {
        let channel = self.admin.create_channel().await.unwrap();
        let passive = QueueDeclareOptions {
            passive: true,
            ..QueueDeclareOptions::default()
        };
        match channel
            .queue_declare(name.into(), passive, FieldTable::default())
            .await
        {
            Ok(_) => true,
            Err(error) => !error.to_string().contains("NOT_FOUND"),
        }
    }
}

impl Member {
    pub(crate) fn start(settings: RabbitSettings) -> Self {
        let (bus, driver) = Bus::rabbit(settings);
        let (subscription, shutdown) = (bus.subscribe(), CancellationToken::new());
        let driver = tokio::spawn(driver.run(shutdown.clone()));
        Self {
            bus,
            subscription,
            shutdown,
            driver,
        }
    }

    pub(crate) async fn signal(&mut self) -> Option<Signal> {
        within("a signal", self.subscription.next()).await
    }

    pub(crate) async fn connected(&mut self) {
        assert_eq!(self.signal().await, Some(Signal::LookAgain));
        assert!(
            matches!(self.bus.status(), Status::Connected { .. }),
            "{:?}",
            self.bus.status()
        );
    }

    pub(crate) async fn hears(&mut self, message: &Message) {
        assert_eq!(
            self.signal().await.as_ref(),
            Some(&Signal::Message(message.clone()))
        );
    }

    /// The error of a status that is disconnected, once it satisfies.
    pub(crate) async fn disconnected(&self, satisfies: impl Fn(&str) -> bool) -> String {
        let error = || match self.bus.status() {
            Status::Disconnected { error, .. } => Some(error),
            Status::Connected { .. } | Status::Local => None,
        };
        eventually(
            || self.bus.status(),
            |_| error().is_some_and(|error| satisfies(&error)),
        )
        .await;
        error().unwrap()
    }

    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        within("the driver", self.driver).await.unwrap();
        while within("the end of the subscription", self.subscription.next())
            .await
            .is_some()
        {}
    }
}

pub(crate) fn message(destination: &str) -> Message {
    let origin = BusId::new("configserver:8888:5f2b0c1e").unwrap();
    let event = BusEvent::refresh(
        uuid::Uuid::new_v4().to_string(),
        1_705_329_000_123,
        &origin,
        &Destination::complete(destination),
    );
    Message {
        commit: Some("3f9c1e2d".into()),
        ..Message::of(event)
    }
}

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Looks until it is as it should be, or says what it saw last.
pub(crate) async fn eventually<T: Debug>(
    look: impl Fn() -> T,
    is_as_it_should_be: impl Fn(&T) -> bool,
) -> T {
    let start = tokio::time::Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    loop {
        ticks.tick().await;
        let seen = look();
        if is_as_it_should_be(&seen) {
            return seen;
        }
        assert!(start.elapsed() < DEADLINE, "last seen: {seen:?}");
    }
}
