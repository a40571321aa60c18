//! Plays the steps of scripts that are about requests.
//!
//! | verb | does |
//! | --- | --- |
//! | `send`, `raw` | writes a request byte for byte; the lines of `send` end with CR LF |
//! | `request METHOD TARGET` | writes one for you, with the text below as its body; `header`, `login` add to it |
//! | `expect STATUSES` | sends it; `times N` before it, so often |
//! | `ask STATUSES TARGET` | reads with a login |
//! | `with TEXT`, `without TEXT` | looks into the last answer |
//! | `hold N` | sends what was written on so many connections, and leaves them open to the end of the script |
//! | `why …` | says why the server may be at fault |

use std::io::Write as _;
use std::net::{Ipv4Addr, TcpStream};

use anyhow::{Context as _, bail};

use super::signature;
use crate::canaries::holds;
use crate::corpus::{Expected, Step};
use crate::http::{Answer, Reply, request};
use crate::judge::{Judge, What};
use crate::stage::Stage;
use crate::text::expand;

/// What is about to be sent, and what came back last.
#[derive(Default)]
pub(super) struct Player {
    draft: Draft,
    times: usize,
    answer: Option<Answer>,
    held: Vec<TcpStream>,
}

#[derive(Default)]
enum Draft {
    #[default]
    Nothing,
    Bytes(Vec<u8>),
    Request {
        method: String,
        target: Vec<u8>,
        headers: String,
        body: Vec<u8>,
    },
}

impl Player {
    /// Does one step; `false` when it is none of these.
    pub(super) fn step(
        &mut self,
        judge: &mut Judge,
        stage: &Stage,
        attack: &str,
        step: &Step,
    ) -> anyhow::Result<bool> {
        let known = |name: &str| stage.known.get(name).cloned();
        match &*step.verb {
            "why" => {}
            "send" => {
                let text = step.text.replace('\n', "\\r\\n");
                self.draft = Draft::Bytes(expand(&text, &known)?);
            }
            "raw" => self.draft = Draft::Bytes(expand(step.text.trim_end_matches('\n'), &known)?),
            "request" => {
                let (method, target) = step.words.split_once(' ').context("METHOD TARGET")?;
                self.draft = Draft::Request {
                    method: method.to_owned(),
                    target: expand(target, &known)?,
                    headers: String::new(),
                    body: expand(step.text.trim_end_matches('\n'), &known)?,
                };
            }
            "header" => self.header(judge, stage, &step.words)?,
            "login" => self.add(&stage.login)?,
            "times" => self.times = step.words.parse()?,
            "hold" => self.hold(stage, step.words.parse()?)?,
            "expect" => self.send(judge, stage, attack, &Expected::parse(&step.words)?),
            "ask" => {
                let (expected, target) = step.words.split_once(' ').context("STATUSES TARGET")?;
                let target = expand(target, &known)?;
                self.draft = Draft::Bytes(request("GET", &target, &stage.login, b""));
                self.send(judge, stage, attack, &Expected::parse(expected)?);
            }
            "with" | "without" => self.holds(judge, stage, attack, step)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn add(&mut self, lines: &str) -> anyhow::Result<()> {
        let Draft::Request { headers, .. } = &mut self.draft else {
            bail!("headers are added to a `request`");
        };
        headers.push_str(lines);
        Ok(())
    }

    fn header(&mut self, judge: &Judge, stage: &Stage, words: &str) -> anyhow::Result<()> {
        let Draft::Request { body, .. } = &self.draft else {
            bail!("headers are added to a `request`");
        };
        let known = |name: &str| {
            let proof = signature::of(body, judge.canaries(), name);
            proof.or_else(|| stage.known.get(name).cloned())
        };
        let line = expand(words, &known)?;
        self.add(&format!("{}\r\n", String::from_utf8(line)?))
    }

    fn bytes(&self) -> Vec<u8> {
        match &self.draft {
            Draft::Nothing => Vec::new(),
            Draft::Bytes(bytes) => bytes.clone(),
            Draft::Request {
                method,
                target,
                headers,
                body,
            } => request(method, target, headers, body),
        }
    }

    fn send(&mut self, judge: &mut Judge, stage: &Stage, attack: &str, expected: &Expected) {
        let bytes = self.bytes();
        for _ in 0..self.times.max(1) {
            let reply = stage.play(judge, attack, &bytes, expected);
            self.answer = match reply {
                Reply::Answer(answer) => Some(answer),
                Reply::Closed | Reply::Silent => None,
            };
        }
        self.times = 0;
    }

    fn hold(&mut self, stage: &Stage, count: usize) -> anyhow::Result<()> {
        let bytes = self.bytes();
        for _ in 0..count {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, stage.server.port))?;
            // Whom the server turns away at once is not held.
            if stream.write_all(&bytes).is_ok() {
                self.held.push(stream);
            }
        }
        Ok(())
    }

    fn holds(
        &self,
        judge: &mut Judge,
        stage: &Stage,
        attack: &str,
        step: &Step,
    ) -> anyhow::Result<()> {
        let text = expand(&step.words, &|name| stage.known.get(name).cloned())?;
        let wanted = step.verb == "with";
        let found = self
            .answer
            .as_ref()
            .is_some_and(|answer| holds(&answer.head, &text) || holds(&answer.body, &text));
        if found != wanted {
            let place = if found { "stands" } else { "does not stand" };
            let detail = format!("`{}` {place} in the answer", step.words);
            judge.find(attack, What::Answer, detail);
        }
        Ok(())
    }
}
