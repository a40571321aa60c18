//! Asks for its configuration again and again, and counts how often nobody answered.
//!
//! Start it like the example `orders`, beside servers that come and go.
#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::time::Duration;

use confbus_client::{Client, Settings};

/// Between two questions.
const PAUSE: Duration = Duration::from_millis(10);
/// So many questions are a line.
const LINE: u64 = 20;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let client = Client::connect(Settings::from_env()?).await?;
    let mut failed = 0_u64;
    for fetches in 1_u64.. {
        if let Err(error) = client.refresh().await {
            failed += 1;
            println!("{error}");
        }
        if fetches % LINE == 0 {
            println!("{fetches} fetches, {failed} failed");
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
