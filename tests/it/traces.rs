//! A push is one trace, from the delivery to those who run it; and a collector is never waited for.

use crate::{
    support::{
        Collector, ConfigRepo, GitDaemon, Instance, Request, TestServer, eventually, expect_that,
    },
    webhook::{github, github_push, quiet_settings, sign, start},
};

const ELSEWHERE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const HEADER: &str = "Basic c2VjcmV0LWhlYWRlcg==";

/// One that looks only when it is told, and tells the collector.
fn server(daemon: &GitDaemon, collector: &Collector, more: &[(&'static str, &str)]) -> TestServer {
    let mut settings = quiet_settings(daemon);
    settings.extend(more.iter().map(|(key, value)| (*key, (*value).to_owned())));
    let endpoint = format!("{}/v1/traces", collector.url());
    settings.push(("management.otlp.tracing.endpoint", endpoint));
    let header = "management.otlp.tracing.headers.authorization";
    settings.push((header, HEADER.to_owned()));
    start(&settings)
}

struct Scene {
    repo: ConfigRepo,
    collector: Collector,
    server: TestServer,
    #[cfg_attr(
        not(feature = "broker-tests"),
        expect(dead_code, reason = "it serves for as long as it is there")
    )]
    daemon: GitDaemon,
}

impl Scene {
    fn start(more: &[(&'static str, &str)]) -> Self {
        let repo = ConfigRepo::from_sample();
        let daemon = GitDaemon::serve(&repo);
        let collector = Collector::start();
        let server = server(&daemon, &collector, more);
        Self {
            repo,
            collector,
            server,
            daemon,
        }
    }

    /// Pushes, and has it delivered.
    fn push(&self, text: &str, more: &[(&str, &str)]) -> String {
        let commit = self.repo.push(text, &[("orders-dev.yml", text)]);
        let body = github_push("refs/heads/main", &["orders-dev.yml"]);
        let request = github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body));
        let add = |request: Request, (name, value): &(&str, &str)| request.header(name, value);
        let answer = self.server.send(&more.iter().fold(request, add));
        assert_eq!(answer.status, 200, "{answer:?}");
        commit
    }

    #[track_caller]
    fn counts(&self, line: &str) {
        eventually(line, || {
            let page = self.server.get("/metrics").body;
            expect_that(page.contains(line), &page)
        });
    }

    fn says(&self, text: &str) -> usize {
        let lines = self.server.lines();
        lines.iter().filter(|line| line.contains(text)).count()
    }
}

