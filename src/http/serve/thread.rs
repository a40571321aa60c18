use std::{cell::RefCell, future::poll_fn, io, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, UnixListener},
    runtime::{Builder, Handle, LocalOptions},
    time::{Interval, MissedTickBehavior, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    Limits,
    clock::Clock,
    connection::{Connection, Purpose, Shared},
    handshake::{Handshakes, Shaken},
    lane::Buffers,
    listen,
    room::{Admission, Room},
    seldom::Seldom,
    socket::OwnFile,
    watch::{Patience, Watch},
    watches::{Open, Watches},
    wire::Wire,
};
use crate::{
    http::{
        front::Front,
        peer::{self, Peer},
        places::Place,
        tls::Tls,
    },
    watchdog::{BEAT, Pulse},
};

/// When no file descriptor is left, accepting again at once would only burn the processor.
const PAUSE: Duration = Duration::from_millis(50);
/// How long who does not ask keeps others out.
const IDLE_WHEN_FULL: Duration = Duration::from_secs(5);
/// How long who has begun to connect when the server stops is still let in.
const LAST_COMERS: Duration = Duration::from_millis(50);
/// How long an answer may go on for somebody whom nobody vouches for any more.
const LAST_ANSWER: Duration = Duration::from_secs(10);
/// What those hear for whom there is not even room to be heard.
const REFUSED: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\
    Connection: close\r\n\r\n";

/// A thread that serves connections, with a runtime of its own.
pub(super) struct Thread {
    pub(super) front: Front,
    pub(super) tls: Option<Tls>,
    pub(super) limits: Limits,
    /// For the connections of all threads.
    pub(super) room: Arc<Room>,
    pub(super) shutdown: CancellationToken,
    pub(super) pulse: Pulse,
    /// The runtime of the rest of the program.
    pub(super) beside: Handle,
}

/// How the requests under way at the end fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Answered,
    CutOff,
}

/// Where a thread listens.
pub(super) struct Ends {
    pub(super) port: std::net::TcpListener,
    pub(super) socket: Option<std::os::unix::net::UnixListener>,
    /// Taken away when nobody is let in any more.
    pub(super) file: Option<OwnFile>,
}

/// A connection that was accepted.
struct Accepted {
    stream: Wire,
    address: SocketAddr,
    purpose: Purpose,
    place: Place,
}

/// Takes connections while there is room.
struct Door {
    listener: TcpListener,
    socket: Option<UnixListener>,
    room: Arc<Room>,
    speaks_tls: bool,
    refuses: Seldom,
    fails: Seldom,
}

impl Thread {
    /// Serves until `shutdown`, then lets requests under way end.
    pub(super) fn run(self, ends: Ends) -> io::Result<End> {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_all().build_local(LocalOptions::default())?;
        runtime.block_on(self.serve(ends))
    }

    async fn serve(self, ends: Ends) -> io::Result<End> {
        let door = Door {
            listener: TcpListener::from_std(ends.port)?,
            socket: ends.socket.map(UnixListener::from_std).transpose()?,
            room: Arc::clone(&self.room),
            speaks_tls: self.tls.is_some(),
            refuses: Seldom::new(),
            fails: Seldom::new(),
        };
        let clock = Rc::new(Clock::new());
        let watches = Rc::new(Watches::new(Rc::clone(&clock)));
        let shared = Rc::new(Shared {
            core: Rc::new(self.front.core(Rc::clone(&clock), self.beside)),
            buffers: RefCell::new(Buffers::new()),
            longest_head: self.limits.head,
            room: Arc::clone(&self.room),
            speaks_http2: self.limits.http2,
        });
        let patience = Patience {
            idle: self.limits.idle_timeout,
            head: self.limits.head_timeout,
            send: self.limits.send_timeout,
        };
        let shortest = patience.idle.min(patience.head).min(patience.send);
        let every = BEAT.min(shortest / 4).max(Duration::from_millis(1));
        tokio::task::spawn_local(tick(Rc::clone(&clock), self.pulse, every));
        tokio::task::spawn_local(sweep(Rc::clone(&watches), self.room, patience, every));
        let handshakes = Handshakes::new(self.tls, self.limits.handshake_timeout);
        let handshakes = Rc::new(handshakes);
        let serve = |accepted: Accepted| {
            let (shared, handshakes) = (Rc::clone(&shared), Rc::clone(&handshakes));
            // Before it runs, so that it hears of the end.
            let open = watches.open(accepted.purpose);
            tokio::task::spawn_local(async move {
                serve_connection(shared, &handshakes, open, accepted).await;
            });
        };
        while let Some(accepted) = self.shutdown.run_until_cancelled(door.next()).await {
            serve(accepted);
        }
        drop(ends.file);
        door.turn_away();
        let last = async {
            loop {
                serve(door.next().await);
            }
        };
        _ = timeout(LAST_COMERS, last).await;
        drop(door);
        let finished = timeout(self.limits.drain, watches.finish()).await;
        Ok(finished.map_or(End::CutOff, |()| End::Answered))
    }
}

