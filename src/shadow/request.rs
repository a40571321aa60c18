//! One request, as a line of a list says it.

use std::fmt;

/// Reads, and nothing that could change a server.
const METHODS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
/// What our own side of the connection is made of.
const OURS: [&str; 3] = ["connection", "content-length", "transfer-encoding"];

/// What both servers are asked; the target goes out byte for byte.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub(super) method: String,
    /// Path and query as they were written, without white space.
    pub(super) target: Vec<u8>,
    pub(super) headers: Vec<Header>,
}

/// A header line; its value may be a secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Header {
    pub(super) name: String,
    pub(super) value: String,
}

/// Why a line is no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("neither a request such as `GET /orders/dev` nor a line of an access log")]
    Neither,
    #[error("only reads are compared: GET, HEAD and OPTIONS")]
    NotARead,
    #[error("after the path only headers may follow, as -H 'Name: value'")]
    Trailing,
    #[error("a quotation mark is not closed")]
    Open,
    #[error("not a header; write 'Name: value'")]
    NoHeader,
    #[error("this header is set by the connection itself")]
    OurHeader,
}

impl Request {
    /// A read without headers; `None` when the target could not stand in a request line.
    pub(super) fn new(method: &str, target: &[u8]) -> Option<Self> {
        let sound =
            target.starts_with(b"/") && target.iter().all(|byte| *byte > b' ' && *byte != 0x7f);
        sound.then(|| Self {
            method: method.to_owned(),
            target: target.to_vec(),
            headers: Vec::new(),
        })
    }

    /// `/orders/dev` or `GET /orders/dev -H 'Accept: …'`.
    pub(super) fn parse(line: &[u8]) -> Result<Self, Unreadable> {
        let (first, rest) = word(line);
        let (method, target, mut rest) = if first.starts_with(b"/") {
            ("GET", first, rest)
        } else {
            let (target, rest) = word(rest);
            (method(first, target)?, target, rest)
        };
        let mut request = Self::new(method, target).ok_or(Unreadable::Neither)?;
        loop {
            let (option, after) = word(rest);
            if option.is_empty() {
                return Ok(request);
            }
            if option != b"-H" && option != b"--header" {
                return Err(Unreadable::Trailing);
            }
            let (header, after) = quoted(after)?;
            request
                .headers
                .push(Header::parse(&String::from_utf8_lossy(header))?);
            rest = after;
        }
    }
}

fn method(word: &[u8], target: &[u8]) -> Result<&'static str, Unreadable> {
    let known = METHODS.into_iter().find(|known| known.as_bytes() == word);
    let looks_like_one = !word.is_empty() && word.iter().all(u8::is_ascii_uppercase);
    match known {
        _ if !target.starts_with(b"/") => Err(Unreadable::Neither),
        Some(method) => Ok(method),
        None if looks_like_one => Err(Unreadable::NotARead),
        None => Err(Unreadable::Neither),
    }
}

/// Up to the next white space, and what follows.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    let text = text.trim_ascii_start();
    let end = text
        .iter()
        .position(u8::is_ascii_whitespace)
        .unwrap_or(text.len());
    text.split_at(end)
}

/// A word, or what stands between quotation marks, and what follows.
fn quoted(text: &[u8]) -> Result<(&[u8], &[u8]), Unreadable> {
    let text = text.trim_ascii_start();
    match text.first() {
        Some(mark @ (b'\'' | b'"')) => {
            let inside = &text[1..];
            let end = inside
                .iter()
                .position(|byte| byte == mark)
                .ok_or(Unreadable::Open)?;
            Ok((&inside[..end], &inside[end + 1..]))
        }
        _ => Ok(word(text)),
    }
}

impl Header {
    /// `Name: value`.
    pub(crate) fn parse(text: &str) -> Result<Self, Unreadable> {
        let (name, value) = text.split_once(':').ok_or(Unreadable::NoHeader)?;
        let (name, value) = (name.trim(), value.trim());
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let sound =
            !name.is_empty() && name.chars().all(is_token) && !value.chars().any(char::is_control);
        if !sound {
            return Err(Unreadable::NoHeader);
        }
        let header = Self {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        if OURS.iter().any(|ours| header.is(ours)) {
            return Err(Unreadable::OurHeader);
        }
        Ok(header)
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

/// Method and target, on one line whatever they hold.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = String::from_utf8_lossy(&self.target);
        write!(f, "{} {}", self.method, one_line(&target))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {:?}", self.headers)
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: …", self.name)
    }
}

/// Without anything that a terminal would obey.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let (plain, escaped) = if c.is_control() {
                (None, Some(c.escape_default()))
            } else {
                (Some(c), None)
            };
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<(String, Vec<(String, String)>), Unreadable> {
        let request = Request::parse(line.as_bytes())?;
        let headers = request
            .headers
            .iter()
            .map(|header| (header.name.clone(), header.value.clone()));
        Ok((request.to_string(), headers.collect()))
    }

    #[test]
    fn a_path_is_enough() {
        for (line, expected) in [
            ("/orders/dev", "GET /orders/dev"),
            ("  HEAD  /orders/dev  ", "HEAD /orders/dev"),
            ("GET /foo/../main/%2e%2e?x=|", "GET /foo/../main/%2e%2e?x=|"),
            ("OPTIONS //", "OPTIONS //"),
            ("/d\u{e9}v#x", "GET /d\u{e9}v#x"),
        ] {
            assert_eq!(
                parsed(line),
                Ok((expected.to_owned(), Vec::new())),
                "{line}"
            );
        }
    }

    #[test]
    fn headers_follow_as_with_curl() {
        let (_, headers) =
            parsed("/a/b -H 'Accept: text/plain, */*' --header \"X: it's\" -H Y:z").unwrap();
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            headers,
            [("Accept", "text/plain, */*"), ("X", "it's"), ("Y", "z")]
        );
    }

    #[test]
    fn everything_else_is_refused() {
        for (line, problem) in [
            ("POST /monitor", Unreadable::NotARead),
            ("get /orders", Unreadable::Neither),
            ("orders/dev", Unreadable::Neither),
            ("GET http://host/", Unreadable::Neither),
            ("/a/b now", Unreadable::Trailing),
            ("/a/b -H 'Accept: x", Unreadable::Open),
            ("/a/b -H", Unreadable::NoHeader),
            ("/a/b -H 'no header'", Unreadable::NoHeader),
            ("/a/b -H 'Connection: close'", Unreadable::OurHeader),
            ("/a/\u{7f}", Unreadable::Neither),
        ] {
            assert_eq!(parsed(line), Err(problem), "{line}");
        }
    }

    #[test]
    fn header_values_are_nobodys_business() {
        let request = Request::parse(b"/a/b -H 'X-Config-Token: s3cret'").unwrap();
        assert_eq!(format!("{request:?}"), "GET /a/b [X-Config-Token: …]");
    }
}
