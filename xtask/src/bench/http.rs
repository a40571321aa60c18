//! As much HTTP as it takes to ask servers of this machine, over connections that are kept.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

const TIMEOUT: Duration = Duration::from_secs(5);

/// Heads are short here.
const LONGEST_HEAD: usize = 64 * 1024;

/// A connection to one port, opened once.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    port: u16,
    /// What has been read: one answer, since nothing is asked before the last answer is complete.
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The status line and the header fields.
    head: String,
    pub(super) body: Vec<u8>,
}

impl Connection {
    pub(super) fn open(port: u16) -> anyhow::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .with_context(|| format!("nobody listens on port {port}"))?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            port,
            buffer: Vec::new(),
        })
    }

    /// From now on looks for answers all the time, so that this core does not fall asleep.
    pub(super) fn never_sleep(&self) -> anyhow::Result<()> {
        Ok(self.stream.set_nonblocking(true)?)
    }

    pub(super) fn get(&mut self, path: &str) -> anyhow::Result<Answer> {
        self.ask("GET", path, &[], b"")
    }

    /// Sends a request with these header fields (`Name: value`) and reads the whole answer.
    pub(super) fn ask(
        &mut self,
        method: &str,
        path: &str,
        fields: &[String],
        body: &[u8],
    ) -> anyhow::Result<Answer> {
        let request = self.request(method, path, fields, body);
        self.exchange(&request)
            .with_context(|| format!("{method} http://127.0.0.1:{}{path}", self.port))
    }

    fn request(&self, method: &str, path: &str, fields: &[String], body: &[u8]) -> Vec<u8> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n",
            self.port
        );
        for field in fields {
            request.push_str(field);
            request.push_str("\r\n");
        }
        if method != "GET" {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        request
    }

    fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        self.buffer.clear();
        self.stream.write_all(request)?;
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            ensure!(
                self.buffer.len() < LONGEST_HEAD,
                "the answer's head is too long"
            );
            self.read_more()?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let body = if field(&head, "transfer-encoding").is_some() {
            self.chunks(end)?
        } else {
            self.rest(end, end + length(&head)?)?
        };
        Ok(Answer {
            status: status(&head)?,
            head,
            body,
        })
    }

    /// What the buffer holds from `start` to `end`, which is also the end of the answer.
    fn rest(&mut self, start: usize, end: usize) -> anyhow::Result<Vec<u8>> {
        self.read_to(end)?;
        ensure!(
            self.buffer.len() == end,
            "the answer is longer than it says"
        );
        Ok(self.buffer[start..].to_vec())
    }

    /// A body in chunks, as Git remotes send it.
    fn chunks(&mut self, mut start: usize) -> anyhow::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = loop {
                let line = self.buffer[start..]
                    .windows(2)
                    .position(|two| two == b"\r\n");
                if let Some(length) = line {
                    break start..start + length;
                }
                self.read_more()?;
            };
            let digits = std::str::from_utf8(&self.buffer[line.clone()])?;
            let length = usize::from_str_radix(digits, 16).context("a chunk without length")?;
            let chunk = line.end + 2..line.end + 2 + length;
            if length == 0 {
                return self.rest(0, chunk.end + 2).map(|_| body);
            }
            self.read_to(chunk.end + 2)?;
            start = chunk.end + 2;
            body.extend_from_slice(&self.buffer[chunk]);
        }
    }

    fn read_to(&mut self, end: usize) -> anyhow::Result<()> {
        while self.buffer.len() < end {
            self.read_more()?;
        }
        Ok(())
    }

    fn read_more(&mut self) -> anyhow::Result<()> {
        let mut chunk = [0; 64 * 1024];
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => bail!("the connection ended within an answer"),
                Ok(read) => {
                    self.buffer.extend_from_slice(&chunk[..read]);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error)
                    if error.kind() == ErrorKind::WouldBlock && Instant::now() < deadline =>
                {
                    std::hint::spin_loop();
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Answer {
    /// How much came over the connection.
    pub(super) fn bytes(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// The value of a header field.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        field(&self.head, name)
    }
}

/// The body of a 200 answer.
pub(super) fn get(port: u16, path: &str) -> anyhow::Result<Vec<u8>> {
    let answer = Connection::open(port)?.get(path)?;
    ensure!(
        answer.status == 200,
        "GET http://127.0.0.1:{port}{path} is answered with {}",
        answer.status
    );
    Ok(answer.body)
}

/// Posts nothing, and expects 204.
pub(super) fn post(port: u16, path: &str) -> anyhow::Result<()> {
    let answer = Connection::open(port)?.ask("POST", path, &[], b"")?;
    ensure!(
        answer.status == 204,
        "POST http://127.0.0.1:{port}{path} is answered with {} instead of 204",
        answer.status
    );
    Ok(())
}

fn status(head: &str) -> anyhow::Result<u16> {
    let code = head.split(' ').nth(1).context("the answer has no status")?;
    code.parse().with_context(|| format!("{code} is no status"))
}

/// Of a body that is not in chunks.
fn length(head: &str) -> anyhow::Result<usize> {
    if matches!(status(head)?, 204 | 304) {
        return Ok(0);
    }
    let length = field(head, "content-length").context("the answer does not tell its length")?;
    Ok(length.parse()?)
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let of_name = |line: &'a str| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    };
    head.lines().skip(1).find_map(of_name)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// What is read from a server that sends these pieces.
    fn read(pieces: &'static [&'static [u8]]) -> anyhow::Result<Answer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for piece in pieces {
                stream.write_all(piece).unwrap();
                stream.flush().unwrap();
            }
            _ = stream.read(&mut [0; 1024]);
        });
        let answer = Connection::open(port).unwrap().get("/");
        server.join().unwrap();
        answer
    }

    #[test]
    fn an_answer_may_come_in_pieces() {
        let answer = read(&[
            b"HTTP/1.1 404 Not Found\r\nconTENT-length: 2\r",
            b"\n\r\n{",
            b"}",
        ]);
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (404, &b"{}"[..]));
        assert_eq!(answer.field("Content-Length"), Some("2"));
    }

    #[test]
    fn chunks_are_joined() {
        let answer = read(&[
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\na\r",
            b"\n0123456789\r\n0\r\n\r\n",
        ]);
        assert_eq!(answer.unwrap().body, b"abc0123456789");
        assert!(read(&[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"]).is_err());
    }

    #[test]
    fn what_was_not_changed_has_no_body() {
        let answer = read(&[b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n"]).unwrap();
        assert_eq!((answer.status, answer.body.len()), (304, 0));
        assert_eq!(answer.field("etag"), Some("\"a\""));
    }

    #[test]
    fn a_part_or_too_much_is_refused() {
        assert!(read(&[b"HTTP/1.1 200 OK\r\n"]).is_err());
        assert!(read(&[b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}"]).is_err());
        assert!(read(&[b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{}"]).is_err());
        assert!(read(&[b"HTTP/1.1 200 OK\r\n\r\n{}"]).is_err());
    }
}
