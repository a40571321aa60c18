use serde_json::Value;

use crate::discovery::{Instance, bracketed};

/// The instances of an answer that are up and can be looked up by this name; `None` when it is none of Eureka's.
///
/// Servers of other ages give an object where one instance or application makes a list, and numbers as texts.
pub(super) fn instances(body: &[u8], service: &str) -> Option<Vec<Instance>> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let applications = answer.get("applications")?;
    let applications = listed(applications.get("application"));
    let instances = applications.flat_map(|application| listed(application.get("instance")));
    let wanted = instances.filter(|instance| is_up(instance) && is_called(instance, service));
    Some(wanted.filter_map(instance).collect())
}

/// One or several.
fn listed(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (several, one) = match value {
        Some(Value::Array(several)) => (several.as_slice(), None),
        Some(Value::Null) | None => (Default::default(), None),
        one => (Default::default(), one),
    };
    several.iter().chain(one)
}

fn is_up(instance: &Value) -> bool {
    instance["status"] == "UP"
}

/// As Spring looks up: by virtual host, in any case, of which there may be several.
fn is_called(instance: &Value, service: &str) -> bool {
    let names = ["vipAddress", "secureVipAddress"].map(|key| instance[key].as_str());
    let mut names = names.into_iter().flatten().flat_map(|list| list.split(','));
    names.any(|name| name.trim().eq_ignore_ascii_case(service))
}

/// `None` without a host.
fn instance(instance: &Value) -> Option<Instance> {
    let host = instance["hostName"]
        .as_str()
        .filter(|host| !host.is_empty())?;
    let is_secure = is_enabled(&instance["securePort"]);
    let (scheme, port) = if is_secure {
        ("https", number(&instance["securePort"]).unwrap_or(443))
    } else {
        ("http", number(&instance["port"]).unwrap_or(80))
    };
    let host = bracketed(host);
    let found = Instance::new(format!("{scheme}://{host}:{port}"));
    let metadata = instance["metadata"].as_object();
    let metadata = metadata.into_iter().flatten();
    let texts = metadata.filter_map(|(name, value)| Some((name, value.as_str()?)));
    Some(texts.fold(found, |found, (name, value)| found.metadata(name, value)))
}

/// `{"$": 443, "@enabled": "false"}`
fn is_enabled(port: &Value) -> bool {
    match &port["@enabled"] {
        Value::Bool(is_enabled) => *is_enabled,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

fn number(port: &Value) -> Option<u16> {
    let number = match port {
        Value::Object(port) => port.get("$")?,
        plain => plain,
    };
    let number = match number {
        Value::String(text) => text.parse().ok(),
        number => number.as_u64().and_then(|number| number.try_into().ok()),
    };
    number.filter(|number| *number > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one() -> Value {
        json!({
            "instanceId": "host1:configserver:8888",
            "hostName": "host1",
            "app": "CONFIGSERVER",
            "status": "UP",
            "port": { "$": 8888, "@enabled": "true" },
            "securePort": { "$": 443, "@enabled": "false" },
            "metadata": { "@class": "java.util.Collections$EmptyMap" },
            "vipAddress": "configserver",
        })
    }

    fn with(key: &str, value: Value) -> Value {
        let mut instance = one();
        instance[key] = value;
        instance
    }

    fn read(instance: Value) -> Vec<Instance> {
        let answer = json!({ "applications": {
            "versions__delta": "1",
            "apps__hashcode": "UP_1_",
            "application": [{ "name": "CONFIGSERVER", "instance": [instance] }],
        } });
        instances(answer.to_string().as_bytes(), "configserver").unwrap()
    }

    fn address(instance: Value) -> String {
        read(instance).remove(0).address
    }

    /// As Eureka 2.0.5 in Spring Cloud Netflix 5.0 wrote it.
    const RECORDED: &str = include_str!("recorded.json");

    #[test]
    fn what_eureka_wrote_is_read() {
        let expected = Instance::new("http://127.0.0.1:18888")
            .metadata("management.port", "18888")
            .metadata("configPath", "/cfg")
            .metadata("user", "reader")
            .metadata("password", "pw");
        let found = instances(RECORDED.as_bytes(), "ConfigServer");
        assert_eq!(found.unwrap(), [expected]);
        assert!(instances(RECORDED.as_bytes(), "other").unwrap().is_empty());
    }

    #[test]
    fn addresses_are_made_as_spring_makes_them() {
        let secure = json!({ "$": 8443, "@enabled": "true" });
        for (instance, expected) in [
            (one(), "http://host1:8888"),
            (with("securePort", secure), "https://host1:8443"),
            (
                with("securePort", json!({ "@enabled": "true" })),
                "https://host1:443",
            ),
            (
                with("port", json!({ "$": "9", "@enabled": true })),
                "http://host1:9",
            ),
            (with("port", json!({ "$": 0 })), "http://host1:80"),
            (with("hostName", json!("fd00::5")), "http://[fd00::5]:8888"),
        ] {
            assert_eq!(address(instance), expected);
        }
    }

    #[test]
    fn only_who_is_up_and_called_so_is_found() {
        for (key, value, count) in [
            ("status", json!("DOWN"), 0),
            ("status", json!("OUT_OF_SERVICE"), 0),
            ("status", Value::Null, 0),
            ("vipAddress", json!("other"), 0),
            ("vipAddress", json!("other, CONFIGSERVER"), 1),
            ("hostName", Value::Null, 0),
        ] {
            assert_eq!(
                read(with(key, value.clone())).len(),
                count,
                "{key}: {value}"
            );
        }
    }

    #[test]
    fn metadata_is_what_is_text() {
        let metadata = json!({ "configPath": "/config", "password": "s3cret", "n": 1 });
        let found = read(with("metadata", metadata)).remove(0);
        let expected = Instance::new("http://host1:8888")
            .metadata("configPath", "/config")
            .metadata("password", "s3cret");
        assert_eq!(found, expected);
    }

    #[test]
    fn lists_may_be_single_or_missing() {
        let read = |answer: Value| instances(answer.to_string().as_bytes(), "configserver");
        let single = json!({ "applications": { "application": { "instance": one() } } });
        assert_eq!(read(single).unwrap().len(), 1);
        assert_eq!(read(json!({ "applications": {} })).unwrap().len(), 0);
        assert_eq!(read(json!({ "error": "x" })), None);
        assert_eq!(instances(b"<applications/>", "configserver"), None);
    }
}
