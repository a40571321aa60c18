//! What became of each version, told to the server it came from.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

use confbus_protocol::{BusId, Outcome, REPORTS_PATH, Report};
use reqwest::{StatusCode, header};
use tokio::{
    sync::{Notify, watch},
    time::Instant,
};
use tracing::debug;

use crate::{
    error::Failure,
    fetch::{Place, identified},
    health::Board,
    jitter,
    pace::Pace,
    refresh::elapsed,
    servers::Servers,
    settings::{Coordinates, Requests, Server},
};

/// A report is worth less than what it would hold up.
pub(crate) const WITHIN: Duration = Duration::from_secs(2);

/// A server without a ledger may be replaced by one that has one.
const SILENCE: Duration = Duration::from_secs(3600);

/// Hands reports over; the newest replaces one that still waits.
pub(crate) struct Reporter {
    desk: Arc<Desk>,
    about: About,
}

/// Where a report waits to be posted.
struct Desk {
    order: watch::Sender<Option<Order>>,
    /// Somebody waits for it.
    hurry: Notify,
}

/// Tells whether a report waits to be posted.
pub(crate) struct Waiting(Arc<Desk>);

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
    servers: Arc<Servers>,
    board: Arc<Board>,
    desk: Arc<Desk>,
    pace: Arc<Pace>,
    /// What a server has taken.
    taken: Option<Order>,
    /// What a server may take later, and how often one said so in a row.
    again: Option<Order>,
    failures: u32,
    /// By the number of the server: until when it is not asked.
    silent: HashMap<usize, Instant>,
}

#[derive(Clone, PartialEq)]
struct Order {
    server: usize,
    report: Report,
}

impl Order {
    fn is_refusal(&self) -> bool {
        matches!(self.report.outcome, Outcome::Rejected { .. })
    }
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
        servers: Arc<Servers>,
        board: Arc<Board>,
        pace: Arc<Pace>,
        about: About,
    ) -> (Self, Posting) {
        let desk = Arc::new(Desk {
            order: watch::Sender::new(None),
            hurry: Notify::new(),
        });
        let posting = Posting {
            http,
            silent: HashMap::new(),
            requests,
            servers,
            board,
            desk: Arc::clone(&desk),
            pace,
            taken: None,
            again: None,
            failures: 0,
        };
        (Self { desk, about }, posting)
    }

    pub(crate) fn waiting(&self) -> Waiting {
        Waiting(Arc::clone(&self.desk))
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
        self.desk.order.send_replace(Some(Order {
            server: place.server,
            report,
        }));
    }
}

impl Waiting {
    /// Has it posted now, and waits until there is none.
    pub(crate) async fn none(&self) {
        let mut order = self.0.order.subscribe();
        if order.borrow().is_some() {
            self.0.hurry.notify_one();
        }
        // The sender is ours.
        _ = order.wait_for(Option::is_none).await;
    }
}

impl Posting {
    /// Works until it is dropped.
    pub(crate) async fn run(mut self) {
        let mut orders = self.desk.order.subscribe();
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
            self.desk
                .order
                .send_if_modified(|waiting| waiting.take_if(|waiting| *waiting == order).is_some());
        }
    }

    /// Lets those ask who have not yet, and takes what is to be told then. A refusal waits for nobody: it may stop the fleet.
    async fn newest_in_turn(&self, order: Order) -> Order {
        let mut orders = self.desk.order.subscribe();
        tokio::select! {
            biased;
            // The sender is ours.
            _ = orders.wait_for(|order| order.as_ref().is_some_and(Order::is_refusal)) => {}
            () = self.desk.hurry.notified() => {}
            () = tokio::time::sleep(self.pace.until_reported()) => {}
        }
        self.desk.order.borrow().clone().unwrap_or(order)
    }

    fn is_due(&self, order: &Order) -> bool {
        let silent = self.silent.get(&order.server);
        self.taken.as_ref() != Some(order) && silent.is_none_or(|until| *until <= Instant::now())
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
                let servers = &self.servers;
                self.silent.retain(|id, _| servers.get(*id).is_some());
                self.silent.insert(server, Instant::now() + SILENCE);
                Some(format!("takes no reports (status {status})"))
            }
        };
        self.failures = match self.again {
            Some(_) => self.failures.saturating_add(1),
            None => 0,
        };
        let known = self.servers.get(server);
        let problem = problem.zip(known).map(|(problem, known)| {
            let server = &known.server;
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
        let Some(known) = self.servers.get(order.server) else {
            // Nobody will ever take it there; the next answer is reported to who gives it.
            return Taken::Yes;
        };
        match post(&self.http, &self.requests, &known.server, &order.report).await {
            Ok(status) => taken(status),
            Err(error) => Taken::NotNow(Failure::of(error)),
        }
    }
}

