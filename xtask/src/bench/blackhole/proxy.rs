//! The way to a server of this machine, which can turn into a black hole: connections are accepted, and nothing comes back.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// It listens until the program ends.
pub(super) struct Proxy {
    pub(super) port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    target: u16,
    silent: AtomicBool,
    /// Connections and pieces of data that went nowhere.
    swallowed: AtomicUsize,
    /// Both ends of everything that is open.
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Passes everything on, until it is told otherwise.
    pub(super) fn to(target: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            target,
            silent: AtomicBool::new(false),
            swallowed: AtomicUsize::new(0),
            open: Mutex::default(),
        });
        let all = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that cannot be passed on is closed.
                _ = all.accept(client);
            }
        });
        Ok(Self { port, shared })
    }

    /// From now on nothing comes back, on old connections and new ones.
    pub(super) fn fall_silent(&self) {
        self.shared.silent.store(true, Ordering::SeqCst);
    }

    /// Ends what hung, and passes on what comes next.
    pub(super) fn speak(&self) {
        self.shared.silent.store(false, Ordering::SeqCst);
        let mut open = self
            .shared
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for stream in open.drain(..) {
            // It may have ended by itself.
            _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// How much went nowhere so far.
    pub(super) fn swallowed(&self) -> usize {
        self.shared.swallowed.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn accept(self: &Arc<Self>, client: TcpStream) -> io::Result<()> {
        if self.swallows() {
            self.keep(client);
            return Ok(());
        }
        let server = TcpStream::connect((Ipv4Addr::LOCALHOST, self.target))?;
        for (from, to) in [(&client, &server), (&server, &client)] {
            from.set_nodelay(true)?;
            let (from, to, shared) = (from.try_clone()?, to.try_clone()?, Arc::clone(self));
            self.keep(from.try_clone()?);
            thread::spawn(move || {
                // Either end may close at any time, and then so does the other.
                _ = shared.pass_on(&from, &to);
                _ = to.shutdown(Shutdown::Both);
            });
        }
        Ok(())
    }

    fn keep(&self, stream: TcpStream) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.push(stream);
    }

    fn pass_on(&self, mut from: &TcpStream, mut to: &TcpStream) -> io::Result<()> {
        let mut buffer = [0; 64 * 1024];
        loop {
            match from.read(&mut buffer)? {
                0 => return Ok(()),
                _ if self.swallows() => {}
                length => to.write_all(&buffer[..length])?,
            }
        }
    }

    /// Whether what just came is lost.
    fn swallows(&self) -> bool {
        let silent = self.silent.load(Ordering::SeqCst);
        if silent {
            self.swallowed.fetch_add(1, Ordering::SeqCst);
        }
        silent
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn nothing_comes_back_while_it_is_silent() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let proxy = Proxy::to(listener.local_addr().unwrap().port()).unwrap();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                _ = io::copy(&mut &client, &mut &client);
            }
        });
        let connect = || {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port)).unwrap();
            stream
                .set_read_timeout(Some(Duration::from_millis(100)))
                .unwrap();
            stream
        };
        let mut letter = [0];

        let mut old = connect();
        old.write_all(b"a").unwrap();
        old.read_exact(&mut letter).unwrap();
        assert_eq!(&letter, b"a");

        proxy.fall_silent();
        let mut new = connect();
        for stream in [&mut old, &mut new] {
            stream.write_all(b"b").unwrap();
            assert!(stream.read_exact(&mut letter).is_err());
        }
        assert!(proxy.swallowed() > 0);

        proxy.speak();
        assert_eq!(old.read(&mut letter).unwrap(), 0);
    }
}
