//! As much HTTP as readers need: one request after another on a connection that is kept.

use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Until the last byte of an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Answers are short here.
const LONGEST: usize = 1 << 20;
const HEADERS: usize = 64;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Whether the header `X-Config-Held` is there.
    pub held: bool,
    /// Whether it says when to come again.
    pub retry_after: bool,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection to a server of this machine, made when it is needed.
#[derive(Debug)]
pub struct Connection {
    port: u16,
    stream: Option<TcpStream>,
}

impl Connection {
    /// To a port, and not yet made.
    #[must_use]
    pub fn new(port: u16) -> Self {
        Self { port, stream: None }
    }

    /// Asks. When a kept connection has ended meanwhile, which tells nothing of this request, it asks once more on a new
    /// one, as every client of HTTP does.
    ///
    /// # Errors
    /// When no whole answer came in time.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Response> {
        self.get_since(path, None).await
    }

    /// The same, of nothing that is older than a version.
    ///
    /// # Errors
    /// When no whole answer came in time.
    pub async fn get_since(
        &mut self,
        path: &str,
        version: Option<&str>,
    ) -> anyhow::Result<Response> {
        let since = version.map(|version| format!("x-config-min-version: {version}\r\n"));
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{}\r\n",
            self.port,
            since.unwrap_or_default()
        );
        if let Some(kept) = self.stream.take() {
            match within(exchange(kept, request.as_bytes())).await {
                Ok((stream, response)) => return Ok(self.keep(stream, response)),
                Err(error) if !error.is::<Closed>() => return Err(error),
                Err(_) => {}
            }
        }
        let (stream, response) = within(async {
            let stream = connect(self.port).await?;
            exchange(stream, request.as_bytes()).await
        })
        .await?;
        Ok(self.keep(stream, response))
    }

    fn keep(&mut self, stream: TcpStream, response: Response) -> Response {
        self.stream = Some(stream);
        response
    }
}

/// Posts JSON the way GitHub does, on a connection of its own.
///
/// # Errors
/// When no whole answer came in time.
pub(super) async fn post(port: u16, path: &str, body: &[u8]) -> anyhow::Result<Response> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
         X-GitHub-Event: push\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let request = [head.as_bytes(), body].concat();
    let (_, response) = within(async {
        let stream = connect(port).await?;
        exchange(stream, &request).await
    })
    .await?;
    Ok(response)
}

/// The connection was closed before a byte of the answer.
#[derive(Debug)]
struct Closed;

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection was closed")
    }
}

impl std::error::Error for Closed {}

async fn within<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let outcome = tokio::time::timeout(TIMEOUT, work).await;
    outcome.context("no answer in time")?
}

async fn connect(port: u16) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn exchange(mut stream: TcpStream, request: &[u8]) -> anyhow::Result<(TcpStream, Response)> {
    stream.write_all(request).await.map_err(|_| Closed)?;
    let mut bytes = Vec::with_capacity(4096);
    loop {
        match stream.read_buf(&mut bytes).await {
            Ok(0) | Err(_) if bytes.is_empty() => return Err(Closed.into()),
            Ok(0) => bail!("the connection ended within an answer"),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        if let Some((response, _)) = parse(&bytes)? {
            return Ok((stream, response));
        }
        ensure!(bytes.len() < LONGEST, "the answer is too long");
    }
}

/// The answer, once it is whole, and how many bytes it takes.
pub(super) fn parse(bytes: &[u8]) -> anyhow::Result<Option<(Response, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(start) = head.parse(bytes)? else {
        return Ok(None);
    };
    let field = |name: &str| {
        let mut headers = head.headers.iter();
        headers.find(|header| header.name.eq_ignore_ascii_case(name))
    };
    let length = field("content-length").context("the answer does not tell its length")?;
    let length: usize = std::str::from_utf8(length.value)?.parse()?;
    let Some(body) = bytes[start..].get(..length) else {
        return Ok(None);
    };
    let response = Response {
        status: head.code.unwrap_or_default(),
        held: field("x-config-held").is_some(),
        retry_after: field("retry-after").is_some(),
        body: body.to_vec(),
    };
    Ok(Some((response, start + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_when_it_is_whole() {
        let whole = b"HTTP/1.1 200 OK\r\nX-Config-Held: c1\r\ncontent-length: 2\r\n\r\n{}";
        for end in 0..whole.len() {
            assert_eq!(parse(&whole[..end]).unwrap(), None, "{end}");
        }
        let both = [&whole[..], whole].concat();
        let (response, length) = parse(&both).unwrap().unwrap();
        assert_eq!(length, whole.len());
        assert_eq!(
            (response.status, response.held, response.retry_after),
            (200, true, false)
        );
        assert_eq!(response.body, b"{}");
        assert!(parse(b"SMTP\r\n\r\n").is_err());
    }
}
