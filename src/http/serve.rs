use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;
use tracing::{debug, info, warn};

use super::Limits;

/// When no file descriptor is left, accepting again at once would only burn the processor.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves HTTP/1.1 until `shutdown`, then lets requests under way end.
///
/// Not `axum::serve`, which closes no connection whose head never arrives; and no cleartext HTTP/2, which no client of
/// a config server speaks: to tell it from HTTP/1.1, hyper-util waits for the first bytes for ever.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let graceful = GracefulShutdown::new();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // As Tomcat writes them: scripts look for `Content-Type:`.
        .title_case_headers(true)
        .header_read_timeout(limits.head_timeout);
    loop {
        let Some((stream, peer, permit)) = accept(&listener, &connections, &shutdown).await else {
            break;
        };
        let router = router.clone();
        let service = service_fn(move |request| answer(router.clone(), peer, request));
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%peer, %error, "a connection broke");
            }
            drop(permit);
        });
    }
    drop(listener);
    match timeout(limits.drain, graceful.shutdown()).await {
        Ok(()) => info!("all requests are answered"),
        Err(_) => warn!("some requests were still under way and are cut off"),
    }
}

/// The next connection, once there is room for one; `None` on shutdown.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    shutdown: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let next = async {
        let permit = Arc::clone(connections).acquire_owned().await.ok()?;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
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

async fn answer(
    router: Router,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Result<axum::response::Response, std::convert::Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request).await
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn start(limits: Limits) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let peer =
            |ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() };
        let shutdown = CancellationToken::new();
        let stopped = shutdown.clone();
        // Begins the stop and answers after it has begun.
        let last = move || async move {
            stopped.cancel();
            stopped.cancelled().await;
            tokio::task::yield_now().await;
            "done"
        };
        let router = Router::new()
            .route("/", get(peer))
            .route("/last", get(last));
        let server = tokio::spawn(serve(listener, router, limits, shutdown.clone()));
        (address, shutdown, server)
    }

    async fn ask(address: SocketAddr, text: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn handlers_know_their_peer() {
        let (address, ..) = start(Limits::default()).await;
        let answer = ask(
            address,
            "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        )
        .await;
        assert!(answer.ends_with("127.0.0.1"), "{answer}");
    }

    #[tokio::test]
    async fn a_head_that_never_comes_or_ends_is_cut_off() {
        let (address, ..) = start(Limits {
            head_timeout: Duration::from_millis(100),
            ..Limits::default()
        })
        .await;
        for start in ["", "P", "GET / HTTP/1.1\r\nHost:"] {
            let answer = timeout(Duration::from_secs(5), ask(address, start))
                .await
                .unwrap();
            assert!(!answer.contains("200"), "{start}: {answer}");
        }
    }

    #[tokio::test]
    async fn requests_under_way_are_answered_before_the_end() {
        let (address, _, server) = start(Limits::default()).await;
        let answer = ask(address, "GET /last HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.ends_with("done"), "{answer}");
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }
}
