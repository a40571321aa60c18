use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::anyhow;
use rustix::net::sockopt::set_socket_recv_buffer_size;
use serde::Serialize;

use super::ORDERS;

/// How often each of them does something.
const ROUND: Duration = Duration::from_secs(1);
/// Requests that a reader has sent at once: their answers are more than the buffers on the way hold.
const ASKED: usize = 2_000;
/// Bytes that the system takes for a connection and nobody reads; it makes a few more of it.
const UNREAD: usize = 4096;

/// How somebody lets a server wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sends a head byte by byte.
    Head,
    /// Asks for much, and reads a byte a round.
    Reader,
}

/// Connections of one kind, each opened again when it is closed.
pub(super) struct Attack {
    stops: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<Vec<Duration>>>,
}

/// How long the connections lived that the server closed.
#[derive(Debug, Serialize)]
pub(super) struct Lives {
    closed: usize,
    shortest_ms: u128,
    longest_ms: u128,
}

struct Attacker {
    stream: TcpStream,
    opened: Instant,
    /// How much of its text it has said.
    said: usize,
}

impl Attack {
    /// So many connections, which take their turns a few at a time: so many turns make a round.
    pub(super) fn start(kind: Kind, count: usize, turns: u16, port: u16) -> anyhow::Result<Self> {
        let text = kind.text();
        let attackers: Result<Vec<_>, _> = (0..count).map(|_| Attacker::open(port)).collect();
        let mut attackers = attackers?;
        let turns = turns.max(1);
        let stops = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stops);
        let thread = thread::spawn(move || {
            let mut lives = Vec::new();
            while !stopped.load(Ordering::Relaxed) {
                for some in attackers.chunks_mut(count.div_ceil(turns.into()).max(1)) {
                    let began = Instant::now();
                    for attacker in some {
                        if attacker.goes_on(kind, text.as_bytes()) {
                            continue;
                        }
                        lives.push(attacker.opened.elapsed());
                        *attacker = Attacker::open(port)?;
                    }
                    thread::sleep((ROUND / turns.into()).saturating_sub(began.elapsed()));
                }
            }
            Ok(lives)
        });
        Ok(Self { stops, thread })
    }

    pub(super) fn stop(self) -> anyhow::Result<Lives> {
        self.stops.store(true, Ordering::Relaxed);
        let ended = self.thread.join();
        let lives = ended.map_err(|_| anyhow!("an attacker panicked"))??;
        let in_ms = |life: Option<&Duration>| life.map_or(0, Duration::as_millis);
        Ok(Lives {
            closed: lives.len(),
            shortest_ms: in_ms(lives.iter().min()),
            longest_ms: in_ms(lives.iter().max()),
        })
    }
}

impl Kind {
    /// What each of its connections says, sooner or later.
    fn text(self) -> String {
        let head = format!("GET {ORDERS} HTTP/1.1\r\nHost: localhost\r\n");
        match self {
            Self::Head => format!("{head}X-Endless: {}", "x".repeat(1000)),
            Self::Reader => format!("{head}\r\n").repeat(ASKED),
        }
    }
}

impl Lives {
    /// Whether there were any, and each ended in this time; who looks once a round sees the end a round late.
    pub(super) fn end_between(&self, least: Duration, most: Duration) -> bool {
        self.closed > 0
            && self.shortest_ms >= least.as_millis()
            && self.longest_ms <= (most + ROUND).as_millis()
    }
}

impl Attacker {
    fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        set_socket_recv_buffer_size(&stream, UNREAD)?;
        Ok(Self {
            stream,
            opened: Instant::now(),
            said: 0,
        })
    }

    /// Does what it does in a round; whether the connection is still there.
    fn goes_on(&mut self, kind: Kind, text: &[u8]) -> bool {
        let unsaid = &text[self.said..];
        let (now, wanted) = match kind {
            Kind::Head => (&unsaid[..1.min(unsaid.len())], 4096),
            Kind::Reader => (unsaid, 1),
        };
        let is_there = match self.stream.write(now) {
            Ok(length) => {
                self.said += length;
                true
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        let mut read = [0; 4096];
        let hears = match self.stream.read(&mut read[..wanted]) {
            Ok(length) => length > 0,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        };
        is_there && hears
    }
}
