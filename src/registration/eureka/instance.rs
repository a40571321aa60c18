use std::{net::IpAddr, time::SystemTime};

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::{Port, Settings};
use crate::{network::authority, registration::Ports};

/// Where instances are, below a peer.
pub(super) const APPS: &str = "apps";

/// The kind of machine that is not Amazon's, as Netflix' reader wants it.
const DATA_CENTER: &str = "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo";

/// This server, as peers list it.
pub(super) struct Instance {
    id: String,
    application: String,
    /// When it last became another one, in ms since 1970: a peer that knows of a newer one has it registered again.
    since: String,
    body: Value,
}

/// Metadata may hold a password.
impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instance")
            .field("id", &self.id)
            .field("application", &self.application)
            .finish_non_exhaustive()
    }
}

impl Instance {
    /// Of a server that is reached at this address.
    pub(super) fn of(settings: &Settings, ports: Ports, address: IpAddr) -> Self {
        let advertised = &settings.advertised;
        let host = advertised.host(address);
        let id = advertised.id.clone();
        let id = id.unwrap_or_else(|| {
            let (name, port) = (advertised.name(address), ports.main.port());
            format!("{name}:{}:{port}", settings.application)
        });
        let application = settings.application.to_uppercase();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let since = now.unwrap_or_default().as_millis().to_string();
        let number = |port: Port| port.number.unwrap_or_else(|| ports.main.port());
        let port =
            |port: Port| json!({ "$": number(port), "@enabled": port.is_enabled.to_string() });
        let (scheme, main) = if settings.secure.is_enabled {
            ("https", number(settings.secure))
        } else {
            ("http", number(settings.plain))
        };
        let management = ports.management.map_or(main, |at| at.port());
        let actuator = format!(
            "{scheme}://{}{}/actuator",
            authority(&host, management),
            settings.context_path
        );
        let body = json!({
            "instanceId": id,
            "hostName": host,
            "app": application,
            "ipAddr": address.to_string(),
            "status": "UP",
            "overriddenStatus": "UNKNOWN",
            "port": port(settings.plain),
            "securePort": port(settings.secure),
            "countryId": 1,
            "dataCenterInfo": { "@class": DATA_CENTER, "name": "MyOwn" },
            "leaseInfo": {
                "renewalIntervalInSecs": settings.renewal_interval.as_secs(),
                "durationInSecs": settings.lease.as_secs(),
            },
            "metadata": metadata(settings, management),
            "homePageUrl": format!("{scheme}://{}/", authority(&host, main)),
            "statusPageUrl": format!("{actuator}/info"),
            "healthCheckUrl": format!("{actuator}/health"),
            "vipAddress": settings.virtual_host,
            "secureVipAddress": settings.secure_virtual_host,
            "isCoordinatingDiscoveryServer": "false",
            "lastUpdatedTimestamp": since,
            "lastDirtyTimestamp": since,
        });
        Self {
            id,
            application,
            since,
            body,
        }
    }

    pub(super) fn application(&self) -> &str {
        &self.application
    }

    /// Where it is, below a peer.
    pub(super) fn path(&self) -> [&str; 3] {
        [APPS, &self.application, &self.id]
    }

    /// What says that it is still here.
    pub(super) fn heartbeat(&self) -> [(&'static str, &str); 2] {
        [("status", "UP"), ("lastDirtyTimestamp", &self.since)]
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        json!({ "instance": self.body }).to_string().into_bytes()
    }
}

fn metadata(settings: &Settings, management: u16) -> Map<String, Value> {
    let own = ("management.port".to_owned(), management.to_string().into());
    let said = settings.advertised.metadata.iter();
    let said = said.map(|(name, value)| (name.clone(), value.expose_secret().into()));
    std::iter::once(own).chain(said).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use indexmap::IndexMap;

    use super::*;
    use crate::registration::{Advertised, eureka::Peer};

    fn settings() -> Settings {
        Settings {
            peers: vec![Peer::parse("http://eureka:8761/eureka/").unwrap()],
            application: "configserver".to_owned(),
            virtual_host: "configserver".to_owned(),
            secure_virtual_host: "configserver".to_owned(),
            advertised: Advertised {
                hostname: Some("host1".to_owned()),
                metadata: IndexMap::from([
                    ("configPath".to_owned(), "/config".into()),
                    ("password".to_owned(), "s3cret".into()),
                ]),
                ..Advertised::default()
            },
            plain: Port {
                number: None,
                is_enabled: true,
            },
            secure: Port {
                number: Some(443),
                is_enabled: false,
            },
            context_path: String::new(),
            renewal_interval: Duration::from_secs(30),
            lease: Duration::from_secs(90),
        }
    }

    fn body(settings: &Settings, management: Option<&str>, address: &str) -> Value {
        let ports = Ports {
            main: "0.0.0.0:8888".parse().unwrap(),
            management: management.map(|at| at.parse().unwrap()),
        };
        let instance = Instance::of(settings, ports, address.parse().unwrap());
        let shown = format!("{instance:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        let body: Value = serde_json::from_slice(&instance.to_json()).unwrap();
        body["instance"].clone()
    }

    #[test]
    fn it_says_what_readers_of_eureka_want() {
        let body = body(&settings(), None, "10.0.0.5");
        for (key, expected) in [
            ("instanceId", json!("host1:configserver:8888")),
            ("hostName", json!("host1")),
            ("app", json!("CONFIGSERVER")),
            ("ipAddr", json!("10.0.0.5")),
            ("status", json!("UP")),
            ("vipAddress", json!("configserver")),
            ("port", json!({ "$": 8888, "@enabled": "true" })),
            ("securePort", json!({ "$": 443, "@enabled": "false" })),
            ("homePageUrl", json!("http://host1:8888/")),
            ("healthCheckUrl", json!("http://host1:8888/actuator/health")),
            (
                "metadata",
                json!({ "management.port": "8888", "configPath": "/config", "password": "s3cret" }),
            ),
        ] {
            assert_eq!(body[key], expected, "{key}");
        }
        assert_eq!(body["lastDirtyTimestamp"], body["lastUpdatedTimestamp"]);
        assert!(body["lastDirtyTimestamp"].is_string());
    }

    #[test]
    fn addresses_and_ports_are_those_that_clients_reach() {
        let settings = Settings {
            advertised: Advertised {
                prefer_address: true,
                ..settings().advertised
            },
            plain: Port {
                number: None,
                is_enabled: false,
            },
            secure: Port {
                number: None,
                is_enabled: true,
            },
            context_path: "/base".to_owned(),
            ..settings()
        };
        let body = body(&settings, Some("127.0.0.1:9000"), "fd00::5");
        assert_eq!(body["hostName"], "fd00::5");
        assert_eq!(body["instanceId"], "host1:configserver:8888");
        assert_eq!(body["securePort"], json!({ "$": 8888, "@enabled": "true" }));
        assert_eq!(body["homePageUrl"], "https://[fd00::5]:8888/");
        assert_eq!(
            body["healthCheckUrl"],
            "https://[fd00::5]:9000/base/actuator/health"
        );
        assert_eq!(body["metadata"]["management.port"], "9000");
    }
}
