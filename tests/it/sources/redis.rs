use serde_json::json;

use super::{
    Keeps, Source, cases::keeps_the_promises, restarts::outlives_a_restart, serve, serve_with,
};
use crate::support::{Authority, Instance, Ran, RedisServer, TestServer, eventually, expect_that};

const PASSWORD: &str = "open sesame: redis";

pub(super) struct Redis {
    server: RedisServer,
}

keeps_the_promises!(Redis::start());
outlives_a_restart!(Redis::start(), ("spring.data.redis.database", "1"));

impl Redis {
    pub(super) fn start() -> Option<Self> {
        let server = RedisServer::start()?;
        Some(Self { server })
    }
}

impl Source for Redis {
    fn settings(&self) -> Vec<(String, String)> {
        let said = [
            ("spring.profiles.active", "redis".to_owned()),
            ("spring.data.redis.host", "127.0.0.1".to_owned()),
            ("spring.data.redis.port", self.server.port().to_string()),
            ("spring.data.redis.password", PASSWORD.to_owned()),
            ("confbus.lookups.interval", "1h".to_owned()),
        ];
        said.map(|(key, value)| (key.to_owned(), value)).into()
    }

    fn put(&mut self, application: &str, profile: Option<&str>, key: &str, value: &str) {
        let name = self.name(application, profile);
        let name = name.trim_start_matches("redis:");
        self.server.say(&["HSET", name, key, value]);
    }

    fn put_at_v1(&mut self, _: &str, _: &str, _: &str) -> bool {
        false
    }

    fn name(&self, application: &str, profile: Option<&str>) -> String {
        let profile = profile.map_or_else(String::new, |profile| format!("-{profile}"));
        format!("redis:{application}{profile}")
    }

    fn has_versions(&self) -> bool {
        false
    }

    fn keeps(&self) -> Keeps {
        Keeps::Answers
    }

    fn stop(&mut self) {
        self.server.stop();
    }

    fn go_on(&mut self) {
        self.server.go_on();
    }
}

#[test]
fn a_hash_that_is_not_there_is_a_source_without_keys() {
    let Some(mut source) = Redis::start() else {
        return;
    };
    source.put("a,b", None, "k", "v");
    source.put("application", None, "k", "nobody's");
    let server = serve(&source);
    let answer = server.get("/a,b/default/main").json();
    assert_eq!(
        answer,
        json!({
            "name": "a,b", "profiles": ["default"], "label": "main", "version": null, "state": null,
            "propertySources": [
                { "name": "redis:a,b-default", "source": {} },
                { "name": "redis:a,b", "source": { "k": "v" } },
            ],
        })
    );
}

#[test]
fn what_redis_refuses_is_told_without_secrets() {
    let Some(source) = Redis::start() else {
        return;
    };
    source.server.say(&["SET", "orders", "no hash"]);
    let server = serve(&source);
    let answer = server.get("/orders/dev");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(
        answer.body.contains("redis refuses: WRONGTYPE"),
        "{answer:?}"
    );
    let port = source.server.port().to_string();
    let wrong = TestServer::with(&[
        ("spring.profiles.active", "redis"),
        ("spring.data.redis.port", &port),
        ("spring.data.redis.password", "wr0ng-password"),
    ]);
    let answer = wrong.get("/orders/dev");
    assert_eq!(answer.status, 503, "{answer:?}");
    let told = answer.body + &wrong.lines().join("\n");
    assert!(
        told.contains("redis refuses") && !told.contains("wr0ng"),
        "{told}"
    );
}

#[test]
fn health_says_since_when_nobody_answers_and_changes_are_seen_without_a_word() {
    let Some(mut source) = Redis::start() else {
        return;
    };
    source.put("orders", None, "n", "1");
    let server = serve_with(&source, &[("confbus.lookups.interval", "100ms")]);
    assert_eq!(server.value("/orders/dev", "n"), "1");
    source.put("orders", None, "n", "2");
    eventually("what changed", || {
        let value = server.value("/orders/dev", "n");
        expect_that(value == "2", value)
    });
    let shown = format!("redis://127.0.0.1:{}/0", source.server.port());
    source.stop();
    let health = eventually("trouble", || {
        let health = server.get("/actuator/health").body;
        expect_that(health.contains("redis cannot be reached"), &health).map(|()| health)
    });
    assert!(health.contains(&shown), "{health}");
    server.line_with("what it said last is served");
    assert_eq!(server.value("/orders/dev", "n"), "2");
    source.go_on();
    server.line_with("the store answers again");
    let metrics = server.get("/actuator/prometheus").body;
    assert!(metrics.contains(&shown), "{metrics}");
}

#[test]
fn all_who_ask_first_share_one_question() {
    let Some(mut source) = Redis::start() else {
        return;
    };
    source.put("orders", None, "n", "1");
    let server = serve(&source);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert_eq!(server.value("/orders/dev", "n"), "1"));
        }
    });
    let counted = source.server.say(&["INFO", "commandstats"]);
    assert!(counted.contains("cmdstat_exec:calls=1,"), "{counted}");
}

#[test]
fn who_is_given_something_else_is_told() {
    let Some(mut source) = Redis::start() else {
        return;
    };
    source.put("orders", None, "greeting", "hello");
    let server = serve_with(&source, &[("confbus.lookups.interval", "100ms")]);
    let orders = Instance::start(&server, "orders/dev", 8081, &[]);
    source.put("orders", Some("dev"), "greeting", "good morning");
    orders.sees("greeting", "good morning");
}

#[test]
fn the_doctor_says_hello() {
    let Some(mut source) = Redis::start() else {
        return;
    };
    let settings = source.settings();
    let settings = settings
        .iter()
        .map(|(key, value)| format!("--{key}={value}"));
    let arguments: Vec<_> = ["doctor".to_owned()].into_iter().chain(settings).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let told = Ran::confbus(&arguments).stdout;
    assert!(told.contains("/0 answered in"), "{told}");
    source.stop();
    let told = Ran::confbus(&arguments).stdout;
    assert!(
        told.contains("/0: redis cannot be reached: Connection refused"),
        "{told}"
    );
    assert!(!told.contains(PASSWORD), "{told}");
}

#[test]
fn over_tls_only_whom_this_machine_trusts_is_believed() {
    let authority = Authority::new();
    let Some((redis, port)) = RedisServer::with_tls(&authority) else {
        return;
    };
    redis.say(&["HSET", "orders", "n", "1"]);
    let url = format!(
        "rediss://:{}@localhost:{port}",
        PASSWORD.replace(' ', "%20")
    );
    let serve = |trusted: &Authority| {
        let trusted = trusted.path("ca.pem").display().to_string();
        TestServer::with_environment(
            &[
                ("spring.profiles.active", "redis"),
                ("spring.data.redis.url", &url),
            ],
            &[("SSL_CERT_FILE", &trusted)],
        )
    };
    assert_eq!(serve(&authority).value("/orders/dev", "n"), "1");
    let server = serve(&Authority::new());
    let answer = server.get("/orders/dev");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.body.contains("certificate"), "{answer:?}");
}
