use std::time::Duration;

use confbus_bus::{Address, Bus, Driver, RabbitSettings};
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    options::{BasicPublishOptions, ExchangeDeleteOptions},
};

use crate::{
    proxy::Proxy,
    stage::{SECRET, Stage, conforms_with_a_broker},
};

/// An exchange of its own, behind a proxy.
struct Rabbit {
    settings: RabbitSettings,
    proxy: Proxy,
    _admin: Connection,
    channel: Channel,
}

impl Rabbit {
    async fn new() -> Self {
        let url = std::env::var("CONFBUS_TEST_AMQP").expect("CONFBUS_TEST_AMQP names the broker");
        let admin = Connection::connect(&url, ConnectionProperties::default())
            .await
            .unwrap();
        let channel = admin.create_channel().await.unwrap();
        let settings = RabbitSettings::from_url(&url).unwrap();
        let proxy = Proxy::before(settings.addresses[0].to_string(), 0)
            .await
            .unwrap();
        let settings = settings.with(|rabbit| {
            rabbit.connection_timeout = Duration::from_secs(10);
            rabbit.exchange = format!("confbus-test-{}", uuid::Uuid::new_v4());
            rabbit.addresses = vec![Address {
                host: "127.0.0.1".into(),
                port: proxy.address().port(),
            }];
        });
        Self {
            settings,
            proxy,
            _admin: admin,
            channel,
        }
    }

    async fn wrong_password() -> Self {
        let mut stage = Self::new().await;
        stage.settings.password = SECRET.into();
        stage
    }

    async fn send(&self, body: &[u8]) {
        let exchange = self.settings.exchange.as_str().into();
        let options = BasicPublishOptions::default();
        let properties = BasicProperties::default();
        self.channel
            .basic_publish(exchange, "any.key".into(), options, body, properties)
            .await
            .unwrap();
    }
}

impl Stage for Rabbit {
    async fn member(&self) -> (Bus, Option<Box<dyn Driver>>) {
        let (bus, driver) = Bus::rabbit(self.settings.clone());
        (bus, Some(Box::new(driver)))
    }

    async fn cut(&self) {
        self.proxy.cut(true);
    }

    async fn restore(&self) {
        self.proxy.cut(false);
    }

    async fn junk(&self) {
        for body in [&b""[..], b"{", b"[]", &vec![b'x'; 1024 * 1024]] {
            self.send(body).await;
        }
    }

    async fn strike(self) {
        let exchange = self.settings.exchange.as_str().into();
        let options = ExchangeDeleteOptions::default();
        _ = self.channel.exchange_delete(exchange, options).await;
    }
}

conforms_with_a_broker!(Rabbit::new().await);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_shows_a_password_that_is_refused() {
    crate::cases::a_refusal_shows_no_secret(Rabbit::wrong_password().await).await;
}
