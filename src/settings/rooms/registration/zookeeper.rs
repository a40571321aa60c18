use super::{super::SECOND, advertised};
use crate::{
    registration::{
        Advertised,
        zookeeper::{Ensemble, Settings, is_name, is_path},
    },
    settings::{code, reader::Reader},
};

const ENABLED: &str = "spring.cloud.zookeeper.enabled";
const CONNECT: &str = "spring.cloud.zookeeper.connect-string";
const SESSION: &str = "spring.cloud.zookeeper.session-timeout";
const DISCOVERY: &str = "spring.cloud.zookeeper.discovery";
const USUAL: &str = "localhost:2181";

/// Off unless an ensemble is named, or somebody says yes in so many words; the outer `None` when it cannot be used.
pub(super) fn zookeeper(reader: &mut Reader, is_https: bool) -> Option<Option<Settings>> {
    let (enabled, register) = (of("enabled"), of("register"));
    let is_on = advertised::is_on(reader, &[ENABLED, &enabled, &register]);
    if !is_on || !(reader.has(CONNECT) || reader.has(ENABLED)) {
        return Some(None);
    }
    let ensemble = ensemble(reader);
    let root = root(reader);
    let service = advertised::service(reader);
    let advertised = advertised(reader);
    let session = reader.duration(SESSION, SECOND / 1000, SECOND * 60);
    let settings = Settings {
        port: advertised::port(reader, &of("instance-port")),
        secure_port: advertised::port(reader, &of("instance-ssl-port")),
        ensemble: ensemble?,
        root: root?,
        service,
        advertised: advertised?,
        is_https,
        session,
    };
    check(reader, &settings)?;
    Some(Some(settings))
}

fn of(name: &str) -> String {
    format!("{DISCOVERY}.{name}")
}

fn ensemble(reader: &mut Reader) -> Option<Ensemble> {
    let ensemble = Ensemble::parse(&reader.text_or(CONNECT, USUAL));
    if ensemble.is_none() {
        let text = format!("`{CONNECT}` is no list of hosts with a path behind it");
        reader.refuse(CONNECT, text, Some("zookeeper-1:2181,zookeeper-2:2181"));
    }
    ensemble
}

/// As Spring reads it: a slash in front, and none behind.
fn root(reader: &mut Reader) -> Option<String> {
    let key = of("root");
    let text = reader.text_or(&key, "/services");
    let text = text.trim_matches('/');
    let root = if text.is_empty() {
        String::new()
    } else {
        format!("/{text}")
    };
    if !is_path(&root) {
        reader.refuse(&key, format!("`{key}` is no path of a node"), None);
        return None;
    }
    Some(root)
}

fn advertised(reader: &mut Reader) -> Option<Advertised> {
    let metadata = advertised::metadata(reader, &of("metadata"));
    let address = advertised::address(reader, &of("instance-ip-address"));
    Some(Advertised {
        id: advertised::name(reader, &of("instance-id")),
        hostname: advertised::name(reader, &of("instance-host")),
        prefer_address: reader.flag(&of("prefer-ip-address"), false),
        address: address?,
        metadata: metadata?,
    })
}

