use std::collections::BTreeMap;

use serde_json::json;

use super::{
    Keeps, Source, cases::keeps_the_promises, restarts::outlives_a_restart, serve, serve_with,
};
use crate::support::{Authority, BucketServer, Instance, Ran, TestServer, eventually, expect_that};

const AT: &str = "spring.cloud.config.server.awss3";

struct Bucket {
    server: BucketServer,
    /// What was put into each.
    files: BTreeMap<String, String>,
}

keeps_the_promises!(Bucket::start());
outlives_a_restart!(
    Bucket::start(),
    (
        "spring.cloud.config.server.awss3.use-directory-layout",
        "true"
    )
);

impl Bucket {
    fn start() -> Option<Self> {
        Some(Self {
            server: BucketServer::start()?,
            files: BTreeMap::new(),
        })
    }

    fn add(&mut self, key: &str, line: &str) {
        let file = self.files.entry(key.to_owned()).or_default();
        file.push_str(line);
        file.push('\n');
        self.server.put(key, file);
    }
}

impl Source for Bucket {
    fn settings(&self) -> Vec<(String, String)> {
        let port = self.server.port();
        let said = [
            ("spring.profiles.active", "awss3".to_owned()),
            (&format!("{AT}.bucket"), BucketServer::BUCKET.to_owned()),
            (
                &format!("{AT}.endpoint"),
                format!("http://127.0.0.1:{port}"),
            ),
            ("aws.access-key-id", BucketServer::ID.to_owned()),
            ("aws.secret-access-key", BucketServer::SECRET.to_owned()),
            ("confbus.lookups.interval", "1h".to_owned()),
        ];
        said.map(|(key, value)| (key.to_owned(), value)).into()
    }

    fn put(&mut self, application: &str, profile: Option<&str>, key: &str, value: &str) {
        let name = self.name(application, profile);
        let name = name.trim_start_matches("s3:");
        self.add(&format!("{name}.properties"), &format!("{key}={value}"));
    }

    fn put_at_v1(&mut self, application: &str, key: &str, value: &str) -> bool {
        self.add(&format!("v1/{application}.yml"), &format!("{key}: {value}"));
        true
    }

    fn name(&self, application: &str, profile: Option<&str>) -> String {
        let profile = profile.map_or_else(String::new, |profile| format!("-{profile}"));
        format!("s3:{application}{profile}")
    }

    /// In the order in which they are asked for, and everybody's for each of them.
    fn of_dev_and_qa(&self) -> Vec<Option<&'static str>> {
        vec![Some("dev"), Some("qa"), None, None]
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
fn files_are_read_as_by_spring() {
    let Some(source) = Bucket::start() else {
        return;
    };
    let files = [
        ("orders-dev.json", "{\"n\": {\"m\": [1, true]}}"),
        (
            "orders.yml",
            "k: all\n---\nspring.config.activate.on-profile: dev\nk: dev\n",
        ),
        ("application.yaml", "shared: x\n"),
        ("v 1/orders.properties", "k=v1"),
    ];
    for (key, content) in files {
        source.server.put(&key.replace(' ', "%20"), content);
    }
    let server = serve(&source);
    assert_eq!(
        server.get("/orders/dev").json(),
        json!({
            "name": "orders", "profiles": ["dev"], "label": null, "version": null, "state": null,
            "propertySources": [
                { "name": "s3:orders-dev", "source": { "n.m[0]": 1, "n.m[1]": true } },
                { "name": "s3:orders-dev", "source": { "spring.config.activate.on-profile": "dev", "k": "dev" } },
                { "name": "s3:orders", "source": { "k": "all" } },
                { "name": "s3:application", "source": { "shared": "x" } },
            ],
        })
    );
    assert_eq!(server.value("/orders/dev/v%201", "k"), "v1");
}

#[test]
fn files_may_be_in_folders_of_applications() {
    let Some(source) = Bucket::start() else {
        return;
    };
    source
        .server
        .put("main/orders/application-dev.yml", "k: dev");
    source
        .server
        .put("main/application/application.yml", "k: shared");
    let layout = format!("{AT}.use-directory-layout");
    let label = ("spring.cloud.config.server.default-label", "main");
    let server = serve_with(&source, &[(&layout, "true"), label]);
    let answer = server.get("/orders/dev").json();
    assert_eq!(
        answer["propertySources"],
        json!([
            { "name": "s3:orders/application-dev", "source": { "k": "dev" } },
            { "name": "s3:application/application", "source": { "k": "shared" } },
        ])
    );
}

#[test]
fn a_file_that_cannot_be_used_is_told_and_what_was_said_last_stays() {
    let Some(source) = Bucket::start() else {
        return;
    };
    source.server.put("orders.yml", "k: 1");
    source.server.put("orders.json", "");
    source.server.put("billing.yml", "k: v\nopensesame: [");
    let server = serve(&source);
    let answer = server.get("/billing/dev");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.body.contains("billing.yml:2:"), "{answer:?}");
    let before = server.get("/orders/dev").body;
    source.server.put("orders.json", "{\"k\": opensesame]");
    server.post("/actuator/busrefresh");
    assert_eq!(server.get("/orders/dev").body, before);
    let health = server.get("/actuator/health").body;
    assert!(health.contains("orders.json:1:"), "{health}");
    let told = answer.body + &health + &server.lines().join("\n");
    assert!(!told.contains("opensesame"), "{told}");
    source
        .server
        .put("large.yml", &"# comment\n".repeat(400_000));
    let answer = server.get("/large/dev");
    assert!(
        answer.body.contains("large.yml: 4000000 bytes"),
        "{answer:?}"
    );
}

