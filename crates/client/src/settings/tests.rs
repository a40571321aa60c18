use std::time::Duration;

use super::{FailOver, InvalidSettings, Retry, Settings, Start, Transport};
use crate::Balance;

fn variables(pairs: &[(&str, &str)]) -> Result<Settings, InvalidSettings> {
    Settings::from_variables(
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    )
}

#[test]
fn springs_variables_are_read() {
    let settings = variables(&[
        ("SPRING_APPLICATION_NAME", "orders"),
        ("SPRING_PROFILES_ACTIVE", "dev, cloud"),
        (
            "SPRING_CLOUD_CONFIG_URI",
            "http://a:8888/, https://ana:pw@b/config",
        ),
        ("SPRING_CLOUD_CONFIG_LABEL", "feature/x,main"),
        ("SPRING_CLOUD_CONFIG_FAILFAST", "true"),
        ("SPRING_CLOUD_CONFIG_REQUEST_READ_TIMEOUT", "5000"),
        ("SPRING_CLOUD_CONFIG_RETRY_MAX_ATTEMPTS", "3"),
        (
            "SPRING_CLOUD_CONFIG_MULTIPLE_URI_STRATEGY",
            "CONNECTION_TIMEOUT_ONLY",
        ),
        ("SPRING_CLOUD_CONFIG_HEADERS_X_TENANT", "acme"),
        ("SPRING_CLOUD_CONFIG_TOKEN", ""),
        ("SERVER_PORT", "8081"),
        ("CONFBUS_POLL_INTERVAL", "5m"),
        ("CONFBUS_LAST_GOOD_DIR", "/var/lib/orders"),
    ])
    .unwrap();
    let (coordinates, requests, member) = settings.checked().unwrap();
    assert_eq!(
        (
            coordinates.application.as_str(),
            coordinates.profiles.as_str()
        ),
        ("orders", "dev,cloud")
    );
    assert_eq!(
        coordinates.labels,
        [Some("feature/x".to_owned()), Some("main".to_owned())]
    );
    let servers: Vec<_> = requests.servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["http://a:8888", "https://b/config"]);
    assert_eq!(
        (
            requests.headers.len(),
            requests.headers["x-tenant"].as_bytes()
        ),
        (1, &b"acme"[..])
    );
    assert_eq!(
        (requests.fail_over, requests.request_timeout),
        (FailOver::ConnectionFailure, Duration::from_secs(5))
    );
    assert!(
        member.id.as_str().starts_with("orders:dev, cloud:8081:"),
        "{}",
        member.id
    );
    assert_eq!(
        (
            settings.start == Start::FreshOrFail,
            settings.retry.max_attempts,
            settings.poll
        ),
        (true, 3, Some(Duration::from_secs(300)))
    );
    assert_eq!(settings.transport, Transport::Stream);
}

#[test]
fn nothing_set_means_springs_defaults() {
    let settings = variables(&[]).unwrap();
    let (coordinates, requests, member) = settings.checked().unwrap();
    assert_eq!(
        (
            coordinates.application.as_str(),
            coordinates.profiles.as_str(),
            coordinates.labels
        ),
        ("application", "default", vec![None])
    );
    assert_eq!(requests.servers[0].to_string(), "http://localhost:8888");
    let parts: Vec<&str> = member.id.as_str().split(':').collect();
    assert_eq!(
        (parts[0], parts[1], parts[2].len(), parts.len()),
        ("application", "8080", 32, 3)
    );
}

#[test]
fn an_import_names_servers() {
    let servers = |import: &str| {
        let settings = variables(&[
            ("SPRING_CONFIG_IMPORT", import),
            ("SPRING_CLOUD_CONFIG_URI", "http://u"),
        ])
        .unwrap();
        settings
            .checked()
            .unwrap()
            .1
            .servers
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        servers("optional:configserver:http://a:8888,http://b/x?fail-fast=true"),
        "http://a:8888 http://b/x"
    );
    assert_eq!(
        servers("file:/etc/x.yml;configserver:https://a"),
        "https://a"
    );
    assert_eq!(servers("configserver:"), "http://u");
    assert_eq!(servers("file:/etc/x.yml"), "http://u");
}

#[test]
fn another_name_is_an_alias_on_the_bus() {
    let settings = variables(&[
        ("SPRING_APPLICATION_NAME", "orders"),
        ("SPRING_CLOUD_CONFIG_NAME", "billing, shop"),
    ])
    .unwrap();
    let (coordinates, _, member) = settings.checked().unwrap();
    assert_eq!(
        (coordinates.application.as_str(), member.config_names),
        (
            "billing,shop",
            vec!["billing".to_owned(), "shop".to_owned()]
        )
    );
    assert!(member.id.as_str().starts_with("orders:8080:"));
}

