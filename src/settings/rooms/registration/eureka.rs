use std::time::Duration;

use super::{
    super::{
        SECOND,
        http::{CONTEXT_PATH, base_path},
    },
    advertised,
};
use crate::{
    registration::{
        Advertised,
        eureka::{Peer, Port, Settings},
    },
    settings::{code, reader::Reader},
};

const ZONE: &str = "eureka.client.service-url.defaultZone";
const INSTANCE: &str = "eureka.instance";
const METADATA: &str = "eureka.instance.metadata-map";

/// More are a mistake.
const MOST_PEERS: usize = 16;

/// Off unless peers are named; the outer `None` when they cannot be used.
pub(super) fn eureka(reader: &mut Reader, is_https: bool) -> Option<Option<Settings>> {
    let keys = [
        "eureka.client.enabled",
        "eureka.client.register-with-eureka",
    ];
    let is_on = advertised::is_on(reader, &keys);
    let addresses = reader.list(ZONE);
    if !is_on || addresses.is_empty() {
        return Some(None);
    }
    let peers = peers(reader, &addresses);
    let application = advertised::service(reader);
    let application = reader.text_or(&of("appname"), &application);
    let virtual_host = reader.text_or(&of("virtual-host-name"), &application);
    let secure_virtual_host = reader.text_or(&of("secure-virtual-host-name"), &virtual_host);
    let advertised = advertised(reader);
    let renewal_interval = seconds(reader, "lease-renewal-interval-in-seconds", 30);
    let lease = seconds(reader, "lease-expiration-duration-in-seconds", 90);
    let settings = Settings {
        plain: port(reader, "non-secure-port", !is_https),
        secure: port(reader, "secure-port", is_https),
        context_path: base_path(reader, CONTEXT_PATH).as_str().to_owned(),
        application,
        virtual_host,
        secure_virtual_host,
        peers: peers?,
        advertised: advertised?,
        renewal_interval: renewal_interval?,
        lease: lease?,
    };
    check(reader, &settings)?;
    Some(Some(settings))
}

fn of(name: &str) -> String {
    format!("{INSTANCE}.{name}")
}

fn peers(reader: &mut Reader, addresses: &[String]) -> Option<Vec<Peer>> {
    let peers: Option<Vec<_>> = addresses.iter().map(|text| Peer::parse(text)).collect();
    let peers = peers.filter(|peers| peers.len() <= MOST_PEERS);
    if peers.is_none() {
        let text = format!("`{ZONE}` is no list of at most {MOST_PEERS} http or https addresses");
        reader.refuse(ZONE, text, Some("http://eureka:8761/eureka/"));
    }
    peers
}

fn advertised(reader: &mut Reader) -> Option<Advertised> {
    let metadata = advertised::metadata(reader, METADATA);
    let address = advertised::address(reader, &of("ip-address"));
    Some(Advertised {
        id: advertised::name(reader, &of("instance-id")),
        hostname: advertised::name(reader, &of("hostname")),
        prefer_address: reader.flag(&of("prefer-ip-address"), false),
        address: address?,
        metadata: metadata?,
    })
}

fn port(reader: &mut Reader, name: &str, is_enabled: bool) -> Port {
    let key = of(name);
    Port {
        number: advertised::port(reader, &key),
        is_enabled: reader.flag(&format!("{key}-enabled"), is_enabled),
    }
}

/// Between a second and an hour.
fn seconds(reader: &mut Reader, name: &str, default: u32) -> Option<Duration> {
    let key = of(name);
    let seconds: u32 = reader.number(&key, default);
    if !(1..=3600).contains(&seconds) {
        reader.refuse(&key, format!("`{key}` is not between 1 and 3600"), None);
        return None;
    }
    Some(SECOND * seconds)
}

