//! Who may have seen more than is known here: waits a little for the look that tells, and is told to come again otherwise.

use std::{sync::Arc, time::Duration};

use axum::response::{IntoResponse as _, Response};
use confbus_protocol::{LAGGING_HEADER, MIN_VERSION_HEADER, Minimum, SINCE_HEADER, SINCE_NOW};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::{
    sync::{Semaphore, SemaphorePermit, futures::Notified},
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use super::{Limits, keep};
use crate::{
    environment_repository::Past,
    metrics::{Lagging, WaitingRead},
};

/// How long reads may wait, and how many.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    longest: Duration,
    places: Arc<Semaphore>,
    counts: Lagging,
    shutdown: CancellationToken,
}

/// What a read wants to be sure of. Nobody holds anything for it while it waits but its place.
pub(super) struct Wanting<'r> {
    minimum: Option<Minimum>,
    since: Option<&'r str>,
    /// The moment of the first answer that was not sure.
    mark: Option<String>,
    waiting: Option<Place<'r>>,
}

/// A place among those who wait.
struct Place<'p> {
    until: Instant,
    counts: &'p Lagging,
    _permit: SemaphorePermit<'p>,
    _waiting: WaitingRead,
}

impl Patience {
    pub(super) fn new(limits: &Limits, counts: Lagging, shutdown: CancellationToken) -> Self {
        // However many want to wait, others are answered.
        let places = limits.lagging_reads.min(limits.requests / 2);
        Self {
            longest: limits.lag_timeout,
            places: Arc::new(Semaphore::new(places)),
            counts,
            shutdown,
        }
    }

    fn place(&self) -> Option<Place<'_>> {
        let may_wait = !self.longest.is_zero() && !self.shutdown.is_cancelled();
        let permit = may_wait.then(|| self.places.try_acquire().ok()).flatten()?;
        Some(Place {
            until: Instant::now() + self.longest,
            counts: &self.counts,
            _permit: permit,
            _waiting: self.counts.waits(),
        })
    }
}

impl<'r> Wanting<'r> {
    pub(super) fn of(headers: &'r HeaderMap) -> Self {
        let text = |name| headers.get(name).map(HeaderValue::as_bytes);
        let since = text(SINCE_HEADER);
        Self {
            minimum: text(MIN_VERSION_HEADER).and_then(keep::minimum),
            since: since.map(|since| str::from_utf8(since).unwrap_or(SINCE_NOW)),
            mark: None,
            waiting: None,
        }
    }

    /// Whether an answer may be older than what the caller has seen. Then it is for nobody else, and nobody is to take note of
    /// it. The repository is looked at soon.
    ///
    /// What looks have shown is true of what is in service now, so it counts only where that `is_the_newest` afterwards, too.
    pub(super) fn lags(&mut self, past: &Past, is_the_newest: impl FnOnce() -> bool) -> bool {
        if (self.minimum.is_none() && self.since.is_none()) || past.cannot_lag() {
            return false;
        }
        if self.is_covered(past) && is_the_newest() {
            return false;
        }
        let is_first = self.mark.is_none();
        // Before the look that it is to be answered by.
        self.mark.get_or_insert_with(Past::mark);
        // Whom a failed look has woken goes away; nobody would wait for another one.
        if is_first || !past.is_hopeless() {
            past.doubt(self.minimum.as_ref());
        }
        true
    }

    fn is_covered(&self, past: &Past) -> bool {
        let covers = |minimum| past.covers(minimum);
        let mut marks = self.since.into_iter().chain(self.mark.as_deref());
        self.minimum.as_ref().is_none_or(covers)
            && (self.since.is_none() || marks.any(|mark| past.is_since(mark)))
    }

    /// Waits for news of what lags. False where it is of no use to go on: too many wait, it took too long, the look failed,
    /// or the server ends.
    pub(super) async fn waits(
        &mut self,
        patience: &'r Patience,
        past: &Past,
        news: Notified<'_>,
    ) -> bool {
        if self.waiting.is_none() {
            self.waiting = patience.place();
        }
        let Some(place) = self.waiting.as_ref().filter(|_| !past.is_hopeless()) else {
            return false;
        };
        let news = patience.shutdown.run_until_cancelled(news);
        matches!(timeout_at(place.until, news).await, Ok(Some(())))
    }

    /// Whether it had to wait. It waits no longer.
    pub(super) fn has_waited(&mut self) -> bool {
        let place = self.waiting.take();
        place.map(|place| place.counts.answered()).is_some()
    }

