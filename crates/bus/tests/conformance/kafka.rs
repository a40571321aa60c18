//! Kafka: librdkafka's mock of a broker, or a real one at `CONFBUS_TEST_KAFKA`.
//!
//! The real one has a second listener, which it advertises as the port of a proxy: `CONFBUS_TEST_KAFKA_BEHIND` names that
//! port and, after a colon, its own.

use std::{collections::HashMap, env, time::Duration};

use confbus_bus::{
    Address, Bus, Driver, KafkaSettings, Mechanism, Message, Sasl, Signal, TlsSettings,
};
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewPartitions},
    client::DefaultClientContext,
    message::{Header, OwnedHeaders},
    mocking::MockCluster,
    producer::{DefaultProducerContext, FutureProducer, FutureRecord},
};
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    proxy::Proxy,
    stage::{Member, SECRET, Stage, conforms_with_a_broker, message, within},
};

/// There is one port that the real broker advertises as the proxy's.
static PROXIED: Mutex<()> = Mutex::const_new(());

/// A topic of its own.
struct Kafka {
    settings: KafkaSettings,
    /// The broker without the proxy.
    servers: String,
    broker: Broker,
}

enum Broker {
    Mock(MockCluster<'static, DefaultProducerContext>),
    Real(
        Proxy,
        #[expect(dead_code, reason = "it is held")] MutexGuard<'static, ()>,
    ),
}

impl Kafka {
    async fn new() -> Self {
        Self::with_partitions(1).await
    }

    async fn with_partitions(partitions: i32) -> Self {
        let topic = format!("confbus-test-{}", uuid::Uuid::new_v4());
        let (servers, broker, address) = match env::var("CONFBUS_TEST_KAFKA") {
            Ok(servers) => {
                let proxied = PROXIED.lock().await;
                let proxy = proxy().await;
                let address = proxy.address().to_string();
                (servers, Broker::Real(proxy, proxied), address)
            }
            Err(_) => {
                let mock = MockCluster::new(1).unwrap();
                // It cannot be asked to create one.
                mock.create_topic(&topic, partitions, 1).unwrap();
                let servers = mock.bootstrap_servers();
                (servers.clone(), Broker::Mock(mock), servers)
            }
        };
        let settings = KafkaSettings::default().with(|kafka| {
            kafka.brokers = vec![self::address(&address)];
            kafka.topic = topic;
            kafka.min_partition_count = u16::try_from(partitions).unwrap();
            kafka.connection_timeout = Duration::from_secs(30);
        });
        Self {
            settings,
            servers,
            broker,
        }
    }

    async fn with_secrets(change: impl FnOnce(&mut KafkaSettings)) -> Self {
        let mut stage = Self::new().await;
        stage.settings.sasl = Some(Sasl {
            mechanism: Mechanism::Plain,
            username: "ana".into(),
            password: SECRET.into(),
            username_file: None,
            password_file: None,
        });
        change(&mut stage.settings);
        stage
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers);
        config
    }

    /// A sender that knows nothing of the bus.
    async fn send(&self, partition: i32, value: Option<&[u8]>, headers: OwnedHeaders) {
        let producer: FutureProducer = self.client().create().unwrap();
        let mut record = FutureRecord::<(), [u8]>::to(&self.settings.topic)
            .partition(partition)
            .headers(headers);
        record.payload = value;
        producer.send(record, Duration::ZERO).await.unwrap();
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().unwrap()
    }
}

fn address(text: &str) -> Address {
    let (host, port) = text.rsplit_once(':').unwrap();
    Address {
        host: host.to_owned(),
        port: port.parse().unwrap(),
    }
}

