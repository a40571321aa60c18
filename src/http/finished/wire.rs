//! An answer as it goes over the wire, so that giving it again is one walk through memory.

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

/// Bytes of the longest body that is kept in one piece with its head; longer ones are not worth another copy.
const LONGEST: usize = 16 * 1024;

/// Head and body of an answer; between them belongs the line that tells the time.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Wire<'f> {
    pub(in crate::http) head: &'f [u8],
    pub(in crate::http) body: &'f [u8],
    pub(in crate::http) status: StatusCode,
}

/// A head and, if it is short, the body behind it.
#[derive(Clone)]
pub(in crate::http) struct Whole {
    bytes: Bytes,
    head: usize,
    status: StatusCode,
}

impl Whole {
    /// Nothing for a body that is empty, whose length the server says elsewhere, or long.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if body.is_empty() || body.len() > LONGEST {
            return None;
        }
        let mut bytes = head(status, headers.iter());
        let head = bytes.len();
        bytes.extend_from_slice(body);
        Some(Self {
            bytes: bytes.into(),
            head,
            status,
        })
    }

    /// A "not modified", which has neither a body nor its length.
    pub(super) fn bare(headers: &HeaderMap) -> Self {
        let says = |(name, _): &(&header::HeaderName, _)| *name != header::CONTENT_LENGTH;
        let bytes = head(StatusCode::NOT_MODIFIED, headers.iter().filter(says));
        Self {
            head: bytes.len(),
            bytes: bytes.into(),
            status: StatusCode::NOT_MODIFIED,
        }
    }

    pub(super) fn body(&self) -> Bytes {
        self.bytes.slice(self.head..)
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(in crate::http) fn wire(&self) -> Wire<'_> {
        let (head, body) = self.bytes.split_at(self.head);
        let status = self.status;
        Wire { head, body, status }
    }
}

/// As the server writes it: names begin with capitals, as Tomcat's do.
fn head<'h>(
    status: StatusCode,
    headers: impl Iterator<Item = (&'h header::HeaderName, &'h header::HeaderValue)>,
) -> Vec<u8> {
    let mut head = Vec::with_capacity(512);
    head.extend_from_slice(b"HTTP/1.1 ");
    head.extend_from_slice(status.as_str().as_bytes());
    head.push(b' ');
    let reason = status.canonical_reason().unwrap_or("<none>");
    head.extend_from_slice(reason.as_bytes());
    head.extend_from_slice(b"\r\n");
    for (name, value) in headers {
        let mut begins = true;
        for byte in name.as_str().bytes() {
            head.push(if begins {
                byte.to_ascii_uppercase()
            } else {
                byte
            });
            begins = byte == b'-';
        }
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.extend_from_slice(b"\r\n");
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_written_as_tomcat_writes_them() {
        let mut headers = HeaderMap::new();
        headers.append("content-type", "text/plain".parse().unwrap());
        headers.append("x-config-version", "c1".parse().unwrap());
        headers.append("content-length", "2".parse().unwrap());
        let whole = Whole::of(StatusCode::NOT_FOUND, &headers, b"no").unwrap();
        let expected = "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nX-Config-Version: c1\r\nContent-Length: 2\r\n";
        assert_eq!(whole.wire().head, expected.as_bytes());
        assert_eq!(
            (whole.wire().body, &whole.body()[..]),
            (&b"no"[..], &b"no"[..])
        );
        let bare = Whole::bare(&headers);
        let expected =
            "HTTP/1.1 304 Not Modified\r\nContent-Type: text/plain\r\nX-Config-Version: c1\r\n";
        assert_eq!(bare.wire().head, expected.as_bytes());
        assert!(Whole::of(StatusCode::OK, &headers, b"").is_none());
    }
}
