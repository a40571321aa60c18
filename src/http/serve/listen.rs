use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use tokio::net::TcpSocket;

use super::socket::{Socket, SocketFile};

/// Connections that wait to be accepted, on each listener.
pub(super) const BACKLOG: u32 = 1024;
/// Bytes of answers that the system takes for a connection before anybody reads them. By itself it takes some megabytes, which
/// thousands of readers who take nothing would fill, and keep cores busy with.
const UNREAD: u32 = 64 * 1024;

/// One listener for each thread, all on one port: the system deals out connections to them.
#[derive(Debug)]
pub(crate) struct Listeners {
    pub(super) all: Vec<TcpListener>,
    /// Where they listen as well.
    pub(super) socket: Option<Socket>,
    address: SocketAddr,
}

impl Listeners {
    /// Takes the port for so many threads, or for one where the system cannot share ports.
    ///
    /// # Errors
    /// When somebody else has the port, be it one who shares it.
    pub(crate) fn bind(address: SocketAddr, threads: usize) -> io::Result<Self> {
        let first = socket(address)?;
        first.bind(address)?;
        let address = first.local_addr()?;
        let mut sockets = vec![first];
        for _ in 1..shared(threads) {
            sockets.push(socket(address)?);
        }
        if sockets.len() > 1 {
            share(&sockets)?;
        }
        for another in &sockets[1..] {
            another.bind(address)?;
        }
        let listen = |socket: TcpSocket| socket.listen(BACKLOG)?.into_std();
        let all = sockets.into_iter().map(listen).collect::<io::Result<_>>()?;
        Ok(Self {
            all,
            socket: None,
            address,
        })
    }

    /// Those that listen on a socket in the file system as well.
    ///
    /// # Errors
    /// When somebody else has it, or it cannot be made.
    pub(crate) fn and_at(self, file: &SocketFile) -> io::Result<Self> {
        let socket = Some(Socket::bind(file)?);
        Ok(Self { socket, ..self })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn socket(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // Connections of an earlier server that are not quite gone do not keep the port.
    socket.set_reuseaddr(true)?;
    // Those that it accepts inherit it.
    socket.set_send_buffer_size(UNREAD)?;
    Ok(socket)
}

/// Linux alone deals out connections evenly.
fn shared(threads: usize) -> usize {
    if cfg!(target_os = "linux") {
        threads
    } else {
        1
    }
}

/// Lets sockets share a port, the first after it has it for itself: so a port that another server shares is refused.
#[cfg(target_os = "linux")]
fn share(sockets: &[TcpSocket]) -> io::Result<()> {
    sockets
        .iter()
        .try_for_each(|socket| socket.set_reuseport(true))
}

#[cfg(not(target_os = "linux"))]
fn share(_: &[TcpSocket]) -> io::Result<()> {
    Ok(())
}

/// Lets who has begun to connect go on, and nobody else begin: to close a port while somebody is on the way in cuts them off.
/// Whoever is not let in hears a moment later that the port is closed.
///
/// # Errors
/// When the system does not do that.
#[cfg(target_os = "linux")]
pub(super) fn turn_away(listener: &tokio::net::TcpListener) -> io::Result<()> {
    use socket2::{SockFilter, SockRef};

    /// The byte of a TCP head with its flags; those that tell a first segment from others, which has SYN alone of them, be there
    /// others for what the network says of itself; and how much is taken of a segment that passes.
    const FLAGS: u32 = 13;
    const TELLING: u32 = ACK | RST | SYN | FIN;
    const FIN: u32 = 0x01;
    const SYN: u32 = 0x02;
    const RST: u32 = 0x04;
    const ACK: u32 = 0x10;
    const ALL: u32 = u32::MAX;
    // In the words of the system's filters: load a byte, keep these bits of it, skip the next word unless it is that, say.
    let (load_byte, keep_bits, skip_unless, say) = (0x30, 0x54, 0x15, 0x06);
    SockRef::from(listener).attach_filter(&[
        SockFilter::new(load_byte, 0, 0, FLAGS),
        SockFilter::new(keep_bits, 0, 0, TELLING),
        SockFilter::new(skip_unless, 0, 1, SYN),
        SockFilter::new(say, 0, 0, 0),
        SockFilter::new(say, 0, 0, ALL),
    ])
}

#[cfg(not(target_os = "linux"))]
pub(super) fn turn_away(_: &tokio::net::TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use std::{io::Write as _, net::TcpStream, time::Duration};

    use super::*;

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn who_came_before_the_end_gets_in_and_nobody_else() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut listeners = Listeners::bind(any, 1).unwrap();
        let listener = listeners.all.remove(0);
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let connect = || TcpStream::connect_timeout(&listeners.address, Duration::from_millis(300));
        let mut before = connect().unwrap();
        turn_away(&listener).unwrap();
        let after = connect().unwrap_err();
        assert_eq!(after.kind(), io::ErrorKind::TimedOut);
        let (accepted, _) = listener.accept().await.unwrap();
        before.write_all(b"x").unwrap();
        accepted.readable().await.unwrap();
        drop(listener);
        let closed = connect().unwrap_err();
        assert_eq!(closed.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn what_nobody_reads_does_not_pile_up() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = Listeners::bind(any, 1).unwrap();
        let _reader = TcpStream::connect(listeners.address()).unwrap();
        listeners.all[0].set_nonblocking(false).unwrap();
        let (mut stream, _) = listeners.all[0].accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        let mut taken = 0;
        while let Ok(length) = stream.write(&[b'x'; 16 * 1024]) {
            taken += length;
        }
        // Both ends hold some, and the system doubles what it is told.
        assert!(taken < 1024 * 1024, "{taken}");
    }

    #[tokio::test]
    async fn a_port_belongs_to_one_server() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = Listeners::bind(any, 2).unwrap();
        assert_ne!(listeners.address().port(), 0);
        for threads in [1, 2] {
            let second = Listeners::bind(listeners.address(), threads);
            assert_eq!(second.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        }
        let address = listeners.address();
        drop(listeners);
        Listeners::bind(address, 2).unwrap();
    }
}
