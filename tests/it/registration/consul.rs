use super::{PASSWORD, server, standing};
use crate::support::{ConfigRepo, StatusHost, TestServer, eventually, expect_that};

const TOKEN: &str = "token-of-the-registry-4Jc8";

fn server_with(repo: &ConfigRepo, agent: &StatusHost, more: &[(&str, &str)]) -> TestServer {
    let url = agent.url();
    let port = url.rsplit(':').next().unwrap();
    let mut settings = vec![
        ("spring.cloud.consul.host", "127.0.0.1"),
        ("spring.cloud.consul.port", port),
        ("spring.cloud.consul.discovery.acl-token", TOKEN),
        ("spring.cloud.consul.discovery.instance-id", "config-1"),
        ("spring.cloud.consul.discovery.metadata.password", PASSWORD),
    ];
    settings.extend(more);
    server(repo, &settings)
}

#[test]
fn an_agent_hears_when_a_server_comes_is_well_and_goes() {
    let repo = ConfigRepo::from_sample();
    let agent = StatusHost::start();
    let ttl = ("spring.cloud.consul.discovery.heartbeat.ttl", "2s");
    let mut server = server_with(&repo, &agent, &[ttl]);
    let asked = eventually("two heartbeats", || {
        let asked = agent.posts();
        expect_that(asked.len() > 2, &asked).map(|()| asked)
    });
    assert_eq!(asked[0].path, "PUT /v1/agent/service/register HTTP/1.1");
    assert!(
        asked
            .iter()
            .all(|one| one.headers["x-consul-token"] == TOKEN)
    );
    let service = &asked[0].body;
    assert_eq!(
        (&service["Name"], &service["ID"]),
        (&"configserver".into(), &"config-1".into())
    );
    assert_eq!(service["Port"], server.port());
    assert_eq!(service["Meta"]["configPath"], "/cfg");
    assert_eq!(service["Check"]["TTL"], "2000ms");
    let passed = "PUT /v1/agent/check/pass/service:config-1 HTTP/1.1";
    assert!(asked[1..].iter().all(|one| one.path == passed), "{asked:?}");

    let standing = standing(&server, "consul");
    assert_eq!(standing["registered"], true, "{standing}");
    assert_eq!(standing["server"], agent.url());

    server.running().signal("TERM");
    assert!(server.running().wait().success());
    let last = agent.posts().pop().unwrap();
    assert_eq!(
        last.path,
        "PUT /v1/agent/service/deregister/config-1 HTTP/1.1"
    );
    let told = server.lines().join("\n");
    assert!(told.contains("registered"), "{told}");
    for secret in [TOKEN, PASSWORD] {
        assert!(!told.contains(secret), "{told}");
    }
}

#[test]
fn an_agent_that_asks_by_itself_is_looked_after_and_told_anew() {
    let repo = ConfigRepo::from_sample();
    let agent = StatusHost::start();
    // It takes the server, and has lost it when it is asked: agents say so in two ways.
    agent.answer(&[
        "200 OK",
        "404 Not Found",
        "200 OK",
        "500 Internal Server Error",
    ]);
    let ttl = ("spring.cloud.consul.discovery.heartbeat.ttl", "2s");
    let _server = server_with(&repo, &agent, &[ttl]);
    let asked = eventually("a third registration", || {
        let asked = agent.posts();
        expect_that(asked.len() > 4, &asked).map(|()| asked)
    });
    let is_register = |index: usize| asked[index].path.contains("/register");
    assert!(
        is_register(0) && is_register(2) && is_register(4),
        "{asked:?}"
    );

    let agent = StatusHost::start();
    let http = ("spring.cloud.consul.discovery.heartbeat.enabled", "false");
    let server = server_with(&repo, &agent, &[http]);
    let asked = eventually("a registration", || {
        let asked = agent.posts();
        expect_that(!asked.is_empty(), &asked).map(|()| asked)
    });
    let check = &asked[0].body["Check"];
    let url = check["HTTP"].as_str().unwrap();
    let health = format!(":{}/actuator/health", server.port());
    assert!(
        url.starts_with("http://") && url.ends_with(&health),
        "{check}"
    );
    assert_eq!(check["Interval"], "10000ms");
}
