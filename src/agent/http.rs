//! What was delivered, for programs of this machine that ask as they would ask the server: from memory, also while that is away.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use ::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, net::TcpStream, sync::Semaphore, time::sleep};

use super::shown::{Answer, Shown};

/// More at a time wait until one ends.
const CONNECTIONS: usize = 64;

/// How long a head may take, and a connection be idle.
const PATIENCE: Duration = Duration::from_secs(30);

/// The longest head.
const LONGEST_HEAD: usize = 16 * 1024;

/// An open port.
pub(super) struct Local(TcpListener);

impl Local {
    /// # Errors
    /// When the address is taken.
    pub(super) async fn open(address: SocketAddr) -> io::Result<Self> {
        Ok(Self(TcpListener::bind(address).await?))
    }

    /// # Errors
    /// When the system does not say.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Answers for as long as it is polled.
    pub(super) async fn serve(&self, shown: Arc<[Arc<Shown>]>) -> Infallible {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            // Nobody closes it.
            let place = Arc::clone(&places).acquire_owned().await;
            let Ok((stream, _)) = self.0.accept().await else {
                // Too many files are open; it passes.
                sleep(Duration::from_millis(100)).await;
                continue;
            };
            let shown = Arc::clone(&shown);
            tokio::spawn(async move {
                converse(stream, shown).await;
                drop(place);
            });
        }
    }
}

async fn converse(stream: TcpStream, shown: Arc<[Arc<Shown>]>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(
            request.method(),
            request.uri().path(),
            request.headers(),
            &shown,
        );
        async move { Ok::<_, Infallible>(answer) }
    });
    // Whoever goes away is no failure.
    _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    shown: &[Arc<Shown>],
) -> Response<Full<Bytes>> {
    if !is_of_this_machine(headers) {
        return plain(
            StatusCode::FORBIDDEN,
            "only programs of this machine are answered\n",
        );
    }
    if method != Method::GET && method != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "there is only GET\n");
    }
    match path {
        "/livez" => return plain(StatusCode::OK, "ok\n"),
        "/readyz" => return readiness(shown),
        _ => {}
    }
    let found = shown.iter().find_map(|shown| shown.answer(path));
    match found {
        None => plain(
            StatusCode::NOT_FOUND,
            "nothing like this is delivered here\n",
        ),
        Some(Err(why)) => {
            let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, &format!("{why}\n"));
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        Some(Ok(Answer { body, content_type })) => fresh(body, content_type, headers),
    }
}

/// A page in a browser is of this machine, too, but who wrote it is not: it names its origin, or a name of its own for us.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let host = host.to_str().unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let is_ours = matches!(name, "localhost" | "127.0.0.1" | "[::1]");
    // A script, an image or a frame of that page names no origin.
    let sites = headers.get_all("sec-fetch-site").iter();
    let mut sites = sites.map(HeaderValue::as_bytes);
    let is_asked_by_itself = sites.all(|site| site == b"none" || site == b"same-origin");
    is_ours && is_asked_by_itself && !headers.contains_key(header::ORIGIN)
}

/// The answer, unless its reader has it.
fn fresh(body: Vec<u8>, content_type: &'static str, asked: &HeaderMap) -> Response<Full<Bytes>> {
    let hash = digest(&SHA256, &body);
    let tag: String = hash.as_ref()[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let tag = format!("\"{tag}\"");
    let has_it = asked.get_all(header::IF_NONE_MATCH).iter().any(|tags| {
        let mut tags = tags.to_str().unwrap_or_default().split(',').map(str::trim);
        tags.any(|other| other == "*" || other.trim_start_matches("W/") == tag)
    });
    let (status, body) = if has_it {
        (StatusCode::NOT_MODIFIED, Vec::new())
    } else {
        (StatusCode::OK, body)
    };
    let mut response = response(status, body, content_type);
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Ready when every address has something to run with.
fn readiness(shown: &[Arc<Shown>]) -> Response<Full<Bytes>> {
    let waiting = shown.iter().filter(|shown| !shown.is_there());
    let waiting: String = waiting
        .map(|shown| format!("{} waits\n", shown.address()))
        .collect();
    if waiting.is_empty() {
        plain(StatusCode::OK, "ok\n")
    } else {
        plain(StatusCode::SERVICE_UNAVAILABLE, &waiting)
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    response(status, text.as_bytes().to_vec(), "text/plain")
}

fn response(
    status: StatusCode,
    body: Vec<u8>,
    content_type: &'static str,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}
