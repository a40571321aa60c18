use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use confbus_protocol::{Property, PropertySource, PropertyValue};
use confbus_resolution::EnvironmentRequest;

/// Answers that are kept of one store; each is looked up again at every interval.
pub(super) const MOST_ANSWERS: usize = 4096;

/// Text of all answers that are kept of one store.
pub(super) const MOST_BYTES: usize = 64 << 20;

/// After it an answer that nobody takes outlives no restart.
const FORGOTTEN: Duration = Duration::from_secs(30 * DAY);
const DAY: u64 = 24 * 60 * 60;

/// What a key with its value, a source or an answer costs beside its text.
const EACH: usize = 32;

/// What a store said to a request.
#[derive(Debug)]
pub(super) struct Answer {
    sources: Vec<PropertySource>,
    bytes: usize,
    /// When somebody last took it, in seconds since 1970.
    taken: AtomicU64,
}

impl Answer {
    pub(super) fn new(sources: Vec<PropertySource>) -> Self {
        Self {
            bytes: sources.iter().map(bytes_of).sum(),
            sources,
            taken: AtomicU64::new(seconds()),
        }
    }

    pub(super) fn sources(&self) -> Vec<PropertySource> {
        let now = seconds();
        // Written once in a second at most: others read it on other cores.
        if self.taken.load(Ordering::Relaxed) != now {
            self.taken.store(now, Ordering::Relaxed);
        }
        self.sources.clone()
    }

    /// The same without taking note of it.
    pub(super) fn untaken(&self) -> &[PropertySource] {
        &self.sources
    }

    /// As it was before a restart.
    pub(super) fn taken_at(self, taken: u64) -> Self {
        let taken = AtomicU64::new(taken);
        Self { taken, ..self }
    }

    /// When somebody last took it, in seconds since 1970.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Nobody has taken it for so long that nobody is likely to.
    pub(super) fn is_forgotten(&self) -> bool {
        seconds().saturating_sub(self.taken()) > FORGOTTEN.as_secs()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        self.sources == other.sources
    }

    fn takes_over(&self, other: &Self) {
        self.taken.store(other.taken(), Ordering::Relaxed);
    }
}

fn bytes_of(source: &PropertySource) -> usize {
    let text = |(key, property): (&String, &Property)| {
        let value = match &property.value {
            PropertyValue::Text(text) => text.len(),
            PropertyValue::BigInteger(digits) => digits.len(),
            PropertyValue::Bytes(bytes) => bytes.as_slice().len(),
            _ => 0,
        };
        EACH + key.len() + value
    };
    EACH + source.name.len() + source.source.iter().map(text).sum::<usize>()
}

/// With its coordinates.
fn cost((request, answer): (&EnvironmentRequest, &Arc<Answer>)) -> usize {
    let label = request
        .label
        .as_ref()
        .map_or(0, |label| label.as_str().len());
    let text = request.application.as_str().len() + request.profiles.as_str().len() + label;
    EACH + text + answer.bytes
}

fn seconds() -> u64 {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    since.as_secs()
}

/// The last good answers, for readers as they are now.
#[derive(Debug, Clone, Default)]
pub(super) struct Kept(HashMap<EnvironmentRequest, Arc<Answer>>);

impl Kept {
    pub(super) fn get(&self, request: &EnvironmentRequest) -> Option<Arc<Answer>> {
        self.0.get(request).map(Arc::clone)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&EnvironmentRequest, &Answer)> {
        self.0.iter().map(|(request, answer)| (request, &**answer))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn requests(&self) -> impl Iterator<Item = &EnvironmentRequest> {
        self.0.keys()
    }

    /// Another number whenever something was taken on another day.
    pub(super) fn days(&self) -> u64 {
        self.0.values().map(|answer| answer.taken() / DAY).sum()
    }

    /// Takes an answer in place of the one before.
    pub(super) fn put(&mut self, request: EnvironmentRequest, answer: Arc<Answer>) {
        if let Some(before) = self.0.get(&request) {
            answer.takes_over(before);
        }
        self.0.insert(request, answer);
    }

    /// Lets go what is too much, and says whether that was anything: first what has no sources, then what nobody has
    /// taken for the longest time.
    pub(super) fn fit(&mut self) -> bool {
        let mut bytes: usize = self.0.iter().map(cost).sum();
        if self.0.len() <= MOST_ANSWERS && bytes <= MOST_BYTES {
            return false;
        }
        let worth = |answer: &Answer| (answer.bytes > 0, answer.taken());
        let mut all: Vec<_> = self.0.iter().collect();
        all.sort_by_key(|(_, answer)| worth(answer));
        let mut left = all.len();
        let mut goes = Vec::new();
        for (request, answer) in all {
            if left <= MOST_ANSWERS && bytes <= MOST_BYTES {
                break;
            }
            left -= 1;
            bytes -= cost((request, answer));
            goes.push(request.clone());
        }
        for request in &goes {
            self.0.remove(request);
        }
        true
    }
}

impl FromIterator<(EnvironmentRequest, Arc<Answer>)> for Kept {
    fn from_iter<I: IntoIterator<Item = (EnvironmentRequest, Arc<Answer>)>>(answers: I) -> Self {
        Self(answers.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use confbus_protocol::{Application, Profiles, Properties};

    use super::*;

    fn request(number: usize) -> EnvironmentRequest {
        EnvironmentRequest {
            application: Application::parse(&format!("a{number}")).unwrap(),
            profiles: Profiles::parse("default").unwrap(),
            label: None,
        }
    }

    fn answer(bytes: usize, taken: u64) -> Arc<Answer> {
        let value = PropertyValue::from("x".repeat(bytes).as_str());
        let properties: Properties = [(String::new(), Property::from(value))]
            .into_iter()
            .collect();
        let mut sources = vec![PropertySource {
            name: String::new(),
            source: Arc::new(properties),
        }];
        sources.truncate(bytes);
        let answer = Answer::new(sources);
        answer.taken.store(taken, Ordering::Relaxed);
        Arc::new(answer)
    }

    #[test]
    fn what_says_nothing_goes_first_and_then_what_nobody_takes() {
        let mut kept = Kept::default();
        for number in 0..MOST_ANSWERS {
            kept.put(request(number), answer(1, number as u64 + 10));
        }
        assert!(!kept.fit());
        kept.put(request(MOST_ANSWERS), answer(0, u64::MAX));
        assert!(kept.fit());
        assert!(kept.get(&request(MOST_ANSWERS)).is_none());
        kept.put(request(MOST_ANSWERS), answer(1, u64::MAX));
        assert!(kept.fit());
        assert!(kept.get(&request(0)).is_none() && kept.get(&request(1)).is_some());
        assert_eq!(kept.requests().count(), MOST_ANSWERS);
    }

    #[test]
    fn their_text_is_bounded() {
        let mut kept = Kept::default();
        for number in 0..3 {
            kept.put(
                request(number),
                answer(MOST_BYTES / 2 - 1024, number as u64),
            );
        }
        assert!(kept.fit());
        let left: Vec<_> = (0..3).map(|n| kept.get(&request(n)).is_some()).collect();
        assert_eq!(left, [false, true, true]);
    }

    #[test]
    fn what_has_no_text_counts_too() {
        let many = (0..1000).map(|n| (n.to_string(), PropertyValue::Null.into()));
        let source = PropertySource {
            name: String::new(),
            source: Arc::new(many.collect()),
        };
        let answer = Answer::new(vec![source]);
        assert!(answer.bytes() > 1000 * EACH);
    }
}