async fn proxy() -> Proxy {
    let behind = env::var("CONFBUS_TEST_KAFKA_BEHIND").expect("it is set with CONFBUS_TEST_KAFKA");
    let (port, broker) = behind.split_once(':').unwrap();
    let (port, broker) = (port.parse().unwrap(), format!("127.0.0.1:{broker}"));
    let binding = async {
        loop {
            // The one of the test before may not have ended quite.
            match Proxy::before(broker.clone(), port).await {
                Ok(proxy) => return proxy,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    };
    within("the port of the proxy", binding).await
}

impl Stage for Kafka {
    async fn member(&self) -> (Bus, Option<Box<dyn Driver>>) {
        let (bus, driver) = Bus::kafka(self.settings.clone());
        (bus, Some(Box::new(driver)))
    }

    async fn cut(&self) {
        match &self.broker {
            Broker::Mock(mock) => mock.broker_down(1).unwrap(),
            Broker::Real(proxy, _) => proxy.cut(true),
        }
    }

    async fn restore(&self) {
        match &self.broker {
            Broker::Mock(mock) => mock.broker_up(1).unwrap(),
            Broker::Real(proxy, _) => proxy.cut(false),
        }
    }

    async fn junk(&self) {
        let large = vec![b'x'; 512 * 1024];
        for value in [None, Some(&b""[..]), Some(b"{"), Some(b"[]"), Some(&large)] {
            self.send(0, value, OwnedHeaders::new()).await;
        }
    }

    async fn strike(self) {
        if matches!(self.broker, Broker::Real(..)) {
            let topics = [self.settings.topic.as_str()];
            let deleted = self.admin().delete_topics(&topics, &AdminOptions::new());
            within("the admin", deleted).await.unwrap();
        }
    }
}

conforms_with_a_broker!(Kafka::new().await);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_shows_a_password_without_a_broker() {
    let stage = Kafka::with_secrets(|_| {}).await;
    stage.cut().await;
    crate::cases::a_refusal_shows_no_secret(stage).await;
}

/// The broker speaks no TLS.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_error_shows_a_password_where_tls_fails() {
    let stage = Kafka::with_secrets(|kafka| kafka.tls = Some(TlsSettings::default())).await;
    crate::cases::a_refusal_shows_no_secret(stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_all_partitions_are_heard() {
    let stage = Kafka::with_partitions(3).await;
    let mut member = Member::connected(&stage).await;
    for partition in [2, 0, 1] {
        let message = message(&format!("partition-{partition}"));
        let value = message.event.to_json();
        stage
            .send(partition, Some(&value), OwnedHeaders::new())
            .await;
        member.hears(&message).await;
    }
    member.stop().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_in_the_topic_before_is_not_heard() {
    let stage = Kafka::new().await;
    let early = Member::connected(&stage).await;
    let before = message("before").event.to_json();
    for _ in 0..5 {
        stage.send(0, Some(&before), OwnedHeaders::new()).await;
    }
    let mut late = Member::connected(&stage).await;
    let after = message("after");
    early.publishes(&after).await;
    late.hears(&after).await;
    late.stop().await;
    early.stop().await;
    stage.strike().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_every_line_of_spring_are_read() {
    let stage = Kafka::new().await;
    let mut member = Member::connected(&stage).await;
    for content_type in ["application/json", "\"application/json\""] {
        let message = Message {
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            ..message("orders")
        };
        let trace = message.traceparent.as_deref().unwrap();
        let headers = HashMap::from([
            ("contentType", content_type),
            ("target-protocol", "kafka"),
            ("traceparent", trace),
        ]);
        let headers = headers.into_iter();
        let headers = headers.fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header {
                key,
                value: Some(value),
            })
        });
        stage.send(0, Some(&message.event.to_json()), headers).await;
        member.hears(&message).await;
    }
    member.stop().await;
    stage.strike().await;
}

/// The mock creates topics for whoever asks, and lets nobody delete one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a real broker; `cargo xtask interop kafka` runs it"]
async fn a_topic_is_created_grows_and_may_be_lost() {
    let stage = Kafka::new().await;
    let mut forbidden = stage.settings.clone();
    forbidden.auto_create_topics = false;
    let (bus, driver) = Bus::kafka(forbidden);
    let stop = tokio_util::sync::CancellationToken::new();
    let driver = tokio::spawn(driver.run(stop.clone()));
    let told = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while !format!("{:?}", bus.status()).contains("does not exist") {
            ticks.tick().await;
        }
    };
    within("the words for a topic that is missing", told).await;
    stop.cancel();
    within("the driver", driver).await.unwrap();

    let mut member = Member::connected(&stage).await;
    let topic = stage.settings.topic.clone();
    let more = NewPartitions::new(&topic, 2);
    let grown = stage
        .admin()
        .create_partitions([&more], &AdminOptions::new())
        .await;
    assert!(grown.unwrap()[0].is_ok());
    // It comes before anybody here knows of the partition.
    let in_the_new_one = message("new");
    let value = in_the_new_one.event.to_json();
    stage.send(1, Some(&value), OwnedHeaders::new()).await;
    member.hears(&in_the_new_one).await;

    let admin = stage.admin();
    let topics = [topic.as_str()];
    let deleted = admin.delete_topics(&topics, &AdminOptions::new());
    within("the admin", deleted).await.unwrap();
    assert_eq!(member.signal().await, Some(Signal::LookAgain));
    let again = message("again");
    member.publishes(&again).await;
    member.hears(&again).await;
    member.stop().await;
    stage.strike().await;
}
