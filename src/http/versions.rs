//! Which commits an answer comes from, told in its headers.

use confbus_protocol::CommitId;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::environment_repository::{Held, Past};

/// The commit that answered; a comma between several.
pub(super) const VERSION: HeaderName = HeaderName::from_static("x-config-version");
/// `3f9c1e2; orders.yml:14:9: …`, `3f9c1e2; pinned` or `3f9c1e2; wave at 5 %, …`: the commit that the label names, and why it is not the one that
/// answered.
pub(super) const HELD: HeaderName = HeaderName::from_static("x-config-held");

/// How often the label has moved here: grows with each move, as long as the server keeps its files. Not said of an answer
/// from several labels or repositories, nor of a commit that was asked for by its id.
pub(super) const GENERATION: HeaderName = HeaderName::from_static("x-config-generation");

/// A header line stays readable, and below the limits of every proxy.
const MAX_REASON: usize = 300;

/// Where an answer comes from.
#[derive(Debug)]
pub(super) struct Provenance {
    pub(super) commits: Vec<CommitId>,
    pub(super) held: Option<Held>,
    pub(super) past: Past,
}

impl Provenance {
    /// Adds the headers that say so.
    pub(super) fn describe(&self, headers: &mut HeaderMap) {
        let held = self.held.as_ref().map(|held| {
            format!(
                "{}; {}",
                held.wanted.short(),
                one_line(&held.because.to_string())
            )
        });
        let commits: Vec<_> = self.commits.iter().map(ToString::to_string).collect();
        let version = (!commits.is_empty()).then(|| commits.join(","));
        let generation = self.past.generation().map(|number| number.to_string());
        for (name, text) in [(VERSION, version), (GENERATION, generation), (HELD, held)] {
            if let Some(value) = text.and_then(|text| HeaderValue::try_from(text).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

/// Printable ASCII only, and not too long.
fn one_line(text: &str) -> String {
    text.chars()
        .take(MAX_REASON)
        .map(|c| {
            if c == ' ' || c.is_ascii_graphic() {
                c
            } else {
                '?'
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use confbus_resolution::{Origin, Problem};

    use super::*;
    use crate::environment_repository::Because;

    #[test]
    fn a_held_answer_says_what_it_waits_for() {
        let problem = Problem {
            origin: Origin {
                path: "ä\r\nSet-Cookie: x.yml".into(),
                position: None,
            },
            problem: "broken".into(),
            hint: None,
        };
        let held = |because| Held {
            wanted: CommitId::from_bytes([0xab; 20]),
            because,
        };
        let mut headers = HeaderMap::new();
        Provenance {
            commits: vec![CommitId::from_bytes([1; 20])],
            held: Some(held(Because::Problems(vec![problem]))),
            past: Past::default(),
        }
        .describe(&mut headers);
        assert_eq!(headers[HELD], "abababa; ???Set-Cookie: x.yml: broken");
        assert_eq!(headers[VERSION], "01".repeat(20));
        Provenance {
            commits: Vec::new(),
            held: Some(held(Because::Pinned)),
            past: Past::default(),
        }
        .describe(&mut headers);
        assert_eq!(headers[HELD], "abababa; pinned");
        assert!(!headers.contains_key(GENERATION));
    }
}
