use serde_json::Value;

use crate::discovery::{Instance, bracketed};

/// Where an instance is, by what Curator wrote into its node; `None` when it takes no requests.
///
/// # Errors
/// What is wrong, in words that quote nothing of it.
pub(super) fn instance(data: &[u8]) -> Result<Option<Instance>, &'static str> {
    let node: Value = serde_json::from_slice(data).map_err(|_| "no JSON")?;
    let metadata = metadata(&node["payload"]);
    let mut texts = metadata
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_str()?)));
    if node["enabled"] == false || texts.any(|said| said.0 == "instance_status" && said.1 != "UP") {
        return Ok(None);
    }
    let found = Instance::new(address(&node)?);
    let texts = metadata
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_str()?)));
    let found = texts.fold(found, |found, (name, value)| found.metadata(name, value));
    Ok(Some(found))
}

/// Those of Spring's payload; another application's may be anything.
fn metadata(payload: &Value) -> Vec<(&str, &Value)> {
    let metadata = payload["metadata"].as_object().into_iter().flatten();
    metadata
        .map(|(name, value)| (name.as_str(), value))
        .collect()
}

/// By its own pattern, as readers of Java put it together; without one as Spring's writers have it.
fn address(node: &Value) -> Result<String, &'static str> {
    let host = node["address"].as_str().filter(|host| !host.is_empty());
    let host = bracketed(host.ok_or("no address")?);
    let secure = port(&node["sslPort"]);
    let scheme = if secure.is_some() { "https" } else { "http" };
    let of = |name: &str| match name {
        "scheme" => Some(scheme.to_owned()),
        "address" => Some(host.clone()),
        "port" => port(&node["port"]).or(secure).map(|port| port.to_string()),
        "ssl-port" => secure.map(|port| port.to_string()),
        _ => None,
    };
    let Some(parts) = node["uriSpec"]["parts"].as_array() else {
        let port = of("port").ok_or("no port")?;
        return Ok(format!("{scheme}://{host}:{port}"));
    };
    let mut address = String::new();
    for part in parts {
        let value = part["value"]
            .as_str()
            .ok_or("an odd pattern of its address")?;
        if part["variable"] == true {
            address.push_str(&of(value).ok_or("its address has a part that it does not say")?);
        } else {
            address.push_str(value);
        }
    }
    Ok(address.trim_end_matches('/').to_owned())
}

fn port(value: &Value) -> Option<u16> {
    let port = value.as_u64()?.try_into().ok()?;
    (port > 0).then_some(port)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// As Curator 5.4 wrote it for a Spring application.
    const RECORDED: &str = include_str!("recorded.json");

    fn with(key: &str, value: Value) -> Vec<u8> {
        let mut node: Value = serde_json::from_str(RECORDED).unwrap();
        node[key] = value;
        node.to_string().into_bytes()
    }

    fn address_of(data: &[u8]) -> String {
        instance(data).unwrap().unwrap().address
    }

    #[test]
    fn what_curator_wrote_is_read() {
        let expected = Instance::new("http://10.0.0.5:8888")
            .metadata("instance_status", "UP")
            .metadata("configPath", "/config");
        assert_eq!(instance(RECORDED.as_bytes()), Ok(Some(expected)));
    }

    #[test]
    fn addresses_follow_their_pattern() {
        let part = |value: &str, variable: bool| json!({ "value": value, "variable": variable });
        let secure = json!({ "parts": [
            part("scheme", true), part("://", false), part("address", true), part(":", false), part("ssl-port", true), part("/", false),
        ] });
        let mut node: Value = serde_json::from_str(RECORDED).unwrap();
        node["sslPort"] = 8443.into();
        assert_eq!(
            address_of(node.to_string().as_bytes()),
            "https://10.0.0.5:8888"
        );
        node["uriSpec"] = secure.clone();
        assert_eq!(
            address_of(node.to_string().as_bytes()),
            "https://10.0.0.5:8443"
        );
        assert_eq!(
            address_of(&with("uriSpec", Value::Null)),
            "http://10.0.0.5:8888"
        );
        assert_eq!(
            address_of(&with("address", json!("fd00::5"))),
            "http://[fd00::5]:8888"
        );
        assert!(
            instance(&with("uriSpec", secure)).is_err(),
            "it has no such port"
        );
    }

    #[test]
    fn who_takes_no_requests_is_left_out_and_who_is_odd_is_told() {
        assert_eq!(instance(&with("enabled", json!(false))), Ok(None));
        let down = json!({ "metadata": { "instance_status": "OUT_OF_SERVICE" } });
        assert_eq!(instance(&with("payload", down)), Ok(None));
        assert!(
            instance(&with("payload", json!("of another kind")))
                .unwrap()
                .is_some()
        );
        assert!(instance(&with("payload", Value::Null)).unwrap().is_some());
        for odd in [
            b"<xml/>".to_vec(),
            b"".to_vec(),
            b"[]".to_vec(),
            with("address", Value::Null),
            with("port", json!("8888")),
            with("uriSpec", json!({ "parts": [{ "value": 1 }] })),
        ] {
            assert!(instance(&odd).is_err(), "{}", String::from_utf8_lossy(&odd));
        }
    }
}
