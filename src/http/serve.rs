//! Connections: a thread for each core, each with a runtime and a listener of its own, so that they share nothing.
//!
//! Not `axum::serve`, which closes no connection whose head never arrives; and no cleartext HTTP/2, which no client of
//! a config server speaks.

mod connection;
mod handshake;
mod lane;
mod listen;
mod stream;
mod thread;
mod watch;
mod wire;

use std::{io, sync::Arc};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, oneshot},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{Limits, front::Front, tls::Tls};
pub(crate) use listen::Listeners;
use thread::{End, Thread};
pub(super) use watch::{Busy, Clock};

/// Serves HTTP/1.1 until `shutdown`, then lets requests under way end. Ends earlier when a thread does.
pub(crate) async fn serve(
    listeners: Listeners,
    front: Front,
    tls: Option<Tls>,
    limits: Limits,
    shutdown: CancellationToken,
) {
    let connections = Arc::new(Semaphore::new(limits.connections));
    let mut threads = FuturesUnordered::new();
    for listener in listeners.all {
        let thread = Thread {
            front: front.clone(),
            tls: tls.clone(),
            limits: limits.clone(),
            connections: Arc::clone(&connections),
            shutdown: shutdown.clone(),
            beside: Handle::current(),
        };
        match start(thread, listener) {
            Ok(ended) => threads.push(ended),
            Err(error) => return error!(%error, "a thread that serves cannot be started"),
        }
    }
    let mut cut_off = false;
    while let Some(ended) = threads.next().await {
        match ended {
            Ok(Ok(end)) => cut_off |= end == End::CutOff,
            Ok(Err(error)) => return error!(%error, "a thread cannot serve"),
            // It has panicked, and the log says why.
            Err(_) => return,
        }
    }
    if cut_off {
        warn!("some requests were still under way and are cut off");
    } else {
        info!("all requests are answered");
    }
}

fn start(
    thread: Thread,
    listener: std::net::TcpListener,
) -> io::Result<oneshot::Receiver<io::Result<End>>> {
    let (sender, ended) = oneshot::channel();
    let run = move || sender.send(thread.run(listener));
    std::thread::Builder::new()
        .name("http".into())
        // Whoever would hear of the end may be gone.
        .spawn(move || _ = run())?;
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, time::Duration};

    use axum::{Router, extract::ConnectInfo, routing::get};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpStream,
        time::timeout,
    };

    use super::*;

    fn start(limits: Limits) -> (SocketAddr, CancellationToken, tokio::task::JoinHandle<()>) {
        let listeners = Listeners::bind("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let address = listeners.address();
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
        let server = tokio::spawn(serve(
            listeners,
            Front::plain(router),
            None,
            limits,
            shutdown.clone(),
        ));
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
        let (address, ..) = start(Limits::default());
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
        });
        for start in ["", "P", "GET / HTTP/1.1\r\nHost:"] {
            let answer = timeout(Duration::from_secs(5), ask(address, start))
                .await
                .unwrap();
            assert!(!answer.contains("200"), "{start}: {answer}");
        }
    }

    #[tokio::test]
    async fn requests_under_way_are_answered_before_the_end() {
        let (address, _, server) = start(Limits::default());
        let answer = ask(address, "GET /last HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.ends_with("done"), "{answer}");
        server.await.unwrap();
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn further_connections_wait_for_room() {
        let (address, ..) = start(Limits {
            connections: 1,
            ..Limits::default()
        });
        let head = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        // It has its room once it was answered.
        let mut first = TcpStream::connect(address).await.unwrap();
        first
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        first.read_u8().await.unwrap();
        let second = ask(address, head);
        tokio::pin!(second);
        let early = timeout(Duration::from_millis(100), &mut second).await;
        assert!(early.is_err(), "{early:?}");
        drop(first);
        let answer = timeout(Duration::from_secs(5), second).await.unwrap();
        assert!(answer.contains("200 OK"), "{answer}");
    }

    #[tokio::test]
    async fn who_takes_long_to_answer_is_not_cut_off() {
        let listeners = Listeners::bind("127.0.0.1:0".parse().unwrap(), 1).unwrap();
        let address = listeners.address();
        let (go_on, told) = tokio::sync::watch::channel(false);
        let slow = move || async move {
            let mut told = told.clone();
            _ = told.wait_for(|told| *told).await;
            "done"
        };
        let router = Router::new().route("/", get(slow));
        let limits = Limits {
            head_timeout: Duration::from_millis(40),
            ..Limits::default()
        };
        tokio::spawn(serve(
            listeners,
            Front::plain(router),
            None,
            limits,
            CancellationToken::new(),
        ));
        let answer = tokio::spawn(ask(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        // Whoever comes later and says nothing is cut off first.
        assert_eq!(ask(address, "").await, "");
        assert!(!answer.is_finished());
        go_on.send(true).unwrap();
        let answer = answer.await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
    }
}
