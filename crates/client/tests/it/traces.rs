//! What a round tells `tracing`.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use confbus_client::Client;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::support::{Say, Server, environment, settings};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_round_is_a_span_with_its_steps_and_without_values() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_span_events(FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    // As long as there is only one, a span that another test comes by first is off for all threads.
    let _another = tracing::Dispatch::new(tracing_subscriber::fmt().finish());
    let _here = tracing::subscriber::set_default(subscriber);

    let server = Server::start(Say::Body(environment("c1", r#"{"max":"hunter1"}"#), None)).await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    let _max = client
        .bind::<String>("max")
        .probe(|_| async { Ok(()) }, Duration::from_secs(5))
        .live()
        .unwrap();
    server.say(Say::Body(environment("c2", r#"{"max":"hunter2"}"#), None));
    client.refresh().await.unwrap();

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let round = format!(r#"round{{server="{}" version="c2"#, server.url());
    for expected in [
        "round:fetch: ",
        "}:bind: ",
        r#""c2"}:probe{prefix="max"}: "#,
        "swap version=\"c2\" sections=1",
        r#"keys=1 outcome="accepted" elapsed_ms="#,
        &round,
    ] {
        assert!(log.contains(expected), "{expected} is not in\n{log}");
    }
    assert!(!log.contains("hunter"), "{log}");
}
