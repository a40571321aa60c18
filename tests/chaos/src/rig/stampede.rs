//! Readers that ask as fast as they are answered, and compare every byte.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::http::{Connection, parse};

/// Requests that are sent together.
const TOGETHER: usize = 32;
/// Threads for a server, a connection each.
const THREADS: usize = 2;
/// Until the next byte of an answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Before a connection that was refused is tried again.
const PAUSE: Duration = Duration::from_millis(1);
const CHUNK: usize = 64 * 1024;
/// Failures that are told apart.
const TOLD: usize = 10;

/// Many readers of one server, of things that do not change; dropping it ends them.
#[derive(Debug)]
pub struct Stampede {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

/// What is asked, and what has to come back.
#[derive(Debug)]
struct Question {
    request: Vec<u8>,
    body: Vec<u8>,
}

#[derive(Debug, Default)]
struct Shared {
    port: u16,
    questions: Vec<Question>,
    over: AtomicBool,
    /// Odd while the server is down, or not up yet.
    turns: AtomicU64,
    answered: AtomicU64,
    cut: AtomicU64,
    failed: AtomicU64,
    reasons: Mutex<Vec<String>>,
}

/// How many reads ended how.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    /// With what had to come back.
    pub answered: u64,
    /// Not at all, because the server was killed.
    pub cut: u64,
    /// Otherwise.
    pub failed: u64,
}

impl Stampede {
    /// Of these paths, which the server answers for ever as it does now.
    ///
    /// # Errors
    /// When it does not answer one of them now.
    pub async fn start(port: u16, paths: &[String]) -> anyhow::Result<Self> {
        let mut questions = Vec::new();
        let mut connection = Connection::new(port);
        for path in paths {
            let response = connection.get(path).await?;
            ensure!(response.status == 200, "{path}: {}", response.status);
            questions.push(Question {
                request: format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n").into(),
                body: response.body,
            });
        }
        let shared = Arc::new(Shared {
            port,
            questions,
            ..Shared::default()
        });
        let threads = (0..THREADS).map(|_| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.read_on())
        });
        let threads = threads.collect();
        Ok(Self { shared, threads })
    }

    /// The server is about to be killed, or has its first answer again.
    pub fn turn(&self) {
        self.shared.turns.fetch_add(1, Ordering::SeqCst);
    }

    /// How it went until now.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let load = |count: &AtomicU64| count.load(Ordering::SeqCst);
        Tally {
            answered: load(&self.shared.answered),
            cut: load(&self.shared.cut),
            failed: load(&self.shared.failed),
        }
    }

    /// Why reads failed, the first few.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let reasons = self.shared.reasons.lock();
        reasons.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Stampede {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            // One that panicked has counted what it could.
            _ = thread.join();
        }
    }
}

impl Shared {
    fn read_on(&self) {
        while !self.over.load(Ordering::SeqCst) {
            let turn = self.turns.load(Ordering::SeqCst);
            let mut left = 1;
            if let Err(error) = self.connected(&mut left) {
                self.note(turn, left, &error);
                thread::sleep(PAUSE);
            }
        }
    }

    /// Asks on one connection until it ends; `left` is how many answers are owed.
    fn connected(&self, left: &mut u64) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let mut next = 0;
        while !self.over.load(Ordering::SeqCst) {
            let batch: Vec<_> = self
                .questions
                .iter()
                .cycle()
                .skip(next)
                .take(TOGETHER)
                .collect();
            next = (next + TOGETHER) % self.questions.len();
            *left = batch.len() as u64;
            let requests: Vec<u8> = batch.iter().flat_map(|one| one.request.clone()).collect();
            stream.write_all(&requests)?;
            self.compare(&mut stream, &batch, left)?;
        }
        Ok(())
    }

    fn compare(
        &self,
        stream: &mut TcpStream,
        batch: &[&Question],
        left: &mut u64,
    ) -> anyhow::Result<()> {
        let mut bytes = Vec::with_capacity(CHUNK);
        let mut chunk = vec![0; CHUNK];
        for question in batch {
            let (response, length) = loop {
                if let Some(response) = parse(&bytes)? {
                    break response;
                }
                let read = stream.read(&mut chunk)?;
                ensure!(read > 0, "the connection was closed");
                bytes.extend_from_slice(&chunk[..read]);
            };
            bytes.drain(..length);
            *left -= 1;
            if response.status == 200 && response.body == question.body {
                self.answered.fetch_add(1, Ordering::SeqCst);
            } else {
                self.fail(1, &format!("another answer, {}", response.status));
            }
        }
        Ok(())
    }

    fn note(&self, turn: u64, left: u64, error: &anyhow::Error) {
        let now = self.turns.load(Ordering::SeqCst);
        if now != turn || now % 2 == 1 {
            self.cut.fetch_add(left, Ordering::SeqCst);
        } else {
            self.fail(left, &format!("{error:#}"));
        }
    }

    fn fail(&self, times: u64, why: &str) {
        self.failed.fetch_add(times, Ordering::SeqCst);
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        if reasons.len() < TOLD {
            reasons.push(why.to_owned());
        }
    }
}

/// Waits for the first answer 200 of a server that has just been started; how long after `began` it was there.
///
/// # Errors
/// When there is none in time.
pub fn first_answer(port: u16, path: &str, began: Instant) -> anyhow::Result<Duration> {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    loop {
        if let Some(b"HTTP/1.1 200") = ask(port, request.as_bytes()).as_ref() {
            return Ok(began.elapsed());
        }
        let in_time = began.elapsed() < TIMEOUT;
        in_time.then_some(()).context("no answer after a start")?;
        thread::sleep(PAUSE / 4);
    }
}

/// The begin of the answer.
fn ask(port: u16, request: &[u8]) -> Option<[u8; 12]> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.write_all(request).ok()?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).ok()?;
    Some(status)
}
