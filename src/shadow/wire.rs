//! HTTP/1.1 as far as a reader needs it, one exchange a connection. URL libraries and HTTP clients tidy up paths such as
//! `/foo/../main`, and what a server makes of those is just what is to be seen.

use std::{io, time::Duration};

use httparse::Status;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Spring's servers stop at 8 KiB.
const LONGEST_HEAD: usize = 64 * 1024;
const MOST_HEADERS: usize = 100;
/// Several times what confbus serves of one file; two servers and a few requests at a time fit into memory.
const LONGEST_BODY: usize = 32 * 1024 * 1024;

/// What a server said.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in small letters.
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("no connection: {0}")]
    Connect(io::Error),
    #[error("no TLS: {0}")]
    Tls(io::Error),
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("the connection ended within the answer")]
    Cut,
    #[error("no complete answer within {0:?}")]
    Late(Duration),
    #[error("the answer is not HTTP: {0}")]
    NotHttp(&'static str),
    #[error("the head of the answer is longer than {LONGEST_HEAD} bytes")]
    LongHead,
    #[error("the body is longer than {LONGEST_BODY} bytes")]
    LongBody,
}

impl Answer {
    /// All values under a name in small letters, as one.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self
            .headers
            .iter()
            .filter(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Whether the server says that it will be ready soon.
    pub(super) fn is_not_yet(&self) -> bool {
        self.status == 503 && self.header("retry-after").is_some()
    }
}

/// Sends the head of a request without a body and reads the whole answer.
pub(super) async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    head: &[u8],
    is_head: bool,
) -> Result<Answer, NoAnswer> {
    // A server may refuse early, and has answered nevertheless.
    _ = stream.write_all(head).await;
    _ = stream.flush().await;
    let mut reader = Reader {
        stream,
        buffer: Vec::new(),
    };
    let mut answer = reader.head().await?;
    while (100..200).contains(&answer.status) {
        answer = reader.head().await?;
    }
    if !is_head && !matches!(answer.status, 204 | 304) {
        answer.body = reader.body(&answer).await?;
    }
    Ok(answer)
}

struct Reader<S> {
    stream: S,
    /// What came and was not used yet.
    buffer: Vec<u8>,
}

impl<S: AsyncRead + Unpin> Reader<S> {
    async fn head(&mut self) -> Result<Answer, NoAnswer> {
        loop {
            if let Some((length, answer)) = parse(&self.buffer)? {
                self.buffer.drain(..length);
                return Ok(answer);
            }
            if self.buffer.len() > LONGEST_HEAD {
                return Err(NoAnswer::LongHead);
            }
            self.more().await?;
        }
    }

    async fn body(&mut self, answer: &Answer) -> Result<Vec<u8>, NoAnswer> {
        let encoding = answer.header("transfer-encoding").unwrap_or_default();
        if encoding.eq_ignore_ascii_case("chunked") {
            return self.chunks().await;
        }
        if !encoding.is_empty() {
            return Err(NoAnswer::NotHttp("an unknown transfer encoding"));
        }
        match answer.header("content-length") {
            Some(length) => {
                let length = length
                    .parse()
                    .map_err(|_| NoAnswer::NotHttp("a wrong length"))?;
                self.exactly(length).await
            }
            None => self.rest().await,
        }
    }

