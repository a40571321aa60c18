//! Places that a server must never turn to, and one that sends it there.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

/// Until a caller has said what it wants.
const HEAD: Duration = Duration::from_secs(2);

/// Counts who comes.
pub(super) struct Trap {
    /// Where it listens.
    pub(super) port: u16,
    visits: Arc<AtomicUsize>,
}

impl Trap {
    /// One that answers nothing.
    pub(super) fn set() -> anyhow::Result<Self> {
        Self::with(|_| {})
    }

    /// One that sends everybody to another address.
    pub(super) fn redirect(to: String) -> anyhow::Result<Self> {
        Self::with(move |stream| {
            let mut head = [0; 4096];
            // Whatever was asked, and whether or not it was.
            _ = stream.set_read_timeout(Some(HEAD));
            _ = stream.read(&mut head);
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            _ = stream.write_all(answer.as_bytes());
        })
    }

    fn with(answer: impl Fn(&mut TcpStream) + Send + 'static) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let visits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&visits);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                counted.fetch_add(1, Ordering::Relaxed);
                answer(&mut stream);
            }
        });
        Ok(Self { port, visits })
    }

    /// How often somebody came.
    pub(super) fn visits(&self) -> usize {
        self.visits.load(Ordering::Relaxed)
    }
}
