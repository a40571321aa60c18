#[cfg(test)]
mod tests;

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use indexmap::IndexMap;
use secrecy::{ExposeSecret as _, SecretString};

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
        consul::{Agent, Check, Http, Settings},
    },
    settings::{code, reader::Reader},
};

const ENABLED: &str = "spring.cloud.consul.enabled";
const HOST: &str = "spring.cloud.consul.host";
const DISCOVERY: &str = "spring.cloud.consul.discovery";
/// The first that is said counts.
const TOKENS: [&str; 3] = [
    "spring.cloud.consul.discovery.acl-token",
    "spring.cloud.consul.token",
    "consul.token",
];
/// What Consul takes.
const LONGEST_NAME: usize = 128;
const LONGEST_VALUE: usize = 512;
const MOST_TAGS: usize = 64;

/// Off unless an agent is named, or somebody says yes in so many words; the outer `None` when it cannot be used.
pub(super) fn consul(reader: &mut Reader, is_https: bool) -> Option<Option<Settings>> {
    let (enabled, register) = (of("enabled"), of("register"));
    let is_on = advertised::is_on(reader, &[ENABLED, &enabled, &register]);
    if !is_on || !(reader.has(HOST) || reader.has(ENABLED)) {
        return Some(None);
    }
    refuse_tls(reader);
    let agent = agent(reader);
    let service = service(reader);
    let advertised = advertised(reader);
    let scheme = scheme(reader, is_https);
    let check = check(reader);
    let tags = tags(reader);
    let critical = of("health-check-critical-timeout");
    let settings = Settings {
        prefer_agent_address: reader.flag(&of("prefer-agent-address"), false),
        port: advertised::port(reader, &of("port")),
        critical_timeout: reader
            .has(&critical)
            .then(|| span(reader, &critical, Duration::ZERO)),
        agent: agent?,
        service: service?,
        advertised: advertised?,
        is_https: scheme?,
        tags: tags?,
        check: check?,
    };
    let has_secret =
        settings.agent.has_token() || settings.advertised.metadata.contains_key("password");
    if has_secret && settings.agent.is_in_clear() {
        let text =
            format!("`{HOST}` is reached without https: tokens and passwords are sent in clear");
        reader.warn(code::INSECURE, text);
    }
    Some(Some(settings))
}

fn of(name: &str) -> String {
    format!("{DISCOVERY}.{name}")
}

fn agent(reader: &mut Reader) -> Option<Agent> {
    let scheme = reader.text_or("spring.cloud.consul.scheme", "http");
    let host = reader.text_or(HOST, "localhost");
    let port = reader.number("spring.cloud.consul.port", 8500);
    let path = reader.text_or("spring.cloud.consul.path", "");
    let Some(agent) = Agent::parse(&scheme.to_ascii_lowercase(), &host, port, &path) else {
        let text =
            "`spring.cloud.consul.scheme`, `.host`, `.port` and `.path` are no address of an agent";
        reader.refuse(HOST, text, Some("write the host's name or its IP address"));
        return None;
    };
    let said = TOKENS
        .iter()
        .find_map(|key| Some((key, reader.secret(key)?)));
    let Some((key, token)) = said else {
        return Some(agent);
    };
    let agent = agent.with_token(&token);
    if agent.is_none() {
        reader.refuse(key, format!("`{key}` is no token of Consul"), None);
    }
    agent
}

fn service(reader: &mut Reader) -> Option<String> {
    let key = of("service-name");
    let said = reader.text(&key);
    let is_own = said.is_some();
    let service = said.unwrap_or_else(|| advertised::service(reader));
    let key = if is_own {
        key
    } else {
        "spring.application.name".to_owned()
    };
    is_label(reader, &key, &service).then_some(service)
}

/// As Spring wants it: begins with a letter, ends with a letter or a digit.
fn is_label(reader: &mut Reader, key: &str, name: &str) -> bool {
    let begins = name.starts_with(|char: char| char.is_ascii_alphabetic());
    let ends = name.ends_with(|char: char| char.is_ascii_alphanumeric());
    let is_label = begins && ends && name.len() <= LONGEST_NAME;
    if !is_label {
        let text = format!(
            "`{key}` does not begin with a letter and end with a letter or a digit, or is too long for Consul"
        );
        reader.refuse(key, text, None);
    }
    is_label
}

fn advertised(reader: &mut Reader) -> Option<Advertised> {
    let metadata = metadata(reader);
    let address = advertised::address(reader, &of("ip-address"));
    let key = of("instance-id");
    let id = advertised::name(reader, &key);
    if let Some(id) = &id
        && !is_label(reader, &key, id)
    {
        return None;
    }
    Some(Advertised {
        id,
        hostname: advertised::name(reader, &of("hostname")),
        prefer_address: reader.flag(&of("prefer-ip-address"), false),
        address: address?,
        metadata: metadata?,
    })
}

