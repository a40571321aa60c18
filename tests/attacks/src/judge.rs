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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::http::{request, send};

    /// A server that does one thing wrong, and what is found.
    fn found(answer: impl Fn(&Canaries) -> Option<String> + Send + 'static) -> Vec<What> {
        let mut judge = Judge::default();
        let canaries = judge.canaries().clone();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let served = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            _ = stream.read(&mut [0; 1024]).unwrap();
            match answer(&canaries) {
                Some(text) => stream.write_all(text.as_bytes()).unwrap(),
                // Until the other side has enough.
                None => _ = stream.read(&mut [0; 1]),
            }
        });
        let limit = Duration::from_millis(200);
        let (reply, took) = send(port, &request("GET", b"/", "", b""), limit);
        let expected = Expected::parse("200,404").unwrap();
        judge.reply("x", "GET /", &reply, took, &expected);
        served.join().unwrap();
        judge.findings.iter().map(|finding| finding.what).collect()
    }

    fn answer(status: u16, header: &str, body: &str) -> Option<String> {
        let length = body.len();
        Some(format!(
            "HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n{header}\r\n{body}"
        ))
    }

    #[test]
    fn what_a_server_does_wrong_is_found() {
        assert_eq!(found(|_| answer(200, "", "{}")), []);
        assert_eq!(found(|_| answer(500, "", "{}")), [What::Status]);
        assert_eq!(found(|_| Some(String::new())), [What::Status]);
        assert_eq!(found(|_| None), [What::Hang]);
        let tells = |canaries: &Canaries| answer(200, "", &canaries.of("remote"));
        assert_eq!(found(tells), [What::Canary]);
        let tells =
            |canaries: &Canaries| answer(404, &format!("X: {}\r\n", canaries.of("password")), "");
        assert_eq!(found(tells), [What::Canary]);
    }

    #[test]
    fn slowness_and_bad_lines_are_found() {
        let mut judge = Judge::default();
        let expected = Expected::parse("closed").unwrap();
        let slow = PATIENCE + Duration::from_millis(1);
        judge.reply("x", "GET /", &Reply::Closed, slow, &expected);
        judge.log("x", b"all is well\n");
        judge.log("x", b"thread 'main' panicked at src/main.rs:1:1\n");
        judge.log("x", b"a\rb\n");
        judge.log("x", b"a\x1b[31mred\n");
        let secret = judge.canaries().of("encrypt");
        judge.log("x", format!("key={secret}\n").as_bytes());
        let found: Vec<_> = judge.findings.iter().map(|finding| finding.what).collect();
        use What::{Answer, Canary, Hang, Panic};
        assert_eq!(found, [Hang, Panic, Answer, Answer, Canary]);
        assert_eq!((judge.found, judge.requests), (5, 1));
    }
}
