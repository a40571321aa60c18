//! RabbitMQ for tests: the shared one, with an exchange of its own per test, or one that a test may stop.

use std::{
    env,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use futures_util::StreamExt as _;
use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind,
    options::{
        BasicConsumeOptions, BasicPublishOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::FieldTable,
};

use super::{TestServer, eventually};

/// The broker that all tests share; without one this test cannot be run.
pub(crate) fn shared() -> String {
    env::var("CONFBUS_TEST_AMQP")
        .expect("CONFBUS_TEST_AMQP names a broker; `cargo xtask test` starts one")
}

/// An exchange that no other test uses.
pub(crate) fn own_exchange() -> String {
    format!("test-{}", uuid::Uuid::new_v4().simple())
}

/// `spring.rabbitmq.*` for a broker that is named by its URL.
pub(crate) fn settings(url: &str, exchange: &str) -> Vec<(&'static str, String)> {
    vec![
        ("spring.rabbitmq.addresses", url.to_owned()),
        ("spring.cloud.bus.destination", exchange.to_owned()),
    ]
}

/// Waits until the server says that its bus is there.
pub(crate) fn connected(server: &TestServer) {
    eventually("a connected bus", || {
        let health = server.get("/actuator/health").json();
        let connected = health["components"]["bus"]["details"]["connected"] == true;
        if connected {
            Ok(())
        } else {
            Err(health.to_string())
        }
    });
}

/// One message as it was published.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) body: String,
    pub(crate) properties: BasicProperties,
    pub(crate) exchange: String,
    pub(crate) routing_key: String,
}

/// Hears everything on an exchange.
pub(crate) struct Tap {
    exchange: String,
    heard: Arc<Mutex<Vec<Delivery>>>,
    channel: Channel,
    runtime: tokio::runtime::Runtime,
}

impl Tap {
    pub(crate) fn on(url: &str, exchange: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let heard = Arc::default();
        let channel = runtime.block_on(listen(url, exchange, Arc::clone(&heard)));
        Self {
            exchange: exchange.to_owned(),
            heard,
            channel,
            runtime,
        }
    }

    pub(crate) fn exchange(&self) -> &str {
        &self.exchange
    }

    /// Publishes a body as another member would.
    pub(crate) fn publish(&self, body: &str) {
        let properties = BasicProperties::default().with_content_type("application/json".into());
        let exchange = self.exchange.as_str();
        let sent = self.channel.basic_publish(
            exchange.into(),
            exchange.into(),
            BasicPublishOptions::default(),
            body.as_bytes(),
            properties,
        );
        self.runtime.block_on(sent).unwrap();
    }

    pub(crate) fn heard(&self) -> Vec<Delivery> {
        self.heard.lock().unwrap().clone()
    }

    /// Whom refresh events were addressed to, in order.
    pub(crate) fn destinations(&self) -> Vec<String> {
        let events = self
            .heard()
            .into_iter()
            .filter_map(|delivery| serde_json::from_str::<serde_json::Value>(&delivery.body).ok());
        let refreshes = events.filter(|event| event["type"] == "RefreshRemoteApplicationEvent");
        refreshes
            .filter_map(|event| event["destinationService"].as_str().map(str::to_owned))
            .collect()
    }

    /// Waits for a message to a destination.
    pub(crate) fn message_to(&self, destination: &str) -> Delivery {
        self.message_with(&[&format!("\"destinationService\":\"{destination}\"")])
    }

    /// Waits for a message whose body contains all of these.
    pub(crate) fn message_with(&self, wanted: &[&str]) -> Delivery {
        eventually(&format!("a message with {wanted:?}"), || {
            let heard = self.heard();
            let found = heard
                .iter()
                .find(|delivery| wanted.iter().all(|text| delivery.body.contains(text)));
            found.cloned().ok_or_else(|| format!("{heard:?}"))
        })
    }
}

async fn listen(url: &str, exchange: &str, heard: Arc<Mutex<Vec<Delivery>>>) -> Channel {
    let connection = Connection::connect(url, ConnectionProperties::default())
        .await
        .unwrap();
    let channel = connection.create_channel().await.unwrap();
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..Default::default()
    };
    channel
        .exchange_declare(
            exchange.into(),
            ExchangeKind::Topic,
            durable,
            FieldTable::default(),
        )
        .await
        .unwrap();
    let own = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..Default::default()
    };
    let name = format!("tap-{}", uuid::Uuid::new_v4().simple());
    channel
        .queue_declare(name.as_str().into(), own, FieldTable::default())
        .await
        .unwrap();
    channel
        .queue_bind(
            name.as_str().into(),
            exchange.into(),
            "#".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await
        .unwrap();
    let options = BasicConsumeOptions {
        no_ack: true,
        ..Default::default()
    };
    let mut deliveries = channel
        .basic_consume(
            name.as_str().into(),
            "".into(),
            options,
            FieldTable::default(),
        )
        .await
        .unwrap();
    tokio::spawn(async move {
        let _connection = connection;
        while let Some(Ok(delivery)) = deliveries.next().await {
            let body = String::from_utf8(delivery.data.clone()).unwrap();
            let delivery = Delivery {
                body,
                properties: delivery.properties.clone(),
                exchange: delivery.exchange.to_string(),
                routing_key: delivery.routing_key.to_string(),
            };
            heard.lock().unwrap().push(delivery);
        }
    });
    channel
}

/// A broker that a test stops and starts; its data and name go with every stop.
pub(crate) struct OwnBroker {
    port: u16,
    keeper: Option<Child>,
}

impl OwnBroker {
    pub(crate) fn start() -> Self {
        let (keeper, port) = keeper(None);
        Self {
            port,
            keeper: Some(keeper),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    pub(crate) fn stop(&mut self) {
        let Some(mut keeper) = self.keeper.take() else {
            return;
        };
        // The keeper ends its broker when the pipe to it closes.
        drop(keeper.stdin.take());
        _ = keeper.wait();
    }

    /// Starts it again on the same port.
    pub(crate) fn start_again(&mut self) {
        self.keeper = Some(keeper(Some(self.port)).0);
    }
}

impl Drop for OwnBroker {
    fn drop(&mut self) {
        self.stop();
    }
}

fn keeper(port: Option<u16>) -> (Child, u16) {
    let variable = |name: &str| {
        env::var(name).unwrap_or_else(|_| panic!("{name} is set by `cargo xtask test`"))
    };
    let mut command = Command::new(variable("CONFBUS_TEST_KEEPER"));
    command.args([
        "keep-rabbit",
        "--server",
        &variable("CONFBUS_TEST_RABBITMQ_SERVER"),
    ]);
    if let Some(port) = port {
        command.args(["--port", &port.to_string()]);
    }
    let mut keeper = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(keeper.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let port = line.trim().parse().expect("the keeper says the port");
    (keeper, port)
}
