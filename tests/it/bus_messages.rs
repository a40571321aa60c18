//! Every kind of message that confbus publishes, beside those that Spring's applications were recorded with.

use lapin::{BasicProperties, types::ShortString};
use serde_json::{Value, json};

use crate::{
    support::{
        ConfigRepo, GitDaemon, Request, TestServer,
        broker::{self, Delivery, Tap},
        eventually, expect_that,
    },
    webhook::{github, github_push, quiet_settings, sign, start},
};

const BOOT_4: &str = include_str!("golden/bus/boot-4.json");
const BOOT_3: &str = include_str!("golden/bus/boot-3.json");

/// Where a message of ours is not as Spring's, and why.
struct Difference {
    message: &'static str,
    fact: &'static str,
    spring: &'static str,
    ours: &'static str,
    #[expect(dead_code, reason = "for those who read this table")]
    why: &'static str,
}

/// All of them. A difference that is not here fails the test, and so does one that is no more.
const DIFFERENCES: &[Difference] = &[Difference {
    message: "refresh after a push",
    fact: "headers",
    spring: "",
    ours: "confbus-commit, confbus-generation, confbus-labels",
    why: "tells a client that runs this commit already that it need not ask, how often its label has moved and which labels they are; Spring passes over AMQP headers that it \
          does not know, while one more JSON key would cost the event",
}];

/// What is known of a message, in order: the name of each fact and what it is.
type Facts = Vec<(String, String)>;

struct Server {
    repo: ConfigRepo,
    server: TestServer,
    tap: Tap,
    _daemon: GitDaemon,
}

impl Server {
    fn with(said: &[(&'static str, &str)]) -> Self {
        let (url, exchange) = (broker::shared(), broker::own_exchange());
        let repo = ConfigRepo::from_sample();
        let daemon = GitDaemon::serve(&repo);
        let mut settings = quiet_settings(&daemon);
        settings.extend(broker::settings(&url, &exchange));
        settings.extend(said.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let server = start(&settings);
        broker::connected(&server);
        let tap = Tap::on(&url, &exchange);
        Self {
            repo,
            server,
            tap,
            _daemon: daemon,
        }
    }

    /// A webhook; gives the answer.
    fn push_arrives(&self, files: &[&str]) -> String {
        let body = github_push("refs/heads/main", files);
        let delivery = github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body));
        let answer = self.server.send(&delivery);
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    /// One message of each kind, with the name of the recorded one that it is like.
    fn messages(&self) -> [(&'static str, &'static str, Delivery); 5] {
        assert_eq!(self.server.post("/actuator/busrefresh").status, 204);
        let change = Request::post(
            "/actuator/busenv",
            r#"{"name":"injected","value":"by-busenv"}"#,
        );
        let change = change.header("Content-Type", "application/json");
        assert_eq!(self.server.send(&change).status, 204);
        let ack_of = |class: &str| {
            let class = format!("org.springframework.cloud.bus.event.{class}");
            self.tap
                .message_with(&["AckRemoteApplicationEvent", &class])
        };
        let refresh = self.tap.message_to("**");
        let refresh_ack = ack_of("RefreshRemoteApplicationEvent");
        let change_ack = ack_of("EnvironmentChangeRemoteApplicationEvent");

        self.repo.push(
            "more retries",
            &[("payments.yml", "payments:\n  retries: 8\n")],
        );
        self.push_arrives(&["payments.yml"]);
        [
            ("refresh", "refresh", refresh),
            (
                "refresh after a push",
                "refresh",
                self.tap.message_with(&["\"payments"]),
            ),
            ("ack of a refresh", "ack of a refresh", refresh_ack),
            (
                "environment change",
                "environment change",
                self.tap.message_with(&["\"values\""]),
            ),
            (
                "ack of an environment change",
                "ack of an environment change",
                change_ack,
            ),
        ]
    }
}

fn compare(json: &str, recorded: &str) {
    let recorded: Value = serde_json::from_str(recorded).unwrap();
    let server = Server::with(&[("confbus.bus.json", json)]);
    let mut found = Vec::new();
    for (message, like, delivery) in server.messages() {
        let spring = facts_of_recorded(&recorded[like]);
        let ours = facts(&delivery, server.tap.exchange());
        let names = |facts: &Facts| {
            facts
                .iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&ours), names(&spring), "{message}: {delivery:?}");
        for ((fact, spring), (_, ours)) in spring.into_iter().zip(ours) {
            if spring != ours {
                found.push([message.to_owned(), fact, spring, ours]);
            }
        }
    }
    let listed: Vec<_> = DIFFERENCES
        .iter()
        .map(|it| [it.message, it.fact, it.spring, it.ours].map(str::to_owned))
        .collect();
    assert_eq!(found, listed, "message, fact, Spring's, ours");
}

fn facts(delivery: &Delivery, bus: &str) -> Facts {
    let mut facts = address(&delivery.exchange, &delivery.routing_key, bus);
    facts.extend(properties(&delivery.properties));
    facts.extend(body(&delivery.body));
    facts
}

fn facts_of_recorded(message: &Value) -> Facts {
    let text = |name: &str| message[name].as_str().unwrap();
    let mut facts = address(text("exchange"), text("routing_key"), "springCloudBus");
    let properties = message["properties"].as_object().unwrap();
    let mut properties: Facts = properties
        .iter()
        .map(|(name, value)| (name.clone(), shape(value)))
        .collect();
    properties.sort();
    facts.extend(properties);
    facts.extend(body(text("body")));
    facts
}

fn address(exchange: &str, routing_key: &str, bus: &str) -> Facts {
    let named = |name: &str| {
        if name == bus {
            "the bus's name".to_owned()
        } else {
            name.to_owned()
        }
    };
    vec![
        ("exchange".to_owned(), named(exchange)),
        ("routing key".to_owned(), named(routing_key)),
    ]
}

/// Those that are there, by name.
fn properties(properties: &BasicProperties) -> Facts {
    let text = |name: &str, text: &Option<ShortString>| {
        let value = text.as_ref()?.to_string();
        Some((name.to_owned(), shape(&value.into())))
    };
    let number = |name: &str, number: Option<u64>| Some((name.to_owned(), shape(&number?.into())));
    let headers = properties.headers().as_ref().map(|headers| {
        let names: Vec<_> = headers.inner().keys().map(ToString::to_string).collect();
        ("headers".to_owned(), names.join(", "))
    });
    let mut all: Facts = [
        text("content_type", properties.content_type()),
        text("content_encoding", properties.content_encoding()),
        headers,
        number("delivery_mode", properties.delivery_mode().map(u64::from)),
        number("priority", properties.priority().map(u64::from)),
        text("correlation_id", properties.correlation_id()),
        text("reply_to", properties.reply_to()),
        text("expiration", properties.expiration()),
        text("message_id", properties.message_id()),
        number("timestamp", *properties.timestamp()),
        text("type", properties.kind()),
        text("user_id", properties.user_id()),
        text("app_id", properties.app_id()),
        text("cluster_id", properties.cluster_id()),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.sort();
    all
}

/// The keys in their order, each with the shape of its value.
fn body(text: &str) -> Facts {
    assert_eq!(text.trim(), text);
    let object: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&object).unwrap(), text, "compact");
    object
        .iter()
        .map(|(key, value)| (format!("body.{key}"), shape(value)))
        .collect()
}

