//! Who was refused what, in the log: why a service gets nothing has to be found out without its help.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use http::{Method, StatusCode};
use tracing::{debug, info};

use crate::network::Network;

/// How often the same is told at most.
const PAUSE: Duration = Duration::from_secs(60);
/// Lines within one such pause.
const MOST: usize = 256;
/// Those about one network.
const SHARE: usize = 32;
/// Bytes of a name or a list of names that are shown.
const LONGEST: usize = 256;

/// All that were told lately.
static DENIALS: Denials = Denials::new();

/// A refusal, as far as it may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Denial {
    /// Who asked, if it is known.
    pub(super) principal: Option<String>,
    pub(super) address: Option<IpAddr>,
    /// What for, as rules name it.
    pub(super) kind: Option<&'static str>,
    /// The names that it was asked for by, as much as is shown.
    pub(super) wanted: Option<String>,
    pub(super) reason: &'static str,
}

struct Denials(Mutex<Told>);

struct Told {
    /// The oldest first.
    lines: VecDeque<Line>,
    /// Others since the last line.
    left_out: u64,
}

struct Line {
    at: Instant,
    denial: Denial,
    path: String,
}

impl Denial {
    /// Tells it, unless that was done lately or there is too much to be told.
    pub(super) fn log(&self, method: &Method, path: &str, status: StatusCode) {
        let path = beginning(path);
        let Some(left_out) = DENIALS.take(Instant::now(), self, path) else {
            let status = status.as_u16();
            debug!(denial = ?self, %method, ?path, status, "refusal left out above this level");
            return;
        };
        // As quoted texts: none of these names may look like another field.
        info!(
            event = self.event(),
            decision = "denied",
            principal = self.principal.as_deref().map(tracing::field::debug),
            address = self.address.map(tracing::field::display),
            kind = self.kind,
            wanted = self.wanted.as_deref().map(tracing::field::debug),
            %method,
            ?path,
            status = status.as_u16(),
            reason = self.reason,
            left_out,
            "request refused; the same is not told again for a minute"
        );
    }

    /// What is asked for is in the audit where it would have been had it been allowed.
    fn event(&self) -> &'static str {
        match self.kind {
            Some("refresh") => "audit.refresh",
            Some("decrypt") => "audit.decrypt",
            Some("operate") => "audit.pin",
            _ => "access.denied",
        }
    }

    fn network(&self) -> Option<Network> {
        self.address.map(Network::of)
    }
}

impl Denials {
    const fn new() -> Self {
        Self(Mutex::new(Told {
            lines: VecDeque::new(),
            left_out: 0,
        }))
    }

    /// Whether this is to be told, and if so, how many others were not since the last that was.
    fn take(&self, now: Instant, denial: &Denial, path: &str) -> Option<u64> {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while told
            .lines
            .front()
            .is_some_and(|line| now.duration_since(line.at) >= PAUSE)
        {
            told.lines.pop_front();
        }
        let is_same = |line: &Line| line.denial == *denial && line.path == path;
        let of_network = |line: &&Line| line.denial.network() == denial.network();
        let is_known = told.lines.iter().any(is_same);
        if is_known
            || told.lines.len() >= MOST
            || told.lines.iter().filter(of_network).count() >= SHARE
        {
            told.left_out += 1;
            return None;
        }
        told.lines.push_back(Line {
            at: now,
            denial: denial.clone(),
            path: path.to_owned(),
        });
        Some(std::mem::take(&mut told.left_out))
    }
}

/// As much of a text as is shown.
pub(super) fn beginning(text: &str) -> &str {
    let mut end = LONGEST.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(number: u32, wanted: &str) -> Denial {
        Denial {
            principal: Some("ana".to_owned()),
            address: Some(IpAddr::V4((0x0a00_0000 + number).into())),
            kind: Some("read"),
            wanted: Some(wanted.to_owned()),
            reason: "no rule allows it",
        }
    }

    #[test]
    fn the_same_is_told_once_a_minute() {
        let (denials, now) = (Denials::new(), Instant::now());
        let take = |wanted, path, seconds| {
            let now = now + Duration::from_secs(seconds);
            denials.take(now, &denial(1, wanted), path)
        };
        assert_eq!(take("billing/dev", "/billing/dev", 0), Some(0));
        assert_eq!(take("billing/dev", "/billing/dev", 1), None);
        assert_eq!(take("billing/dev", "/billing/dev", 59), None);
        assert_eq!(take("billing/prod", "/billing/prod", 59), Some(2));
        assert_eq!(take("billing/dev", "/billing-dev.yml", 59), Some(0));
        assert_eq!(take("billing/dev", "/billing/dev", 60), Some(0));
    }

    #[test]
    fn one_network_leaves_room_for_others_and_all_have_an_end() {
        let (denials, now) = (Denials::new(), Instant::now());
        let take = |number, wanted: usize| {
            let denial = denial(number, &wanted.to_string());
            denials.take(now, &denial, "/").is_some()
        };
        assert!((0..SHARE).all(|wanted| take(1, wanted)));
        assert!(!take(1, SHARE) && take(2, SHARE));
        let told = (3..600).filter(|number| take(*number, 0)).count();
        assert_eq!(told, MOST - SHARE - 1);
        assert_eq!(denials.0.lock().unwrap().lines.len(), MOST);
    }

    #[test]
    fn a_long_list_is_cut_between_characters() {
        assert_eq!(beginning(&"ü".repeat(LONGEST)).len(), LONGEST);
        assert_eq!(
            beginning(&format!("a{}", "ü".repeat(LONGEST))).len(),
            LONGEST - 1
        );
    }
}
