//! What nobody may ever be told, whatever is asked and whatever fails: a secret of every kind, every route, the log at its
//! most talkative.

mod client;
mod keys;

use crate::support::{
    ConfigRepo, GitHttp, Manner, ROOT, Request, Running, Secrets, TestServer, VaultServer,
    eventually, expect_that,
};

const SERVER: &str = "spring.cloud.config.server";
const PASSWORD: &str = "canary-of-the-user";
/// What [`Manner::WithLogin`] asks for.
const OF_GIT: &str = "s3cret";

/// Every route, with a body where one belongs.
const ROUTES: [(&str, &str, &str); 51] = [
    ("GET", "/orders/dev", ""),
    ("GET", "/orders/dev/main", ""),
    ("GET", "/orders/dev/no-such-label", ""),
    (
        "GET",
        "/orders/dev/0000000000000000000000000000000000000000",
        "",
    ),
    ("GET", "/orders-dev.yml", ""),
    ("GET", "/orders-dev.json", ""),
    ("GET", "/main/orders-dev.properties", ""),
    ("GET", "/broken/dev", ""),
    ("GET", "/broken-dev.yml", ""),
    ("GET", "/orders/dev/main/orders.yml", ""),
    ("GET", "/orders/dev/main/nothing", ""),
    ("GET", "/orders/dev/main/%2e%2e/x", ""),
    ("GET", "/orders/-", ""),
    ("GET", "/orders/%zz", ""),
    ("GET", "/", ""),
    ("GET", "/error", ""),
    ("GET", "/key", ""),
    ("GET", "/key/orders/dev", ""),
    ("GET", "/encrypt/status", ""),
    ("POST", "/encrypt", "text"),
    ("POST", "/encrypt/orders/dev", "text"),
    ("POST", "/decrypt", "00"),
    ("POST", "/decrypt", "garbage"),
    ("GET", "/actuator", ""),
    ("GET", "/actuator/health", ""),
    ("GET", "/actuator/health/configServer", ""),
    ("GET", "/actuator/info", ""),
    ("GET", "/actuator/env", ""),
    ("GET", "/actuator/prometheus", ""),
    ("GET", "/metrics", ""),
    ("GET", "/livez", ""),
    ("GET", "/readyz", ""),
    ("POST", "/actuator/busrefresh", ""),
    ("POST", "/actuator/busrefresh/orders", ""),
    ("POST", "/actuator/busenv", r#"{"name":"a","value":"b"}"#),
    ("POST", "/monitor", r#"{"path":"orders.yml"}"#),
    ("GET", "/_/api/configurations/orders/dev", ""),
    ("GET", "/_/api/configurations/broken/dev", ""),
    ("GET", "/_/api/explanations/orders/dev?key=limit", ""),
    ("GET", "/_/api/fleet", ""),
    ("GET", "/_/api/names", ""),
    ("GET", "/_/api/diffs?from=orders/dev&to=orders/prod", ""),
    ("GET", "/_/api/history/orders/dev", ""),
    ("GET", "/_/api/instances", ""),
    ("GET", "/_/api/refreshes", ""),
    ("GET", "/_/api/pins", ""),
    ("GET", "/_/api/settings", ""),
    ("GET", "/_/settings", ""),
    ("GET", "/_/api/waves", ""),
    ("POST", "/_/api/waves/promote", "{}"),
    ("POST", "/_/api/pins", "{}"),
];

fn request(method: &str, path: &str, body: &str) -> Request {
    match method {
        "POST" => Request::post(path, body).header("Content-Type", "application/json"),
        _ => Request::get(path),
    }
}

/// Asks for everything, as somebody and as nobody.
fn ask_for_everything(port: u16, secrets: &Secrets) {
    for (method, path, body) in ROUTES {
        let request = || request(method, path, body);
        let forged = request()
            .header("X-GitHub-Event", "push")
            .header("X-Hub-Signature-256", &format!("sha256={}", "0".repeat(64)));
        for request in [request(), forged, request().login("ana", PASSWORD)] {
            let Ok(answer) = request.send(port) else {
                continue;
            };
            for text in [format!("{:?}", answer.headers), answer.body] {
                let told = secrets.told_in(&text);
                assert_eq!(told, None, "{method} {path}: {text}");
            }
        }
    }
}

/// A server with a secret of every kind, where everything that can fail does.
#[test]
fn no_secret_is_ever_told() {
    let repo = ConfigRepo::from_sample();
    repo.push("break a file", &[("broken.yml", "a: [")]);
    let path = repo.path();
    let name = path.file_name().unwrap().to_str().unwrap();
    let git = GitHttp::serve(path.parent().unwrap(), Manner::WithLogin);
    let vault = VaultServer::start();
    let closed = "127.0.0.1:1";

    let hooks = ["github", "gitlab", "gitea", "gogs", "gitee", "bitbucket"]
        .map(|host| format!("--{SERVER}.monitor.{host}.webhook-secret=canary-of-{host}"));
    let base = tempfile::tempdir().unwrap();
    let token = base.path().join("token");
    std::fs::write(&token, "canary-of-the-status").unwrap();
    let mut arguments = vec![
        "serve".to_owned(),
        "--log-format=text".to_owned(),
        "--server.address=127.0.0.1".to_owned(),
        "--server.port=0".to_owned(),
        "--server.error.include-message=always".to_owned(),
        "--management.endpoint.health.show-details=always".to_owned(),
        "--spring.security.user.name=ana".to_owned(),
        format!("--spring.security.user.password={PASSWORD}"),
        "--encrypt.key=canary-of-the-encryption".to_owned(),
        format!("--spring.rabbitmq.addresses=amqp://ana:canary-of-the-broker@{closed}/%2f"),
        "--confbus.encrypt.decrypt-endpoint=true".to_owned(),
        "--confbus.commit-status.kind=github".to_owned(),
        format!("--confbus.commit-status.api-url=http://{closed}/"),
        format!("--confbus.commit-status.token-file={}", token.display()),
        format!(
            "--{SERVER}.git.basedir={}",
            base.path().join("disk").display()
        ),
        "--spring.profiles.active=composite".to_owned(),
        format!(
            "--{SERVER}.composite[0].basedir={}",
            base.path().join("disk").display()
        ),
        format!(
            "--{SERVER}.composite[1].basedir={}",
            base.path().join("disk").display()
        ),
        format!("--{SERVER}.composite[0].type=git"),
        format!("--{SERVER}.composite[0].uri={}", git.url(name)),
        format!("--{SERVER}.composite[0].username=ana"),
        format!("--{SERVER}.composite[0].password={OF_GIT}"),
        format!("--{SERVER}.composite[1].type=git"),
        format!("--{SERVER}.composite[1].uri=http://ana:canary-of-an-address@{closed}/x.git"),
        format!("--{SERVER}.composite[2].type=vault"),
        format!("--{SERVER}.composite[2].port={}", vault.port()),
        format!("--{SERVER}.composite[2].token={ROOT}"),
        format!("--eureka.client.service-url.defaultZone=http://ana:canary-of-eureka@{closed}/"),
        "--eureka.instance.metadata-map.password=canary-in-eureka".to_owned(),
        "--spring.cloud.consul.host=127.0.0.1".to_owned(),
        "--spring.cloud.consul.port=1".to_owned(),
        "--spring.cloud.consul.discovery.acl-token=canary-of-consul".to_owned(),
        "--spring.cloud.consul.discovery.metadata.password=canary-in-consul".to_owned(),
        format!("--spring.cloud.zookeeper.connect-string={closed}"),
        "--spring.cloud.zookeeper.discovery.metadata.password=canary-in-zookeeper".to_owned(),
    ];
    arguments.extend(hooks);
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_confbus"));
    command
        .args(&arguments)
        .env("RUST_LOG", "trace")
        .env("XDG_CACHE_HOME", base.path());
    let running = Running::start(command);
    let line = running.line_with("listening");
    let port = line.rsplit(':').next().unwrap().trim().parse().unwrap();

    let secrets = running.secrets().clone().and("canary-of-the-status");
    ask_for_everything(port, &secrets);
    git.behave(Manner::Ordinary);
    ask_for_everything(port, &secrets);
    for line in running.lines() {
        assert_eq!(secrets.told_in(&line), None, "{line}");
    }
    let asked = git.asked();
    let fetched = asked.iter().any(|line| line.contains("git-upload-pack"));
    assert!(fetched, "nobody used the login: {asked:?}");
}

/// The client's own traces would hold the login, frame by frame.
#[cfg(feature = "broker-tests")]
#[test]
fn no_login_at_a_broker_is_traced() {
    use crate::support::broker;

    let repo = ConfigRepo::from_sample();
    let base = tempfile::tempdir().unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_confbus"));
    command
        .args(["serve", "--server.address=127.0.0.1", "--server.port=0"])
        .arg(format!("--{SERVER}.git.uri={}", repo.path().display()))
        .arg(format!("--{SERVER}.git.basedir={}", base.path().display()))
        .env("RUST_LOG", "trace,lapin=trace,lapin::io_loop=trace");
    for (key, value) in broker::settings(&broker::shared(), &broker::own_exchange()) {
        command.arg(format!("--{key}={value}"));
    }
    let running = Running::start(command);
    running.line_with("bus");
    let login = Secrets::default().and("\0guest\0guest");
    eventually("a bound queue in the log", || {
        let lines = running.lines();
        let bound = lines.iter().any(|line| line.contains("connected"));
        expect_that(bound, lines.last())
    });
    for line in running.lines() {
        assert_eq!(login.told_in(&line), None, "{line}");
    }
}

/// Who hears the bus hears which commit and which application, and nothing that stands in it.
#[cfg(feature = "broker-tests")]
#[test]
fn no_value_travels_over_the_bus() {
    use crate::support::broker::{self, Tap};

    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let (url, exchange) = (broker::shared(), broker::own_exchange());
    let mut settings = broker::settings(&url, &exchange);
    settings.push(("spring.cloud.config.server.git.uri", uri));
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    let server = TestServer::with(&settings).ready();
    broker::connected(&server);
    let tap = Tap::on(&url, &exchange);
    repo.push(
        "a secret",
        &[("orders-dev.yml", "db:\n  password: canary-of-a-value\n")],
    );
    assert_eq!(server.post("/actuator/busrefresh/orders").status, 204);
    tap.message_with(&["RefreshRemoteApplicationEvent"]);
    let value = Secrets::default().and("canary-of-a-value");
    for delivery in tap.heard() {
        let message = format!("{} {:?}", delivery.body, delivery.properties);
        assert_eq!(value.told_in(&message), None, "{message}");
    }
}

/// What starts say when settings are wrong.
#[test]
fn mistakes_in_settings_are_told_without_secrets() {
    for wrong in [
        format!("--{SERVER}.git.uri=http://ana:canary-of-an-address@[x/"),
        format!("--{SERVER}.git.timeout=canary-of-a-number"),
        "--encrypt.key-store.location=file:///nothing".to_owned(),
        "--server.ssl.key-store=tests/keys/server.p12".to_owned(),
        "--spring.rabbitmq.addresses=amqp://ana:canary-of-the-broker@host:port/".to_owned(),
    ] {
        let arguments = [
            "serve".to_owned(),
            "--server.port=0".to_owned(),
            "--encrypt.key=canary-of-the-encryption".to_owned(),
            "--encrypt.key-store.password=canary-of-the-store".to_owned(),
            "--encrypt.key-store.secret=canary-of-the-alias".to_owned(),
            "--server.ssl.key-store-password=canary-of-our-store".to_owned(),
            format!("--{SERVER}.git.password=canary-of-git"),
            wrong.clone(),
        ];
        // What it says is looked at when it is dropped.
        let mut running = Running::confbus(&arguments);
        assert!(!running.wait().success(), "{wrong}");
    }
}

/// A text of a request is in the log as what it is.
#[test]
fn nobody_writes_lines_into_the_log() {
    let server = TestServer::start(&ConfigRepo::from_sample()).ready();
    let forged =
        "/actuator/busrefresh/a%0d%0a2026-01-01T00:00:00Z%20%20INFO%20all%20is%20well%1b%5b31m";
    server.post(forged);
    eventually("the refresh in the log", || {
        let lines = server.lines();
        let line = lines.iter().find(|line| line.contains("all is well"));
        let line = line.ok_or("no such line")?;
        expect_that(
            line.contains("a\\r\\n") && line.contains("\\u{1b}[31m"),
            line,
        )
    });
}