    async fn chunks(&mut self) -> Result<Vec<u8>, NoAnswer> {
        let mut body = Vec::new();
        loop {
            let chunk = httparse::parse_chunk_size(&self.buffer);
            match chunk.map_err(|_| NoAnswer::NotHttp("a wrong chunk"))? {
                // What may follow are trailers, and the end of the connection.
                Status::Complete((_, 0)) => return Ok(body),
                Status::Complete((line, size)) => {
                    self.buffer.drain(..line);
                    let size = usize::try_from(size).map_err(|_| NoAnswer::LongBody)?;
                    if size > LONGEST_BODY - body.len() {
                        return Err(NoAnswer::LongBody);
                    }
                    body.extend(self.exactly(size).await?);
                    self.exactly(2).await?;
                }
                Status::Partial if self.buffer.len() > LONGEST_HEAD => {
                    return Err(NoAnswer::NotHttp("a wrong chunk"));
                }
                Status::Partial => self.more().await?,
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> Result<Vec<u8>, NoAnswer> {
        if length > LONGEST_BODY {
            return Err(NoAnswer::LongBody);
        }
        while self.buffer.len() < length {
            self.more().await?;
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    async fn rest(&mut self) -> Result<Vec<u8>, NoAnswer> {
        while self.buffer.len() <= LONGEST_BODY {
            match self.more().await {
                Ok(()) => {}
                Err(NoAnswer::Cut) => return Ok(std::mem::take(&mut self.buffer)),
                Err(cause) => return Err(cause),
            }
        }
        Err(NoAnswer::LongBody)
    }

    async fn more(&mut self) -> Result<(), NoAnswer> {
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err(NoAnswer::Cut),
            Ok(_) => Ok(()),
            // Not every server takes its leave of TLS.
            Err(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => Err(NoAnswer::Cut),
            Err(cause) => Err(NoAnswer::Broken(cause)),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Option<(usize, Answer)>, NoAnswer> {
    let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response
        .parse(bytes)
        .map_err(|_| NoAnswer::NotHttp("a wrong head"))?;
    let Status::Complete(length) = parsed else {
        return Ok(None);
    };
    let status = response.code.ok_or(NoAnswer::NotHttp("no status"))?;
    let headers = response.headers.iter().map(|header| {
        let value = String::from_utf8_lossy(header.value).into_owned();
        (header.name.to_ascii_lowercase(), value)
    });
    let answer = Answer {
        status,
        headers: headers.collect(),
        body: Vec::new(),
    };
    Ok(Some((length, answer)))
}

#[cfg(test)]
impl Answer {
    pub(super) fn of(status: u16, headers: &[(&str, &str)], body: &str) -> Self {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self {
            status,
            headers: headers.collect(),
            body: body.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(answer: &str, is_head: bool) -> Result<(u16, String), String> {
        let (ours, mut theirs) = tokio::io::duplex(1 << 20);
        theirs.write_all(answer.as_bytes()).await.unwrap();
        theirs.shutdown().await.unwrap();
        let answer = exchange(ours, b"GET / HTTP/1.1\r\n\r\n", is_head).await;
        let answer = answer.map_err(|error| error.to_string())?;
        Ok((answer.status, String::from_utf8(answer.body).unwrap()))
    }

    #[tokio::test]
    async fn bodies_come_in_three_ways() {
        for answer in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more",
            "HTTP/1.1 200 OK\r\n\r\nhello",
            "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ] {
            assert_eq!(
                read(answer, false).await,
                Ok((200, "hello".to_owned())),
                "{answer}"
            );
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(read(head, true).await, Ok((200, String::new())));
        let known = "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n";
        assert_eq!(read(known, false).await, Ok((304, String::new())));
    }

    #[tokio::test]
    async fn what_is_not_whole_is_no_answer() {
        for (answer, problem) in [
            ("", "the connection ended within the answer"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
                "the connection ended within the answer",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
                "the connection ended within the answer",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
                "the answer is not HTTP: a wrong chunk",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
                "the answer is not HTTP: an unknown transfer encoding",
            ),
            ("SSH-2.0-x\r\n\r\n", "the answer is not HTTP: a wrong head"),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
                "the answer is not HTTP: a wrong length",
            ),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n",
                "the body is longer than 33554432 bytes",
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
                "the body is longer than 33554432 bytes",
            ),
        ] {
            assert_eq!(
                read(answer, false).await,
                Err(problem.to_owned()),
                "{answer}"
            );
        }
        let long = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(70_000));
        assert_eq!(
            read(&long, false).await,
            Err("the head of the answer is longer than 65536 bytes".to_owned())
        );
    }
}
