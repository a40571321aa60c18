//! A plain TCP balancer: it knows nothing of HTTP, and asks nobody how it is.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Whoever connects is given the next server that takes a connection; dropping it ends all of them.
#[derive(Debug)]
pub struct Balancer {
    port: u16,
    accepting: JoinHandle<()>,
}

impl Balancer {
    /// Listens on a free port of loopback for servers there.
    ///
    /// # Errors
    /// When there is no port.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn start(targets: Vec<u16>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self {
            port: listener.local_addr()?.port(),
            accepting: tokio::spawn(accept(listener, targets.into())),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, targets: Arc<[u16]>) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => if let Ok((client, _)) = accepted {
                connections.spawn(join(client, Arc::clone(&targets), Arc::clone(&next)));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// One connection to its end, which is nobody's failure here.
async fn join(mut client: TcpStream, targets: Arc<[u16]>, next: Arc<AtomicUsize>) {
    let first = next.fetch_add(1, Ordering::Relaxed);
    for turn in 0..targets.len() {
        let target = targets[(first + turn) % targets.len()];
        let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else {
            continue;
        };
        _ = client.set_nodelay(true);
        _ = server.set_nodelay(true);
        _ = copy_bidirectional(&mut client, &mut server).await;
        return;
    }
}