#[test]
fn whoever_may_not_is_told_so_and_not_that_there_is_nothing() {
    let Some(source) = Bucket::start() else {
        return;
    };
    source.server.put("orders.yml", "k: 1");
    let wrong = serve_with(&source, &[("aws.secret-access-key", "wr0ng-secret")]);
    let answer = wrong.get("/orders/dev");
    assert_eq!(answer.status, 503, "{answer:?}");
    let told = answer.body + &wrong.lines().join("\n");
    assert!(
        told.contains("awss3 refuses: SignatureDoesNotMatch"),
        "{told}"
    );
    assert!(!told.contains("wr0ng"), "{told}");
    let bucket = format!("{AT}.bucket");
    let nobody = serve_with(&source, &[(&bucket, "nobody")]);
    let answer = nobody.get("/orders/dev");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(
        answer.body.contains("awss3 refuses: NoSuchBucket"),
        "{answer:?}"
    );
}

#[test]
fn who_is_given_something_else_is_told_and_health_says_since_when_nobody_answers() {
    let Some(mut source) = Bucket::start() else {
        return;
    };
    source.put("orders", None, "greeting", "hello");
    let server = serve_with(&source, &[("confbus.lookups.interval", "100ms")]);
    let orders = Instance::start(&server, "orders/dev", 8081, &[]);
    source.put("orders", Some("dev"), "greeting", "good morning");
    orders.sees("greeting", "good morning");
    source.stop();
    let health = eventually("trouble", || {
        let health = server.get("/actuator/health").body;
        expect_that(health.contains("awss3 cannot be reached"), &health).map(|()| health)
    });
    assert!(health.contains("s3://config at 127.0.0.1"), "{health}");
    assert!(health.contains("Connection refused"), "{health}");
    server.line_with("what it said last is served");
    source.go_on();
    server.line_with("the store answers again");
}

#[test]
fn the_doctor_says_hello() {
    let Some(mut source) = Bucket::start() else {
        return;
    };
    let settings = source.settings();
    let settings = settings
        .iter()
        .map(|(key, value)| format!("--{key}={value}"));
    let arguments: Vec<_> = ["doctor".to_owned()].into_iter().chain(settings).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let told = Ran::confbus(&arguments).stdout;
    assert!(
        told.contains("s3://config at 127.0.0.1 answered in"),
        "{told}"
    );
    source.stop();
    let told = Ran::confbus(&arguments).stdout;
    assert!(
        told.contains("awss3 cannot be reached: Connection refused"),
        "{told}"
    );
    assert!(!told.contains(BucketServer::SECRET), "{told}");
}

#[test]
fn over_tls_only_whom_this_machine_trusts_is_believed() {
    let authority = Authority::new();
    let Some(store) = BucketServer::with_tls(&authority) else {
        return;
    };
    store.put("orders.yml", "n: 1");
    let endpoint = format!("https://localhost:{}", store.port());
    let (bucket, at) = (format!("{AT}.bucket"), format!("{AT}.endpoint"));
    let serve = |trusted: &Authority| {
        let trusted = trusted.path("ca.pem").display().to_string();
        TestServer::with_environment(
            &[
                ("spring.profiles.active", "awss3"),
                (&bucket, BucketServer::BUCKET),
                (&at, &endpoint),
            ],
            &[
                ("SSL_CERT_FILE", &trusted),
                ("AWS_ACCESS_KEY_ID", BucketServer::ID),
                ("AWS_SECRET_ACCESS_KEY", BucketServer::SECRET),
            ],
        )
    };
    assert_eq!(serve(&authority).value("/orders/dev", "n"), 1);
    let server = serve(&Authority::new());
    let answer = server.get("/orders/dev");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.body.contains("certificate"), "{answer:?}");
}
