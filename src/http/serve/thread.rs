use std::{error::Error, io, net::SocketAddr, pin::Pin, rc::Rc, sync::Arc, time::Duration};

use http::Request;
use hyper::{
    body::{Body, Incoming},
    rt::{Read, Write},
    server::conn::http1,
    service::{HttpService, service_fn},
};
use hyper_util::rt::TokioIo;
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
    stream::Stream,
    watch::{Clock, Graceful, Watches},
};
use crate::http::front::{Core, Front};

/// When no file descriptor is left, accepting again at once would only burn the processor.
const PAUSE: Duration = Duration::from_millis(50);
/// How often a thread looks at the clock, unless it has to cut off sooner.
const TICK: Duration = Duration::from_millis(250);

/// A thread that serves connections, with a runtime of its own.
pub(super) struct Thread {
    pub(super) front: Front,
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
        let core = Rc::new(self.front.core(clock, self.beside));
        tokio::task::spawn_local(sweep(Rc::clone(&watches), self.limits.head_timeout));
        let next = || accept(&listener, &self.connections, &self.shutdown);
        while let Some((stream, peer, permit)) = next().await {
            let (core, watches) = (Rc::clone(&core), Rc::clone(&watches));
            tokio::task::spawn_local(async move {
                serve_connection(core, &watches, stream, peer).await;
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

async fn serve_connection(core: Rc<Core>, watches: &Watches, stream: TcpStream, peer: SocketAddr) {
    let ended = watches.watched(|watch| {
        let stream = Stream {
            inner: stream,
            watch: Rc::clone(watch),
        };
        let watch = Rc::clone(watch);
        let answer = move |request: Request<Incoming>| core.answer(request, peer, || watch.busy());
        http1::Builder::new()
            // One write for all answers to requests that came together, body and head in one.
            .pipeline_flush(true)
            // As Tomcat writes them: scripts look for `Content-Type:`.
            .title_case_headers(true)
            .serve_connection(TokioIo::new(stream), service_fn(answer))
    });
    match ended.await {
        Some(Ok(())) => {}
        Some(Err(error)) => debug!(%peer, %error, "a connection broke"),
        None => debug!(%peer, "a connection that let us wait was cut off"),
    }
}

impl<I, S> Graceful for http1::Connection<I, S>
where
    I: Read + Write + Unpin,
    S: HttpService<Incoming, ResBody: 'static>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    <S::ResBody as Body>::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
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
