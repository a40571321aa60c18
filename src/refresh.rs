//! A commit moved, or somebody says so: look, swap, work out who is concerned, publish.
//!
//! An event is published only after its snapshot is in service. Looks are shared by all who wait for one, and
//! what they found is announced once.

mod announcer;
mod concerned;
mod destinations;
mod follow_ups;
mod outage;
mod refresher;
mod unread;
mod window;

use std::sync::Arc;

use confbus_bus::Bus;
use confbus_protocol::{CommitId, Destination};
use indexmap::IndexMap;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{
    environment_repository::EnvironmentRepository,
    ledger::{Ledger, RefreshId},
    look::Trigger,
    lookups::Changed,
    metrics::Metrics,
    pins::PinStep,
    traces::{TraceContext, Traces},
    webhook::Pushed,
};
pub(crate) use refresher::Refresher;

/// Whom to tell.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Who is told after a push.
    pub(crate) destinations: Destinations,
    /// Look again when others on the bus say so.
    pub(crate) listens: bool,
    /// Answer events that are for us with an ack, as Spring's config server does.
    pub(crate) ack: bool,
    /// Whom acks are addressed to.
    pub(crate) ack_destination: Destination,
}

/// Who is told after a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destinations {
    /// Those whose effective configuration is different from before, and those never seen here for whom it may be.
    Changed,
    /// Those whose names Spring's config monitor would guess from the paths that the webhook names.
    Guess,
}

/// The rooms that a refresh goes through.
#[derive(Debug, Clone)]
pub(crate) struct Rooms {
    pub(crate) repository: EnvironmentRepository,
    pub(crate) ledger: Ledger,
    pub(crate) bus: Bus,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) traces: Traces,
}

/// Who is told that a label moved to a commit.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// The repository without credentials.
    pub(crate) repository: Arc<str>,
    pub(crate) commit: CommitId,
    pub(crate) whom: Whom,
}

/// How many that are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whom {
    Everyone,
    /// So many applications.
    Applications(usize),
}

/// The event could not be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    /// The bus did not take it.
    #[error("the event could not be published: {0}")]
    Bus(String),
}

enum Request {
    Destination {
        destination: Destination,
        trace: TraceContext,
        reply: Reply<RefreshId>,
    },
    ChangeEnvironment {
        destination: Destination,
        values: IndexMap<String, String>,
        reply: Reply<()>,
    },
    AnswersChanged {
        trigger: Trigger,
        pins: Vec<PinStep>,
        destinations: Vec<Destination>,
    },
}

type Reply<T> = oneshot::Sender<Result<T, RefreshError>>;

/// Requests that may wait, and pushes; one beyond it changes nothing that the ones before it do not find.
const QUEUE: usize = 64;

/// Asks for a refresh.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    /// Apart, since what others look for is not announced to everyone whom a push concerns.
    pushes: mpsc::Sender<(Pushed, TraceContext)>,
    requests: mpsc::Sender<Request>,
}

impl Refresh {
    /// A push arrived: look, swap, tell those concerned. Returns at once.
    pub(crate) fn push_arrived(&self, pushed: Pushed, trace: TraceContext) {
        if self.pushes.try_send((pushed, trace)).is_err() {
            debug!("a push joins those that wait");
        }
    }

    /// Looks, swaps, and then tells whoever matches `destination` to look again, changed or not. The ledger knows what comes
    /// of it under the id.
    ///
    /// # Errors
    /// [`RefreshError`] when the bus does not take the event, or too many wait.
    pub(crate) async fn destination(
        &self,
        destination: Destination,
        trace: TraceContext,
    ) -> Result<RefreshId, RefreshError> {
        self.ask(|reply| Request::Destination {
            destination,
            trace,
            reply,
        })
        .await
    }

    /// Tells whoever matches `destination` to set these properties. This server sets nothing.
    ///
    /// # Errors
    /// [`RefreshError`] as above.
    pub(crate) async fn change_environment(
        &self,
        destination: Destination,
        values: IndexMap<String, String>,
    ) -> Result<(), RefreshError> {
        let request = |reply| Request::ChangeEnvironment {
            destination,
            values,
            reply,
        };
        self.ask(request).await
    }

    /// What is answered changed though no label moved: tells these destinations to look again, as soon as the bus takes it.
    /// Nothing has to be looked for first.
    pub(crate) async fn tell(&self, trigger: Trigger, destinations: Vec<Destination>) {
        self.answers_changed(trigger, Vec::new(), destinations)
            .await;
    }

    /// The same for all whose answers changed in a store that is looked up, until `stop`.
    pub(crate) async fn tell_of(
        self,
        mut changes: mpsc::Receiver<Changed>,
        stop: CancellationToken,
    ) {
        while let Some(Some(changed)) = stop.run_until_cancelled(changes.recv()).await {
            let applications = changed.applications.iter();
            let destinations = applications.map(|name| Destination::complete(name.as_str()));
            let destinations = destinations.collect();
            self.tell(changed.trigger, destinations).await;
        }
        stop.cancelled().await;
    }

    /// The same because of what became of pins: whose address that is, is told, and all of it is remembered.
    pub(crate) async fn tell_of_pins(&self, pins: Vec<PinStep>) {
        let applications = pins.iter().map(|step| &step.pin.address.application);
        let mut destinations: Vec<_> = applications
            .map(|application| Destination::complete(application))
            .collect();
        destinations.dedup();
        self.answers_changed(Trigger::Pin, pins, destinations).await;
    }

    async fn answers_changed(
        &self,
        trigger: Trigger,
        pins: Vec<PinStep>,
        destinations: Vec<Destination>,
    ) {
        let request = Request::AnswersChanged {
            trigger,
            pins,
            destinations,
        };
        if self.requests.send(request).await.is_err() {
            debug!("the server is stopping; applications hear of this by polling");
        }
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, RefreshError> {
        let (reply, done) = oneshot::channel();
        let stopping = || RefreshError::Bus("the server is stopping".into());
        self.requests
            .try_send(request(reply))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => {
                    RefreshError::Bus("too many refreshes wait".into())
                }
                mpsc::error::TrySendError::Closed(_) => stopping(),
            })?;
        done.await.map_err(|_| stopping())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn everyone(refresh: &Refresh) -> Result<RefreshId, RefreshError> {
        refresh
            .destination(Destination::everyone(), TraceContext::default())
            .await
    }

    #[tokio::test]
    async fn a_push_has_room_beside_any_number_of_other_requests() {
        let (pushes, mut pushed) = mpsc::channel(1);
        let (requests, mut requested) = mpsc::channel(1);
        let refresh = Refresh { pushes, requests };
        let waiting = tokio::spawn({
            let refresh = refresh.clone();
            async move { everyone(&refresh).await }
        });
        let first = requested.recv().await;
        let (reply, _) = oneshot::channel();
        let destination = Destination::everyone();
        let trace = TraceContext::default();
        let another = Request::Destination {
            destination,
            trace,
            reply,
        };
        refresh.requests.try_send(another).ok().unwrap();
        assert!(everyone(&refresh).await.is_err());
        refresh.push_arrived(Pushed::default(), TraceContext::default());
        assert!(pushed.try_recv().is_ok());
        drop(first);
        assert!(waiting.await.unwrap().is_err());
    }
}
