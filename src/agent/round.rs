//! One address, for as long as the agent runs: first had, then delivered, then kept current.

use std::{sync::Arc, time::Duration};

use confbus_client::{Client, Settings};
use confbus_protocol::Address;
use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{settings::Entry, shown::Shown};
use crate::{
    cli::WatchArgs,
    exit::{Exit, Failure, OrExit as _},
    watch::{self, Delivery},
};

/// The longest pause until an address that has nothing to run with is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What came of the first try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    Something,
    /// Why, as it would end a program.
    Nothing(Exit),
}

pub(super) struct Round {
    address: Address,
    args: WatchArgs,
    /// Stays the same when the client has to begin anew, so that the server sees one instance.
    bus_id: String,
    delivery: Arc<Delivery>,
    /// What it has, for whoever asks on this machine.
    pub(super) shown: Arc<Shown>,
}

impl Round {
    /// # Errors
    /// When what the file and variables say makes no client.
    pub(super) fn new(entry: Entry) -> Result<Self, Failure> {
        let Entry {
            address,
            args,
            plan,
        } = entry;
        let random = Uuid::new_v4().simple();
        let watched = &args.address;
        let bus_id = format!(
            "{}:{}:{}:{random}",
            watched.application, watched.profiles, args.index
        );
        let shown = Shown::new(address.clone(), plan.only.clone());
        let round = Self {
            shown: Arc::new(shown),
            address,
            args,
            bus_id,
            delivery: Arc::new(Delivery::new(plan)),
        };
        round.settings(None).or_exit(Exit::Settings)?;
        Ok(round)
    }

    fn settings(&self, attempts: Option<u32>) -> anyhow::Result<Settings> {
        let settings = watch::client_settings(&self.args, attempts)?;
        Ok(settings.bus_id(&self.bus_id))
    }

    /// Delivers every version that is to be had, until it `ends`; then servers are told that nobody is to wait for it.
    ///
    /// # Errors
    /// When settings cannot be used.
    pub(super) async fn go(
        &self,
        tell: mpsc::Sender<First>,
        ends: &CancellationToken,
    ) -> Result<(), Failure> {
        watch::remove_leftovers(&self.delivery.plan.outputs);
        let mut wait = self.args.delivery.wait_first;
        let mut pause = Duration::from_secs(1);
        loop {
            let had = watch::first_configuration(|attempts| self.settings(attempts), wait.take());
            let Some(had) = ends.run_until_cancelled(had).await else {
                return Ok(());
            };
            let first = match had {
                Ok(client) => {
                    // Nobody may be left to hear it.
                    _ = tell.try_send(First::Something);
                    let delivered = ends.run_until_cancelled(self.deliver(&client)).await;
                    if delivered.is_none() {
                        client.leave().await;
                        return Ok(());
                    }
                    None
                }
                Err(error) => Some(error),
            };
            if let Some(error) = first {
                self.delivery.say(format!("{error:#}"));
                let exit = watch::exit_of(&error);
                if exit == Exit::Settings {
                    return Err(Failure::new(exit, format!("{}: {error:#}", self.address)));
                }
                _ = tell.try_send(First::Nothing(exit));
            }
            if ends.run_until_cancelled(self.pause(pause)).await.is_none() {
                return Ok(());
            }
            pause = LONGEST_PAUSE.min(2 * pause);
        }
    }

    /// Ends when the first version was refused and there is no earlier one to go on with.
    async fn deliver(&self, client: &Client) {
        for pattern in self.delivery.plan.only.useless(&client.snapshot()) {
            self.delivery.say(format!("only {pattern}: no key fits it"));
        }
        if let Some(first) = watch::deliver_first(client, &self.delivery).await {
            self.shown.show(client);
            watch::deliver_others(client, &self.delivery, &first).await;
        }
    }

    /// What failed for a reason that may pass has a pause of its own.
    async fn pause(&self, pause: Duration) {
        if self.delivery.failures() > 0 {
            self.delivery.time_to_try_again().await;
        } else {
            sleep(pause).await;
        }
    }
}
