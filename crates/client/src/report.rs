//! What became of each version, told to the server it came from.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use confbus_protocol::{BusId, Outcome, REPORTS_PATH, Report};
use reqwest::{StatusCode, header};
use tokio::{sync::watch, time::Instant};
use tracing::debug;

use crate::{
    error::Failure,
    fetch::{Place, identified},
    health::Board,
    jitter,
    pace::Pace,
    refresh::elapsed,
    settings::{Coordinates, Requests},
};

/// A report is worth less than what it would hold up.
pub(crate) const WITHIN: Duration = Duration::from_secs(2);

/// A server without a ledger may be replaced by one that has one.
const SILENCE: Duration = Duration::from_secs(3600);

/// Hands reports over; the newest replaces one that still waits.
pub(crate) struct Reporter {
    orders: Orders,
    about: About,
}

/// The report that waits to be posted, if there is one.
type Orders = Arc<watch::Sender<Option<Order>>>;

/// Tells whether there is one.
pub(crate) struct Waiting(Orders);

/// What is the same in every report of this instance.
pub(crate) struct About {
    pub(crate) instance: BusId,
    pub(crate) coordinates: Coordinates,
    pub(crate) transport: &'static str,
    pub(crate) poll: Option<Duration>,
}

/// Posts reports, apart from all fetching.
pub(crate) struct Posting {
    http: reqwest::Client,
    requests: Requests,
    board: Arc<Board>,
    orders: Orders,
    pace: Arc<Pace>,
    /// What a server has taken.
    taken: Option<Order>,
    /// What a server may take later, and how often one said so in a row.
    again: Option<Order>,
    failures: u32,
    /// By the index of the server: until when it is not asked.
    silent: Vec<Option<Instant>>,
}

#[derive(Clone, PartialEq)]
struct Order {
    server: usize,
    report: Report,
}

/// What a server made of a report.
enum Taken {
    Yes,
    /// It may take it later.
    NotNow(Failure),
    /// It has no ledger.
    Never(StatusCode),
}

impl Reporter {
    pub(crate) fn new(
        http: reqwest::Client,
        requests: Requests,
        board: Arc<Board>,
        pace: Arc<Pace>,
        about: About,
    ) -> (Self, Posting) {
        let orders = Arc::new(watch::Sender::new(None));
        let posting = Posting {
            http,
            silent: vec![None; requests.servers.len()],
            requests,
            board,
            orders: Arc::clone(&orders),
            pace,
            taken: None,
            again: None,
            failures: 0,
        };
        (Self { orders, about }, posting)
    }

    pub(crate) fn waiting(&self) -> Waiting {
        Waiting(Arc::clone(&self.orders))
    }

    /// Tells the server that answered. The same again is posted only when it was not taken yet.
    pub(crate) fn tell(
        &self,
        place: Place,
        version: Option<&str>,
        running: Option<&str>,
        outcome: Outcome,
    ) {
        let About {
            instance,
            coordinates,
            transport,
            poll,
        } = &self.about;
        let seconds = |poll: Duration| u32::try_from(poll.as_secs().max(1)).unwrap_or(u32::MAX);
        let report = Report {
            instance: instance.clone(),
            application: coordinates.application.clone(),
            profiles: coordinates.profiles.clone(),
            label: coordinates.labels.get(place.label).cloned().flatten(),
            version: version.map(str::to_owned),
            running: running.map(str::to_owned),
            outcome,
            transport: Some((*transport).to_owned()),
            poll_seconds: poll.map(seconds),
        };
        self.orders.send_replace(Some(Order {
            server: place.server,
            report,
        }));
    }
}

impl Waiting {
    /// Waits until there is none.
    pub(crate) async fn none(&self) {
        // The sender is ours.
        _ = self.0.subscribe().wait_for(Option::is_none).await;
    }
}

impl Posting {
    /// Works until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut orders = self.orders.subscribe();
        loop {
            let pause = self.again.is_some().then(|| jitter::backoff(self.failures));
            let order = tokio::select! {
                // The sender is ours.
                waiting = orders.wait_for(Option::is_some) => waiting.ok().and_then(|order| order.clone()),
                () = elapsed(pause) => self.again.clone(),
            };
            let Some(order) = order else { return };
            let order = self.newest_in_turn(order).await;
            self.again = None;
            if self.is_due(&order) {
                self.deliver(order.clone()).await;
            }
            // Unless a newer one has come meanwhile.
            self.orders
                .send_if_modified(|waiting| waiting.take_if(|waiting| *waiting == order).is_some());
        }
    }

    /// Lets those ask who have not yet, and takes what is to be told then.
    async fn newest_in_turn(&self, order: Order) -> Order {
        tokio::time::sleep(self.pace.until_reported()).await;
        self.orders.borrow().clone().unwrap_or(order)
    }

    fn is_due(&self, order: &Order) -> bool {
        let silent = self.silent.get(order.server).copied().flatten();
        self.taken.as_ref() != Some(order) && silent.is_none_or(|until| until <= Instant::now())
    }

    async fn deliver(&mut self, order: Order) {
        let server = order.server;
        let problem = match self.post(&order).await {
            Taken::Yes => {
                self.taken = Some(order);
                None
            }
            Taken::NotNow(failure) => {
                self.again = Some(order);
                Some(failure.to_string())
            }
            Taken::Never(status) => {
                if let Some(silent) = self.silent.get_mut(server) {
                    *silent = Some(Instant::now() + SILENCE);
                }
                Some(format!("takes no reports (status {status})"))
            }
        };
        self.failures = match self.again {
            Some(_) => self.failures.saturating_add(1),
            None => 0,
        };
        let address = self.requests.servers.get(server);
        let problem = problem.zip(address).map(|(problem, server)| {
            debug!(%server, problem, "a report was not taken");
            format!("{server}: {problem}")
        });
        self.board.change(|health| {
            if problem.is_none() {
                health.reports.last_taken = Some(SystemTime::now());
            }
            health.reports.problem = problem;
        });
    }

    async fn post(&self, order: &Order) -> Taken {
        let Some(server) = self.requests.servers.get(order.server) else {
            return Taken::NotNow(Failure::Timeout);
        };
        let request = self
            .http
            .post(server.at(REPORTS_PATH.split('/')))
            .timeout(WITHIN)
            .header(header::CONTENT_TYPE, "application/json")
            .body(order.report.to_json());
        match identified(request, &self.requests, server).send().await {
            Ok(response) => taken(response.status()),
            Err(error) => Taken::NotNow(Failure::of(error)),
        }
    }
}

/// Whoever is told has just answered a read under the same credentials, so 403 is about posting as such: a Java server
/// that wants a CSRF token.
fn taken(status: StatusCode) -> Taken {
    let is_passing = matches!(
        status,
        StatusCode::UNAUTHORIZED | StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
    );
    if status == StatusCode::NO_CONTENT {
        Taken::Yes
    } else if is_passing || status.is_server_error() {
        Taken::NotNow(Failure::of_status(status))
    } else {
        Taken::Never(status)
    }
}
