use serde_json::Value;

use crate::discovery::{Instance, bracketed};

/// The instances of an answer about the health of a service; `None` when it is none of Consul's.
pub(super) fn instances(body: &[u8]) -> Option<Vec<Instance>> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    Some(answer.as_array()?.iter().filter_map(instance).collect())
}

/// `None` without a host.
fn instance(entry: &Value) -> Option<Instance> {
    let (service, node) = (&entry["Service"], &entry["Node"]);
    // As Spring looks for it.
    let hosts = [&service["Address"], &node["Address"], &node["Node"]];
    let mut hosts = hosts.into_iter().filter_map(Value::as_str);
    let host = bracketed(hosts.find(|host| !host.is_empty())?);
    let metadata = service["Meta"].as_object().into_iter().flatten();
    let metadata: Vec<_> = metadata
        .filter_map(|(name, value)| Some((name, value.as_str()?)))
        .collect();
    let mut secure = metadata.iter().filter(|(name, _)| *name == "secure");
    let is_secure = secure.any(|(_, value)| value.eq_ignore_ascii_case("true"));
    let scheme = if is_secure { "https" } else { "http" };
    let address = match service["Port"].as_u64() {
        Some(port @ 1..) => format!("{scheme}://{host}:{port}"),
        Some(0) | None => format!("{scheme}://{host}"),
    };
    let found = metadata.into_iter();
    Some(found.fold(Instance::new(address), |found, (name, value)| {
        found.metadata(name, value)
    }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry() -> Value {
        json!({
            "Node": { "Node": "n1", "Address": "10.0.0.9" },
            "Service": {
                "ID": "configserver-host1-8888",
                "Service": "configserver",
                "Address": "host1",
                "Port": 8888,
                "Meta": { "secure": "false", "configPath": "/config" },
            },
            "Checks": [],
        })
    }

    fn read(entry: &Value) -> Vec<Instance> {
        instances(json!([entry]).to_string().as_bytes()).unwrap()
    }

    fn address(key: &str, value: Value) -> String {
        let mut entry = entry();
        entry["Service"][key] = value;
        read(&entry).remove(0).address
    }

    #[test]
    fn instances_are_read_as_spring_reads_them() {
        let expected = Instance::new("http://host1:8888")
            .metadata("secure", "false")
            .metadata("configPath", "/config");
        assert_eq!(read(&entry()), [expected]);
        for (key, value, expected) in [
            ("Address", json!(""), "http://10.0.0.9:8888"),
            ("Address", json!("fd00::5"), "http://[fd00::5]:8888"),
            ("Port", Value::Null, "http://host1"),
            ("Port", json!(0), "http://host1"),
            ("Meta", json!({ "secure": "TRUE" }), "https://host1:8888"),
            ("Meta", Value::Null, "http://host1:8888"),
        ] {
            assert_eq!(address(key, value.clone()), expected, "{key}: {value}");
        }
        assert!(read(&json!({ "Service": { "Port": 1 } })).is_empty());
    }

    #[test]
    fn what_is_not_consuls_is_none() {
        assert_eq!(instances(b"[]"), Some(Vec::new()));
        assert_eq!(instances(b"{}"), None);
        assert_eq!(instances(b"Permission denied"), None);
    }
}
