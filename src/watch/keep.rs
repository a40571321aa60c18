//! From one version of a client to the next, each delivered before the client takes it.

use std::{sync::Arc, time::Duration};

use confbus_client::{Binding, Client, Live, Settings, Snapshot};
use tokio::time::timeout;

use super::{candidate::Candidate, delivery::Delivery};

/// Waits as long as is asked for, or as often as the settings say; those are given for a number of attempts.
pub(crate) async fn first_configuration(
    settings: impl Fn(Option<u32>) -> anyhow::Result<Settings>,
    wait: Option<Duration>,
) -> anyhow::Result<Client> {
    let Some(wait) = wait else {
        return Ok(Client::connect(settings(None)?).await?);
    };
    let patient = settings(Some(u32::MAX))?;
    match timeout(wait, Client::connect(patient)).await {
        Ok(client) => Ok(client?),
        // Once more, to say why.
        Err(_) => Ok(Client::connect(settings(Some(1))?).await?),
    }
}

/// Delivers what the client has, or the last good version instead; `None` when there is nothing to go on with.
pub(crate) async fn deliver_first(
    client: &Client,
    delivery: &Arc<Delivery>,
) -> Option<Live<Candidate>> {
    let mut changes = client.changes();
    loop {
        match Box::pin(asking(client, delivery).live_probed()).await {
            Ok(live) => return Some(live),
            // It is in place, but was not taken.
            Err(_) if delivery.is_untold() => tokio::select! {
                () = delivery.time_to_try_again() => {}
                _ = changes.next() => {}
            },
            Err(rejection) => {
                if !delivery.has_said_why().await {
                    delivery.say(rejection);
                }
                client.reported().await;
                return None;
            }
        }
    }
}

/// Delivers every version after the first; does not end.
pub(crate) async fn deliver_others(
    client: &Client,
    delivery: &Arc<Delivery>,
    first: &Live<Candidate>,
) {
    client.ready();
    tokio::join!(forget(first), deliver_again(client, delivery));
}

/// The handle keeps the version that it told last for the next change; nobody needs it in memory.
async fn forget(asked: &Live<Candidate>) {
    loop {
        drop(asked.changed().await);
    }
}

/// Delivers what could not be delivered before.
async fn deliver_again(client: &Client, delivery: &Arc<Delivery>) {
    loop {
        delivery.time_to_try_again().await;
        let failures = delivery.failures();
        // The client asks us again about a version that we refused.
        _ = client.refresh().await;
        // It does not when it has gone back to the version that it took before, when no server answers, and when a newer
        // version is no good. What it runs is then what files and program should have.
        if failures > 0 && delivery.failures() == failures {
            let running = Candidate::of(&client.snapshot(), &delivery.plan.only);
            // A failure is told, and tried again.
            _ = Box::pin(delivery.deliver(&running)).await;
        }
    }
}

/// Has the client ask us about every version before it accepts it.
fn asking(client: &Client, delivery: &Arc<Delivery>) -> Binding<Candidate> {
    let only = delivery.plan.only.clone();
    let asked = Arc::clone(delivery);
    client
        .bind_with(move |snapshot: &Snapshot| Candidate::complete(snapshot, &only))
        .probe(
            move |next: Arc<Candidate>| {
                let delivery = Arc::clone(&asked);
                async move { delivery.deliver(&next).await }
            },
            // It may have to wait for the delivery before it.
            2 * delivery.plan.longest(),
        )
}
