//! Requests, counted by each core for itself: no lock, and no line of memory that another core writes. Whoever scrapes adds up.

mod route;

use std::{
    cell::Cell,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use super::{
    buckets::{BUCKETS, SECONDS, bucket},
    description::{ACCESS_DENIED, HTTP_DURATION, HTTP_IN_FLIGHT, UNMATCHED},
    page::{Durations, Page},
};
pub(crate) use route::{Asked, Denied, Route, Unmatched};
use route::{MOST, Routes, SERIES, labels, series};

/// Of so many answers from memory one is timed.
const TIMED: u32 = 16;

/// What all cores count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requests(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    routes: Mutex<Routes>,
    cores: Mutex<Vec<Arc<Counts>>>,
}

/// What one core counts. Only that core writes it.
#[derive(Debug)]
struct Counts {
    /// Those of each route; made when they are first needed.
    routes: [OnceLock<Box<OfRoute>>; MOST],
    in_flight: AtomicU64,
    unmatched: [AtomicU64; Unmatched::ALL.len()],
    denied: [AtomicU64; Denied::ALL.len()],
}

/// One for each method and status; likewise.
type OfRoute = [OnceLock<Box<Timed>>; SERIES];

/// Durations of one series.
#[derive(Debug)]
struct Timed {
    nanos: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

/// The counters of one core.
#[derive(Debug)]
pub(crate) struct CoreRequests {
    counts: Arc<Counts>,
    /// Answers from memory until the next one is timed.
    until_timed: Cell<u32>,
    /// What the last one that was timed took.
    last: Cell<(usize, u64)>,
}

/// A request whose answer is being made, until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Counts>);

impl Requests {
    /// The route of a template.
    pub(crate) fn route(&self, template: &str) -> Route {
        lock(&self.0.routes).named(template)
    }

    /// Counters for one more core.
    pub(crate) fn core(&self) -> CoreRequests {
        let counts = Arc::new(Counts {
            routes: [const { OnceLock::new() }; MOST],
            in_flight: AtomicU64::default(),
            unmatched: Default::default(),
            denied: Default::default(),
        });
        lock(&self.0.cores).push(Arc::clone(&counts));
        CoreRequests {
            counts,
            until_timed: Cell::new(0),
            last: Cell::default(),
        }
    }

    pub(super) fn write(&self, page: &mut Page) {
        let all = lock(&self.0.cores).clone();
        for (place, route) in lock(&self.0.routes).all().iter().enumerate() {
            let cores: Vec<_> = all
                .iter()
                .filter_map(|counts| counts.routes[place].get())
                .collect();
            for series in 0..SERIES {
                let mut total = Durations::default();
                let timed = cores.iter().filter_map(|series_of| series_of[series].get());
                timed.for_each(|timed| timed.add_to(&mut total));
                if !total.buckets.is_empty() {
                    let (method, status) = labels(series);
                    page.durations(&HTTP_DURATION, &[route, method, status], total);
                }
            }
        }
        let sum = |one: &dyn Fn(&Counts) -> u64| all.iter().map(|counts| one(counts)).sum::<u64>();
        let in_flight = sum(&|counts| counts.in_flight.load(Relaxed));
        page.gauge(&HTTP_IN_FLIGHT, &[], in_flight as f64);
        for (place, reason) in Unmatched::ALL.iter().enumerate() {
            let count = sum(&|counts| counts.unmatched[place].load(Relaxed));
            page.counter(&UNMATCHED, &[reason.name()], count);
        }
        for (place, reason) in Denied::ALL.iter().enumerate() {
            let count = sum(&|counts| counts.denied[place].load(Relaxed));
            page.counter(&ACCESS_DENIED, &[reason.name()], count);
        }
    }
}

impl CoreRequests {
    /// The time, where this answer from memory is one that is timed.
    pub(crate) fn begins(&self) -> Option<Instant> {
        (self.until_timed.get() == 0).then(Instant::now)
    }

    /// An answer was given from memory.
    pub(crate) fn recalled(
        &self,
        asked: Asked,
        is_head: bool,
        status: u16,
        began: Option<Instant>,
    ) {
        if let Some(began) = began {
            let took = began.elapsed();
            self.last.set((bucket(took), nanos(took)));
            self.until_timed.set(TIMED);
        }
        self.until_timed
            .set(self.until_timed.get().saturating_sub(1));
        let (bucket, nanos) = self.last.get();
        let method = if is_head { "HEAD" } else { "GET" };
        self.count(asked, method, status, bucket, nanos);
    }