    /// No answer: it would be less than was asked for, and whoever asked keeps what it has. Without a body, since the whole fleet
    /// may ask, and a connection whose answer is left unread is of no more use.
    pub(super) fn sent_away(self, patience: &Patience) -> Response {
        patience.counts.sent_away();
        let mark = self.mark.and_then(|mark| HeaderValue::try_from(mark).ok());
        let mark = mark.unwrap_or(const { HeaderValue::from_static(SINCE_NOW) });
        let headers = [
            (HeaderName::from_static(LAGGING_HEADER), mark),
            (header::RETRY_AFTER, HeaderValue::from_static("1")),
        ];
        (StatusCode::SERVICE_UNAVAILABLE, headers).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COVERED: &str = "0303030303030303030303030303030303030303";
    const UNKNOWN: &str = "0505050505050505050505050505050505050505";

    fn minimum(commit: &'static str) -> HeaderMap {
        let name = HeaderName::from_static(MIN_VERSION_HEADER);
        HeaderMap::from_iter([(name, HeaderValue::from_static(commit))])
    }

    fn lags(past: &Past, headers: &HeaderMap, is_the_newest: bool) -> bool {
        Wanting::of(headers).lags(past, || is_the_newest)
    }

    #[test]
    fn an_answer_from_before_a_swap_is_not_sure_of_what_came_with_it() {
        let past = Past::of_main(3);
        let minimum = minimum(COVERED);
        assert!(!lags(&past, &minimum, true));
        assert!(lags(&past, &minimum, false));
        assert!(!lags(&past, &HeaderMap::new(), false));
        let never_moves = Past::default();
        assert!(!lags(&never_moves, &minimum, false));
    }

    fn patience(lagging_reads: usize, requests: usize) -> Patience {
        let limits = Limits {
            lagging_reads,
            requests,
            ..Limits::default()
        };
        Patience::new(&limits, Lagging::default(), CancellationToken::new())
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_is_woken_by_news_by_the_end_or_when_it_took_too_long() {
        let (past, patience, bell) = (
            Past::of_main(3),
            patience(8, 16),
            tokio::sync::Notify::new(),
        );
        let headers = minimum(UNKNOWN);
        let mut wanting = Wanting::of(&headers);
        assert!(wanting.lags(&past, || true));
        let news = bell.notified();
        bell.notify_waiters();
        assert!(wanting.waits(&patience, &past, news).await, "there is news");
        let began = Instant::now();
        assert!(!wanting.waits(&patience, &past, bell.notified()).await);
        assert_eq!(began.elapsed(), patience.longest);
        assert_eq!(patience.places.available_permits(), 7, "it has a place");
        drop(wanting);
        assert_eq!(patience.places.available_permits(), 8);
        let mut wanting = Wanting::of(&headers);
        assert!(wanting.lags(&past, || true));
        let news = bell.notified();
        let (has_waited, ()) = tokio::join!(wanting.waits(&patience, &past, news), async {
            patience.shutdown.cancel();
        });
        assert!(!has_waited, "the server ends");
    }

    #[tokio::test]
    async fn a_look_that_failed_is_not_asked_for_once_more_by_whom_it_woke() {
        let (past, doubts) = Past::of_main_with_doubts(3);
        let (patience, bell) = (patience(8, 16), tokio::sync::Notify::new());
        let headers = minimum(UNKNOWN);
        let mut wanting = Wanting::of(&headers);
        assert!(wanting.lags(&past, || true));
        assert!(wanting.lags(&past, || true), "there was news of another");
        assert_eq!(doubts.raised(), 2);
        doubts.fail();
        assert!(wanting.lags(&past, || true));
        assert_eq!(doubts.raised(), 2, "it was woken by the failure");
        let news = bell.notified();
        bell.notify_waiters();
        assert!(!wanting.waits(&patience, &past, news).await);
        assert!(lags(&past, &headers, true));
        assert_eq!(doubts.raised(), 3, "somebody else has not asked yet");
    }

    #[tokio::test]
    async fn nobody_waits_where_that_is_not_to_be_or_the_server_ends() {
        let at_once = Patience {
            longest: Duration::ZERO,
            ..patience(8, 16)
        };
        assert!(at_once.place().is_none());
        let ending = patience(8, 16);
        assert!(ending.place().is_some());
        ending.shutdown.cancel();
        assert!(ending.place().is_none());
    }

    #[tokio::test]
    async fn who_was_answered_waits_no_longer() {
        let (past, patience) = (Past::of_main(3), patience(8, 16));
        let headers = minimum(UNKNOWN);
        let mut wanting = Wanting::of(&headers);
        assert!(!wanting.has_waited());
        assert!(wanting.lags(&past, || true));
        wanting.waiting = patience.place();
        assert!(wanting.has_waited());
        assert_eq!(patience.places.available_permits(), 8);
        assert!(!wanting.has_waited(), "that was told");
    }

    #[test]
    fn who_is_sent_away_hears_of_the_first_moment() {
        let (past, patience) = (Past::of_main(3), patience(8, 16));
        let headers = minimum(UNKNOWN);
        let mut wanting = Wanting::of(&headers);
        assert!(wanting.lags(&past, || true));
        let mark = wanting.mark.clone().unwrap();
        // With another look that has begun.
        _ = Past::of_main(3);
        assert_ne!(Past::mark(), mark);
        assert!(wanting.lags(&past, || true));
        let answer = wanting.sent_away(&patience);
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()[LAGGING_HEADER], mark);
        assert_eq!(answer.headers()[header::RETRY_AFTER], "1");
    }

    #[tokio::test]
    async fn those_who_wait_leave_room_for_others() {
        let (past, patience) = (Past::of_main(3), patience(8, 4));
        let headers = minimum(UNKNOWN);
        let places: Vec<_> = (0..3).map(|_| patience.place()).collect();
        let have_one: Vec<_> = places.iter().map(Option::is_some).collect();
        assert_eq!(have_one, [true, true, false], "half of all requests");
        let bell = tokio::sync::Notify::new();
        let news = bell.notified();
        bell.notify_waiters();
        let mut wanting = Wanting::of(&headers);
        assert!(!wanting.waits(&patience, &past, news).await);
    }
}