#[cfg(not(feature = "amqp"))]
#[test]
fn a_broker_without_the_feature_is_a_problem() {
    for asking in [
        ("SPRING_RABBITMQ_HOST", "b1"),
        ("SPRING_RABBITMQ_ADDRESSES", "b1,b2"),
        ("CONFBUS_TRANSPORT", "amqp"),
    ] {
        let error = variables(&[asking]).unwrap_err().to_string();
        assert!(
            error.contains(asking.0) && error.contains("feature `amqp`"),
            "{error}"
        );
    }
}

#[test]
fn a_broker_may_be_for_something_else() {
    let host = ("SPRING_RABBITMQ_HOST", "b1");
    assert_eq!(
        variables(&[host, ("CONFBUS_TRANSPORT", "stream")])
            .unwrap()
            .transport,
        Transport::Stream
    );
    assert_eq!(
        variables(&[host, ("SPRING_CLOUD_BUS_ENABLED", "false")])
            .unwrap()
            .transport,
        Transport::Poll
    );
}

#[cfg(feature = "amqp")]
#[test]
fn a_broker_means_amqp_unless_told_otherwise() {
    let Transport::Amqp(rabbit) = variables(&[
        (
            "SPRING_RABBITMQ_ADDRESSES",
            "amqp://orders:pw@b1:5680/team,b2",
        ),
        ("SPRING_RABBITMQ_USERNAME", "other"),
        ("SPRING_CLOUD_BUS_DESTINATION", "ours"),
    ])
    .unwrap()
    .transport
    else {
        panic!("expected amqp")
    };
    let addresses: Vec<_> = rabbit.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["b1:5680", "b2:5672"]);
    assert_eq!(
        (
            rabbit.username.as_str(),
            rabbit.virtual_host.as_str(),
            rabbit.exchange.as_str()
        ),
        ("orders", "team", "ours")
    );

    let host = ("SPRING_RABBITMQ_HOST", "b1");
    assert!(matches!(
        variables(&[host, ("SPRING_RABBITMQ_PORT", "1")])
            .unwrap()
            .transport,
        Transport::Amqp(_)
    ));
}

