//! Who hears everything on the bus, beside the proxy.

use std::time::Duration;

use futures_util::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicConsumeOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Connection, ConnectionProperties, ExchangeKind};
use serde::Deserialize;

use crate::history::What;
use crate::recorder::Recorder;

pub(super) const EXCHANGE: &str = "springCloudBus";
/// Before the next try, when the broker is away.
const PAUSE: Duration = Duration::from_millis(200);

/// Listens until it is aborted, and comes back when the broker does.
pub(super) async fn listen(port: u16, recorder: Recorder) {
    loop {
        // Whatever ends it, it begins again.
        _ = hear(port, &recorder).await;
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hear(port: u16, recorder: &Recorder) -> lapin::Result<()> {
    let url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
    let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let durable = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let none = FieldTable::default;
    channel
        .exchange_declare(EXCHANGE.into(), ExchangeKind::Topic, durable, none())
        .await?;
    let own = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let queue = channel
        .queue_declare("chaos.tap".into(), own, none())
        .await?;
    let queue = queue.name().clone();
    channel
        .queue_bind(
            queue.clone(),
            EXCHANGE.into(),
            "#".into(),
            QueueBindOptions::default(),
            none(),
        )
        .await?;
    let no_ack = BasicConsumeOptions {
        no_ack: true,
        ..BasicConsumeOptions::default()
    };
    let mut deliveries = channel
        .basic_consume(queue, "".into(), no_ack, none())
        .await?;
    while let Some(delivery) = deliveries.next().await {
        if let Some(event) = event(&delivery?) {
            recorder.note(event);
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    r#type: String,
    origin_service: String,
    destination_service: String,
}

/// A refresh or an ack; others are nobody's business here.
fn event(delivery: &Delivery) -> Option<What> {
    let body: Body = serde_json::from_slice(&delivery.data).ok()?;
    match body.r#type.as_str() {
        "RefreshRemoteApplicationEvent" => {}
        "AckRemoteApplicationEvent" => {
            let origin = body.origin_service.into();
            return Some(What::Acknowledged { origin });
        }
        _ => return None,
    }
    let headers = delivery.properties.headers().as_ref();
    let commit = headers.and_then(|headers| headers.inner().get("confbus-commit"));
    let commit = commit.and_then(|value| match value {
        AMQPValue::LongString(text) => Some(String::from_utf8_lossy(text.as_bytes()).into()),
        _ => None,
    });
    Some(What::Event {
        origin: body.origin_service.into(),
        destination: body.destination_service.into(),
        commit,
    })
}
