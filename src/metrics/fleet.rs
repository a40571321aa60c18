use std::{sync::Arc, time::Duration};

use super::{
    bounded::Bounded,
    description::{APPLY_DURATION, CONVERGENCE_DURATION, REJECTIONS},
    family::{Counters, Histograms},
    page::Page,
};

/// Applications that are told apart.
const APPLICATIONS: usize = 1_000;
/// Codes that are told apart.
const CODES: usize = 200;
/// The code of a reason that has none.
const NO_CODE: &str = "none";

/// How a refresh ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// All run it.
    Live,
    /// All have answered, and somebody refused it.
    Rejected,
    /// Not all have answered.
    Timeout,
}

/// What instances make of what they are told.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    applications: Arc<Bounded>,
    codes: Arc<Bounded>,
    applied: Histograms,
    converged: Histograms,
    rejections: Counters,
}

impl Default for Fleet {
    fn default() -> Self {
        Self {
            applications: Arc::new(Bounded::to(APPLICATIONS)),
            codes: Arc::new(Bounded::to(CODES)),
            applied: Histograms::of(&APPLY_DURATION),
            converged: Histograms::of(&CONVERGENCE_DURATION),
            rejections: Counters::of(&REJECTIONS),
        }
    }
}

impl Fleet {
    /// An instance runs what it was told to read.
    pub(crate) fn applied(&self, application: &str, evidence: &'static str, took: Duration) {
        let application = self.applications.name(application);
        self.applied
            .note(&[application, evidence], took.as_secs_f64());
    }

    /// An instance refused a version, for a reason of which no more than the code becomes a label.
    pub(crate) fn rejected(&self, application: &str, reason: &str) {
        let application = self.applications.name(application);
        let code = self.codes.name(code(reason));
        self.rejections.add(&[application, code], 1);
    }

    /// A refresh is over.
    pub(crate) fn converged(&self, answer: Answer, took: Duration) {
        let result = match answer {
            Answer::Live => "live",
            Answer::Rejected => "rejected",
            Answer::Timeout => "timeout",
        };
        self.converged.note(&[result], took.as_secs_f64());
    }

    pub(super) fn write(&self, page: &mut Page) {
        self.applied.write(page);
        self.converged.write(page);
        self.rejections.write(page);
    }
}

/// `CB` and four digits at the beginning of a reason.
fn code(reason: &str) -> &str {
    let is_code = |code: &&str| {
        code.strip_prefix("CB")
            .is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let ends = |rest: &str| !rest.starts_with(|next: char| next.is_ascii_alphanumeric());
    let code = reason.get(..6).filter(is_code);
    code.filter(|code| ends(&reason[code.len()..]))
        .unwrap_or(NO_CODE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_a_code_becomes_a_label() {
        for (reason, expected) in [
            ("CB2001 billing.yml:14:3: no number", "CB2001"),
            ("CB2001", "CB2001"),
            ("CB20011", NO_CODE),
            ("CB200x hunter2", NO_CODE),
            ("hunter2", NO_CODE),
            ("", NO_CODE),
            ("ünüüü", NO_CODE),
        ] {
            assert_eq!(code(reason), expected, "{reason}");
        }
    }
}
