//! What holds for every attack, whatever it is.

use std::fmt;
use std::time::Duration;

use crate::canaries::Canaries;
use crate::corpus::{End, Expected};
use crate::http::Reply;

/// No answer may take longer.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Memory that a server may ever have taken, in bytes.
pub const MOST_MEMORY: u64 = 128 << 20;
/// Findings that are kept; more say nothing new.
const MOST_FINDINGS: usize = 1_000;

/// Something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The attack's class and name.
    pub attack: String,
    /// What it did.
    pub what: What,
    /// With which request, and what came of it.
    pub detail: String,
}

/// What an attack did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The answer has another status than is expected.
    Status,
    /// A secret was told.
    Canary,
    /// No answer in time.
    Hang,
    /// The server panicked, or ended.
    Panic,
    /// Everybody else got another answer afterwards, or none.
    Others,
    /// More memory, threads or descriptors than there may be.
    Resources,
    /// An answer that says what it should not, or does not say what it should.
    Answer,
}

/// Takes everything down.
#[derive(Debug, Default)]
pub struct Judge {
    canaries: Canaries,
    /// What is played now.
    class: &'static str,
    /// What was found, as far as anybody reads on.
    pub findings: Vec<Finding>,
    /// What was found in all.
    pub found: usize,
    /// Attacks that were played.
    pub attacks: u64,
    /// Requests and messages that were sent.
    pub requests: u64,
    /// How long the slowest answer took.
    pub slowest: Duration,
    /// The most memory that any server took, in bytes.
    pub most_memory: u64,
}

impl Judge {
    /// One that knows these secrets.
    #[must_use]
    pub fn new(canaries: Canaries) -> Self {
        Self {
            canaries,
            ..Self::default()
        }
    }

    /// The secrets that it knows.
    #[must_use]
    pub fn canaries(&self) -> &Canaries {
        &self.canaries
    }

    /// Turns to the attacks of a class.
    pub fn turn_to(&mut self, class: &'static str) {
        self.class = class;
    }

    /// Takes down what must not be.
    pub fn find(&mut self, attack: &str, what: What, detail: impl Into<String>) {
        self.found += 1;
        if self.findings.len() < MOST_FINDINGS {
            self.findings.push(Finding {
                attack: format!("{}/{attack}", self.class),
                what,
                detail: detail.into(),
            });
        }
    }

    /// Judges what came of a request, which `request` shows.
    pub fn reply(
        &mut self,
        attack: &str,
        request: &str,
        reply: &Reply,
        took: Duration,
        expected: &Expected,
    ) {
        self.requests += 1;
        self.slowest = self.slowest.max(took);
        let end = match reply {
            Reply::Silent => {
                return self.find(
                    attack,
                    What::Hang,
                    format!("{request}: no answer in {took:?}"),
                );
            }
            Reply::Closed => End::Closed,
            Reply::Answer(answer) => End::Status(answer.status),
        };
        if took > PATIENCE {
            self.find(
                attack,
                What::Hang,
                format!("{request}: {end} after {took:?}"),
            );
        }
        if !expected.allows(end) {
            let detail = format!("{request}: {end} instead of {expected}");
            self.find(attack, What::Status, detail);
        }
        if let Reply::Answer(answer) = reply {
            self.says(attack, request, &answer.head);
            self.says(attack, request, &answer.body);
        }
    }

    /// Looks for secrets in what was said somewhere, and for the words of a panic.
    pub fn says(&mut self, attack: &str, place: &str, bytes: &[u8]) {
        if let Some(found) = self.canaries.found(bytes) {
            self.find(attack, What::Canary, format!("{place}: {found}"));
        }
    }

    /// Looks at what a server wrote to its log.
    pub fn log(&mut self, attack: &str, lines: &[u8]) {
        self.says(attack, "the log", lines);
        let text = String::from_utf8_lossy(lines);
        let panics = text.lines().find(|line| line.contains("panicked at"));
        if let Some(line) = panics {
            self.find(attack, What::Panic, line);
        }
        let raw = lines
            .iter()
            .find(|byte| byte.is_ascii_control() && !matches!(byte, b'\n' | b'\t'));
        if let Some(byte) = raw {
            let line = text.lines().find(|line| line.contains(char::from(*byte)));
            let line = line.unwrap_or_default().escape_debug().to_string();
            self.find(
                attack,
                What::Answer,
                format!("the log holds byte {byte}: {line}"),
            );
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}: {}", self.attack, self.what, self.detail)
    }
}
