use std::{
    io,
    net::{Shutdown, TcpStream},
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use lapin::{
    AsyncTcpStream, Channel, Connection, ConnectionProperties, Event, runtime,
    tcp::AMQPUriTcpExt,
    uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo},
};
use tracing::debug;

use super::{
    credentials::credentials,
    failure::{Failure, Step, words},
    settings::RabbitSettings,
    tls,
};
use crate::Address;

/// A broker that is alive answers a close at once; at shutdown nobody wants to wait for one that is not.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// One connection. Its thread in lapin ends with it, whatever the broker does.
pub(super) struct Link {
    connection: Connection,
    socket: Socket,
    /// Somebody has given it up, though it may look alive.
    is_given_up: AtomicBool,
}

/// A second handle on a socket, which is shut down when this is dropped.
///
/// lapin runs a thread for each connection, which waits for the broker: during the handshake and after a close for ever.
struct Socket(Mutex<Option<TcpStream>>);

/// What one connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Consumer,
    Publisher,
}

impl Role {
    /// lapin holds two buffers of 32 frames and comes to touch all of the one it reads into, so frames are small: half a
    /// MiB for a consumer that has heard some thousand events. Bodies are split, but the headers of whatever others
    /// publish have to fit, or the connection ends. 8 KiB is the least RabbitMQ 4.1 accepts.
    fn frame_max(self) -> u32 {
        match self {
            Self::Consumer => 16 * 1024,
            Self::Publisher => 8 * 1024,
        }
    }

    fn connection_name(self, base: &str) -> String {
        match self {
            Self::Consumer => base.to_owned(),
            Self::Publisher => format!("{base}.publisher"),
        }
    }
}

impl Link {
    pub(super) async fn open(
        settings: &RabbitSettings,
        address: &Address,
        role: Role,
    ) -> Result<Self, Failure> {
        let (username, password) = credentials(settings).await?;
        let uri = uri(settings, address, role, AMQPUserInfo { username, password })?;
        let runtime = runtime::default_runtime().map_err(Failure::of(Step::Connect))?;
        // Not left to lapin, where a connection that is refused leaves a task behind.
        let mut stream = uri.connect_async(&runtime).await.map_err(Failure::Socket)?;
        let AsyncTcpStream::Plain(plain) = &stream else {
            return Err(Failure::Socket(io::ErrorKind::Unsupported.into()));
        };
        let socket = Socket::of(plain.get_ref()).map_err(Failure::Socket)?;
        if settings.ssl {
            let connector = tls::connector(&settings.tls).await?;
            let secured = stream.into_rustls(&connector, &address.host);
            stream = secured.await.map_err(Failure::Tls)?;
        }

        let name = role.connection_name(&settings.connection_name);
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let stream = Mutex::new(Some(stream));
        let once = async move |_uri, _runtime| {
            take(&stream).ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected).into())
        };
        let connecting = Connection::connector(uri, runtime, once, properties);
        Ok(Self {
            connection: connecting.await.map_err(Failure::of(Step::Connect))?,
            socket,
            is_given_up: AtomicBool::new(false),
        })
    }

    /// Whether others may use it, too.
    pub(super) fn is_of_use(&self) -> bool {
        self.connection.status().connected() && !self.is_given_up.load(Ordering::Relaxed)
    }

    /// Nobody gets it from now on who does not have it.
    pub(super) fn give_up(&self) {
        self.is_given_up.store(true, Ordering::Relaxed);
    }

    /// One more channel. A connection that has none left, or is broken, is for nobody else.
    pub(super) async fn channel(&self) -> lapin::Result<Channel> {
        let channel = self.connection.create_channel().await;
        channel.inspect_err(|_| self.give_up())
    }

    /// Whether the broker takes no messages for the moment.
    pub(super) fn is_blocked(&self) -> bool {
        self.connection.status().blocked()
    }

    /// Returns when the connection has ended, and why.
    pub(super) async fn ended(&self) -> Failure {
        let mut events = pin!(self.connection.events_listener());
        let mut reason = None;
        while self.connection.status().connected() {
            match events.next().await {
                Some(Event::Error(error)) => reason = Some(words(&error)),
                Some(_) => {}
                None => break,
            }
        }
        Failure::Ended(reason.unwrap_or_else(|| "no reason given".into()))
    }

    /// Leaves it to the others who use it, or says goodbye as the last one.
    pub(super) async fn release(self: &Arc<Self>, channel: &Channel) {
        // Of two that leave at once nobody may be the last: the socket is shut down all the same.
        if Arc::strong_count(self) == 1 {
            return self.close().await;
        }
        // With the channel the consumer ends, and with that its queue.
        let left = channel.close(200, "OK".into());
        if !matches!(tokio::time::timeout(CLOSE_TIMEOUT, left).await, Ok(Ok(()))) {
            debug!("a channel was left without the broker's goodbye");
        }
    }

    /// Says goodbye, if the broker listens.
    async fn close(&self) {
        let goodbye = self.connection.close(200, "OK".into());
        match tokio::time::timeout(CLOSE_TIMEOUT, goodbye).await {
            Ok(Ok(())) => self.socket.release(),
            Ok(Err(_)) | Err(_) => self.socket.shut_down(),
        }
    }
}

impl Socket {
    fn of(stream: &tokio::net::TcpStream) -> io::Result<Self> {
        Ok(Self(Mutex::new(Some(duplicate(stream)?))))
    }

    /// Leaves the socket to lapin.
    fn release(&self) {
        take(&self.0);
    }

    fn shut_down(&self) {
        if let Some(socket) = take(&self.0) {
            // Fails when the connection has ended already.
            _ = socket.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// Without TLS, which [`Link::open`] sees to when it has hold of the socket.
fn uri(
    settings: &RabbitSettings,
    address: &Address,
    role: Role,
    userinfo: AMQPUserInfo,
) -> Result<AMQPUri, Failure> {
    if settings.virtual_host.len() > usize::from(u8::MAX) {
        return Err(Failure::TooLong("the virtual host"));
    }
    let heartbeat = u16::try_from(settings.requested_heartbeat.as_secs()).unwrap_or(u16::MAX);
    Ok(AMQPUri {
        scheme: AMQPScheme::AMQP,
        authority: AMQPAuthority {
            userinfo,
            host: address.host.clone(),
            port: address.port,
        },
        vhost: settings.virtual_host.clone(),
        query: AMQPQueryString {
            frame_max: Some(role.frame_max()),
            heartbeat: Some(heartbeat),
            ..AMQPQueryString::default()
        },
    })
}

fn take<T>(place: &Mutex<Option<T>>) -> Option<T> {
    place.lock().unwrap_or_else(PoisonError::into_inner).take()
}

#[cfg(unix)]
fn duplicate(stream: &tokio::net::TcpStream) -> io::Result<TcpStream> {
    use std::os::fd::AsFd;
    Ok(stream.as_fd().try_clone_to_owned()?.into())
}

#[cfg(windows)]
fn duplicate(stream: &tokio::net::TcpStream) -> io::Result<TcpStream> {
    use std::os::windows::io::AsSocket;
    Ok(stream.as_socket().try_clone_to_owned()?.into())
}
