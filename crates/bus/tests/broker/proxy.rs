//! A TCP proxy in front of the broker that cuts, refuses and falls silent, and remembers what its clients said.

use std::sync::{Arc, Mutex};

use confbus_bus::{Address, RabbitSettings};
use tokio::{
    io::{self, AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    Open,
    /// Connections are closed, and new ones as soon as they are made.
    Cut,
    /// Nothing gets through, nothing is closed: a dead host.
    Silent,
}

pub(crate) struct Proxy {
    port: u16,
    mode: watch::Sender<Mode>,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    /// The settings, and a proxy that stands before their broker.
    pub(crate) async fn before(settings: &RabbitSettings) -> (RabbitSettings, Self) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (mode, said) = (watch::Sender::new(Mode::Open), Arc::default());
        let broker = settings.addresses[0].clone();
        tokio::spawn(accept(
            listener,
            broker.clone(),
            mode.subscribe(),
            Arc::clone(&said),
        ));
        let addresses = vec![Address {
            host: broker.host,
            port,
        }];
        (
            settings.clone().with(|rabbit| rabbit.addresses = addresses),
            Self { port, mode, said },
        )
    }

    pub(crate) fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    pub(crate) fn silence(&self) {
        self.mode.send_replace(Mode::Silent);
    }

    pub(crate) fn restore(&self) {
        self.mode.send_replace(Mode::Open);
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// All names of anonymous queues that clients ever declared on this exchange, in order.
    pub(crate) fn declared_queues(&self, exchange: &str) -> Vec<String> {
        let said = String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned();
        let prefix = format!("{exchange}.anonymous.");
        let mut names: Vec<_> = said
            .match_indices(&prefix)
            .map(|(at, _)| said[at..].chars().take(prefix.len() + 22).collect())
            .collect();
        names.dedup();
        names
    }
}

async fn accept(
    listener: TcpListener,
    broker: Address,
    mode: watch::Receiver<Mode>,
    said: Arc<Mutex<Vec<u8>>>,
) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if *mode.borrow() == Mode::Cut {
            continue;
        }
        tokio::spawn(relay(
            client,
            broker.clone(),
            mode.clone(),
            Arc::clone(&said),
        ));
    }
}

async fn relay(
    client: TcpStream,
    broker: Address,
    mode: watch::Receiver<Mode>,
    said: Arc<Mutex<Vec<u8>>>,
) {
    let broker = TcpStream::connect((broker.host, broker.port))
        .await
        .unwrap();
    let ((from_client, to_client), (from_broker, to_broker)) =
        (client.into_split(), broker.into_split());
    let mut cut = mode.clone();
    tokio::select! {
        _ = copy(from_client, to_broker, mode.clone(), |bytes| said.lock().unwrap().extend(bytes)) => {}
        _ = copy(from_broker, to_client, mode, |_| {}) => {}
        _ = cut.wait_for(|mode| *mode == Mode::Cut) => {}
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
    tap: impl Fn(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return Ok(());
        }
        _ = mode.wait_for(|mode| *mode != Mode::Silent).await;
        tap(&buffer[..length]);
        to.write_all(&buffer[..length]).await?;
    }
}
