//! Connections: a thread for each core, each with a runtime and a listener of its own, so that they share nothing.
//!
//! Not `axum::serve`, which closes no connection whose head never arrives. HTTP/2 is spoken where a setting says so, since only
//! gateways do; with TLS and without.

mod clock;
mod connection;
mod files;
mod handshake;
mod http2;
mod lane;
mod linger;
mod listen;
mod room;
mod seldom;
mod shape;
mod socket;
mod stream;
mod thread;
mod watch;
mod watches;
mod wire;

use std::{io, sync::Arc};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use tokio::{runtime::Handle, sync::oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{Limits, front::Front, tls::Tls};
use crate::watchdog::Watchdog;
pub(super) use clock::Clock;
pub(crate) use files::make_room;
pub(crate) use listen::Listeners;
use room::Room;
pub(super) use seldom::Seldom;
pub(crate) use socket::SocketFile;
use thread::{End, Ends, Thread};
pub(super) use watch::Busy;

/// A port, and what answers there.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) listeners: Listeners,
    pub(crate) front: Front,
    /// Connections at a time.
    pub(crate) connections: usize,
}

/// Serves HTTP until `shutdown`, then lets requests under way end. Ends earlier when a thread does.
pub(crate) async fn serve(
    doors: Vec<Door>,
    tls: Option<Tls>,
    limits: Limits,
    watchdog: Watchdog,
    shutdown: CancellationToken,
) {
    let mut threads = FuturesUnordered::new();
    for door in doors {
        let room = Arc::new(Room::new(door.connections, &limits, door.front.gateways()));
        let Listeners { all, socket, .. } = door.listeners;
        let shared = socket.map(|socket| socket.shared(all.len())).transpose();
        let (sockets, mut file) = match shared {
            Ok(shared) => shared.map_or_else(Default::default, |(all, file)| (all, Some(file))),
            Err(error) => return error!(%error, "a socket cannot be shared"),
        };
        let mut sockets = sockets.into_iter();
        for listener in all {
            let listener = Ends {
                port: listener,
                socket: sockets.next(),
                file: file.take(),
            };
            let thread = Thread {
                front: door.front.clone(),
                tls: tls.clone(),
                limits: limits.clone(),
                room: Arc::clone(&room),
                shutdown: shutdown.clone(),
                pulse: watchdog.watch("http"),
                beside: Handle::current(),
            };
            match start(thread, listener) {
                Ok(ended) => threads.push(ended),
                Err(error) => return error!(%error, "a thread that serves cannot be started"),
            }
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

fn start(thread: Thread, listener: Ends) -> io::Result<oneshot::Receiver<io::Result<End>>> {
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
    use crate::http::Settings;

    fn doors(listeners: Listeners, router: Router, limits: &Limits) -> Vec<Door> {
        let settings = Settings {
            limits: limits.clone(),
            ..Settings::default()
        };
        vec![Door {
            listeners,
            front: Front::plain(router, Arc::new(settings)),
            connections: limits.connections,
        }]
    }

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
            .route("/actuator/health", get(|| async { "well" }))
            .route("/", get(peer))
            .route("/last", get(last));
        let doors = doors(listeners, router, &limits);
        let until = shutdown.clone();
        let server = tokio::spawn(serve(doors, None, limits, Watchdog::new(), until));
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
            idle_timeout: Duration::from_millis(100),
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
    async fn who_has_connected_before_the_end_may_ask_once() {
        let (address, shutdown, server) = start(Limits::default());
        let mut early = Vec::new();
        for _ in 0..50 {
            early.push(TcpStream::connect(address).await.unwrap());
        }
        shutdown.cancel();
        tokio::task::yield_now().await;
        for stream in &mut early {
            let head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
            stream.write_all(head).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.ends_with("127.0.0.1"), "{answer}");
        }
        server.await.unwrap();
    }

    #[tokio::test]
    async fn who_never_asks_does_not_keep_the_server() {
        let (address, shutdown, server) = start(Limits::default());
        let _silent = TcpStream::connect(address).await.unwrap();
        shutdown.cancel();
        let until = Limits::default().drain;
        timeout(until, server).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn further_connections_hear_how_the_server_is_and_that_they_are_to_come_again() {
        let (address, ..) = start(Limits {
            connections: 1,
            ..Limits::default()
        });
        let head = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        // It has its room once it was answered.
        let mut first = TcpStream::connect(address).await.unwrap();
        first
            .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        first.read_u8().await.unwrap();
        let refused = ask(address, head).await;
        assert!(refused.starts_with("HTTP/1.1 503 "), "{refused}");
        assert!(refused.contains("Retry-After: 1"), "{refused}");
        let health = head.replacen('/', "/actuator/health", 1);
        let health = ask(address, &health).await;
        assert!(health.ends_with("well"), "{health}");
        drop(first);
        let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        timeout(Duration::from_secs(5), async {
            while !ask(address, &head).await.contains("200 OK") {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
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
            idle_timeout: Duration::from_millis(40),
            ..Limits::default()
        };
        let doors = doors(listeners, router, &limits);
        let until = CancellationToken::new();
        tokio::spawn(serve(doors, None, limits, Watchdog::new(), until));
        let answer = tokio::spawn(ask(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        // Whoever comes later and says nothing is cut off first.
        assert_eq!(ask(address, "").await, "");
        assert!(!answer.is_finished());
        go_on.send(true).unwrap();
        let answer = answer.await.unwrap();
        assert!(answer.ends_with("done"), "{answer}");
    }
}