/// What stays the same from message to message.
fn shape(value: &Value) -> String {
    match value {
        Value::String(text) if text.len() == 36 && text.matches('-').count() == 4 => {
            "a UUID".into()
        }
        Value::String(text) if is_bus_id(text) => "a bus id".into(),
        Value::String(text) if text.ends_with("**") => "a destination".into(),
        Value::Number(number) if number.as_u64() > Some(1_000_000_000_000) => "milliseconds".into(),
        Value::Number(number) if number.as_u64() > Some(1_000_000_000) => "seconds".into(),
        Value::Object(headers) if headers.is_empty() => String::new(),
        other => other.to_string(),
    }
}

fn is_bus_id(text: &str) -> bool {
    let parts: Vec<_> = text.split(':').collect();
    matches!(parts.as_slice(), ["config-server", port, random]
        if port.parse::<u16>().is_ok()
            && random.len() == 32
            && random.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[test]
fn messages_are_those_of_boot_4_but_for_a_listed_difference() {
    compare("boot-4", BOOT_4);
}

#[test]
fn messages_are_those_of_boot_3_when_asked_for() {
    compare("boot-3", BOOT_3);
}

#[test]
fn guessed_names_are_told_one_by_one_in_springs_order() {
    let server = Server::with(&[("confbus.monitor.destinations", "guess")]);
    let files = [
        "c.yml",
        "config/b.yml",
        "foo-bar-dev.yml",
        "application-x.yml",
        ".gitignore",
    ];
    assert_eq!(
        server.push_arrives(&files),
        r#"["c","b","foo-bar-dev","foo-bar","foo","application-x","*",""]"#
    );
    server.tap.message_with(&[r#""destinationService":":**""#]);
    assert_eq!(
        server.tap.destinations(),
        [
            "c:**",
            "b:**",
            "foo-bar-dev:**",
            "foo-bar:**",
            "foo:**",
            "application-x:**",
            "*:**",
            ":**"
        ]
    );
    let ids: std::collections::BTreeSet<_> = server
        .tap
        .heard()
        .iter()
        .filter(|delivery| delivery.body.contains("\"RefreshRemoteApplicationEvent\""))
        .map(|delivery| serde_json::from_str::<Value>(&delivery.body).unwrap()["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 8, "each has an id of its own");
}

#[test]
fn beyond_the_limits_of_guessing_everyone_is_told_once() {
    let monitor = "spring.cloud.config.server.monitor.max-paths";
    let server = Server::with(&[("confbus.monitor.destinations", "guess"), (monitor, "2")]);
    assert_eq!(
        server.push_arrives(&["a.yml", "b.yml", "c.yml"]),
        r#"["*"]"#
    );
    assert_eq!(
        server.push_arrives(&[&format!("{}.yml", "x-".repeat(21))]),
        r#"["*"]"#
    );
    server.tap.message_to("*:**");
}

#[test]
fn what_came_and_went_shows_in_the_health_of_the_bus() {
    let server = Server::with(&[]);
    assert_eq!(server.server.post("/actuator/busrefresh").status, 204);
    server.tap.publish("not an event");
    server
        .tap
        .publish(r#"{"type":"com.example.Custom","originService":"o:1:a"}"#);
    eventually("counted messages", || {
        let health = server.server.get("/actuator/health/bus").json();
        let details = &health["details"];
        let misunderstood = json!({"unknown": 1, "malformed": 1, "oversized": 0, "compressed": 0});
        // The refresh and our ack of it.
        let counted = details["published"] == 2 && details["not_understood"] == misunderstood;
        expect_that(counted, health)
    });
}
