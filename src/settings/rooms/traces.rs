//! `management.otlp.tracing`, and the variables of OpenTelemetry: where the spans of refreshes go to.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use indexmap::IndexMap;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{
    network,
    settings::{code, reader::Reader},
    traces::Settings,
};

const ENDPOINT: &str = "management.otlp.tracing.endpoint";
const HEADERS: &str = "management.otlp.tracing.headers";
const TIMEOUT: &str = "management.otlp.tracing.timeout";
const PROBABILITY: &str = "management.tracing.sampling.probability";
const ATTRIBUTES: &str = "management.opentelemetry.resource-attributes";
/// More headers or attributes than these are a mistake.
const MOST: usize = 64;

/// The outer `None` when they cannot be used; without an address nothing is traced.
pub(super) fn traces(reader: &mut Reader, instance: Option<&str>) -> Option<Option<Settings>> {
    let is_on = reader.flag("management.tracing.enabled", true)
        && !reader.flag("otel.sdk.disabled", false)
        && reader.text("otel.traces.exporter").as_deref() != Some("none");
    if !is_on {
        return Some(None);
    }
    let Some((key, address)) = address(reader) else {
        for key in [TIMEOUT, PROBABILITY] {
            reader.has_no_effect(key, &format!("there is no `{ENDPOINT}`"));
        }
        return Some(None);
    };
    let endpoint = endpoint(reader, key, &address);
    let headers = headers(reader);
    let timeout = timeout(reader);
    let probability = probability(reader);
    let attributes = attributes(reader, instance);
    let (endpoint, headers) = (endpoint?, headers?);
    if !headers.is_empty() && endpoint.scheme() == "http" && !is_here(&endpoint) {
        let text = format!("`{key}` is not https: its headers are sent in clear");
        reader.warn(code::INSECURE, text);
    }
    Some(Some(Settings {
        endpoint,
        headers,
        timeout,
        probability: probability?,
        attributes: attributes?,
    }))
}

/// Which setting names the collector, and how. Spring's own is stronger than variables that a platform may set for all.
fn address(reader: &mut Reader) -> Option<(&'static str, String)> {
    const TRACES: &str = "otel.exporter.otlp.traces.endpoint";
    const ALL: &str = "otel.exporter.otlp.endpoint";
    if let Some(address) = reader.text(ENDPOINT) {
        return Some((ENDPOINT, address));
    }
    let traces = reader.text(TRACES).map(|address| (TRACES, address));
    let found = traces.or_else(|| {
        let base = reader.text(ALL)?;
        Some((ALL, format!("{}/v1/traces", base.trim_end_matches('/'))))
    });
    let protocols = [
        "otel.exporter.otlp.traces.protocol",
        "otel.exporter.otlp.protocol",
    ];
    let protocol = protocols.iter().find_map(|key| reader.text(key));
    if let Some((key, _)) = &found
        && protocol.as_deref() == Some("grpc")
    {
        let why =
            format!("only OTLP over HTTP is spoken, not gRPC: `{ENDPOINT}` names such an address");
        reader.has_no_effect(key, &why);
        return None;
    }
    found
}

fn endpoint(reader: &mut Reader, key: &str, address: &str) -> Option<Url> {
    let url = Url::parse(address).ok();
    let url = url.filter(|url| {
        let is_plain = url.username().is_empty() && url.password().is_none();
        matches!(url.scheme(), "http" | "https") && url.has_host() && is_plain
    });
    if url.is_none() {
        let text = format!("`{key}` is no http or https address without a login");
        let hint = format!("http://localhost:4318/v1/traces; a login belongs into `{HEADERS}`");
        reader.refuse(key, text, Some(&hint));
    }
    url
}

fn is_here(url: &Url) -> bool {
    url.host_str().is_some_and(network::is_here)
}