/// Posts a report once.
pub(crate) async fn post(
    http: &reqwest::Client,
    requests: &Requests,
    server: &Server,
    report: &Report,
) -> reqwest::Result<StatusCode> {
    let request = http
        .post(server.at(REPORTS_PATH.split('/')))
        .timeout(WITHIN)
        .header(header::CONTENT_TYPE, "application/json")
        .body(report.to_json());
    let response = identified(request, requests, server).send().await?;
    Ok(response.status())
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

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;
    use crate::{Settings, fetch::http_client, health::Source};

    const WINDOW: Duration = Duration::from_secs(1);

    /// Both ends, within a fleet that asks within a window at this moment.
    fn ends() -> (Reporter, Posting) {
        let settings = Settings::new("orders").server("http://127.0.0.1:1");
        let (coordinates, requests, member) = settings.checked().unwrap();
        let pace = Arc::new(Pace::new(&member.id, WINDOW));
        pace.until_asked(WINDOW);
        let about = About {
            instance: member.id,
            coordinates,
            transport: "stream",
            poll: None,
        };
        let http = http_client(&requests).unwrap();
        let board = Arc::new(Board::new(Source::Server, None));
        let servers = Servers::new(&requests.servers, requests.fail_over, requests.balance, "x");
        Reporter::new(http, requests, Arc::new(servers), board, pace, about)
    }

    fn tell(reporter: &Reporter, outcome: Outcome) -> Order {
        let place = Place {
            server: 0,
            label: 0,
        };
        reporter.tell(place, Some("c1"), None, outcome);
        reporter.desk.order.borrow().clone().unwrap()
    }

    fn applied() -> Outcome {
        Outcome::Applied {
            restart: Vec::new(),
        }
    }

    fn rejected() -> Outcome {
        Outcome::Rejected {
            reason: "no".into(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_report_waits_until_the_fleet_has_asked() {
        let (reporter, posting) = ends();
        let order = tell(&reporter, applied());
        let begun = Instant::now();
        posting.newest_in_turn(order).await;
        assert!(begun.elapsed() >= Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_told_at_once_also_after_a_report_that_waits() {
        let (reporter, posting) = ends();
        let order = tell(&reporter, applied());
        let telling = async { tell(&reporter, rejected()) };
        let begun = Instant::now();
        let (told, _) = tokio::join!(posting.newest_in_turn(order), telling);
        assert!(told.is_refusal());
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_a_report_has_it_posted_now() {
        let (reporter, posting) = ends();
        let order = tell(&reporter, applied());
        let waiting = reporter.waiting();
        let begun = Instant::now();
        tokio::select! {
            _ = posting.newest_in_turn(order) => assert_eq!(begun.elapsed(), Duration::ZERO),
            () = waiting.none() => panic!("nobody took it"),
        }
        // Nothing is left over that the next one would hear.
        reporter.desk.order.send_replace(None);
        waiting.none().await;
        let order = tell(&reporter, applied());
        let early = timeout(WINDOW / 2, posting.newest_in_turn(order)).await;
        assert!(early.is_err());
    }
}
