//! A config server of a few lines, which answers what a test tells it to.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use confbus_client::{Client, Settings};
use confbus_protocol::Report;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::broadcast,
    task::JoinHandle,
    time::Instant,
};

/// What the server does with a request for a configuration.
#[derive(Clone)]
pub(crate) enum Say {
    /// 200 with this body and this ETag; 304 when the client has it.
    Body(String, Option<&'static str>),
    /// 503 of a server that may be behind.
    Lagging,
    Status(u16, &'static str),
    /// A head, and then nothing.
    Stall,
    /// A body without end.
    Endless,
    Redirect(String),
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// No event: the end of the stream.
const CUT: &str = "cut";

struct Shared {
    say: Mutex<Say>,
    /// Heads of the requests for configurations.
    heads: Mutex<VecDeque<String>>,
    /// What reports get, and what they said.
    report_status: AtomicU16,
    reports: Mutex<Vec<Report>>,
    /// `None`: the server has no stream.
    events: Option<broadcast::Sender<String>>,
}

impl Server {
    pub(crate) async fn start(say: Say) -> Self {
        Self::start_with(say, None).await
    }

    pub(crate) async fn with_events(say: Say) -> Self {
        Self::start_with(say, Some(broadcast::Sender::new(16))).await
    }

    async fn start_with(say: Say, events: Option<broadcast::Sender<String>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            say: Mutex::new(say),
            heads: Mutex::default(),
            report_status: AtomicU16::new(204),
            reports: Mutex::default(),
            events,
        });
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                connections.spawn(Arc::clone(&serving).serve(stream));
            }
        });
        Self {
            address,
            shared,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn say(&self, say: Say) {
        *self.shared.say.lock().unwrap() = say;
    }

    /// The heads of the requests since the last call.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().drain(..).collect()
    }

    pub(crate) fn answer_reports_with(&self, status: u16) {
        self.shared.report_status.store(status, Ordering::SeqCst);
    }

    /// The reports that came so far.
    pub(crate) fn reports(&self) -> Vec<Report> {
        self.shared.reports.lock().unwrap().clone()
    }

    /// Sends a refresh event to everybody on the stream.
    pub(crate) fn send_refresh(&self, destination: &str, commit: &str) {
        self.send_refresh_of("main *", destination, commit);
    }

    /// The same for a commit of these labels.
    pub(crate) fn send_refresh_of(&self, labels: &str, destination: &str, commit: &str) {
        self.relay_refresh_by("configserver:8888:x", labels, destination, commit);
    }

    /// The same, which another server has said on the bus.
    pub(crate) fn relay_refresh_by(
        &self,
        origin: &str,
        labels: &str,
        destination: &str,
        commit: &str,
    ) {
        let event = format!(
            r#"{{"type":"RefreshRemoteApplicationEvent","timestamp":1,"originService":"{origin}","destinationService":"{destination}","id":"e1"}}"#
        );
        let events = self.shared.events.as_ref().unwrap();
        events
            .send(format!(
                "event: labels\ndata: {labels}\n\nevent: message\nid: {commit}\ndata: {event}\n\n"
            ))
            .unwrap();
    }

    /// Sends values to everybody on the stream.
    pub(crate) fn send_values(&self, values: &str) {
        let event = format!(
            r#"{{"type":"EnvironmentChangeRemoteApplicationEvent","timestamp":1,"originService":"configserver:8888:x","destinationService":"**","id":"e2","values":{values}}}"#
        );
        let events = self.shared.events.as_ref().unwrap();
        events
            .send(format!("event: message\ndata: {event}\n\n"))
            .unwrap();
    }

    /// Ends all streams; the client may come back.
    pub(crate) fn cut_streams(&self) {
        self.shared
            .events
            .as_ref()
            .unwrap()
            .send(CUT.to_owned())
            .unwrap();
    }

    pub(crate) fn listeners(&self) -> usize {
        self.shared
            .events
            .as_ref()
            .map_or(0, broadcast::Sender::receiver_count)
    }

    /// Closes the port and all connections.
    pub(crate) async fn stop(self) {
        self.task.abort();
        _ = self.task.await;
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        // Broken pipes are the client's right.
        let answered = if head.starts_with("GET /confbus/events ") {
            self.stream(&mut stream).await
        } else if head.starts_with("POST ") {
            self.take_report(&mut stream, &head).await
        } else {
            self.answer(&mut stream, head).await
        };
        _ = answered;
    }

    async fn answer(&self, stream: &mut BufReader<TcpStream>, head: String) -> std::io::Result<()> {
        let say = self.say.lock().unwrap().clone();
        let has = |etag: &str| {
            head.to_lowercase()
                .contains(&format!("if-none-match: {etag}"))
        };
        let text = match &say {
            Say::Body(_, Some(etag)) if has(etag) => {
                "HTTP/1.1 304 Not Modified\r\nconnection: close\r\n\r\n".to_owned()
            }
            Say::Body(body, etag) => {
                let etag = etag
                    .map(|etag| format!("etag: {etag}\r\n"))
                    .unwrap_or_default();
                format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\n{etag}content-length: {}\r\n\r\n{body}",
                    body.len()
                )
            }
            Say::Lagging => "HTTP/1.1 503 Behind\r\nconnection: close\r\nx-config-lagging: 1\r\ncontent-length: 0\r\n\r\n".to_owned(),
            Say::Status(status, body) => format!(
                "HTTP/1.1 {status} Nope\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            ),
            Say::Stall => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned(),
            Say::Endless => "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned(),
            Say::Redirect(to) => format!(
                "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
            ),
        };
        self.heads.lock().unwrap().push_back(head);
        stream.write_all(text.as_bytes()).await?;
        match say {
            // Until the client goes away.
            Say::Stall => stream.read_u8().await.map(drop),
            Say::Endless => loop {
                stream.write_all(&[b' '; 4096]).await?;
            },
            Say::Body(..) | Say::Lagging | Say::Status(..) | Say::Redirect(_) => {
                stream.shutdown().await
            }
        }
    }

    async fn take_report(
        &self,
        stream: &mut BufReader<TcpStream>,
        head: &str,
    ) -> std::io::Result<()> {
        let head = head.to_lowercase();
        let (_, length) = head.split_once("content-length: ").unwrap();
        let length = length.lines().next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        assert!(head.starts_with("post /confbus/reports "), "{head}");
        let report = Report::from_json(&body).unwrap();
        self.reports.lock().unwrap().push(report);
        let status = self.report_status.load(Ordering::SeqCst);
        let answer = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await
    }

    async fn stream(&self, stream: &mut BufReader<TcpStream>) -> std::io::Result<()> {
        let Some(events) = &self.events else {
            return stream
                .write_all(
                    b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
                )
                .await;
        };
        let mut events = events.subscribe();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\nevent: hello\ndata: {}\n\n: keep-alive\n\n").await?;
        loop {
            tokio::select! {
                event = events.recv() => match event.unwrap().as_str() {
                    CUT => return stream.shutdown().await,
                    event => stream.write_all(event.as_bytes()).await?,
                },
                gone = stream.read_u8() => return gone.map(drop),
            }
        }
    }
}

/// An environment with these lines of JSON as its one source.
pub(crate) fn environment(version: &str, source: &str) -> String {
    format!(
        r#"{{"name":"orders","profiles":["dev"],"label":null,"version":"{version}","state":"","propertySources":[{{"name":"https://git.example/config/orders-dev.yml","source":{source}}}]}}"#
    )
}

/// Settings with which a test neither polls nor waits for long.
pub(crate) fn settings(servers: &[&Server]) -> Settings {
    let addresses: Vec<String> = servers.iter().map(|server| server.url()).collect();
    Settings::new("orders")
        .profiles("dev")
        .server(addresses.join(","))
        .without_poll()
        .request_timeout(Duration::from_secs(10))
}

/// A client whose first version was accepted: saved and reported.
pub(crate) async fn settled(settings: Settings) -> Client {
    let client = Client::connect(settings).await.unwrap();
    client.ready();
    client.reported().await;
    client
}

/// Waits until a condition holds.
pub(crate) async fn eventually(client: &Client, what: &str, condition: impl Fn(&Client) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition(client) {
        assert!(
            Instant::now() < deadline,
            "{what} did not come; {:?}",
            client.health()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