/// By name below Spring's key, or `name=value,…` in a variable.
fn headers(reader: &mut Reader) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut add = |reader: &mut Reader, key: &str, name: &str, value: &str| {
        let name = name.parse::<HeaderName>().ok();
        let value = HeaderValue::from_str(value).ok();
        let Some((name, mut value)) = name.zip(value).filter(|_| headers.len() < MOST) else {
            let text = format!("`{key}` holds what is no header");
            reader.refuse(key, text, Some("names and values of plain characters"));
            return None;
        };
        value.set_sensitive(true);
        headers.insert(name, value);
        Some(())
    };
    for key in [
        "otel.exporter.otlp.headers",
        "otel.exporter.otlp.traces.headers",
    ] {
        for (name, value) in pairs(&reader.text(key).unwrap_or_default()) {
            add(reader, key, &name, &value)?;
        }
    }
    for (name, value) in reader.below(&format!("{HEADERS}.")) {
        add(reader, &format!("{HEADERS}.{name}"), &name, &value)?;
    }
    Some(headers)
}

fn timeout(reader: &mut Reader) -> Duration {
    const DEFAULT: Duration = Duration::from_secs(10);
    const MILLISECOND: Duration = Duration::from_millis(1);
    let all = reader.duration("otel.exporter.otlp.timeout", MILLISECOND, DEFAULT);
    let traces = reader.duration("otel.exporter.otlp.traces.timeout", MILLISECOND, all);
    reader.duration(TIMEOUT, MILLISECOND, traces)
}

fn probability(reader: &mut Reader) -> Option<f64> {
    let probability: f64 = reader.number(PROBABILITY, 1.0);
    if !(0.0..=1.0).contains(&probability) {
        let text = format!("`{PROBABILITY}` is not between 0 and 1");
        reader.refuse(PROBABILITY, text, None);
        return None;
    }
    Some(probability)
}

/// Who this server is among all that is traced.
fn attributes(reader: &mut Reader, instance: Option<&str>) -> Option<Vec<(String, String)>> {
    const VARIABLE: &str = "otel.resource.attributes";
    let name = reader.text_or("spring.application.name", "config-server");
    let mut attributes = IndexMap::from([
        ("service.name".to_owned(), name),
        (
            "service.version".to_owned(),
            env!("CARGO_PKG_VERSION").to_owned(),
        ),
    ]);
    let instance = instance.map(|id| ("service.instance.id".to_owned(), id.to_owned()));
    attributes.extend(instance);
    attributes.extend(pairs(&reader.text(VARIABLE).unwrap_or_default()));
    attributes.extend(reader.below(&format!("{ATTRIBUTES}.")));
    let service = reader.text("otel.service.name");
    attributes.extend(service.map(|name| ("service.name".to_owned(), name)));
    if attributes.len() > MOST {
        let text = format!("these are more than {MOST} attributes");
        reader.refuse(VARIABLE, text, None);
        return None;
    }
    Some(attributes.into_iter().collect())
}