/// What only shows when all is known.
fn check(reader: &mut Reader, settings: &Settings) -> Option<()> {
    let id = settings.advertised.id.as_deref();
    let names = [
        (
            "spring.application.name".to_owned(),
            Some(&*settings.service),
        ),
        (of("instance-id"), id),
    ];
    for (key, name) in names {
        if !name.is_none_or(is_name) {
            reader.refuse(&key, format!("`{key}` is no name of a node"), None);
            return None;
        }
    }
    if !(SECOND..=SECOND * 3600).contains(&settings.session) {
        reader.refuse(
            SESSION,
            format!("`{SESSION}` is not between 1s and 1h"),
            None,
        );
        return None;
    }
    if settings.advertised.metadata.contains_key("password") && !settings.ensemble.is_here() {
        let text = format!(
            "`{CONNECT}` is reached without TLS: the password of the metadata is sent in clear"
        );
        reader.warn(code::INSECURE, text);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{self, Read},
        *,
    };

    const ZK: (&str, &str) = ("spring.cloud.zookeeper.connectString", "localhost:2181");

    fn read(said: &[(&str, &str)]) -> Read<Settings> {
        testing::read(said, |reader| zookeeper(reader, false))
    }

    fn used(said: &[(&str, &str)]) -> Option<Settings> {
        testing::used(read(said))
    }

    #[test]
    fn it_is_off_unless_an_ensemble_is_named_and_nobody_says_no() {
        assert!(used(&[]).is_none());
        assert!(used(&[("spring.cloud.zookeeper.discovery.root", "/x")]).is_none());
        for off in [
            "spring.cloud.zookeeper.enabled",
            "spring.cloud.zookeeper.discovery.enabled",
            "spring.cloud.zookeeper.discovery.register",
            "spring.cloud.discovery.enabled",
            "spring.cloud.service-registry.auto-registration.enabled",
        ] {
            assert!(used(&[ZK, (off, "false")]).is_none(), "{off}");
        }
        let usual = used(&[("spring.cloud.zookeeper.enabled", "true")]).unwrap();
        assert_eq!(usual.ensemble.to_string(), USUAL);
        assert_eq!(
            (&*usual.root, &*usual.service),
            ("/services", advertised::USUAL_NAME)
        );
        assert_eq!(usual.session, SECOND * 60);
    }

    #[test]
    fn what_spring_reads_is_read() {
        let settings = used(&[
            ("spring.cloud.zookeeper.connect-string", "zk1,zk2:2182/apps"),
            ("spring.cloud.zookeeper.session-timeout", "6000"),
            ("spring.cloud.zookeeper.discovery.root", "config/services/"),
            ("spring.cloud.zookeeper.discovery.instance-id", "config-1"),
            ("spring.cloud.zookeeper.discovery.instanceHost", "host1"),
            (
                "spring.cloud.zookeeper.discovery.instance-ip-address",
                "10.0.0.5",
            ),
            ("spring.cloud.zookeeper.discovery.prefer-ip-address", "true"),
            ("spring.cloud.zookeeper.discovery.instance-port", "80"),
            ("spring.cloud.zookeeper.discovery.instance-ssl-port", "443"),
            ("spring.cloud.zookeeper.discovery.metadata.zone", "eu-1"),
            ("spring.application.name", "config"),
        ])
        .unwrap();
        assert_eq!(settings.ensemble.to_string(), "zk1:2181,zk2:2182/apps");
        assert_eq!(
            (&*settings.root, &*settings.service),
            ("/config/services", "config")
        );
        assert_eq!(settings.session, SECOND * 6);
        assert_eq!((settings.port, settings.secure_port), (Some(80), Some(443)));
        let advertised = settings.advertised;
        assert_eq!(advertised.id.as_deref(), Some("config-1"));
        assert_eq!(advertised.hostname.as_deref(), Some("host1"));
        assert!(advertised.prefer_address && advertised.address.is_some());
        assert!(advertised.metadata.contains_key("zone"));
    }

    #[test]
    fn mistakes_are_named_and_passwords_are_not() {
        for (key, value, expected) in [
            (
                "spring.cloud.zookeeper.connect-string",
                "jo:s3cret@zk1:2181",
                "no list of hosts",
            ),
            (
                "spring.cloud.zookeeper.session-timeout",
                "5",
                "between 1s and 1h",
            ),
            (
                "spring.cloud.zookeeper.discovery.root",
                "/a//b",
                "no path of a node",
            ),
            (
                "spring.cloud.zookeeper.discovery.instance-id",
                "a/b",
                "no name of a node",
            ),
            ("spring.application.name", "..", "no name of a node"),
            (
                "spring.cloud.zookeeper.discovery.instance-ip-address",
                "here",
                "not an IP address",
            ),
        ] {
            let (settings, problems, _) = read(&[ZK, (key, value)]);
            assert!(
                settings.is_none() && problems.contains(expected),
                "{key}: {problems}"
            );
            assert!(!problems.contains("s3cret"), "{problems}");
        }
        let password = (
            "spring.cloud.zookeeper.discovery.metadata.password",
            "s3cret",
        );
        for (ensemble, number) in [("zk1", 1), ("127.0.0.1", 0)] {
            let (settings, problems, warnings) = read(&[(CONNECT, ensemble), password]);
            assert_eq!(warnings.len(), number, "{warnings:?}");
            let shown = format!("{settings:?} {problems} {warnings:?}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
    }
}
