//! A client for HTTP/1.1 that sends the request line byte for byte.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};

/// Longer than any answer takes, even on a machine that compiles meanwhile.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes of the longest answer that is read.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Bytes of a time in an error.
const CLOCK: usize = "2026-11-21T14:25:10.178Z".len();

/// What is sent.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

/// What came back.
#[derive(PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Sends it on a connection of its own and reads the whole answer.
    pub(crate) fn send(&self, address: SocketAddr) -> anyhow::Result<Answer> {
        let mut connection = TcpStream::connect_timeout(&address, TIMEOUT)?;
        connection.set_read_timeout(Some(TIMEOUT))?;
        connection.set_write_timeout(Some(TIMEOUT))?;
        // A server may refuse early and still have answered.
        _ = connection.write_all(&self.bytes(address));
        let mut bytes = Vec::new();
        match connection.take(MOST_BYTES).read_to_end(&mut bytes) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => {
                Err(error).context("no complete answer")
            }
            _ => Answer::parse(&bytes, &self.method),
        }
    }

    fn bytes(&self, address: SocketAddr) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let mut header = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
        let has = |name: &str| {
            self.headers
                .iter()
                .any(|(other, _)| other.eq_ignore_ascii_case(name))
        };
        if !has("host") {
            header("Host", &address.to_string());
        }
        for (name, value) in &self.headers {
            header(name, value);
        }
        let may_have_body = ["POST", "PUT", "PATCH"].contains(&self.method.as_str());
        if !has("content-length") && (self.body.is_some() || may_have_body) {
            let length = self.body.as_ref().map_or(0, Vec::len);
            header("Content-Length", &length.to_string());
        }
        header("Connection", "close");
        let mut bytes = format!("{head}\r\n").into_bytes();
        bytes.extend(self.body.iter().flatten());
        bytes
    }
}

impl Answer {
    pub(crate) fn parse(bytes: &[u8], method: &str) -> anyhow::Result<Self> {
        let (head, rest) = split(bytes, b"\r\n\r\n").context("the answer has no complete head")?;
        // Headers are bytes; ours are text.
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status = first
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.with_context(|| format!("not a status line: {first:?}"))?;
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        let mut answer = Self {
            status,
            headers,
            body: Vec::new(),
        };
        if method != "HEAD" && !matches!(status, 204 | 304) {
            answer.body = answer.body_of(rest)?;
        }
        Ok(answer)
    }

    /// The whole, as text.
    pub(crate) fn shown(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        format!("{} {:?} {body:?}", self.status, self.headers)
    }

    /// Without the two places where an answer tells the time.
    pub(crate) fn timeless(&self) -> Self {
        let headers = self.headers.iter().filter(|(name, _)| name != "Date");
        let mut body = self.body.clone();
        for mark in [
            &b"\"timestamp\":\""[..],
            b"timestamp: \"",
            b"<div id='created'>",
        ] {
            let at = body.windows(mark.len()).position(|window| window == mark);
            if let Some(at) = at {
                let clock = at + mark.len();
                body.drain(clock..(clock + CLOCK).min(body.len()));
            }
        }
        Self {
            status: self.status,
            headers: headers.cloned().collect(),
            body,
        }
    }

    fn body_of(&self, rest: &[u8]) -> anyhow::Result<Vec<u8>> {
        if self
            .header("Transfer-Encoding")
            .is_some_and(|encoding| encoding.contains("chunked"))
        {
            return dechunked(rest);
        }
        let Some(length) = self.header("Content-Length") else {
            return Ok(rest.to_vec());
        };
        let length: usize = length.parse().context("Content-Length")?;
        ensure!(
            rest.len() >= length,
            "the body ends after {} of {length} bytes",
            rest.len()
        );
        Ok(rest[..length].to_vec())
    }

    /// The values of a header, with commas between them.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self
            .headers
            .iter()
            .filter(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }
}

fn dechunked(mut rest: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let (line, after) = split(rest, b"\r\n").context("the body ends before its last chunk")?;
        let size = str::from_utf8(line)?.split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size.trim(), 16).context("the size of a chunk")?;
        if size == 0 {
            return Ok(body);
        }
        let Some((chunk, after)) = after.split_at_checked(size) else {
            bail!("the body ends inside of a chunk");
        };
        body.extend(chunk);
        rest = after
            .strip_prefix(b"\r\n")
            .context("a chunk that is longer than it says")?;
    }
}

fn split<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes
        .windows(mark.len())
        .position(|window| window == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}
