//! The way of one instance to the server, whose stream of events can be cut while its questions still pass.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// How a request for the stream begins; heads come in one piece from our client.
const STREAM: &[u8] = b"GET /confbus/events";

/// Bytes that are passed on at a time.
const PIECE: usize = 16 * 1024;

/// The line; cut or whole.
#[derive(Clone)]
pub(super) struct Line {
    address: SocketAddr,
    is_cut: Arc<watch::Sender<bool>>,
}

impl Line {
    /// A line to the server, for as long as the runtime lives.
    pub(super) async fn to(server: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.context("no line for the demo")?;
        let line = Self {
            address: listener.local_addr()?,
            is_cut: Arc::new(watch::Sender::new(false)),
        };
        let is_cut = Arc::clone(&line.is_cut);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let is_cut = is_cut.subscribe();
                // A connection that breaks is a line that is down, which is what is shown here.
                tokio::spawn(async move { pass(client, server, is_cut).await.ok() });
            }
        });
        Ok(line)
    }

    /// Where the instance thinks that the server is.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends the stream that is open, and each that is asked for until it is whole again.
    pub(super) fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    pub(super) fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

/// Passes both ways on until one side ends, or the stream is cut.
async fn pass(
    mut client: TcpStream,
    server: SocketAddr,
    mut is_cut: watch::Receiver<bool>,
) -> std::io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    let (mut asked, mut answered) = (vec![0; PIECE], vec![0; PIECE]);
    let mut is_stream = false;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let piece = &asked[..read?];
                is_stream |= piece.starts_with(STREAM);
                if piece.is_empty() || (is_stream && *is_cut.borrow()) {
                    return Ok(());
                }
                server.write_all(piece).await?;
            }
            read = server.read(&mut answered) => {
                let piece = &answered[..read?];
                if piece.is_empty() {
                    return Ok(());
                }
                client.write_all(piece).await?;
            }
            changed = is_cut.changed() => {
                if changed.is_err() || (is_stream && *is_cut.borrow()) {
                    return Ok(());
                }
            }
        }
    }
}
