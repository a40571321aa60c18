use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{
    issuer::{Issuer, Place},
    keys::Keys,
};

/// How often keys are fetched without anybody asking.
const USUAL: Duration = Duration::from_secs(60 * 60);
/// Between two tries while the issuer does not answer; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Fetches the keys of an issuer, aside from all requests.
#[derive(Debug)]
pub(crate) struct Keeper(Parts);

#[derive(Debug)]
pub(super) struct Parts {
    pub(super) place: Place,
    pub(super) issuer: Box<str>,
    pub(super) keys: Keys,
    /// Somebody has a token of a key that is not at hand.
    pub(super) rung: mpsc::Receiver<()>,
    pub(super) round: watch::Sender<u64>,
}

impl Keeper {
    pub(super) fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// Prepares to ask the issuer.
    ///
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(crate) fn prepare(
        self,
        shutdown: CancellationToken,
    ) -> Result<impl Future<Output = ()> + Send + 'static, String> {
        let issuer = Issuer::new(self.0.issuer.clone(), self.0.place.clone())?;
        Ok(async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = self.run(issuer) => {}
            }
        })
    }

    async fn run(mut self, issuer: Issuer) {
        let mut pause = FIRST_PAUSE;
        loop {
            let fetched = issuer.fetch().await;
            let next = match &fetched {
                Ok(_) => {
                    info!(issuer = &*self.0.issuer, "the keys of tokens were fetched");
                    pause = FIRST_PAUSE;
                    USUAL
                }
                Err(cause) => {
                    warn!(
                        issuer = &*self.0.issuer,
                        cause,
                        "the keys of tokens cannot be fetched; known ones go on being used for a day"
                    );
                    let next = pause;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    next
                }
            };
            self.0.keys.ends(fetched.ok());
            self.0.round.send_modify(|round| *round += 1);
            tokio::select! {
                () = tokio::time::sleep(next) => {}
                rung = self.0.rung.recv() => if rung.is_none() { return },
            }
            self.0.keys.begins();
        }
    }
}
