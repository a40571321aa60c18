use std::time::{Duration, Instant};

use confbus_client::{
    Client, ConnectError, FailOver, Failure, PropertyValue, RefreshError, Retry, Settings,
    Unavailable,
};

use crate::support::{Say, Server, environment, eventually, settings};

fn one_try() -> Retry {
    Retry::attempts(1)
}

fn unavailable(error: ConnectError) -> Unavailable {
    match error {
        ConnectError::Unavailable { unavailable, .. } => unavailable,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_server_with_etags_is_asked_conditionally() {
    let server = Server::start(Say::Body(environment("c1", r#"{"max":1}"#), Some("\"e1\""))).await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    assert!(!server.heads()[0].to_lowercase().contains("if-none-match"));

    assert_eq!(client.refresh().await.unwrap(), [""; 0]);
    assert!(server.heads()[0].contains("\"e1\""));
    assert_eq!(client.health().version.as_deref(), Some("c1"));

    server.say(Say::Body(environment("c2", r#"{"max":2}"#), Some("\"e2\"")));
    assert_eq!(client.refresh().await.unwrap(), ["max"]);
    assert_eq!(client.refresh().await.unwrap(), [""; 0]);
    assert!(server.heads()[1].contains("\"e2\""));
}

#[tokio::test]
async fn a_server_without_etags_is_compared_by_content() {
    let server = Server::start(Say::Body(
        environment("c1", r#"{"max":{"value":1,"origin":"3:6"},"gone":true}"#),
        None,
    ))
    .await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    let max = client.bind::<u32>("max").live().unwrap();
    assert_eq!(
        client.snapshot().origin("max").unwrap().to_string(),
        "orders-dev.yml:3:6"
    );
    assert_eq!(client.refresh().await.unwrap(), [""; 0]);

    server.say(Say::Body(
        environment("c2", r#"{"max":{"value":2,"origin":"3:6"},"new":"x"}"#),
        None,
    ));
    assert_eq!(client.refresh().await.unwrap(), ["gone", "max", "new"]);
    let change = max.changed().await;
    assert_eq!(
        (
            *change.old,
            *change.new,
            change.keys,
            change.version.as_deref()
        ),
        (1, 2, vec!["max".to_owned()], Some("c2"))
    );
}

#[tokio::test]
async fn requests_carry_what_spring_sends() {
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    let address = format!("http://ana:p%40ss@{}//config/", server.address);
    let settings = Settings::new("orders")
        .profiles("dev,cloud")
        .label("feature/x")
        .server(address)
        .token("t0ken")
        .header("X-Tenant", "acme");
    Client::connect(settings).await.unwrap();
    let head = server.heads().remove(0);
    assert!(
        head.starts_with("GET /config/orders/dev,cloud/feature(_)x HTTP/1.1\r\n"),
        "{head}"
    );
    let head = head.to_lowercase();
    for line in [
        "accept: application/vnd.spring-cloud.config-server.v2+json, application/json;q=0.9\r\n",
        "authorization: basic yw5honbac3m=\r\n",
        "x-config-token: t0ken\r\n",
        "x-tenant: acme\r\n",
        // No proxy may answer with what it has stored.
        "cache-control: no-cache\r\n",
    ] {
        assert!(head.contains(line), "{line}{head}");
    }
}

#[tokio::test]
async fn the_next_server_is_asked_when_one_fails() {
    let broken = Server::start(Say::Status(500, "oops")).await;
    let gone = Server::start(Say::Status(500, "")).await;
    let good = Server::start(Say::Body(environment("c1", r#"{"max":1}"#), None)).await;
    let settings = settings(&[&gone, &broken, &good]).retry(one_try());
    gone.stop().await;
    let client = Client::connect(settings.clone()).await.unwrap();
    assert_eq!(
        client.snapshot().get("max"),
        Some(&PropertyValue::Integer(1))
    );

    let strict = settings.fail_over(FailOver::ConnectionFailure);
    let attempts = unavailable(Client::connect(strict).await.unwrap_err());
    assert_eq!(attempts.attempts().len(), 2, "{attempts}");
    assert_eq!(
        attempts.attempts()[1].failure,
        Failure::Status { status: 500 }
    );
}

#[tokio::test]
async fn the_next_label_is_asked_when_nobody_knows_one() {
    let server = Server::start(Say::Status(404, "{}")).await;
    let error = Client::connect(settings(&[&server]).label("topic, main").retry(one_try()))
        .await
        .unwrap_err();
    assert_eq!(unavailable(error).attempts().len(), 2);
    let paths: Vec<String> = server
        .heads()
        .iter()
        .map(|head| head.split(' ').nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(paths, ["/orders/dev/topic", "/orders/dev/main"]);
}

#[tokio::test]
async fn nothing_a_server_does_empties_what_is_running() {
    let good = Say::Body(environment("c1", r#"{"max":1}"#), Some("\"e1\""));
    let server = Server::start(good.clone()).await;
    let settings = settings(&[&server])
        .request_timeout(Duration::from_millis(200))
        .max_response_bytes(100_000);
    let client = Client::connect(settings).await.unwrap();
    for (say, expected) in [
        (Say::Status(404, "{}"), "not found"),
        (Say::Status(503, ""), "status 503"),
        (Say::Status(401, ""), "access denied (401)"),
        (Say::Status(204, ""), "status 204"),
        (Say::Body("<html>Please log in: s3cret</html>".into(), None), "no environment"),
        (Say::Body(r#"{"name":"orders","profiles":["dev"],"propertySources":[{"name":"x","source":{"a":["s3cret"]}}]}"#.into(), None), "no environment"),
        (Say::Body(r#"{"name":"orders","#.into(), None), "no environment"),
        (Say::Stall, "no answer in time"),
        (Say::Endless, "larger than 100000 bytes"),
    ] {
        server.say(say);
        let error = client.refresh().await.unwrap_err();
        assert!(error.to_string().contains(expected) && !error.to_string().contains("s3cret"), "{error}");
        assert!(client.health().unavailable.unwrap().contains(expected));
        assert_eq!(client.snapshot().get("max"), Some(&PropertyValue::Integer(1)));
    }
    server.say(good);
    client.refresh().await.unwrap();
    assert_eq!(client.health().unavailable, None);
}

#[tokio::test]
async fn after_a_failure_the_client_looks_again_by_itself() {
    let server = Server::start(Say::Body(environment("c1", r#"{"max":1}"#), None)).await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    server.say(Say::Status(503, ""));
    client.refresh().await.unwrap_err();
    server.say(Say::Body(environment("c2", r#"{"max":2}"#), None));
    eventually(&client, "the new version", |client| {
        client.health().version.as_deref() == Some("c2")
    })
    .await;
}

#[tokio::test]
async fn a_start_without_a_server_ends_in_time_and_says_why() {
    let server = Server::start(Say::Stall).await;
    let begun = Instant::now();
    let settings = settings(&[&server])
        .request_timeout(Duration::from_millis(100))
        .retry(one_try());
    let error = Client::connect(settings).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(
        error.to_string(),
        format!("no configuration: {}: no answer in time", server.url())
    );
}

#[tokio::test]
async fn a_start_is_tried_again_unless_access_is_denied() {
    let mut short = Retry::attempts(3);
    short.initial_interval = Duration::from_millis(1);
    let server = Server::start(Say::Status(503, "")).await;
    Client::connect(settings(&[&server]).retry(short))
        .await
        .unwrap_err();
    assert_eq!(server.heads().len(), 3);

    server.say(Say::Status(401, ""));
    let error = Client::connect(settings(&[&server]).retry(short))
        .await
        .unwrap_err();
    assert_eq!(server.heads().len(), 1);
    assert!(unavailable(error).is_denied());
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_origin() {
    let other = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    let server = Server::start(Say::Redirect(format!("{}/orders/dev", other.url()))).await;
    let plain = settings(&[&server]).retry(one_try());
    let error = Client::connect(plain.clone().credentials("ana", "pw"))
        .await
        .unwrap_err();
    assert_eq!(unavailable(error).attempts()[0].failure, Failure::Redirect);
    assert_eq!(other.heads().len(), 0);
    Client::connect(plain).await.unwrap();
}

#[tokio::test]
async fn the_poll_finds_what_no_event_told() {
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    let client = Client::connect(settings(&[&server]).poll_every(Duration::from_millis(10)))
        .await
        .unwrap();
    server.say(Say::Body(environment("c2", "{}"), None));
    eventually(&client, "the new version", |client| {
        client.health().version.as_deref() == Some("c2")
    })
    .await;
}

#[tokio::test]
async fn many_who_ask_share_a_fetch() {
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    server.heads();
    let asking: Vec<_> = (0..100)
        .map(|_| {
            tokio::spawn({
                let client = client.clone();
                async move { client.refresh().await }
            })
        })
        .collect();
    for asked in asking {
        asked.await.unwrap().unwrap();
    }
    let fetches = server.heads().len();
    assert!((1..=10).contains(&fetches), "{fetches}");
}

#[tokio::test]
async fn a_refused_version_is_told_and_tried_again() {
    let server = Server::start(Say::Body(
        environment("c1", r#"{"max":1,"name":"x"}"#),
        Some("\"e1\""),
    ))
    .await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    let max = client.bind::<u8>("max").live().unwrap();
    let name = client.bind::<String>("name").live().unwrap();

    server.say(Say::Body(
        environment(
            "c2",
            r#"{"max":{"value":"many","origin":"7:6"},"name":"y"}"#,
        ),
        Some("\"e2\""),
    ));
    let Err(RefreshError::Refused(rejection)) = client.refresh().await else {
        panic!("it was accepted")
    };
    assert_eq!(
        rejection.to_string(),
        r#"`max`: expected u8, found text "many" (orders-dev.yml:7:6)"#
    );
    let health = client.health();
    assert_eq!(health.refused.unwrap(), format!("version c2: {rejection}"));
    assert_eq!(
        (health.version.as_deref(), *max.load(), name.load().as_str()),
        (Some("c1"), 1, "x")
    );

    server.say(Say::Body(
        environment("c3", r#"{"max":3,"name":"y"}"#),
        Some("\"e3\""),
    ));
    assert_eq!(client.refresh().await.unwrap(), ["max", "name"]);
    assert_eq!(
        (client.health().refused, *max.load(), name.load().as_str()),
        (None, 3, "y")
    );
}

#[tokio::test]
async fn tls_needs_nothing_from_the_application() {
    let server = Server::start(Say::Status(500, "")).await;
    let address = server.url().replace("http:", "https:");
    let settings = Settings::new("orders").server(address).retry(one_try());
    let attempts = unavailable(Client::connect(settings).await.unwrap_err());
    assert!(
        matches!(attempts.attempts()[0].failure, Failure::Connection(_)),
        "{attempts}"
    );
}

#[test]
fn a_client_whose_runtime_has_ended_says_so() {
    let runtime = || tokio::runtime::Runtime::new().unwrap();
    let (of_server, of_client) = (runtime(), runtime());
    let body = Say::Body(environment("c1", "{}"), None);
    let server = of_server.block_on(Server::start(body));
    let client = of_client
        .block_on(Client::connect(settings(&[&server])))
        .unwrap();
    assert_eq!(client.health().unavailable, None);
    drop(of_client);
    let unavailable = client.health().unavailable.unwrap();
    assert!(unavailable.contains("nobody looks again"), "{unavailable}");
}