/// What only shows when all is known.
fn check(reader: &mut Reader, settings: &Settings) -> Option<()> {
    if settings.lease <= settings.renewal_interval {
        let key = of("lease-expiration-duration-in-seconds");
        let text = format!("`{key}` ends before the next renewal");
        reader.refuse(&key, text, Some("three times the interval of renewals"));
        return None;
    }
    let has_secret = settings.advertised.metadata.contains_key("password");
    let mut peers = settings.peers.iter();
    if peers.any(|peer| peer.is_in_clear() && (has_secret || peer.has_login())) {
        let text = format!("`{ZONE}` is not https: passwords are sent in clear");
        reader.warn(code::INSECURE, text);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use secrecy::ExposeSecret as _;

    use super::{
        super::{
            advertised::USUAL_NAME,
            testing::{self, Read},
        },
        *,
    };

    const PEER: (&str, &str) = (
        "eureka.client.serviceUrl.defaultZone",
        "http://localhost:8761/eureka/",
    );

    fn read(said: &[(&str, &str)]) -> Read<Settings> {
        testing::read(said, |reader| eureka(reader, false))
    }

    fn used(said: &[(&str, &str)]) -> Option<Settings> {
        testing::used(read(said))
    }

    #[test]
    fn peers_are_enough() {
        let settings = used(&[PEER]).unwrap();
        assert_eq!(settings.peers.len(), 1);
        assert_eq!(
            (
                settings.application.as_str(),
                settings.virtual_host.as_str()
            ),
            (USUAL_NAME, USUAL_NAME)
        );
        assert_eq!(
            (settings.plain.is_enabled, settings.secure.is_enabled),
            (true, false)
        );
        assert_eq!(
            (settings.renewal_interval, settings.lease),
            (SECOND * 30, SECOND * 90)
        );
        let advertised = settings.advertised;
        assert!(advertised.metadata.is_empty() && advertised.hostname.is_none());
    }

    #[test]
    fn it_is_off_unless_peers_are_named_and_nobody_says_no() {
        assert!(used(&[]).is_none());
        assert!(used(&[("eureka.instance.hostname", "x")]).is_none());
        for off in [
            "eureka.client.enabled",
            "eureka.client.registerWithEureka",
            "spring.cloud.discovery.enabled",
            "spring.cloud.service-registry.auto-registration.enabled",
        ] {
            assert!(used(&[PEER, (off, "false")]).is_none(), "{off}");
        }
    }

    #[test]
    fn what_spring_reads_is_read() {
        let settings = used(&[
            (
                "eureka.client.service-url.defaultZone",
                "http://one/eureka,http://two/eureka",
            ),
            ("spring.application.name", "config"),
            ("spring.cloud.config.server.prefix", "/cfg"),
            ("eureka.instance.virtual-host-name", "configs"),
            ("eureka.instance.instance-id", "a:b"),
            ("eureka.instance.preferIpAddress", "true"),
            ("eureka.instance.ip-address", "10.0.0.5"),
            ("eureka.instance.lease-renewal-interval-in-seconds", "5"),
            ("eureka.instance.lease-expiration-duration-in-seconds", "15"),
            ("eureka.instance.non-secure-port", "80"),
            ("eureka.instance.secure-port-enabled", "true"),
            ("eureka.instance.metadata-map.zone", "eu-1"),
        ])
        .unwrap();
        assert_eq!(settings.peers[1].to_string(), "http://two/eureka");
        assert_eq!(
            (
                settings.application.as_str(),
                settings.virtual_host.as_str()
            ),
            ("config", "configs")
        );
        assert_eq!(settings.secure_virtual_host, "configs");
        assert_eq!(settings.advertised.id.as_deref(), Some("a:b"));
        assert_eq!(
            settings.advertised.address,
            Some(IpAddr::from([10, 0, 0, 5]))
        );
        assert_eq!(
            (settings.plain.number, settings.secure.number),
            (Some(80), None)
        );
        assert!(settings.advertised.prefer_address && settings.secure.is_enabled);
        assert_eq!(
            (settings.renewal_interval, settings.lease),
            (SECOND * 5, SECOND * 15)
        );
        let value = |name: &str| {
            settings.advertised.metadata[name]
                .expose_secret()
                .to_owned()
        };
        assert_eq!(
            (value("zone"), value("configPath")),
            ("eu-1".into(), "/cfg".into())
        );
    }

    #[test]
    fn what_is_said_of_the_path_wins() {
        let settings = used(&[
            PEER,
            ("spring.cloud.config.server.prefix", "/cfg"),
            ("eureka.instance.metadata-map.configPath", "/outside/cfg"),
        ]);
        let metadata = settings.unwrap().advertised.metadata;
        assert_eq!(metadata["configPath"].expose_secret(), "/outside/cfg");
        assert_eq!(metadata.len(), 1);
    }

    #[test]
    fn mistakes_are_named_without_passwords() {
        let long = "x".repeat(1001);
        let cases: [(&[(&str, &str)], &str); 5] = [
            (
                &[(ZONE, "eureka:8761,http://jo:s3cret@x:1/eureka")],
                "http or https",
            ),
            (
                &[PEER, ("eureka.instance.ip-address", "here")],
                "not an IP address",
            ),
            (
                &[
                    PEER,
                    ("eureka.instance.lease-renewal-interval-in-seconds", "0"),
                ],
                "between 1 and 3600",
            ),
            (
                &[
                    PEER,
                    ("eureka.instance.lease-expiration-duration-in-seconds", "30"),
                ],
                "before the next renewal",
            ),
            (
                &[PEER, ("eureka.instance.metadata-map.a", long.as_str())],
                "not one line",
            ),
        ];
        for (said, expected) in cases {
            let (settings, problems, _) = read(said);
            assert!(settings.is_none(), "{said:?}");
            assert!(problems.contains(expected), "{problems}");
            assert!(!problems.contains("s3cret"), "{problems}");
        }
    }

    #[test]
    fn passwords_in_clear_are_warned_of_and_not_shown() {
        for (address, number) in [
            ("http://jo:s3cret@eureka:8761/eureka", 1),
            ("http://jo:s3cret@127.0.0.1:8761/eureka", 0),
            ("https://jo:s3cret@eureka/eureka", 0),
            ("http://eureka:8761/eureka", 0),
        ] {
            let (settings, problems, warnings) = read(&[(ZONE, address)]);
            assert_eq!(warnings.len(), number, "{warnings:?}");
            let shown = format!("{settings:?} {problems} {warnings:?}");
            assert!(!shown.contains("s3cret"), "{shown}");
        }
        let password = ("eureka.instance.metadata-map.password", "s3cret");
        let (settings, _, warnings) = read(&[(ZONE, "http://eureka:8761/eureka"), password]);
        assert_eq!(warnings.len(), 1);
        let shown = format!("{settings:?} {warnings:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
