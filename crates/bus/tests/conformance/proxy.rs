//! A TCP proxy in front of a broker that can be cut.

use std::{io, net::SocketAddr};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub(crate) struct Proxy {
    address: SocketAddr,
    is_cut: watch::Sender<bool>,
}

impl Proxy {
    /// Listens here, on any port when that is zero, and passes on to the broker.
    pub(crate) async fn before(broker: String, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let is_cut = watch::Sender::new(false);
        let watched = is_cut.subscribe();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if !*watched.borrow() {
                    tokio::spawn(relay(client, broker.clone(), watched.clone()));
                }
            }
        });
        Ok(Self { address, is_cut })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn cut(&self, is_cut: bool) {
        self.is_cut.send_replace(is_cut);
    }
}

async fn relay(mut client: TcpStream, broker: String, mut is_cut: watch::Receiver<bool>) {
    let Ok(mut broker) = TcpStream::connect(broker).await else {
        return;
    };
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut broker) => {}
        _ = is_cut.wait_for(|is_cut| *is_cut) => {}
    }
}
