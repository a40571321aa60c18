//! Somebody who publishes events as fast as the broker takes them.

use std::time::{Duration, Instant};

use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use super::tap::EXCHANGE;

/// Between two looks at the clock.
const AT_ONCE: u64 = 100;

/// A publisher whom nobody knows.
#[derive(Debug)]
pub struct Flood {
    channel: Channel,
    _connection: Connection,
}

impl Flood {
    /// On a broker of this machine.
    ///
    /// # Errors
    /// When it cannot connect.
    pub async fn start(port: u16) -> anyhow::Result<Self> {
        let url = format!("amqp://guest:guest@127.0.0.1:{port}/%2f");
        let connection = Connection::connect(&url, ConnectionProperties::default()).await?;
        Ok(Self {
            channel: connection.create_channel().await?,
            _connection: connection,
        })
    }

    /// Tells everybody to refresh, again and again; how often.
    ///
    /// # Errors
    /// When the broker ends the connection.
    pub async fn publish(&self, lasts: Duration) -> anyhow::Result<u64> {
        let began = Instant::now();
        let mut sent = 0;
        while began.elapsed() < lasts {
            for _ in 0..AT_ONCE {
                self.tell(sent).await?;
                sent += 1;
            }
            tokio::task::yield_now().await;
        }
        Ok(sent)
    }

    async fn tell(&self, number: u64) -> anyhow::Result<()> {
        let event = serde_json::json!({
            "type": "RefreshRemoteApplicationEvent",
            "timestamp": 1_700_000_000_000_u64,
            "originService": "flood:0:0",
            "destinationService": "**",
            "id": format!("00000000-0000-4000-8000-{number:012}"),
        });
        let body = event.to_string();
        let properties = BasicProperties::default().with_content_type("application/json".into());
        let options = BasicPublishOptions::default();
        // Without confirms nobody waits.
        let published = self.channel.basic_publish(
            EXCHANGE.into(),
            EXCHANGE.into(),
            options,
            body.as_bytes(),
            properties,
        );
        published.await?;
        Ok(())
    }
}
