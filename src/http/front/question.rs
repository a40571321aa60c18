use confbus_protocol::INSTANCE_HEADER;
use http::{Method, Request, header};

use super::{
    super::{access::Said, configuration::CONFIG_TOKEN, finished::Wish, gzip},
    answers::KeyRef,
};

/// Bytes of the longest target whose answer is kept.
const LONGEST_TARGET: usize = 1024;
/// Bytes of the longest `Accept` whose answer is kept.
const LONGEST_ACCEPT: usize = 256;

/// All that an answer which may be kept depends on, from one walk over the headers.
pub(super) struct Question<'r> {
    pub(super) key: KeyRef<'r>,
    /// Without the query, which may hold what is nobody's business.
    pub(super) path: &'r str,
    pub(super) wish: Wish<'r>,
    pub(super) said: Said<'r>,
    /// Whoever asks may have named itself.
    pub(super) has_name: bool,
}

impl<'r> Question<'r> {
    /// `None` when the answer depends on more than that: it is no read, has a body, or comes with a condition, a character
    /// set or a token.
    pub(super) fn of<B>(request: &'r Request<B>) -> Option<Self> {
        let uri = request.uri();
        let is_head = match *request.method() {
            Method::GET => false,
            Method::HEAD => true,
            _ => return None,
        };
        let target = uri.path_and_query()?.as_str();
        if target.len() > LONGEST_TARGET || uri.authority().is_some() {
            return None;
        }
        let headers = request.headers();
        let mut accept = None;
        let mut accepts_encodings = false;
        let mut said = Said::default();
        let mut has_name = false;
        for (name, value) in headers {
            if *name == header::ACCEPT {
                if accept.replace(value.as_bytes()).is_some() {
                    return None;
                }
            } else if *name == header::ACCEPT_ENCODING {
                accepts_encodings = true;
            } else if *name == INSTANCE_HEADER {
                has_name = true;
            } else if *name == header::CONTENT_LENGTH {
                if value != "0" {
                    return None;
                }
            } else if *name == CONFIG_TOKEN || REFUSED.contains(name) {
                return None;
            } else {
                said.hear(name, value);
            }
        }
        let accept = accept.unwrap_or_default();
        (accept.len() <= LONGEST_ACCEPT).then_some(Self {
            key: KeyRef::new(target, accept),
            path: uri.path(),
            wish: Wish {
                is_head,
                gzip: accepts_encodings && gzip::is_wanted(headers),
                headers,
            },
            said,
            has_name,
        })
    }
}

/// With these, the router has more to say or to read.
const REFUSED: [header::HeaderName; 7] = [
    header::ACCEPT_CHARSET,
    header::EXPECT,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

#[cfg(test)]
mod tests {
    use super::*;

    fn is_kept(method: &str, target: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Question::of(&request.body(()).unwrap()).is_some()
    }

    #[test]
    fn only_plain_reads_are_kept() {
        let long = format!("/{}/dev", "a".repeat(LONGEST_TARGET));
        let wide = "a/b,".repeat(LONGEST_ACCEPT / 4 + 1);
        for (method, target, headers, expected) in [
            ("GET", "/foo/dev", &[][..], true),
            ("HEAD", "/foo/dev?x=1", &[("accept", "*/*")], true),
            ("GET", "/foo/dev", &[("if-none-match", "\"x\"")], true),
            ("GET", "/foo/dev", &[("accept-encoding", "gzip")], true),
            ("GET", "/foo/dev", &[("x-config-instance", "a:1:b")], true),
            ("POST", "/foo/dev", &[], false),
            ("OPTIONS", "/foo/dev", &[], false),
            ("GET", "http://localhost/foo/dev", &[], false),
            ("GET", &long, &[], false),
            ("GET", "/foo/dev", &[("accept", &wide)], false),
            (
                "GET",
                "/foo/dev",
                &[("accept", "a/b"), ("accept", "a/b")],
                false,
            ),
            ("GET", "/foo/dev", &[("accept-charset", "utf-8")], false),
            ("GET", "/foo/dev", &[("content-length", "0")], true),
            ("GET", "/foo/dev", &[("content-length", "1")], false),
            (
                "GET",
                "/foo/dev",
                &[("transfer-encoding", "chunked")],
                false,
            ),
            ("GET", "/foo/dev", &[("if-modified-since", "x")], false),
            ("GET", "/foo/dev", &[("if-unmodified-since", "x")], false),
            ("GET", "/foo/dev", &[("x-config-token", "t")], false),
        ] {
            assert_eq!(
                is_kept(method, target, headers),
                expected,
                "{method} {target} {headers:?}"
            );
        }
    }
}