/// What Consul takes of it: it would refuse the whole registration otherwise.
fn metadata(reader: &mut Reader) -> Option<IndexMap<String, SecretString>> {
    let key = of("metadata");
    let metadata = advertised::metadata(reader, &key)?;
    let is_plain = |char: char| char.is_ascii_alphanumeric() || char == '-' || char == '_';
    let is_name = |name: &str| name.len() <= LONGEST_NAME && name.chars().all(is_plain);
    let mut odd = metadata
        .iter()
        .filter(|(name, value)| !is_name(name) || value.expose_secret().len() > LONGEST_VALUE);
    let Some((name, _)) = odd.next() else {
        return Some(metadata);
    };
    let key = format!("{key}.{name}");
    let text = format!(
        "`{key}` is not for Consul: names have letters, digits, `-` and `_`, at most {LONGEST_NAME}, and values at most {LONGEST_VALUE} bytes"
    );
    reader.refuse(&key, text, None);
    None
}

/// Whether clients are told https.
fn scheme(reader: &mut Reader, is_https: bool) -> Option<bool> {
    let key = of("scheme");
    let Some(said) = reader.text(&key) else {
        return Some(is_https);
    };
    match said.to_ascii_lowercase().as_str() {
        "http" => Some(false),
        "https" => Some(true),
        _ => {
            reader.refuse(&key, format!("`{key}` is neither http nor https"), None);
            None
        }
    }
}

fn tags(reader: &mut Reader) -> Option<Vec<String>> {
    let key = of("tags");
    let tags = reader.list(&key);
    if tags.len() > MOST_TAGS || tags.iter().any(|tag| tag.contains(char::is_control)) {
        let text = format!("`{key}` is no list of at most {MOST_TAGS} lines");
        reader.refuse(&key, text, None);
        return None;
    }
    Some(tags)
}

/// The outer `None` when it cannot be used. Unlike Spring's, a server tells the agent by itself that it is well: an agent need
/// not reach us for that.
#[expect(
    clippy::option_option,
    reason = "outer: can it be used; inner: is there one"
)]
fn check(reader: &mut Reader) -> Option<Option<Check>> {
    if !reader.flag(&of("register-health-check"), true) {
        return Some(None);
    }
    if reader.flag(&of("heartbeat.enabled"), true) {
        return heartbeat(reader).map(Some);
    }
    let path = format!(
        "{}/actuator/health",
        base_path(reader, CONTEXT_PATH).as_str()
    );
    let path = reader.text_or(&of("health-check-path"), &path);
    let timeout = of("health-check-timeout");
    let skip = of("health-check-tls-skip-verify");
    let headers = headers(reader);
    Some(Some(Check::Http(Http {
        url: advertised::name(reader, &of("health-check-url")),
        path: format!("/{}", path.trim_start_matches('/')),
        interval: span(reader, &of("health-check-interval"), SECOND * 10),
        timeout: reader.has(&timeout).then(|| span(reader, &timeout, SECOND)),
        skip_tls_verify: reader.flag(&skip, false),
        headers: headers?,
    })))
}

/// Spring's bounds: at a part of the time, a second before its end at the latest, and not more often than each second.
fn heartbeat(reader: &mut Reader) -> Option<Check> {
    let (key, ratio_key) = (of("heartbeat.ttl"), of("heartbeat.interval-ratio"));
    let ttl = reader.duration(&key, SECOND, SECOND * 30);
    if !(SECOND * 2..=SECOND * 3600).contains(&ttl) {
        reader.refuse(&key, format!("`{key}` is not between 2s and 1h"), None);
        return None;
    }
    let ratio: f64 = reader.number(&ratio_key, 2.0 / 3.0);
    if !(0.1..=0.9).contains(&ratio) {
        let text = format!("`{ratio_key}` is not between 0.1 and 0.9");
        reader.refuse(&ratio_key, text, None);
        return None;
    }
    let interval = ttl.mul_f64(ratio).max(SECOND).min(ttl - SECOND);
    Some(Check::Ttl { ttl, interval })
}

/// What the agent sends with its question. Each has one value here.
fn headers(reader: &mut Reader) -> Option<IndexMap<String, SecretString>> {
    let key = of("health-check-headers");
    let mut headers = IndexMap::new();
    for (name, value) in reader.below(&format!("{key}.")) {
        let plain = name.trim_end_matches("[0]");
        let is_header = HeaderName::from_bytes(plain.as_bytes()).is_ok()
            && HeaderValue::from_str(&value).is_ok();
        if !is_header {
            let key = format!("{key}.{name}");
            reader.refuse(&key, format!("`{key}` is no header"), None);
            return None;
        }
        headers.insert(plain.to_owned(), value.into());
    }
    Some(headers)
}

/// Of at least a second.
fn span(reader: &mut Reader, key: &str, default: Duration) -> Duration {
    let span = reader.duration(key, SECOND, default);
    if span < SECOND {
        reader.refuse(key, format!("`{key}` is shorter than a second"), None);
    }
    span
}

/// What Spring would do with key stores of Java.
fn refuse_tls(reader: &mut Reader) {
    for (below, _) in reader.below("spring.cloud.consul.tls.") {
        let key = format!("spring.cloud.consul.tls.{below}");
        let text = format!("`{key}` is not supported by confbus");
        let hint = "certificates that this machine trusts count, or those in SSL_CERT_FILE";
        reader.refuse_as(code::UNSUPPORTED, &key, text, Some(hint));
    }
}
