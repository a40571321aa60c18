use super::{
    super::testing::{self, Read},
    *,
};

const AGENT: (&str, &str) = ("spring.cloud.consul.host", "localhost");

fn read(said: &[(&str, &str)]) -> Read<Settings> {
    testing::read(said, |reader| consul(reader, false))
}

fn used(said: &[(&str, &str)]) -> Option<Settings> {
    testing::used(read(said))
}

#[test]
fn it_is_off_unless_an_agent_is_named_and_nobody_says_no() {
    assert!(used(&[]).is_none());
    assert!(used(&[("spring.cloud.consul.port", "8501")]).is_none());
    for off in [
        "spring.cloud.consul.enabled",
        "spring.cloud.consul.discovery.enabled",
        "spring.cloud.consul.discovery.register",
        "spring.cloud.discovery.enabled",
        "spring.cloud.service-registry.auto-registration.enabled",
    ] {
        assert!(used(&[AGENT, (off, "false")]).is_none(), "{off}");
    }
    let usual = used(&[("spring.cloud.consul.enabled", "true")]).unwrap();
    assert_eq!(usual.agent.to_string(), "http://localhost:8500");
    assert_eq!(
        (&*usual.service, usual.is_https),
        (advertised::USUAL_NAME, false)
    );
    let Some(Check::Ttl { ttl, interval }) = usual.check else {
        panic!("{:?}", usual.check);
    };
    assert_eq!((ttl, interval), (SECOND * 30, SECOND * 20));
}

#[test]
fn what_spring_reads_is_read() {
    let settings = used(&[
        ("spring.cloud.consul.host", "consul"),
        ("spring.cloud.consul.scheme", "HTTPS"),
        ("spring.cloud.consul.port", "8501"),
        ("spring.cloud.consul.path", "/x"),
        ("spring.cloud.consul.discovery.aclToken", "s3cret"),
        ("spring.cloud.consul.discovery.service-name", "config"),
        ("spring.cloud.consul.discovery.instance-id", "config-1"),
        ("spring.cloud.consul.discovery.hostname", "host1"),
        ("spring.cloud.consul.discovery.ip-address", "10.0.0.5"),
        ("spring.cloud.consul.discovery.prefer-ip-address", "true"),
        ("spring.cloud.consul.discovery.port", "443"),
        ("spring.cloud.consul.discovery.scheme", "https"),
        ("spring.cloud.consul.discovery.tags", "a, b"),
        ("spring.cloud.consul.discovery.metadata.zone", "eu-1"),
        ("spring.cloud.consul.discovery.heartbeat.enabled", "false"),
        ("spring.cloud.consul.discovery.health-check-interval", "5s"),
        (
            "spring.cloud.consul.discovery.health-check-critical-timeout",
            "2m",
        ),
        (
            "spring.cloud.consul.discovery.health-check-headers.X-A",
            "b",
        ),
        ("server.servlet.context-path", "/base"),
    ])
    .unwrap();
    assert_eq!(settings.agent.to_string(), "https://consul:8501/x");
    assert!(settings.agent.has_token() && settings.is_https);
    assert_eq!((&*settings.service, settings.port), ("config", Some(443)));
    assert_eq!(settings.tags, ["a", "b"]);
    assert_eq!(settings.critical_timeout, Some(SECOND * 120));
    let Some(Check::Http(http)) = &settings.check else {
        panic!("{:?}", settings.check);
    };
    assert_eq!(
        (&*http.path, http.interval),
        ("/base/actuator/health", SECOND * 5)
    );
    assert!(http.headers.contains_key("X-A") && http.url.is_none());
    assert_eq!(settings.advertised.id.as_deref(), Some("config-1"));
    assert!(settings.advertised.prefer_address && settings.advertised.address.is_some());
}

#[test]
fn heartbeats_come_in_time() {
    let interval = |ttl: &str, ratio: &str| {
        let settings = used(&[
            AGENT,
            ("spring.cloud.consul.discovery.heartbeat.ttl", ttl),
            (
                "spring.cloud.consul.discovery.heartbeat.interval-ratio",
                ratio,
            ),
        ]);
        match settings.unwrap().check {
            Some(Check::Ttl { interval, .. }) => interval,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(interval("10", "0.5"), SECOND * 5);
    assert_eq!(interval("2s", "0.9"), SECOND);
    assert_eq!(interval("3s", "0.1"), SECOND);
}

#[test]
fn mistakes_are_named_and_secrets_are_not() {
    let long = "s3cret".repeat(100);
    for (key, value, expected) in [
        (
            "spring.cloud.consul.host",
            "jo:s3cret@consul",
            "no address of an agent",
        ),
        (
            "spring.cloud.consul.scheme",
            "ftp",
            "no address of an agent",
        ),
        (
            "spring.cloud.consul.tls.key-store-password",
            "s3cret",
            "not supported",
        ),
        (
            "spring.cloud.consul.discovery.acl-token",
            "s3cret\u{7f}",
            "no token",
        ),
        (
            "spring.cloud.consul.discovery.service-name",
            "1config",
            "begin with a letter",
        ),
        (
            "spring.cloud.consul.discovery.instance-id",
            "config-",
            "begin with a letter",
        ),
        (
            "spring.cloud.consul.discovery.scheme",
            "ftp",
            "neither http nor https",
        ),
        (
            "spring.cloud.consul.discovery.metadata.a",
            &long,
            "not for Consul",
        ),
        (
            "spring.cloud.consul.discovery.metadata.a.b",
            "x",
            "not for Consul",
        ),
        (
            "spring.cloud.consul.discovery.heartbeat.ttl",
            "1s",
            "between 2s and 1h",
        ),
        (
            "spring.cloud.consul.discovery.heartbeat.interval-ratio",
            "1",
            "between 0.1 and 0.9",
        ),
        (
            "spring.cloud.consul.discovery.health-check-critical-timeout",
            "5ms",
            "shorter than a second",
        ),
    ] {
        let (_, problems, _) = read(&[AGENT, (key, value)]);
        assert!(problems.contains(expected), "{key}: {problems}");
        assert!(!problems.contains("s3cret"), "{problems}");
    }
    for (host, number) in [("consul", 1), ("127.0.0.1", 0)] {
        let token = ("consul.token", "s3cret");
        let (settings, problems, warnings) = read(&[(HOST, host), token]);
        assert_eq!(warnings.len(), number, "{warnings:?}");
        let shown = format!("{settings:?} {problems} {warnings:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
