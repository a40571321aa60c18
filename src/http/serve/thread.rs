use std::{cell::RefCell, future::poll_fn, io, net::SocketAddr, rc::Rc, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    runtime::{Builder, Handle, LocalOptions},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{MissedTickBehavior, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    Limits,
    connection::{Connection, Shared},
    handshake::Handshakes,
    lane::Buffers,
    watch::{Clock, Watches},
    wire::Wire,
};
use crate::http::{front::Front, peer::Peer, tls::Tls};

/// When no file descriptor is left, accepting again at once would only burn the processor.
const PAUSE: Duration = Duration::from_millis(50);
/// How often a thread looks at the clock, unless it has to cut off sooner.
const TICK: Duration = Duration::from_millis(250);

/// A thread that serves connections, with a runtime of its own.
pub(super) struct Thread {
    pub(super) front: Front,
    pub(super) tls: Option<Tls>,
    pub(super) limits: Limits,
    /// Connections of all threads.
    pub(super) connections: Arc<Semaphore>,
    pub(super) shutdown: CancellationToken,
    /// The runtime of the rest of the program.
    pub(super) beside: Handle,
}

/// How the requests under way at the end fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Answered,
    CutOff,
}

impl Thread {
    /// Serves until `shutdown`, then lets requests under way end.
    pub(super) fn run(self, listener: std::net::TcpListener) -> io::Result<End> {
        let mut builder = Builder::new_current_thread();
        let runtime = builder.enable_all().build_local(LocalOptions::default())?;
        runtime.block_on(self.serve(listener))
    }

    async fn serve(self, listener: std::net::TcpListener) -> io::Result<End> {
        let listener = TcpListener::from_std(listener)?;
        let clock = Rc::new(Clock::new());
        let watches = Rc::new(Watches::new(Rc::clone(&clock)));
        let shared = Rc::new(Shared {
            core: Rc::new(self.front.core(clock, self.beside)),
            buffers: RefCell::new(Buffers::new()),
        });
        tokio::task::spawn_local(sweep(Rc::clone(&watches), self.limits.head_timeout));
        let handshakes = Handshakes::new(self.tls, self.limits.handshake_timeout);
        let handshakes = Rc::new(handshakes);
        let next = || accept(&listener, &self.connections, &self.shutdown);
        while let Some((stream, peer, permit)) = next().await {
            let (shared, watches) = (Rc::clone(&shared), Rc::clone(&watches));
            let handshakes = Rc::clone(&handshakes);
            tokio::task::spawn_local(async move {
                match handshakes.shake(stream, peer).await {
                    Ok((wire, peer)) => serve_connection(shared, &watches, wire, peer).await,
                    Err(error) => debug!(%peer, %error, "no TLS came about"),
                }
                drop(permit);
            });
        }
        drop(listener);
        let finished = timeout(self.limits.drain, watches.finish()).await;
        Ok(finished.map_or(End::CutOff, |()| End::Answered))
    }
}

async fn sweep(watches: Rc<Watches>, patience: Duration) {
    let mut tick = tokio::time::interval(TICK.min(patience / 4).max(Duration::from_millis(1)));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        watches.sweep(patience);
    }
}

async fn serve_connection(shared: Rc<Shared>, watches: &Rc<Watches>, stream: Wire, peer: Peer) {
    let open = watches.open();
    let mut connection = Connection::new(shared, stream, peer.clone(), Rc::clone(&open.watch));
    match poll_fn(|cx| connection.poll(cx)).await {
        Some(Ok(())) => {}
        Some(Err(error)) => debug!(%peer, %error, "a connection broke"),
        None => debug!(%peer, "a connection that let us wait was cut off"),
    }
}

/// The next connection, once there is room for it; `None` on shutdown.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let next = async {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // Not before: a thread that waits for connections takes no room from those that have some.
                    let permit = Arc::clone(connections).acquire_owned().await.ok()?;
                    // Answers are written whole; waiting to fill a packet only delays them.
                    _ = stream.set_nodelay(true);
                    return Some((stream, peer, permit));
                }
                Err(error) => {
                    warn!(%error, "cannot accept connections");
                    sleep(PAUSE).await;
                }
            }
        }
    };
    shutdown.run_until_cancelled(next).await?
}
