use std::{net::IpAddr, time::SystemTime};

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::Settings;
use crate::registration::Ports;

/// What Spring's readers want a payload to be; with any other class they fail as a whole.
const PAYLOAD: &str = "org.springframework.cloud.zookeeper.discovery.ZookeeperInstance";

/// This server, as ZooKeeper lists it.
#[derive(Debug)]
pub(super) struct Node {
    /// Where the instances of the service are.
    folder: String,
    id: String,
    path: String,
}

impl Node {
    pub(super) fn of(settings: &Settings) -> Self {
        let id = settings.advertised.id.clone();
        let id = id.unwrap_or_else(|| Uuid::new_v4().to_string());
        let folder = format!("{}/{}", settings.root, settings.service);
        Self {
            path: format!("{folder}/{id}"),
            folder,
            id,
        }
    }

    pub(super) fn folder(&self) -> &str {
        &self.folder
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// What Curator writes, key for key: older ones refuse what they do not know.
    pub(super) fn data(&self, settings: &Settings, ports: Ports, address: IpAddr) -> Vec<u8> {
        let own = ports.main.port();
        let secure = settings.secure_port;
        let secure = secure.or_else(|| settings.is_https.then_some(own));
        // The port that readers put into the address, whatever is spoken there.
        let port = settings.port.or(secure).unwrap_or(own);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = u64::try_from(now.unwrap_or_default().as_millis()).unwrap_or(u64::MAX);
        let host = match settings.advertised.host(address) {
            host if host.contains(':') => format!("[{host}]"),
            host => host,
        };
        let data = json!({
            "name": settings.service,
            "id": self.id,
            "address": host,
            "port": port,
            "sslPort": secure,
            "payload": {
                "@class": PAYLOAD,
                "id": settings.service,
                "name": settings.service,
                "metadata": metadata(settings),
            },
            "registrationTimeUTC": now,
            "serviceType": "DYNAMIC",
            "uriSpec": { "parts": [
                part("scheme", true),
                part("://", false),
                part("address", true),
                part(":", false),
                part("port", true),
            ] },
        });
        data.to_string().into_bytes()
    }
}

fn part(value: &str, is_variable: bool) -> Value {
    json!({ "value": value, "variable": is_variable })
}

fn metadata(settings: &Settings) -> Map<String, Value> {
    let status = ("instance_status".to_owned(), "UP".into());
    let said = settings.advertised.metadata.iter();
    let said = said.map(|(name, value)| (name.clone(), value.expose_secret().into()));
    std::iter::once(status).chain(said).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use indexmap::IndexMap;

    use super::*;
    use crate::registration::{Advertised, zookeeper::Ensemble};

    fn settings() -> Settings {
        Settings {
            ensemble: Ensemble::parse("zk1,zk2").unwrap(),
            root: "/services".to_owned(),
            service: "configserver".to_owned(),
            advertised: Advertised {
                hostname: Some("host1".to_owned()),
                metadata: IndexMap::from([
                    ("configPath".to_owned(), "/config".into()),
                    ("password".to_owned(), "s3cret".into()),
                ]),
                ..Advertised::default()
            },
            port: None,
            secure_port: None,
            is_https: false,
            session: Duration::from_secs(60),
        }
    }

    fn data(settings: &Settings, address: &str) -> Value {
        let node = Node::of(settings);
        let ports = Ports {
            main: "0.0.0.0:8888".parse().unwrap(),
            management: None,
        };
        let shown = format!("{node:?} {settings:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        serde_json::from_slice(&node.data(settings, ports, address.parse().unwrap())).unwrap()
    }

    /// As Curator wrote it for a Spring application, but for what differs from one to the next.
    const CURATORS: &str = r#"{"name":"configserver","id":"","address":"host1","port":8888,"sslPort":null,"payload":{"@class":"org.springframework.cloud.zookeeper.discovery.ZookeeperInstance","id":"configserver","name":"configserver","metadata":{"instance_status":"UP","configPath":"/config","password":"s3cret"}},"registrationTimeUTC":0,"serviceType":"DYNAMIC","uriSpec":{"parts":[{"value":"scheme","variable":true},{"value":"://","variable":false},{"value":"address","variable":true},{"value":":","variable":false},{"value":"port","variable":true}]}}"#;

    #[test]
    fn it_writes_what_curator_writes() {
        let mut data = data(&settings(), "10.0.0.5");
        assert!(Uuid::parse_str(data["id"].as_str().unwrap()).is_ok());
        assert!(data["registrationTimeUTC"].as_u64().unwrap() > 1_700_000_000_000);
        data["id"] = "".into();
        data["registrationTimeUTC"] = 0.into();
        assert_eq!(data.to_string(), CURATORS);
    }

    #[test]
    fn names_addresses_and_ports_are_those_that_were_said() {
        let said = Settings {
            is_https: true,
            advertised: Advertised {
                id: Some("config-1".to_owned()),
                prefer_address: true,
                ..settings().advertised
            },
            ..settings()
        };
        assert_eq!(Node::of(&said).path(), "/services/configserver/config-1");
        let written = data(&said, "fd00::5");
        assert_eq!(written["address"], "[fd00::5]");
        assert_eq!(
            (&written["port"], &written["sslPort"]),
            (&8888.into(), &8888.into())
        );
        let said = Settings {
            port: Some(80),
            ..settings()
        };
        let written = data(&said, "10.0.0.5");
        assert_eq!(
            (&written["port"], &written["sslPort"]),
            (&80.into(), &Value::Null)
        );
    }
}
