use confbus_protocol::{INSTANCE_HEADER, MIN_VERSION_HEADER, SINCE_HEADER};
use http::{Method, Request};

use super::{
    super::{access::Said, fields::Fields, finished::Wish, gzip},
    answers::KeyRef,
};

/// Bytes of the longest target whose answer is kept.
const LONGEST_TARGET: usize = 1024;
/// Bytes of the longest `Accept` whose answer is kept.
const LONGEST_ACCEPT: usize = 256;
/// Bytes of the longest field name that says anything here.
const LONGEST_NAME: usize = 32;

/// The head of a request, whoever has read it.
pub(super) struct Head<'r, F: ?Sized> {
    pub(super) method: &'r str,
    /// Path and query.
    pub(super) target: &'r str,
    pub(super) fields: &'r F,
}

/// All that an answer which may be kept depends on, from one walk over the fields.
pub(super) struct Question<'r, F: ?Sized> {
    pub(super) key: KeyRef<'r>,
    /// Without the query, which may hold what is nobody's business.
    pub(super) path: &'r str,
    pub(super) wish: Wish<'r, F>,
    pub(super) said: Said<'r>,
    /// Whoever asks may have named itself.
    pub(super) has_name: bool,
    /// What the answer must not be older than.
    pub(super) minimum: Option<&'r [u8]>,
    pub(super) afterwards: Afterwards,
}

/// What is to become of the connection after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Afterwards {
    Stays,
    Closes,
    /// Something else was said about it.
    Unclear,
}

impl<'r> Head<'r, http::HeaderMap> {
    /// `None` when the target names a server.
    pub(super) fn of<B>(request: &'r Request<B>) -> Option<Self> {
        let uri = request.uri();
        let target = uri.path_and_query()?.as_str();
        uri.authority().is_none().then_some(Self {
            method: request.method().as_str(),
            target,
            fields: request.headers(),
        })
    }
}

impl<'r, F: Fields + ?Sized> Question<'r, F> {
    /// `None` when the answer depends on more than that: it is no read, has a body, does not say whom it is for, or comes with
    /// a condition, a character set or a token.
    pub(super) fn of(head: &Head<'r, F>) -> Option<Self> {
        let is_head = head.method == Method::HEAD.as_str();
        if !is_head && head.method != Method::GET.as_str() || head.target.len() > LONGEST_TARGET {
            return None;
        }
        let mut accept = None;
        let (mut accepts_encodings, mut is_conditional) = (false, false);
        let mut said = Said::default();
        let (mut has_name, mut minimum) = (false, None);
        let mut afterwards = Afterwards::Stays;
        for (name, value) in head.fields.each() {
            let mut lower = [0; LONGEST_NAME];
            match in_lower_case(name, &mut lower) {
                "accept" if accept.replace(value).is_some() => return None,
                "accept" => {}
                "accept-encoding" => accepts_encodings = true,
                "if-none-match" => is_conditional = true,
                "connection" => afterwards = afterwards.and(value),
                // Who says it in two ways is refused elsewhere.
                "host" if !said.hear_host(value) => return None,
                "host" => {}
                "content-length" if value != b"0" => return None,
                // With these, the router has more to say or to read.
                "accept-charset"
                | "expect"
                | "if-modified-since"
                | "if-unmodified-since"
                | "range"
                | "transfer-encoding"
                | "upgrade"
                | "x-config-token"
                | SINCE_HEADER => return None,
                INSTANCE_HEADER => has_name = true,
                MIN_VERSION_HEADER if minimum.replace(value).is_some() => return None,
                MIN_VERSION_HEADER => {}
                name => said.hear(name, value),
            }
        }
        said.host()?;
        let accept = accept.unwrap_or_default();
        (accept.len() <= LONGEST_ACCEPT).then_some(Self {
            key: KeyRef::new(head.target, accept),
            path: head.target.split('?').next().unwrap_or_default(),
            wish: Wish {
                is_head,
                gzip: accepts_encodings && gzip::is_wanted(head.fields),
                is_conditional,
                fields: head.fields,
            },
            said,
            has_name,
            minimum,
            afterwards,
        })
    }
}

impl Afterwards {
    fn and(self, said: &[u8]) -> Self {
        match self {
            Self::Stays if said.eq_ignore_ascii_case(b"keep-alive") => Self::Stays,
            Self::Stays if said.eq_ignore_ascii_case(b"close") => Self::Closes,
            _ => Self::Unclear,
        }
    }
}

/// A name in lower case; nothing for one that is too long to mean anything.
fn in_lower_case<'l>(name: &str, lower: &'l mut [u8; LONGEST_NAME]) -> &'l str {
    let Some(lower) = lower.get_mut(..name.len()) else {
        return "";
    };
    lower.copy_from_slice(name.as_bytes());
    lower.make_ascii_lowercase();
    str::from_utf8(lower).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_kept(method: &str, target: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().method(method).uri(target);
        request = request.header("host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        Head::of(&request).is_some_and(|head| Question::of(&head).is_some())
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
            ("GET", "/foo/dev", &[("x-config-min-version", "a")], true),
            (
                "GET",
                "/foo/dev",
                &[("x-config-min-version", "a"), ("x-config-min-version", "b")],
                false,
            ),
            ("GET", "/foo/dev", &[("host", "x")], false),
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
            ("GET", "/foo/dev", &[("X-Config-Token", "t")], false),
            ("GET", "/foo/dev", &[("range", "bytes=0-")], false),
            ("GET", "/foo/dev", &[("connection", "close")], true),
        ] {
            assert_eq!(
                is_kept(method, target, headers),
                expected,
                "{method} {target} {headers:?}"
            );
        }
    }
}
