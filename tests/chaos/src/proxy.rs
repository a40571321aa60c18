//! A TCP proxy that fails on request, while it runs.

mod pump;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// How a connection through the proxy fares. The bytes of the answer are those that come from the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Everything is passed on at once.
    Pass,
    /// Everything is passed on so much later, in both directions.
    Delay(Duration),
    /// Nothing moves, nothing is closed, connections are accepted.
    BlackHole,
    /// Of each answer one byte in so much time.
    Drip(Duration),
    /// Each connection ends after so many bytes of the answer.
    CutAfter(u64),
    /// One bit in each so many bytes of the answer is another one.
    Flip(u64),
    /// Nobody listens.
    Refuse,
}

/// A proxy to one address of this machine; dropping it ends all connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    control: watch::Sender<Control>,
    accepting: JoinHandle<()>,
}

/// What connections are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Control {
    manner: Manner,
    /// Counts how often all connections were cut; each ends when it is not what it was at its begin.
    cuts: u64,
}

impl Proxy {
    /// Listens on a free port of loopback for a target there.
    ///
    /// # Errors
    /// When there is no port.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn start(target: u16) -> io::Result<Self> {
        let port = free_port()?;
        let listener = listen(port)?;
        let control = watch::Sender::new(Control {
            manner: Manner::Pass,
            cuts: 0,
        });
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, target));
        let accepting = tokio::spawn(accept(listener, port, target, control.subscribe()));
        Ok(Self {
            port,
            control,
            accepting,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes how all connections fare, those that are open, too.
    pub fn set(&self, manner: Manner) {
        self.control.send_modify(|control| control.manner = manner);
    }

    /// Ends all connections that are open; new ones are welcome.
    pub fn cut(&self) {
        self.control.send_modify(|control| control.cuts += 1);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// A free port below those that the system gives to connections, so that nobody takes it while nobody listens, and no
/// connection to it can become one with itself.
///
/// # Errors
/// When there is none.
pub fn free_port() -> io::Result<u16> {
    let first = fastrand::u16(10_000..20_000);
    (first..32_000)
        .find(|&port| listen_std(port).is_ok())
        .ok_or_else(|| io::Error::other("no free port"))
}

fn listen_std(port: u16) -> io::Result<std::net::TcpListener> {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // Connections of before may still linger.
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(BACKLOG)
}

async fn accept(
    listener: TcpListener,
    port: u16,
    target: SocketAddr,
    mut control: watch::Receiver<Control>,
) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let refuses = control.borrow_and_update().manner == Manner::Refuse;
        if refuses {
            listener = None;
        } else if listener.is_none() {
            listener = listen(port).ok();
        }
        tokio::select! {
            changed = control.changed() => if changed.is_err() { return },
            Some(Ok((client, _))) = async { Some(listener.as_ref()?.accept().await) } => {
                connections.spawn(connect(client, target, control.clone()));
            }
            Some(_) = connections.join_next() => {}
            // A port that is still taken is tried again.
            () = tokio::time::sleep(Duration::from_millis(50)), if listener.is_none() && !refuses => {}
        }
    }
}

/// One connection to its end, which is nobody's failure here.
async fn connect(client: TcpStream, target: SocketAddr, control: watch::Receiver<Control>) {
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    _ = client.set_nodelay(true);
    _ = server.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mut gone = control.clone();
    let cuts = gone.borrow().cuts;
    let is_over = |now: &Control| now.cuts != cuts || now.manner == Manner::Refuse;
    tokio::select! {
        _ = gone.wait_for(is_over) => {}
        () = async {
            tokio::join!(
                pump::request(from_client, to_server, control.clone()),
                pump::answer(from_server, to_client, control.clone()),
            );
        } => {}
    }
}

#[cfg(test)]
mod tests;
