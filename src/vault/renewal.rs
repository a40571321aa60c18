use std::{future::pending, time::Duration};

use serde::Deserialize;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{Token, VaultError, client::Client};

const LOOK_UP: &str = "auth/token/lookup-self";
const RENEW: &str = "auth/token/renew-self";

/// After a failure the next attempt waits this long, after each further one twice as long as before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Keeps a token of the settings alive: a Vault may give it only for a while and let it be renewed before that ends.
#[derive(Debug)]
pub(crate) struct Renewal {
    pub(super) client: Client,
    pub(super) token: Token,
    /// Of one attempt.
    pub(super) timeout: Duration,
}

/// For how long a token is good.
#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Life {
    /// Seconds; 0 for a token that never ends.
    #[serde(alias = "ttl", alias = "lease_duration")]
    seconds: u64,
    renewable: bool,
}

/// The answers to a look-up, which has `data`, and to a renewal, which has `auth`.
#[derive(Deserialize)]
struct Answer {
    auth: Option<Life>,
    data: Option<Life>,
}

impl Renewal {
    /// Renews the token until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.renew_in_time()).await;
    }

    async fn renew_in_time(&self) {
        let (mut path, mut pause) = (LOOK_UP, FIRST_PAUSE);
        loop {
            match self.ask(path).await {
                Ok(life) => {
                    self.wait(&life).await;
                    (path, pause) = (RENEW, FIRST_PAUSE);
                }
                Err(error @ VaultError::Forbidden { .. }) => {
                    warn!(vault = %self.client, %error, "the vault's token is not renewed");
                    return pending().await;
                }
                Err(error) => {
                    warn!(vault = %self.client, %error, "the vault's token could not be renewed yet");
                    // Jitter, so that servers that started together do not come together.
                    sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
                    (path, pause) = (LOOK_UP, LONGEST_PAUSE.min(pause * 2));
                }
            }
        }
    }

    async fn ask(&self, path: &str) -> Result<Life, VaultError> {
        let asked = async {
            match path {
                RENEW => self.client.write(path, &self.token).await,
                _ => self.client.read(path, &self.token).await,
            }
        };
        let late = Err(VaultError::Late(self.timeout));
        let body = timeout(self.timeout, asked).await.unwrap_or(late)?;
        life(&body.unwrap_or_default()).ok_or_else(|| VaultError::Answer {
            path: path.to_owned(),
            problem: "it does not say for how long the token is good",
        })
    }

    /// Until a third of its time is left; for ever when nothing is to be done.
    async fn wait(&self, life: &Life) {
        let whole = Duration::from_secs(life.seconds);
        match life {
            Life { seconds: 0, .. } => pending().await,
            Life {
                renewable: true, ..
            } => {
                debug!(vault = %self.client, seconds = life.seconds, "the vault's token is good for a while");
                sleep(whole / 3 * 2).await;
            }
            Life { seconds, .. } => {
                warn!(vault = %self.client, seconds, "the vault's token runs out and cannot be renewed");
                pending::<()>().await;
            }
        }
    }
}

fn life(body: &[u8]) -> Option<Life> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    answer.auth.or(answer.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_answers_tell_for_how_long() {
        let looked_up = br#"{"auth":null,"data":{"id":"x","renewable":true,"ttl":3600}}"#;
        let renewed = br#"{"auth":{"lease_duration":60,"renewable":false},"data":null}"#;
        let good_for = |seconds, renewable| Some(Life { seconds, renewable });
        assert_eq!(life(looked_up), good_for(3600, true));
        assert_eq!(life(renewed), good_for(60, false));
        for none in ["", "{}", "[]", r#"{"data":{"ttl":-1,"renewable":true}}"#] {
            assert_eq!(life(none.as_bytes()), None, "{none}");
        }
    }
}