/// Moves the clock on, whatever else there is to do.
async fn tick(clock: Rc<Clock>, pulse: Pulse, every: Duration) {
    let mut tick = interval(every);
    loop {
        tick.tick().await;
        pulse.beat();
        clock.tick();
    }
}

async fn sweep(watches: Rc<Watches>, room: Arc<Room>, patience: Patience, every: Duration) {
    let mut tick = interval(every);
    let when_full = Patience {
        idle: patience.idle.min(IDLE_WHEN_FULL),
        ..patience
    };
    loop {
        tick.tick().await;
        let patience = if room.is_full() {
            &when_full
        } else {
            &patience
        };
        watches.sweep(patience).await;
    }
}

fn interval(every: Duration) -> Interval {
    let mut interval = tokio::time::interval(every);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn serve_connection(
    shared: Rc<Shared>,
    handshakes: &Handshakes,
    open: Open,
    accepted: Accepted,
) {
    let Accepted {
        stream,
        address,
        purpose,
        place,
    } = accepted;
    let shaken = tokio::select! {
        biased;
        shaken = handshakes.shake(stream, address) => shaken,
        () = open.watch.is_to_break() => return,
    };
    match shaken {
        Ok(Shaken {
            wire,
            peer,
            withdrawn: None,
        }) => serve_wire(shared, wire, peer, &open, purpose).await,
        Ok(Shaken {
            wire,
            peer,
            withdrawn: Some(withdrawn),
        }) => {
            tokio::select! {
                biased;
                () = serve_wire(shared, wire, peer, &open, purpose) => {}
                () = end_when(&withdrawn, &open.watch) => {}
            }
        }
        Err(error) => debug!(peer = %address, %error, "no TLS came about"),
    }
    drop(place);
}

/// Lets a connection end once the trust is withdrawn that it was let in by: after the answer under way, unless that goes on
/// for too long, as a stream of events does.
async fn end_when(withdrawn: &CancellationToken, watch: &Watch) {
    withdrawn.cancelled().await;
    watch.withdraw();
    sleep(LAST_ANSWER).await;
}

async fn serve_wire(shared: Rc<Shared>, wire: Wire, peer: Peer, open: &Open, purpose: Purpose) {
    let watch = Rc::clone(&open.watch);
    let is_gateway = shared.core.trusts(peer.address.ip());
    let peer = Peer { is_gateway, ..peer };
    let mut connection = Connection::new(shared, wire, peer.clone(), watch, purpose);
    match poll_fn(|cx| connection.poll(cx)).await {
        Some(Ok(())) => {}
        Some(Err(error)) => debug!(%peer, %error, "a connection broke"),
        None => debug!(%peer, "a connection that let us wait was cut off"),
    }
}

impl Door {
    /// The next connection for which there is room.
    async fn next(&self) -> Accepted {
        loop {
            let (stream, address) = match self.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    if self.fails.is_due() {
                        warn!(%error, "cannot accept connections");
                    }
                    sleep(PAUSE).await;
                    continue;
                }
            };
            let (purpose, place) = match self.room.admit(address.ip()) {
                Admission::Welcome(place) => (Purpose::Anything, place),
                Admission::Health(place) => (Purpose::Health, place),
                Admission::Refused => {
                    self.refuse(&stream, address);
                    continue;
                }
            };
            if purpose == Purpose::Health && self.refuses.is_due() {
                warn!(peer = %address, "there is no room for this connection, nor for others like it: they only hear how the server is");
            }
            stream.hurry();
            return Accepted {
                stream,
                address,
                purpose,
                place,
            };
        }
    }

    async fn accept(&self) -> io::Result<(Wire, SocketAddr)> {
        let Some(socket) = &self.socket else {
            let (stream, address) = self.listener.accept().await?;
            return Ok((Wire::Plain(stream), address));
        };
        tokio::select! {
            accepted = self.listener.accept() => {
                let (stream, address) = accepted?;
                Ok((Wire::Plain(stream), address))
            }
            accepted = socket.accept() => Ok((Wire::Local(accepted?.0), peer::ON_SOCKET)),
        }
    }

    /// Lets nobody else begin to connect.
    fn turn_away(&self) {
        if let Err(error) = listen::turn_away(&self.listener) {
            debug!(%error, "who connects while the server stops may be cut off");
        }
    }

    /// Says so, if that can be done at once.
    fn refuse(&self, stream: &Wire, address: SocketAddr) {
        if self.refuses.is_due() {
            warn!(peer = %address, "there is no room for this connection, nor for others like it");
        }
        _ = match stream {
            Wire::Plain(stream) if !self.speaks_tls => stream.try_write(REFUSED),
            Wire::Local(stream) => stream.try_write(REFUSED),
            Wire::Plain(_) | Wire::Tls(_) => Ok(0),
        };
    }
}
