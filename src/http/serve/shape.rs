//! What a request must be for its reader and everybody in front of it to understand the same.

use http::{HeaderValue, Request, StatusCode, Version, header};

use crate::http::error::Failure;

/// Whether the length of the body is said in two ways in this head. Whoever parses it keeps one of them.
pub(super) fn is_ambiguous(head: &[u8]) -> bool {
    let (mut has_length, mut has_coding) = (false, false);
    for line in head.split(|byte| *byte == b'\n').skip(1) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            // The end of the head, or no head at all.
            break;
        };
        let name = line[..colon].trim_ascii();
        has_length |= name.eq_ignore_ascii_case(b"content-length");
        has_coding |= name.eq_ignore_ascii_case(b"transfer-encoding");
    }
    has_length && has_coding
}

/// Why nobody gets to see this request, whose head has at most so many bytes.
pub(super) fn refusal<B>(request: &Request<B>, longest: usize) -> Option<Failure> {
    let refused = |status| Some(Failure::container(status));
    if !says_once_whom_it_is_for(request) {
        return refused(StatusCode::BAD_REQUEST);
    }
    // A head that comes at once is read whole, however long.
    let fields = request.headers().iter();
    let length: usize = fields
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    (length > longest).then(|| refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE))?
}

/// Whether only its end says how long the body is.
pub(super) fn has_coding<B>(request: &Request<B>) -> bool {
    request.headers().contains_key(header::TRANSFER_ENCODING)
}

fn says_once_whom_it_is_for<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), request.uri().authority()) {
        (None, _) => request.version() < Version::HTTP_11,
        (Some(host), authority) => {
            hosts.next().is_none() && authority.is_none_or(|named| is_same(host, named.as_str()))
        }
    }
}

fn is_same(host: &HeaderValue, authority: &str) -> bool {
    host.as_bytes().eq_ignore_ascii_case(authority.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_one_length() {
        for (head, expected) in [
            (
                "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                true,
            ),
            (
                "POST / HTTP/1.1\r\ntransfer-encoding : x\ncontent-LENGTH:1\n\n",
                true,
            ),
            (
                "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nTransfer-Encoding: x\r\n\r\n",
                false,
            ),
            (
                "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                false,
            ),
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", false),
            ("", false),
        ] {
            assert_eq!(is_ambiguous(head.as_bytes()), expected, "{head}");
        }
    }

    #[test]
    fn a_request_says_once_whom_it_is_for() {
        for (target, version, hosts, expected) in [
            ("/", Version::HTTP_11, &["a"][..], true),
            ("/", Version::HTTP_11, &["a", "a"], false),
            ("/", Version::HTTP_11, &["a", "b"], false),
            ("/", Version::HTTP_11, &[], false),
            ("/", Version::HTTP_10, &[], true),
            ("http://a:80/", Version::HTTP_11, &["a:80"], true),
            ("http://a:80/", Version::HTTP_11, &["b"], false),
        ] {
            let mut request = Request::builder().uri(target).version(version);
            for host in hosts {
                request = request.header(header::HOST, *host);
            }
            let request = request.body(()).unwrap();
            assert_eq!(
                refusal(&request, 100).is_none(),
                expected,
                "{target} {hosts:?}"
            );
        }
        let request = Request::builder().header(header::HOST, "localhost");
        let request = request.body(()).unwrap();
        assert!(refusal(&request, 13).is_none());
        assert!(refusal(&request, 12).is_some());
    }
}