#[test]
fn every_problem_is_told_and_no_value() {
    let error = variables(&[
        ("SPRING_APPLICATION_NAME", "../etc"),
        ("SPRING_CLOUD_CONFIG_URI", "http://ana:s3cret@h:99999"),
        ("SPRING_CLOUD_CONFIG_FAIL_FAST", "s3cret"),
        ("SPRING_CLOUD_CONFIG_REQUEST_READ_TIMEOUT", "0"),
        ("SPRING_CLOUD_BUS_ID", "orders:*"),
        ("SPRING_CLOUD_CONFIG_TOKEN", "s3cret\n2"),
        ("CONFBUS_TRANSPORT", "pigeon"),
        ("SPRING_RABBITMQ_ADDRESSES", "amqp://ana:s3cret@h:99999"),
    ])
    .unwrap_err();
    // The broker is not asked for: the transport is named, if wrongly.
    assert_eq!(error.problems().len(), 7, "{error}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[test]
fn debug_shows_no_secret() {
    let settings = Settings::new("orders")
        .server("http://ana:s3cret@h")
        .credentials("jo", "s3cret")
        .token("s3cret")
        .header("Authorization", "Bearer s3cret");
    #[cfg(feature = "amqp")]
    let settings = settings.transport(Transport::Amqp(Box::new(
        confbus_bus::RabbitSettings::from_url("amqp://a:s3cret@h").unwrap(),
    )));
    let shown = format!("{settings:?}");
    assert!(
        !shown.contains("s3cret") && shown.contains("http://h"),
        "{shown}"
    );
}

#[test]
fn pauses_grow_to_a_limit() {
    let retry = Retry::default();
    let pauses: Vec<u128> = (1..=9)
        .map(|failures| retry.pause(failures).as_millis())
        .collect();
    assert_eq!(
        pauses,
        [1000, 1100, 1210, 1331, 1464, 1610, 1771, 1948, 2000]
    );
    assert_eq!(retry.pause(u32::MAX), Duration::from_secs(2));
}

#[test]
fn the_last_good_file_holds_secrets_only_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    std::fs::write(&key, "07".repeat(32)).unwrap();
    let shown = |pairs: &[(&str, &str)]| {
        let directory = ("CONFBUS_LAST_GOOD_DIR", "/var/lib/orders");
        let settings = variables(&[&[directory], pairs].concat())?;
        // As an argument of a program may do it.
        let settings = settings.last_good_dir("/elsewhere");
        Ok::<_, InvalidSettings>(format!("{:?}", settings.last_good.unwrap()))
    };
    let key = ("CONFBUS_LAST_GOOD_KEY_FILE", key.to_str().unwrap());
    let keep = ("CONFBUS_LAST_GOOD_SECRETS", "keep");
    for (pairs, policy) in [
        (&[][..], "LeaveOut"),
        (&[keep], "Keep"),
        (
            &[key],
            "Encrypt(LastGoodKey(SecretBox<[u8; 32]>([REDACTED])))",
        ),
    ] {
        let expected = format!("LastGoodFile {{ directory: \"/elsewhere\", secrets: {policy} }}");
        assert_eq!(shown(pairs).unwrap(), expected);
    }
    assert!(shown(&[key, keep]).is_err());
    assert!(shown(&[("CONFBUS_LAST_GOOD_SECRETS", "maybe")]).is_err());
    let mistaken = ("CONFBUS_LAST_GOOD_KEY_FILE", "hunter2");
    let error = shown(&[mistaken]).unwrap_err().to_string();
    assert!(
        error.contains(mistaken.0) && !error.contains("hunter2"),
        "{error}"
    );
}

#[test]
fn durations_are_above_zero_and_at_most_a_day() {
    let day = Duration::from_secs(24 * 60 * 60);
    let problems = |settings: Settings| match settings.checked() {
        Ok(_) => Vec::new(),
        Err(error) => error.problems,
    };
    assert!(problems(Settings::new("orders").poll_every(day)).is_empty());
    assert!(problems(Settings::new("orders").without_poll()).is_empty());
    for wrong in [Duration::ZERO, day + Duration::from_nanos(1), Duration::MAX] {
        let mut retry = Retry::default();
        (retry.initial_interval, retry.max_interval) = (wrong, wrong);
        let settings = Settings::new("orders")
            .poll_every(wrong)
            .start(Start::Fresh { within: wrong })
            .retry(retry)
            .connect_timeout(wrong)
            .request_timeout(wrong);
        let problems = problems(settings);
        assert_eq!(problems.len(), 6, "{problems:?}");
        assert_eq!(
            problems[0],
            "poll_every: expected more than zero and at most a day"
        );
    }
    let variable = ("CONFBUS_POLL_INTERVAL", "18446744073709551615s");
    let variables = [variable].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert!(Settings::from_variables(variables.into_iter()).is_err());
}

#[cfg(feature = "eureka")]
#[test]
fn a_registry_takes_the_place_of_addresses() {
    let settings = variables(&[
        ("SPRING_CLOUD_CONFIG_URI", "http://a:8888"),
        ("SPRING_CLOUD_CONFIG_DISCOVERY_ENABLED", "true"),
        (
            "EUREKA_CLIENT_SERVICEURL_DEFAULTZONE",
            "http://jo:s3cret@eureka:8761/eureka/",
        ),
        ("CONFBUS_BALANCE", "least-outstanding"),
    ])
    .unwrap();
    let (_, requests, _) = settings.checked().unwrap();
    assert!(requests.servers.is_empty());
    assert_eq!(requests.balance, Balance::LeastOutstanding);
    let wanted = requests.discovery.unwrap();
    assert_eq!(wanted.service, "configserver");
    assert_eq!(
        wanted.registry.name(),
        "Eureka at http://eureka:8761/eureka"
    );
    let shown = format!("{settings:?}");
    assert!(
        shown.contains("eureka:8761") && !shown.contains("s3cret"),
        "{shown}"
    );

    let settings = variables(&[
        ("SPRING_CLOUD_CONFIG_DISCOVERY_ENABLED", "true"),
        ("SPRING_CLOUD_CONFIG_DISCOVERY_SERVICE_ID", "configs"),
    ]);
    let (_, requests, _) = settings.unwrap().checked().unwrap();
    let wanted = requests.discovery.unwrap();
    assert_eq!(
        (wanted.service.as_str(), requests.balance),
        ("configs", Balance::Spread)
    );
    assert_eq!(
        wanted.registry.name(),
        "Eureka at http://localhost:8761/eureka"
    );
}

#[cfg(all(feature = "consul", feature = "eureka", feature = "zookeeper"))]
#[test]
fn the_registry_is_the_one_that_is_named() {
    let name = |said: &[(&str, &str)]| {
        let enabled = ("SPRING_CLOUD_CONFIG_DISCOVERY_ENABLED", "true");
        let said: Vec<_> = said.iter().copied().chain([enabled]).collect();
        let settings = variables(&said).map_err(|error| error.to_string())?;
        let shown = format!("{settings:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        let (_, requests, _) = settings.checked().unwrap();
        Ok::<_, String>(requests.discovery.unwrap().registry.name())
    };
    let eureka_off = ("EUREKA_CLIENT_ENABLED", "false");
    for (said, expected) in [
        (&[][..], "Eureka at http://localhost:8761/eureka"),
        (&[eureka_off], "Consul at http://localhost:8500"),
        (
            &[eureka_off, ("SPRING_CLOUD_CONSUL_ENABLED", "false")],
            "ZooKeeper at localhost:2181",
        ),
        (
            &[("SPRING_CLOUD_ZOOKEEPER_ENABLED", "true")],
            "ZooKeeper at localhost:2181",
        ),
        (
            &[("SPRING_CLOUD_ZOOKEEPER_CONNECTSTRING", "zk1,zk2:1/a")],
            "ZooKeeper at zk1,zk2:1/a",
        ),
        (
            &[
                ("SPRING_CLOUD_CONSUL_HOST", "consul"),
                ("SPRING_CLOUD_CONSUL_SCHEME", "https"),
                ("SPRING_CLOUD_CONSUL_PORT", "8501"),
                ("SPRING_CLOUD_CONSUL_TOKEN", "s3cret"),
                ("EUREKA_CLIENT_SERVICEURL_DEFAULTZONE", "http://eureka/"),
                eureka_off,
            ],
            "Consul at https://consul:8501",
        ),
    ] {
        assert_eq!(name(said).unwrap(), expected, "{said:?}");
    }
    let error = name(&[
        ("SPRING_CLOUD_CONSUL_HOST", "consul"),
        ("SPRING_CLOUD_ZOOKEEPER_CONNECT_STRING", "zk1"),
    ]);
    let error = error.unwrap_err();
    assert!(
        error.contains("SPRING_CLOUD_ZOOKEEPER_ENABLED=false"),
        "{error}"
    );
}

#[test]
fn a_balance_is_one_of_ours() {
    let error = variables(&[("CONFBUS_BALANCE", "fair")]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("CONFBUS_BALANCE: expected `in-order`"),
        "{error}"
    );
    let (_, requests, _) = variables(&[]).unwrap().checked().unwrap();
    assert_eq!(requests.balance, Balance::InOrder);
}

#[cfg(feature = "kafka")]
#[test]
fn brokers_of_kafka_mean_kafka_unless_told_otherwise() {
    let brokers = ("SPRING_KAFKA_BOOTSTRAP_SERVERS", "b1,b2:9093");
    let login = "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"ana\" password=\"s3cret\";";
    let settings = variables(&[
        brokers,
        ("SPRING_CLOUD_BUS_DESTINATION", "bus"),
        ("SPRING_KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
        ("SPRING_KAFKA_PROPERTIES_SASL_MECHANISM", "PLAIN"),
        ("SPRING_KAFKA_PROPERTIES_SASL_JAAS_CONFIG", login),
        ("SPRING_KAFKA_SSL_TRUST_STORE_LOCATION", "file:ca.p12"),
    ])
    .unwrap();
    assert!(!format!("{settings:?}").contains("s3cret"));
    let Transport::Kafka(kafka) = settings.transport else {
        panic!("expected kafka")
    };
    let shown: Vec<_> = kafka.brokers.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["b1:9092", "b2:9093"]);
    assert_eq!(kafka.topic, "bus");
    assert_eq!(kafka.sasl.unwrap().username, "ana");
    let trusted = kafka.tls.unwrap().trusted.unwrap();
    assert_eq!(trusted.path.to_str(), Some("ca.p12"));
    let stream = variables(&[brokers, ("CONFBUS_TRANSPORT", "stream")]).unwrap();
    assert_eq!(stream.transport, Transport::Stream);
    let both = variables(&[brokers, ("SPRING_RABBITMQ_HOST", "b1")]).unwrap_err();
    let both = both.to_string();
    assert!(
        both.contains("SPRING_KAFKA_BOOTSTRAP_SERVERS") && both.contains("CONFBUS_TRANSPORT"),
        "{both}"
    );
    let wrong = variables(&[("SPRING_KAFKA_BOOTSTRAP_SERVERS", "ana:s3cret@b1")]).unwrap_err();
    assert!(!wrong.to_string().contains("s3cret"), "{wrong}");
}

/// An application may have it for something else.
#[cfg(not(feature = "kafka"))]
#[test]
fn without_its_feature_kafka_is_nobodys_business_unless_asked_for() {
    let brokers = ("SPRING_KAFKA_BOOTSTRAP_SERVERS", "b1");
    let settings = variables(&[brokers]).unwrap();
    assert_eq!(settings.transport, Transport::Stream);
    let error = variables(&[brokers, ("CONFBUS_TRANSPORT", "kafka")]).unwrap_err();
    assert!(error.to_string().contains("feature `kafka`"), "{error}");
}
