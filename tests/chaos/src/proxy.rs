//! A TCP proxy that fails on request, while it runs.

mod frames;
mod pump;
mod stranger;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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
    /// Each connection is answered by somebody else.
    Say(Said),
    /// Single events of a broker fare otherwise; only for a proxy that was made for one.
    Events(Fate),
}

/// What somebody else says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// A status, and to come again in two seconds.
    Status(u16),
    /// A page for people.
    LoginPage,
    /// To ask a port of this machine.
    Redirect(u16),
}

/// How events fare on their way from a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// So many of a hundred are lost.
    Lose(u8),
    /// Each comes so many times.
    Repeat(u8),
    /// Each second one comes before the one before it.
    Swap,
    /// They come; what is lost is the broker's word that it took one.
    LoseConfirms,
}

/// A proxy to one address of this machine; dropping it ends all connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    control: watch::Sender<Control>,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Counts {
    connections: AtomicU64,
    lost: AtomicU64,
}

/// What every connection of a proxy knows.
#[derive(Debug, Clone)]
struct Way {
    target: SocketAddr,
    /// Whether a broker answers.
    is_amqp: bool,
    control: watch::Receiver<Control>,
    counts: Arc<Counts>,
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
        Self::to(target, false)
    }

    /// The same for a broker, whose single events can be lost.
    ///
    /// # Errors
    /// When there is no port.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn of_amqp(target: u16) -> io::Result<Self> {
        Self::to(target, true)
    }

    fn to(target: u16, is_amqp: bool) -> io::Result<Self> {
        let port = free_port()?;
        let listener = listen(port)?;
        let control = watch::Sender::new(Control {
            manner: Manner::Pass,
            cuts: 0,
        });
        let counts = Arc::default();
        let way = Way {
            target: SocketAddr::from((Ipv4Addr::LOCALHOST, target)),
            is_amqp,
            control: control.subscribe(),
            counts: Arc::clone(&counts),
        };
        Ok(Self {
            port,
            control,
            counts,
            accepting: tokio::spawn(accept(listener, port, way)),
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

    /// How many connections there have been.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.counts.connections.load(Ordering::Relaxed)
    }

    /// How many events, or confirms, were lost on purpose.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.counts.lost.load(Ordering::Relaxed)
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

async fn accept(listener: TcpListener, port: u16, way: Way) {
    let mut control = way.control.clone();
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
                connections.spawn(connect(client, way.clone()));
            }
            Some(_) = connections.join_next() => {}
            // A port that is still taken is tried again.
            () = tokio::time::sleep(Duration::from_millis(50)), if listener.is_none() && !refuses => {}
        }
    }
}

/// One connection to its end, which is nobody's failure here.
async fn connect(client: TcpStream, way: Way) {
    way.counts.connections.fetch_add(1, Ordering::Relaxed);
    let now = *way.control.borrow();
    let mut gone = way.control.clone();
    let says = |manner| matches!(manner, Manner::Say(_));
    let is_over = |then: &Control| {
        then.cuts != now.cuts
            || then.manner == Manner::Refuse
            || says(then.manner) != says(now.manner)
    };
    tokio::select! {
        _ = gone.wait_for(is_over) => {}
        () = async {
            match now.manner {
                Manner::Say(said) => stranger::answer(client, said).await,
                _ => pass(client, way).await,
            }
        } => {}
    }
}

async fn pass(client: TcpStream, way: Way) {
    let Ok(server) = TcpStream::connect(way.target).await else {
        return;
    };
    _ = client.set_nodelay(true);
    _ = server.set_nodelay(true);
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        pump::request(from_client, to_server, way.control.clone()),
        pump::answer(from_server, to_client, way),
    );
}

#[cfg(test)]
mod tests;