/// `name=value,name=value`, with percent signs as in addresses.
fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split(',').filter_map(|pair| pair.split_once('='));
    let decoded = |text: &str| {
        percent_decode_str(text.trim())
            .decode_utf8_lossy()
            .into_owned()
    };
    pairs
        .map(|(name, value)| (name.trim().to_owned(), decoded(value)))
        .filter(|(name, _)| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = (Option<Option<Settings>>, String, Vec<String>);

    /// The settings, or what is wrong; warnings in both cases.
    fn read(said: &[(&str, &str)], variables: &[(&str, &str)]) -> Read {
        let owned = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            let pairs = pairs.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            pairs.collect::<Vec<_>>()
        };
        let mut reader = Reader::of(owned(said), owned(variables));
        let settings = traces(&mut reader, Some("config-server:8888:x"));
        let (problems, warnings) = reader.finish();
        let problems = problems.iter().map(ToString::to_string).collect();
        let warnings = warnings.iter().map(ToString::to_string);
        (settings, problems, warnings.collect())
    }

    fn endpoint_of(said: &[(&str, &str)], variables: &[(&str, &str)]) -> Option<String> {
        let (settings, problems, _) = read(said, variables);
        let settings = settings.unwrap_or_else(|| panic!("{problems}"));
        settings.map(|settings| settings.endpoint.to_string())
    }

    #[test]
    fn nothing_is_traced_unless_a_collector_is_named() {
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://otel:4318/");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4318/x");
        let spring = (ENDPOINT, "http://spring:4318/v1/traces");
        let of = |said: &[_], variables: &[_]| endpoint_of(said, variables);
        assert_eq!(of(&[], &[]), None);
        assert_eq!(of(&[], &[base]).unwrap(), "http://otel:4318/v1/traces");
        assert_eq!(of(&[], &[base, traces]).unwrap(), "http://traces:4318/x");
        assert_eq!(of(&[spring], &[base, traces]).unwrap(), spring.1);
        for off in [
            ("OTEL_SDK_DISABLED", "true"),
            ("OTEL_TRACES_EXPORTER", "none"),
            ("MANAGEMENT_TRACING_ENABLED", "false"),
        ] {
            assert_eq!(of(&[spring], &[base, off]), None, "{off:?}");
        }
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
        let (settings, _, warnings) = read(&[], &[base, grpc]);
        assert!(settings.unwrap().is_none());
        assert!(warnings[0].contains("gRPC"), "{warnings:?}");
        assert_eq!(of(&[spring], &[grpc]).unwrap(), spring.1);
    }

    #[test]
    fn headers_and_attributes_come_from_both_spellings() {
        let said = [
            (ENDPOINT, "https://otel.example/v1/traces"),
            (
                "management.otlp.tracing.headers.Authorization",
                "Basic c2VjcmV0",
            ),
            ("management.opentelemetry.resource-attributes.team", "core"),
            (TIMEOUT, "3s"),
            (PROBABILITY, "0.25"),
        ];
        let variables = [
            ("OTEL_EXPORTER_OTLP_HEADERS", "x-one=1,x-two=a%20b"),
            ("OTEL_RESOURCE_ATTRIBUTES", "team=other,zone=a"),
            ("OTEL_SERVICE_NAME", "config"),
        ];
        let (settings, problems, warnings) = read(&said, &variables);
        assert_eq!((problems.as_str(), warnings.len()), ("", 0));
        let settings = settings.unwrap().unwrap();
        assert_eq!(settings.headers["authorization"], "Basic c2VjcmV0");
        assert_eq!(settings.headers["x-two"], "a b");
        assert!(!format!("{settings:?}").contains("c2VjcmV0"));
        assert_eq!(settings.timeout, Duration::from_secs(3));
        assert!((settings.probability - 0.25).abs() < f64::EPSILON);
        let attributes: IndexMap<_, _> = settings.attributes.into_iter().collect();
        for (name, expected) in [
            ("service.name", "config"),
            ("service.instance.id", "config-server:8888:x"),
            ("team", "core"),
            ("zone", "a"),
        ] {
            assert_eq!(attributes[name], expected);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let good = (ENDPOINT, "http://localhost:4318/v1/traces");
        let cases: [(&[(&str, &str)], &str); 5] = [
            (&[(ENDPOINT, "localhost:4318")], "no http or https address"),
            (&[(ENDPOINT, "http://jo:pw@otel:4318/")], "without a login"),
            (&[good, (PROBABILITY, "2")], "not between 0 and 1"),
            (&[good, (TIMEOUT, "soon")], "not a duration"),
            (
                &[good, ("management.otlp.tracing.headers.x", "a\nb")],
                "no header",
            ),
        ];
        for (said, expected) in cases {
            let (_, problems, _) = read(said, &[]);
            assert!(problems.contains(expected), "{problems}");
            assert!(!problems.contains("pw"), "{problems}");
        }
        let (_, _, warnings) = read(&[(PROBABILITY, "1")], &[]);
        assert!(warnings[0].contains("no effect"), "{warnings:?}");
    }

    #[test]
    fn headers_in_clear_are_warned_of() {
        let header = ("management.otlp.tracing.headers.authorization", "Basic x");
        for (address, number) in [
            ("http://otel.example:4318/v1/traces", 1),
            ("http://127.0.0.1:4318/v1/traces", 0),
            ("http://[::1]:4318/v1/traces", 0),
            ("https://otel.example/v1/traces", 0),
        ] {
            let (_, _, warnings) = read(&[(ENDPOINT, address), header], &[]);
            assert_eq!(warnings.len(), number, "{warnings:?}");
        }
    }
}