#[test]
fn a_push_is_one_trace_up_to_those_who_run_it() {
    let scene = Scene::start(&[]);
    let instance = Instance::start(&scene.server, "orders/dev", 8081, &[]);
    let commit = scene.push("greeting: traced-s3cret\n", &[("traceparent", ELSEWHERE)]);
    instance.sees("greeting", "traced-s3cret");

    let applied = scene.collector.span("config.apply");
    let spans = scene.collector.spans();
    let one = |name: &str| {
        let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        assert_eq!(found.len(), 1, "{name}: {spans:#?}");
        found[0].clone()
    };
    let delivery = one("POST /monitor");
    let publish = one("publish in process");
    assert_eq!(delivery.trace, "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(delivery.parent, "b7ad6b7169203331");
    for name in ["git.fetch", "snapshot.swap", "snapshot.compare"] {
        assert_eq!(one(name).parent, delivery.id, "{name}");
    }
    assert_eq!(
        scene.collector.span("snapshot.validate").parent,
        delivery.id
    );
    assert_eq!(publish.parent, delivery.id);
    assert_eq!(applied.parent, publish.id);
    assert_eq!(delivery.kind, 2, "of a server");
    assert_eq!(publish.kind, 4, "of a producer");
    for span in scene.collector.spans() {
        assert_eq!(span.trace, delivery.trace, "{span:?}");
        assert!(span.ends_after_its_start && !span.has_failed, "{span:?}");
    }
    assert_eq!(one("snapshot.swap").attributes["confbus.commit"], commit);
    assert_eq!(applied.attributes["confbus.commit"], commit);
    assert_eq!(applied.attributes["confbus.application"], "orders");
    assert_eq!(applied.attributes["confbus.outcome"], "applied");
    assert_eq!(publish.attributes["confbus.destination"], "orders:**");

    let batch = &scene.collector.batches()[0];
    assert_eq!(batch.path, "/v1/traces");
    assert_eq!(batch.headers["content-type"], "application/x-protobuf");
    assert_eq!(batch.headers["authorization"], HEADER);
    assert_eq!(batch.resource["service.name"], "config-server");
    scene.counts("confbus_trace_spans_total{result=\"sent\"}");
    for text in [
        format!("{:?}", scene.collector.spans()),
        scene.server.lines().join("\n"),
    ] {
        assert!(
            !text.contains("traced-s3cret") && !text.contains("hook-s3cret"),
            "{text}"
        );
    }
    let log = scene.server.lines().join("\n");
    assert!(!log.contains(HEADER), "{log}");
}

#[test]
fn a_refresh_that_somebody_asks_for_is_a_trace_and_reads_are_none() {
    let scene = Scene::start(&[]);
    for _ in 0..3 {
        let read = Request::get("/orders/dev").header("traceparent", ELSEWHERE);
        assert_eq!(scene.server.send(&read).status, 200);
    }
    assert_eq!(scene.server.post("/actuator/busrefresh/orders").status, 204);
    let publish = scene.collector.span("publish in process");
    let request = scene.collector.span("POST /actuator/busrefresh");
    assert_eq!(
        (publish.parent, request.parent),
        (request.id, String::new())
    );
    assert_eq!(
        publish.attributes["confbus.refresh.id"],
        request.attributes["confbus.refresh.id"]
    );
    for span in scene.collector.spans() {
        assert_eq!(span.trace, request.trace, "{span:?}");
    }
}

#[test]
fn who_decided_elsewhere_not_to_trace_is_not_traced() {
    let scene = Scene::start(&[]);
    let commit = scene.push(
        "greeting: one\n",
        &[("traceparent", &ELSEWHERE.replace("-01", "-00"))],
    );
    scene.server.serves(&commit);
    scene.push("greeting: two\n", &[]);
    let delivery = scene.collector.span("POST /monitor");
    assert_eq!(delivery.parent, "");
    let spans = scene.collector.spans();
    assert!(
        spans.iter().all(|span| span.trace == delivery.trace),
        "{spans:#?}"
    );
}

#[test]
fn strangers_begin_no_traces() {
    let scene = Scene::start(&[]);
    let body = github_push("refs/heads/main", &["orders-dev.yml"]);
    let forged = github("/monitor", &body).header("traceparent", ELSEWHERE);
    assert_eq!(scene.server.send(&forged).status, 403);
    scene.push("greeting: one\n", &[]);
    scene.collector.span("publish in process");
    let spans = scene.collector.spans();
    let first = spans.iter().filter(|span| span.name == "POST /monitor");
    assert_eq!(first.count(), 1, "{spans:#?}");
}

#[test]
fn a_collector_that_hangs_holds_nobody_up_and_is_told_of_once() {
    let scene = Scene::start(&[("management.otlp.tracing.timeout", "200ms")]);
    scene
        .collector
        .answer(&[None, Some("503 Service Unavailable")]);
    for text in ["one", "two", "three"] {
        let commit = scene.push(&format!("greeting: {text}\n"), &[]);
        scene.server.serves(&commit);
    }
    scene.server.line_with("the collector takes spans again");
    assert_eq!(scene.says("traces.unreachable"), 1);
    scene.counts("confbus_trace_spans_total{result=\"sent\"}");
    // The same spans again and again are the same spans.
    let batches = scene.collector.batches();
    let ids = |index: usize| {
        let spans: &Vec<_> = &batches[index].spans;
        spans.iter().map(|span| span.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(0), ids(1));
}

#[test]
fn spans_that_are_refused_are_counted_and_sent_neither_again_nor_elsewhere() {
    let scene = Scene::start(&[]);
    let elsewhere = "307 Temporary Redirect\r\nLocation: /elsewhere";
    scene.collector.answer(&[Some(elsewhere)]);
    scene.push("greeting: one\n", &[]);
    scene.counts("confbus_trace_spans_total{result=\"failed\"}");
    scene.push("greeting: two\n", &[]);
    scene.counts("confbus_trace_spans_total{result=\"sent\"}");
    let batches = scene.collector.batches();
    assert!(batches.iter().all(|batch| batch.path == "/v1/traces"));
    let first = &batches[0].spans[0].id;
    let again = batches[1..].iter().flat_map(|batch| &batch.spans);
    assert!(again.into_iter().all(|span| span.id != *first));
}

#[test]
fn what_waits_is_sent_in_the_end() {
    let mut scene = Scene::start(&[]);
    let commit = scene.push("greeting: one\n", &[]);
    scene.server.serves(&commit);
    scene.server.running().signal("TERM");
    assert!(scene.server.running().wait().success());
    let spans = scene.collector.spans();
    assert!(
        spans.iter().any(|span| span.name == "POST /monitor"),
        "{spans:#?}"
    );
}

#[cfg(feature = "broker-tests")]
#[test]
fn a_trace_goes_on_at_other_members_of_the_bus() {
    use crate::support::broker::{self, Tap};

    let (url, exchange) = (broker::shared(), broker::own_exchange());
    let bus = broker::settings(&url, &exchange);
    let bus: Vec<_> = bus
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    let scene = Scene::start(&bus);
    let other = server(&scene.daemon, &scene.collector, &bus);
    broker::connected(&scene.server);
    broker::connected(&other);
    let tap = Tap::on(&url, &exchange);
    assert_eq!(scene.server.post("/actuator/busrefresh").status, 204);

    let publish = scene.collector.span(&format!("publish {exchange}"));
    assert_eq!(publish.attributes["messaging.system"], "rabbitmq");
    let event = tap.message_to("**");
    let headers = event.properties.headers().as_ref().unwrap().inner();
    let traceparent = headers["traceparent"].as_long_string().unwrap();
    let expected = format!("00-{}-{}-01", publish.trace, publish.id);
    assert_eq!(traceparent.as_bytes(), expected.as_bytes());
    assert!(!event.body.contains("trace"), "{}", event.body);

    let body: serde_json::Value = serde_json::from_str(&event.body).unwrap();
    let ack = serde_json::json!({
        "type": "AckRemoteApplicationEvent", "timestamp": 5, "id": "a1",
        "originService": "orders:8081:x", "destinationService": "**",
        "ackId": body["id"], "ackDestinationService": "**",
    });
    tap.publish(&ack.to_string());
    let of = |span: &&crate::support::Span| span.parent == publish.id;
    let spans = eventually("both answers", || {
        let spans = scene.collector.spans();
        let acked = spans.iter().filter(of).any(|span| {
            let instance = span.attributes.get("confbus.instance");
            instance.is_some_and(|instance| instance == "orders:8081:x")
        });
        let looked = spans.iter().filter(of).any(|span| {
            let is_look = !span.attributes.contains_key("confbus.instance");
            is_look && spans.iter().any(|fetch| fetch.parent == span.id)
        });
        expect_that(acked && looked, &spans)?;
        Ok(spans)
    });
    let name = format!("process {exchange}");
    assert!(
        spans.iter().filter(of).all(|span| span.name == name),
        "{spans:#?}"
    );
}
