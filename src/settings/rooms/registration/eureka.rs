use std::{net::IpAddr, time::Duration};

use indexmap::IndexMap;
use secrecy::SecretString;

use super::super::{
    SECOND, SERVER,
    http::{CONTEXT_PATH, base_path},
};
use crate::{
    registration::eureka::{Peer, Port, Settings},
    settings::{code, reader::Reader},
};

const ZONE: &str = "eureka.client.service-url.defaultZone";
const INSTANCE: &str = "eureka.instance";
const METADATA: &str = "eureka.instance.metadata-map";

/// By which name Spring's clients look a config server up unless they are told another one.
const USUAL_NAME: &str = "configserver";
/// More peers, or more metadata, are a mistake.
const MOST_PEERS: usize = 16;
const MOST_METADATA: usize = 64;
/// Longer names and values are no use to anybody, in characters.
const LONGEST: usize = 1000;

/// Off unless peers are named; the outer `None` when they cannot be used.
pub(super) fn eureka(reader: &mut Reader, is_https: bool) -> Option<Option<Settings>> {
    let is_on = [
        "eureka.client.enabled",
        "eureka.client.register-with-eureka",
        "spring.cloud.discovery.enabled",
        "spring.cloud.service-registry.auto-registration.enabled",
    ];
    let is_off = is_on.iter().any(|key| !reader.flag(key, true));
    let addresses = reader.list(ZONE);
    if is_off || addresses.is_empty() {
        return Some(None);
    }
    let peers = peers(reader, &addresses);
    let name = reader.text("spring.application.name");
    let application = name.unwrap_or_else(|| USUAL_NAME.to_owned());
    let application = reader.text_or(&of("appname"), &application);
    let virtual_host = reader.text_or(&of("virtual-host-name"), &application);
    let secure_virtual_host = reader.text_or(&of("secure-virtual-host-name"), &virtual_host);
    let metadata = metadata(reader);
    let address = address(reader);
    let renewal_interval = seconds(reader, "lease-renewal-interval-in-seconds", 30);
    let lease = seconds(reader, "lease-expiration-duration-in-seconds", 90);
    let settings = Settings {
        instance_id: name_of(reader, "instance-id"),
        hostname: name_of(reader, "hostname"),
        prefer_address: reader.flag(&of("prefer-ip-address"), false),
        plain: port(reader, "non-secure-port", !is_https),
        secure: port(reader, "secure-port", is_https),
        context_path: base_path(reader, CONTEXT_PATH).as_str().to_owned(),
        application,
        virtual_host,
        secure_virtual_host,
        peers: peers?,
        address: address?,
        metadata: metadata?,
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

/// What clients read of an instance. Where our routes have a prefix, they are told it unless somebody tells them more.
fn metadata(reader: &mut Reader) -> Option<IndexMap<String, SecretString>> {
    let said = reader.below(&format!("{METADATA}."));
    let is_long = |text: &str| text.chars().count() > LONGEST || text.contains(char::is_control);
    if said.len() > MOST_METADATA {
        let text = format!("`{METADATA}` has more than {MOST_METADATA} entries");
        reader.refuse(METADATA, text, None);
        return None;
    }
    if let Some((name, _)) = said
        .iter()
        .find(|(name, value)| is_long(name) || is_long(value))
    {
        let key = format!("{METADATA}.{name}");
        let text = format!("`{key}` is not one line of at most {LONGEST} characters");
        reader.refuse(&key, text, None);
        return None;
    }
    let context = base_path(reader, CONTEXT_PATH);
    let prefix = base_path(reader, &format!("{SERVER}.prefix"));
    let path = format!("{}{}", context.as_str(), prefix.as_str());
    let own = (!path.is_empty()).then(|| ("configPath".to_owned(), path));
    let all = own.into_iter().chain(said);
    Some(all.map(|(name, value)| (name, value.into())).collect())
}

/// The outer `None` when it is none.
#[expect(
    clippy::option_option,
    reason = "outer: can it be used; inner: was it said"
)]
fn address(reader: &mut Reader) -> Option<Option<IpAddr>> {
    let key = of("ip-address");
    let Some(text) = reader.text(&key) else {
        return Some(None);
    };
    let address = text.parse().ok();
    if address.is_none() {
        reader.refuse(&key, format!("`{key}` is not an IP address"), None);
    }
    address.map(Some)
}

/// A name of one line.
fn name_of(reader: &mut Reader, name: &str) -> Option<String> {
    let key = of(name);
    let text = reader.text(&key)?;
    if text.chars().count() > LONGEST || text.contains(char::is_control) {
        let problem = format!("`{key}` is not one line of at most {LONGEST} characters");
        reader.refuse(&key, problem, None);
        return None;
    }
    Some(text)
}

fn port(reader: &mut Reader, name: &str, is_enabled: bool) -> Port {
    let key = of(name);
    Port {
        number: reader.has(&key).then(|| reader.number(&key, 0)),
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
    let in_clear = |peer: &Peer| !peer.is_https() && !peer.is_here();
    let has_secret = settings.metadata.contains_key("password");
    let mut peers = settings.peers.iter();
    if peers.any(|peer| in_clear(peer) && (has_secret || peer.has_login())) {
        let text = format!("`{ZONE}` is not https: passwords are sent in clear");
        reader.warn(code::INSECURE, text);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const PEER: (&str, &str) = (
        "eureka.client.serviceUrl.defaultZone",
        "http://localhost:8761/eureka/",
    );

    /// The settings, or what is wrong; warnings in both cases.
    fn read(said: &[(&str, &str)]) -> (Option<Option<Settings>>, String, Vec<String>) {
        let arguments = said.iter();
        let arguments = arguments.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let mut reader = Reader::of(arguments.collect(), Vec::new());
        let settings = eureka(&mut reader, false);
        let (problems, warnings) = reader.finish();
        let problems = problems.iter().map(ToString::to_string).collect();
        let warnings = warnings.iter().map(ToString::to_string);
        (settings, problems, warnings.collect())
    }

    fn used(said: &[(&str, &str)]) -> Option<Settings> {
        let (settings, problems, warnings) = read(said);
        assert_eq!((problems.as_str(), warnings.len()), ("", 0), "{warnings:?}");
        settings.unwrap()
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
        assert!(settings.metadata.is_empty() && settings.hostname.is_none());
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
        assert_eq!(settings.instance_id.as_deref(), Some("a:b"));
        assert_eq!(settings.address, Some(IpAddr::from([10, 0, 0, 5])));
        assert_eq!(
            (settings.plain.number, settings.secure.number),
            (Some(80), None)
        );
        assert!(settings.prefer_address && settings.secure.is_enabled);
        assert_eq!(
            (settings.renewal_interval, settings.lease),
            (SECOND * 5, SECOND * 15)
        );
        let value = |name: &str| settings.metadata[name].expose_secret().to_owned();
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
        let metadata = settings.unwrap().metadata;
        assert_eq!(metadata["configPath"].expose_secret(), "/outside/cfg");
        assert_eq!(metadata.len(), 1);
    }

    #[test]
    fn mistakes_are_named_without_passwords() {
        let long = "x".repeat(LONGEST + 1);
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
