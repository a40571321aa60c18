//! The way from the applications to the config server, which can be closed.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// A port that passes connections on while it is open, and ends them while it is closed.
pub(super) struct Gate {
    pub(super) port: u16,
    state: Arc<Mutex<State>>,
}

struct State {
    open: bool,
    connections: Vec<TcpStream>,
}

impl Gate {
    /// An open gate to a port of this machine. It listens until the program ends.
    pub(super) fn to(target: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let state = Arc::new(Mutex::new(State {
            open: true,
            connections: Vec::new(),
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that cannot be passed on is closed, as by a server that is away.
                _ = pass_on(&client, target, &mut lock(&shared));
            }
        });
        Ok(Self { port, state })
    }

    /// From now on the server cannot be reached.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.open = false;
        for connection in state.connections.drain(..) {
            // It may have ended by itself.
            _ = connection.shutdown(Shutdown::Both);
        }
    }

    pub(super) fn open(&self) {
        lock(&self.state).open = true;
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pass_on(client: &TcpStream, target: u16, state: &mut State) -> io::Result<()> {
    if !state.open {
        return Ok(());
    }
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, target))?;
    for (from, to) in [(client, &server), (&server, client)] {
        let (mut from, mut to) = (from.try_clone()?, to.try_clone()?);
        state.connections.push(from.try_clone()?);
        thread::spawn(move || {
            // Either end may close at any time, and then so does the other.
            _ = io::copy(&mut from, &mut to);
            _ = to.shutdown(Shutdown::Both);
        });
    }
    Ok(())
}
