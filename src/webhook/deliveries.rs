use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::HeaderMap;

/// Deliveries that are remembered, and for how long.
const MOST: usize = 10_000;
const AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Bytes of the longest name of a delivery; hosts send 36.
const LONGEST: usize = 128;
/// Where hosts name their deliveries. Gitee has no name for them.
const HEADERS: [&str; 6] = [
    "x-github-delivery",
    "x-gitea-delivery",
    "x-gogs-delivery",
    "x-gitlab-event-uuid",
    "x-request-uuid",
    "x-request-id",
];

/// Which deliveries were believed lately, by the names that their hosts gave them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Deliveries(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    names: HashSet<Arc<str>>,
    /// In the order in which they came.
    came: VecDeque<(Instant, Arc<str>)>,
}

impl Deliveries {
    /// Remembers a delivery; whether it was here before. One without a name never was.
    pub(crate) fn came_before(&self, headers: &HeaderMap, now: Instant) -> bool {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        book.forget(now);
        name(headers).is_some_and(|name| !book.add(name, now))
    }
}

impl Book {
    fn forget(&mut self, now: Instant) {
        let is_old = |came: Instant| now.saturating_duration_since(came) > AGE;
        while self.came.len() > MOST || self.came.front().is_some_and(|(came, _)| is_old(*came)) {
            let Some((_, name)) = self.came.pop_front() else {
                return;
            };
            self.names.remove(&name);
        }
    }

    fn add(&mut self, name: &str, now: Instant) -> bool {
        let name: Arc<str> = name.into();
        let is_new = self.names.insert(Arc::clone(&name));
        if is_new {
            self.came.push_back((now, name));
        }
        is_new
    }
}

fn name(headers: &HeaderMap) -> Option<&str> {
    let name = HEADERS.iter().find_map(|header| headers.get(*header))?;
    let name = name.to_str().ok()?;
    (1..=LONGEST).contains(&name.len()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(header: &'static str, name: &str) -> HeaderMap {
        HeaderMap::from_iter([(header.parse().unwrap(), name.parse().unwrap())])
    }

    #[test]
    fn a_delivery_is_remembered_for_a_day() {
        let (deliveries, now) = (Deliveries::default(), Instant::now());
        let came_before =
            |name: &str, after| deliveries.came_before(&named("x-github-delivery", name), after);
        assert!(!came_before("one", now));
        assert!(!came_before("two", now));
        assert!(came_before("one", now + AGE));
        assert!(!came_before("one", now + 2 * AGE));
        assert!(!deliveries.came_before(&HeaderMap::new(), now));
        assert!(!deliveries.came_before(&HeaderMap::new(), now));
    }

    #[test]
    fn as_many_are_remembered_as_there_is_room_for() {
        let (deliveries, now) = (Deliveries::default(), Instant::now());
        for number in 0..=MOST + 1 {
            deliveries.came_before(&named("x-gitea-delivery", &number.to_string()), now);
        }
        assert!(deliveries.came_before(&named("x-gitea-delivery", "2"), now));
        assert!(!deliveries.came_before(&named("x-gitea-delivery", "0"), now));
        let long = named("x-gitea-delivery", &"x".repeat(LONGEST + 1));
        assert!(!deliveries.came_before(&long, now) && !deliveries.came_before(&long, now));
        let book = deliveries.0.lock().unwrap();
        assert!(book.names.len() <= MOST + 1 && book.names.len() == book.came.len());
    }
}
