//! What the log is told of a repository that cannot be looked at: when it begins, about once a minute, and when it ends.

use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::Looker;
use crate::look::{Fetch, LookError};

/// Between two lines. Looks come up to once a minute then, not quite evenly.
const SAY_EVERY: Duration = Duration::from_secs(45);

/// A repository that cannot be looked at, or not as a whole.
#[derive(Debug)]
pub(super) struct Outage {
    since: Instant,
    tries: u32,
    said: Instant,
}

/// What there is to say.
#[derive(Debug, PartialEq, Eq)]
enum News {
    Begins,
    GoesOn,
}

impl Outage {
    /// One more look found trouble.
    fn note(outage: &mut Option<Self>, now: Instant) -> Option<News> {
        let Some(outage) = outage else {
            *outage = Some(Self {
                since: now,
                tries: 1,
                said: now,
            });
            return Some(News::Begins);
        };
        outage.tries = outage.tries.saturating_add(1);
        if now < outage.said + SAY_EVERY {
            return None;
        }
        outage.said = now;
        Some(News::GoesOn)
    }

    fn seconds(&self) -> u64 {
        self.since.elapsed().as_secs()
    }
}

impl Looker {
    /// Tells how it is after a look.
    pub(super) fn tell_about_trouble(&mut self, fetch: &Fetch) {
        let served = self.outcome.served.load_full();
        match served.trouble() {
            // Nobody was asked.
            Some(_) if *fetch == Fetch::No && self.outage.is_some() => {}
            Some(error) => self.tell_about_error(error, !served.labels.is_empty()),
            None => self.tell_about_end(),
        }
    }

    fn tell_about_error(&mut self, error: &LookError, is_serving: bool) {
        let news = Outage::note(&mut self.outage, Instant::now());
        let (Some(news), Some(outage)) = (news, &self.outage) else {
            return;
        };
        let repository = &self.name;
        let (tries, seconds) = (outage.tries, outage.seconds());
        let rest = if is_serving {
            "what is in service stays"
        } else {
            "nothing is in service yet"
        };
        let error_code = error.reason();
        match news {
            News::Begins => {
                warn!(event = "git.unreachable", %repository, error.code = error_code, error.text = %error, "the repository cannot be looked at; {rest}");
            }
            News::GoesOn => {
                warn!(event = "git.unreachable", %repository, error.code = error_code, error.text = %error, tries, seconds, "the repository cannot be looked at for {seconds} s now, after {tries} tries; {rest}");
            }
        }
    }

    fn tell_about_end(&mut self) {
        if let Some(outage) = self.outage.take() {
            let repository = &self.name;
            let (tries, seconds) = (outage.tries, outage.seconds());
            info!(event = "git.reachable", %repository, tries, seconds, "the repository answers again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_said_at_once_and_then_about_once_a_minute() {
        let (mut outage, begin) = (None, Instant::now());
        let mut at = |seconds| Outage::note(&mut outage, begin + Duration::from_secs(seconds));
        assert_eq!(at(0), Some(News::Begins));
        let said = (1..=600).filter(|seconds| at(*seconds) == Some(News::GoesOn));
        assert_eq!(said.count(), 13);
        assert_eq!(outage.unwrap().tries, 601);
    }
}