    /// An answer was made.
    pub(crate) fn made(&self, asked: Asked, method: &str, status: u16, took: Duration) {
        self.count(asked, method, status, bucket(took), nanos(took));
    }

    /// An answer is being made, as long as what this returns lives on this core.
    pub(crate) fn making(&self) -> InFlight {
        add(&self.counts.in_flight, 1);
        InFlight(Arc::clone(&self.counts))
    }

    fn count(&self, asked: Asked, method: &str, status: u16, bucket: usize, nanos: u64) {
        let of_route = self.counts.routes[asked.route.place()].get_or_init(none);
        let timed = of_route[series(method, status)].get_or_init(Box::default);
        add(&timed.nanos, nanos);
        add(&timed.buckets[bucket], 1);
        if let Some(reason) = asked.unmatched {
            add(&self.counts.unmatched[reason as usize], 1);
        }
        if let Some(reason) = asked.denied {
            add(&self.counts.denied[reason as usize], 1);
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let now = self.0.in_flight.load(Relaxed);
        self.0.in_flight.store(now.saturating_sub(1), Relaxed);
    }
}

impl Default for Timed {
    fn default() -> Self {
        Self {
            nanos: AtomicU64::default(),
            buckets: [const { AtomicU64::new(0) }; BUCKETS],
        }
    }
}

impl Timed {
    fn add_to(&self, total: &mut Durations) {
        total.seconds += self.nanos.load(Relaxed) as f64 / 1e9;
        total.buckets.resize(SECONDS.len() + 1, 0);
        let buckets = total.buckets.iter_mut().zip(&self.buckets);
        buckets.for_each(|(sum, one)| *sum += one.load(Relaxed));
    }
}

fn none() -> Box<OfRoute> {
    Box::new([const { OnceLock::new() }; SERIES])
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Only one core writes, so this needs no more than to read and to write.
fn add(counter: &AtomicU64, count: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(count), Relaxed);
}

fn nanos(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Form;

    fn written(requests: &Requests) -> String {
        let mut page = Page::default();
        requests.write(&mut page);
        page.written(Form::Plain)
    }

    #[test]
    fn what_cores_count_is_added_up() {
        let requests = Requests::default();
        let (one, other) = (requests.core(), requests.core());
        let asked = Asked::from(Route::ENVIRONMENT);
        one.made(asked, "GET", 200, Duration::from_millis(3));
        other.made(asked, "GET", 200, Duration::from_millis(3));
        for _ in 0..40 {
            let began = one.begins();
            one.recalled(asked, false, 304, began);
        }
        let missed = Asked {
            unmatched: Some(Unmatched::Label),
            ..asked
        };
        other.made(missed, "PROPFIND", 404, Duration::ZERO);
        let making = one.making();
        let text = written(&requests);
        let route = "route=\"/{application}/{profiles}\"";
        for line in [
            format!("_count{{{route},method=\"GET\",status=\"200\"}} 2\n"),
            format!("_sum{{{route},method=\"GET\",status=\"200\"}} 0.006\n"),
            format!("_bucket{{le=\"0.0025\",{route},method=\"GET\",status=\"200\"}} 0\n"),
            format!("_bucket{{le=\"0.005\",{route},method=\"GET\",status=\"200\"}} 2\n"),
            format!("_count{{{route},method=\"GET\",status=\"304\"}} 40\n"),
            format!("_count{{{route},method=\"_other\",status=\"404\"}} 1\n"),
            "confbus_unmatched_requests_total{reason=\"label\"} 1\n".to_owned(),
            "confbus_http_requests_in_flight 1.0\n".to_owned(),
        ] {
            assert!(text.contains(&line), "{line} in {text}");
        }
        drop((making, one, other));
        let text = written(&requests);
        assert!(
            text.contains("in_flight 0.0") && text.contains("\"304\"} 40\n"),
            "{text}"
        );
    }

    #[test]
    fn one_in_sixteen_is_timed() {
        let core = Requests::default().core();
        let asked = Asked::default();
        let timed = (0..64).filter(|_| {
            let began = core.begins();
            core.recalled(asked, false, 200, began);
            began.is_some()
        });
        assert_eq!(timed.count(), 4);
    }
}
