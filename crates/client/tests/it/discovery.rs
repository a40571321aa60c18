//! Servers that a registry names: found, followed, and kept when the registry is away.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use confbus_client::{
    Balance, Client, ConnectError, Discovery, DiscoveryError, Found, Instance, Retry, Settings,
    Source,
};

use crate::support::{Say, Server, environment, eventually, settings, settled};

const SERVICE: &str = "configserver";

/// Says what a test told it last.
#[derive(Clone)]
struct Registry(Arc<Mutex<Result<Vec<Instance>, &'static str>>>);

impl Registry {
    fn of(servers: &[&Server]) -> Self {
        let registry = Self(Arc::new(Mutex::new(Err("not told yet"))));
        registry.lists(servers);
        registry
    }

    fn lists(&self, servers: &[&Server]) {
        let instances = servers.iter().map(|server| Instance::new(server.url()));
        *self.0.lock().unwrap() = Ok(instances.collect());
    }

    fn fails(&self, why: &'static str) {
        *self.0.lock().unwrap() = Err(why);
    }
}

impl Discovery for Registry {
    fn name(&self) -> String {
        "a registry of this test".to_owned()
    }

    fn instances<'a>(&'a self, service: &'a str) -> Found<'a> {
        assert_eq!(service, SERVICE);
        let says = self.0.lock().unwrap().clone();
        Box::pin(async move { says.map_err(DiscoveryError::new) })
    }
}

async fn serving(version: &str) -> Server {
    Server::start(Say::Body(environment(version, r#"{"max":1}"#), None)).await
}

fn finding(registry: &Registry) -> Settings {
    settings(&[]).discovery(SERVICE, registry.clone())
}

#[tokio::test]
async fn paths_and_logins_are_those_that_instances_tell() {
    let server = serving("c1").await;
    let instance = Instance::new(server.url())
        .metadata("configPath", "/cfg")
        .metadata("password", "s3cret");
    let registry = Registry::of(&[]);
    *registry.0.lock().unwrap() = Ok(vec![instance]);
    let client = Client::connect(finding(&registry)).await.unwrap();
    assert_eq!(client.snapshot().version(), Some("c1"));
    let head = server.heads().remove(0);
    assert!(head.starts_with("GET /cfg/orders/dev "), "{head}");
    // user:s3cret
    assert!(head.contains("Basic dXNlcjpzM2NyZXQ="), "{head}");
    let health = client.health();
    assert_eq!(health.servers[0].server, format!("{}/cfg", server.url()));
    assert!(!format!("{health:?}").contains("s3cret"));
    let discovery = health.discovery.unwrap();
    assert_eq!(discovery.service, SERVICE);
    assert!(discovery.last_found.is_some() && discovery.problem.is_none());
}

#[tokio::test]
async fn a_server_that_is_gone_is_replaced_at_once() {
    let first = serving("c1").await;
    let second = serving("c1").await;
    let registry = Registry::of(&[&first]);
    let client = Client::connect(finding(&registry)).await.unwrap();
    first.stop().await;
    registry.lists(&[&second]);
    // The registry is not asked twice within a second.
    eventually(&client, "the other server", |client| {
        client
            .health()
            .discovery
            .unwrap()
            .last_found
            .is_some_and(|at| at.elapsed().unwrap_or_default() > Duration::from_millis(1100))
    })
    .await;
    client.refresh().await.unwrap();
    assert_eq!(client.health().servers[0].server, second.url());
    assert_eq!(second.heads().len(), 1);
}

#[tokio::test]
async fn a_registry_that_is_away_takes_no_server() {
    let server = serving("c1").await;
    let registry = Registry::of(&[&server]);
    let client = Client::connect(finding(&registry)).await.unwrap();
    registry.fails("it is away");
    server.say(Say::Body(environment("c2", r#"{"max":2}"#), None));
    client.refresh().await.unwrap();
    assert_eq!(client.snapshot().version(), Some("c2"));
}

#[tokio::test]
async fn without_a_server_the_registry_is_blamed_and_the_file_is_taken() {
    let registry = Registry::of(&[]);
    let hasty = |settings: Settings| settings.retry(Retry::attempts(1));
    let Err(ConnectError::Unavailable { unavailable, .. }) =
        Client::connect(hasty(finding(&registry))).await
    else {
        panic!("nobody is there")
    };
    assert_eq!(
        unavailable.to_string(),
        "a registry of this test: nobody offers `configserver`"
    );
    let directory = tempfile::tempdir().unwrap();
    let server = serving("c1").await;
    registry.lists(&[&server]);
    settled(finding(&registry).last_good_dir(directory.path())).await;
    registry.fails("it is away");
    let client = Client::connect(hasty(finding(&registry).last_good_dir(directory.path())))
        .await
        .unwrap();
    let health = client.health();
    assert!(matches!(health.source, Source::LastGood { .. }));
    let problem = health.discovery.unwrap().problem;
    assert_eq!(problem.as_deref(), Some("it is away"));
}

#[tokio::test]
async fn requests_go_round() {
    let servers = [
        serving("c1").await,
        serving("c1").await,
        serving("c1").await,
    ];
    let registry = Registry::of(&servers.each_ref());
    let settings = finding(&registry).balance(Balance::RoundRobin);
    let client = Client::connect(settings.report(false)).await.unwrap();
    for _ in 0..5 {
        client.refresh().await.unwrap();
    }
    let counts = servers.each_ref().map(|server| server.heads().len());
    assert_eq!(counts, [2, 2, 2]);
}

/// A peer of Eureka that lists a server.
#[cfg(feature = "eureka")]
async fn peer_that_lists(server: &Server) -> Server {
    let answer = serde_json::json!({ "applications": { "application": [{ "instance": [{
        "hostName": "127.0.0.1",
        "status": "UP",
        "vipAddress": SERVICE,
        "port": { "$": server.address.port(), "@enabled": "true" },
    }] }] } });
    Server::start(Say::Body(answer.to_string(), None)).await
}

#[cfg(feature = "eureka")]
#[tokio::test]
async fn a_peer_of_eureka_is_asked_with_its_login_and_goes_on_being_asked() {
    let server = serving("c1").await;
    let failing = Server::start(Say::Status(503, "")).await;
    let peer = peer_that_lists(&server).await;
    let zone = format!(
        "http://{}/eureka/,http://eureka:s3cret@{}/eureka/",
        failing.address, peer.address
    );
    let eureka = confbus_client::Eureka::new(&zone).unwrap();
    for _ in 0..2 {
        let found = eureka.instances(SERVICE).await.unwrap();
        assert_eq!(found, [Instance::new(server.url())]);
    }
    let asked = failing.heads();
    assert_eq!(asked.len(), 1, "who answered is asked first: {asked:?}");
    assert!(!asked[0].contains("uthorization"), "{asked:?}");
    for head in peer.heads() {
        let head = head.to_lowercase();
        assert!(head.starts_with("get /eureka/vips/configserver "), "{head}");
        assert!(head.contains("accept: application/json"), "{head}");
        // eureka:s3cret
        let login = "authorization: basic zxvyzwthonmzy3jlda==";
        assert!(head.contains(login), "{head}");
    }

    peer.say(Say::Status(401, ""));
    let error = eureka.instances(SERVICE).await.unwrap_err().to_string();
    for peer in [&failing, &peer] {
        assert!(error.contains(&peer.url()), "{error}");
    }
    assert!(!error.contains("s3cret"), "{error}");
    peer.say(Say::Status(404, ""));
    assert_eq!(eureka.instances(SERVICE).await, Ok(Vec::new()));
    peer.say(Say::Redirect(server.url()));
    assert!(eureka.instances(SERVICE).await.is_err());
    assert!(server.heads().is_empty(), "a login is for nobody else");
    peer.say(Say::Endless);
    let error = eureka.instances(SERVICE).await.unwrap_err().to_string();
    assert!(error.contains("4194304"), "{error}");
}

#[cfg(feature = "consul")]
#[tokio::test]
async fn an_agent_of_consul_is_asked_with_its_token_for_who_is_well() {
    let server = serving("c1").await;
    let service = serde_json::json!({ "Address": "127.0.0.1", "Port": server.address.port() });
    let answer = serde_json::json!([{ "Service": service }]);
    let agent = Server::start(Say::Body(answer.to_string(), None)).await;
    let consul = confbus_client::Consul::new(&agent.url()).unwrap();
    let consul = consul.token(&"s3cret".into()).unwrap();
    let found = consul.instances(SERVICE).await.unwrap();
    assert_eq!(found, [Instance::new(server.url())]);
    let head = agent.heads().remove(0).to_lowercase();
    let asked = "get /v1/health/service/configserver?passing=true ";
    assert!(head.starts_with(asked), "{head}");
    assert!(head.contains("x-consul-token: s3cret"), "{head}");
    for say in [Say::Status(403, "no"), Say::Redirect(server.url())] {
        agent.say(say);
        let error = consul.instances(SERVICE).await.unwrap_err().to_string();
        assert!(error.contains(&agent.url()), "{error}");
        assert!(!error.contains("s3cret"), "{error}");
    }
    assert!(server.heads().is_empty(), "a token is for nobody else");
}
