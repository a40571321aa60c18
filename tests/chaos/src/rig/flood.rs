//! Somebody who publishes more events than anybody needs.

use std::time::{Duration, Instant};

use lapin::options::BasicPublishOptions;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};

use super::tap::EXCHANGE;

/// Events that are published together.
const AT_ONCE: u32 = 20;

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

    /// Tells everybody to refresh, so often per second; how often in all.
    ///
    /// # Errors
    /// When the broker ends the connection.
    pub async fn publish(&self, per_second: u32, lasts: Duration) -> anyhow::Result<u64> {
        let until = Instant::now() + lasts;
        let mut ticks = tokio::time::interval(Duration::from_secs(1) * AT_ONCE / per_second.max(1));
        let mut sent = 0;
        while Instant::now() < until {
            ticks.tick().await;
            for _ in 0..AT_ONCE {
                self.tell(sent).await?;
                sent += 1;
            }
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
