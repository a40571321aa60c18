//! HTTP byte for byte: what is sent need not be a request, and what comes back is read without trust.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

/// No answer is longer.
const MOST: usize = 64 << 20;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// An answer.
    Answer(Answer),
    /// The connection ended without one.
    Closed,
    /// Nothing whole came in time.
    Silent,
}

/// An answer, which nobody has looked at yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Status line and headers.
    pub head: Vec<u8>,
    /// What follows them, as it came.
    pub body: Vec<u8>,
}

impl Reply {
    /// The answer, where there is one.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Answer(answer) => Some(answer),
            Self::Closed | Self::Silent => None,
        }
    }
}

/// A request that ends its connection, with these lines besides.
#[must_use]
pub fn request(method: &str, target: &[u8], headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} ").into_bytes();
    bytes.extend(target);
    let length = if body.is_empty() && method != "POST" {
        String::new()
    } else {
        format!("Content-Length: {}\r\n", body.len())
    };
    bytes.extend(
        format!(" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{length}{headers}\r\n")
            .as_bytes(),
    );
    bytes.extend(body);
    bytes
}

/// Sends these bytes to a port of this machine and reads one answer, until `limit` has passed; how long that took.
#[must_use]
pub fn send(port: u16, bytes: &[u8], limit: Duration) -> (Reply, Duration) {
    let began = Instant::now();
    let reply = exchange(port, bytes, began + limit).unwrap_or(Reply::Closed);
    (reply, began.elapsed())
}

fn exchange(port: u16, bytes: &[u8], until: Instant) -> std::io::Result<Reply> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(left(until)))?;
    // Who is refused may have been answered before everything was sent.
    let sent = stream.write_all(bytes);
    if matches!(&sent, Err(error) if is_late(error)) {
        return Ok(Reply::Silent);
    }
    let answers_head = bytes.starts_with(b"HEAD ");
    let mut received = Vec::new();
    let mut piece = [0; 16 << 10];
    loop {
        if let Some(answer) = parse(&received, answers_head, false) {
            return Ok(Reply::Answer(answer));
        }
        stream.set_read_timeout(Some(left(until)))?;
        let count = match stream.read(&mut piece) {
            Ok(count) => count,
            Err(error) if is_late(&error) => return Ok(Reply::Silent),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => 0,
        };
        if count == 0 || received.len() > MOST {
            let answer = parse(&received, answers_head, true);
            return Ok(answer.map_or(Reply::Closed, Reply::Answer));
        }
        received.extend(&piece[..count]);
    }
}

fn left(until: Instant) -> Duration {
    let left = until.saturating_duration_since(Instant::now());
    // Zero would mean for ever.
    left.max(Duration::from_millis(1))
}

fn is_late(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// The answer at the beginning, once it is whole; at the end of the connection it is whole as it is.
fn parse(received: &[u8], answers_head: bool, at_end: bool) -> Option<Answer> {
    let end = received.windows(4).position(|four| four == b"\r\n\r\n")?;
    let (head, body) = received.split_at(end + 4);
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let status: u16 = text.split(' ').nth(1)?.parse().ok()?;
    if status / 100 == 1 {
        return parse(body, answers_head, at_end);
    }
    let field = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
    };
    let is_whole = if answers_head || matches!(status, 204 | 304) {
        true
    } else if let Some(length) = field("content-length") {
        body.len() >= length.parse::<usize>().ok()?
    } else {
        field("transfer-encoding").is_some() && body.ends_with(b"\r\n0\r\n\r\n")
            || body == b"0\r\n\r\n"
    };
    (is_whole || at_end).then(|| Answer {
        status,
        head: head.to_vec(),
        body: body.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_it_says() {
        let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(parse(&plain[..39], false, false), None);
        assert_eq!(parse(plain, false, false).unwrap().body, b"{}");
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(parse(head, true, false).unwrap().status, 200);
        let open = b"HTTP/1.1 200 OK\r\n\r\nabc";
        assert_eq!(parse(open, false, false), None);
        assert_eq!(parse(open, false, true).unwrap().body, b"abc");
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
        assert!(parse(&chunked[..chunked.len() - 3], false, false).is_none());
        assert!(parse(chunked, false, false).is_some());
        let both = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(parse(both, false, false).unwrap().status, 413);
    }
}
