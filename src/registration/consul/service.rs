use std::{net::IpAddr, time::Duration};

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value, json};

use super::{Check, Settings};
use crate::{network::authority, registration::Ports};

/// This server, as an agent lists it.
pub(super) struct Service {
    id: String,
    /// What the agent calls its check.
    check: String,
    body: Value,
}

/// Metadata and headers may hold a password.
impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Service {
    /// Of a server that is reached at this address.
    pub(super) fn of(settings: &Settings, ports: Ports, address: IpAddr) -> Self {
        let advertised = &settings.advertised;
        let port = settings.port.unwrap_or_else(|| ports.main.port());
        let host = advertised.host(address);
        let name = normalized(&settings.service);
        let id = match &advertised.id {
            Some(id) => normalized(id),
            None => normalized(&format!("{name}-{}-{port}", advertised.name(address))),
        };
        let mut body = json!({
            "ID": id,
            "Name": name,
            "Tags": settings.tags,
            "Meta": metadata(settings),
            "Port": port,
        });
        // Without one, Consul tells the address of the agent.
        if !settings.prefer_agent_address {
            body["Address"] = host.as_str().into();
        }
        if let Some(check) = &settings.check {
            let health = ports.management.map_or(port, |at| at.port());
            body["Check"] = check_of(settings, check, &authority(&host, health));
        }
        Self {
            check: format!("service:{id}"),
            id,
            body,
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    pub(super) fn check(&self) -> &str {
        &self.check
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        self.body.to_string().into_bytes()
    }
}

fn check_of(settings: &Settings, check: &Check, authority: &str) -> Value {
    let mut body = match check {
        // It is registered because it can answer: nobody has to wait for the first time that it says so.
        Check::Ttl { ttl, .. } => json!({ "TTL": span(*ttl), "Status": "passing" }),
        Check::Http(http) => {
            let scheme = if settings.is_https { "https" } else { "http" };
            let url = http.url.clone();
            let url = url.unwrap_or_else(|| format!("{scheme}://{authority}{}", http.path));
            let headers = http.headers.iter();
            let headers = headers
                .map(|(name, value)| (name.clone(), json!([value.expose_secret()])))
                .collect::<Map<_, _>>();
            let mut body =
                json!({ "HTTP": url, "Interval": span(http.interval), "Header": headers });
            if let Some(timeout) = http.timeout {
                body["Timeout"] = span(timeout).into();
            }
            if http.skip_tls_verify {
                body["TLSSkipVerify"] = true.into();
            }
            body
        }
    };
    if let Some(timeout) = settings.critical_timeout {
        body["DeregisterCriticalServiceAfter"] = span(timeout).into();
    }
    body
}

/// As Go writes a duration.
fn span(duration: Duration) -> String {
    format!("{}ms", duration.as_millis())
}

fn metadata(settings: &Settings) -> Map<String, Value> {
    let said = settings.advertised.metadata.iter();
    let said = said.map(|(name, value)| (name.clone(), value.expose_secret().into()));
    // Last, so that it wins: readers choose their scheme by it.
    let secure = ("secure".to_owned(), settings.is_https.to_string().into());
    said.chain(std::iter::once(secure)).collect()
}

/// Letters, digits and dashes, as names in DNS have them: anything else becomes one dash.
fn normalized(name: &str) -> String {
    let mut normalized = String::with_capacity(name.len());
    for char in name.chars() {
        if char.is_ascii_alphanumeric() {
            normalized.push(char);
        } else if !normalized.ends_with('-') {
            normalized.push('-');
        }
    }
    normalized
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::*;
    use crate::registration::{
        Advertised,
        consul::{Agent, Http},
    };

    fn settings() -> Settings {
        Settings {
            agent: Agent::parse("http", "localhost", 8500, "").unwrap(),
            service: "configserver".to_owned(),
            advertised: Advertised {
                hostname: Some("host1.example".to_owned()),
                metadata: IndexMap::from([
                    ("configPath".to_owned(), "/config".into()),
                    ("password".to_owned(), "s3cret".into()),
                ]),
                ..Advertised::default()
            },
            prefer_agent_address: false,
            port: None,
            is_https: false,
            tags: vec!["eu".to_owned()],
            check: Some(Check::Ttl {
                ttl: Duration::from_secs(30),
                interval: Duration::from_secs(20),
            }),
            critical_timeout: None,
        }
    }

    fn body(settings: &Settings, management: Option<&str>) -> Value {
        let ports = Ports {
            main: "0.0.0.0:8888".parse().unwrap(),
            management: management.map(|at| at.parse().unwrap()),
        };
        let service = Service::of(settings, ports, "fd00::5".parse().unwrap());
        let shown = format!("{service:?} {settings:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
        assert_eq!(service.check(), format!("service:{}", service.id()));
        serde_json::from_slice(&service.to_json()).unwrap()
    }

    #[test]
    fn it_says_what_agents_and_readers_want() {
        let expected = json!({
            "ID": "configserver-host1-example-8888",
            "Name": "configserver",
            "Tags": ["eu"],
            "Address": "host1.example",
            "Port": 8888,
            "Meta": { "configPath": "/config", "password": "s3cret", "secure": "false" },
            "Check": { "TTL": "30000ms", "Status": "passing" },
        });
        assert_eq!(body(&settings(), None), expected);
    }

    #[test]
    fn an_agent_may_ask_for_itself() {
        let http = Http {
            url: None,
            path: "/base/actuator/health".to_owned(),
            interval: Duration::from_secs(10),
            timeout: Some(Duration::from_secs(2)),
            skip_tls_verify: true,
            headers: IndexMap::from([("Authorization".to_owned(), "Basic s3cret".into())]),
        };
        let settings = Settings {
            is_https: true,
            advertised: Advertised {
                prefer_address: true,
                ..settings().advertised
            },
            check: Some(Check::Http(http)),
            critical_timeout: Some(Duration::from_secs(60)),
            ..settings()
        };
        let body = body(&settings, Some("127.0.0.1:9000"));
        let expected = json!({
            "HTTP": "https://[fd00::5]:9000/base/actuator/health",
            "Interval": "10000ms",
            "Timeout": "2000ms",
            "TLSSkipVerify": true,
            "Header": { "Authorization": ["Basic s3cret"] },
            "DeregisterCriticalServiceAfter": "60000ms",
        });
        assert_eq!(body["Check"], expected);
        assert_eq!(
            (&body["Address"], &body["Meta"]["secure"]),
            (&"fd00::5".into(), &"true".into())
        );
    }

    #[test]
    fn names_are_those_of_dns_and_the_agent_may_know_the_address() {
        let settings = Settings {
            service: "config.server".to_owned(),
            advertised: Advertised {
                id: Some("config:1__a".to_owned()),
                ..Advertised::default()
            },
            prefer_agent_address: true,
            check: None,
            ..settings()
        };
        let body = body(&settings, None);
        assert_eq!(
            (&body["ID"], &body["Name"]),
            (&"config-1-a".into(), &"config-server".into())
        );
        assert_eq!(
            (&body["Address"], &body["Check"]),
            (&Value::Null, &Value::Null)
        );
    }
}
