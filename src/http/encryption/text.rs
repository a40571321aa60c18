//! The text that a request brings.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use indexmap::IndexMap;
use percent_encoding::percent_decode_str;
use url::form_urlencoded::byte_serialize;

use super::super::{accept::is_token, charset, error::Failure};

const FORM: &str = "application/x-www-form-urlencoded";

/// A text, and how it was sent.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) text: String,
    /// Sent as `text/plain` without parameters: what it says is what is meant.
    pub(super) is_verbatim: bool,
}

/// A content type, as far as it matters here.
struct ContentType<'h> {
    range: String,
    charset: Option<&'h str>,
    has_parameters: bool,
}

impl Received {
    /// Takes the text out of a body. A form is what `curl -d` sends when nobody says otherwise: its parameters are put
    /// together again, as a servlet container leaves nothing else of it, unless there is a query.
    pub(super) fn of(
        headers: &HeaderMap,
        query: Option<&str>,
        body: &[u8],
    ) -> Result<Self, Failure> {
        let missing = || Failure::bad_request().because("there is no body, or no `Content-Type`");
        let value = headers
            .get(header::CONTENT_TYPE)
            .filter(|value| !value.is_empty())
            .ok_or_else(missing)?;
        let value = value.to_str().map_err(|_| unsupported())?;
        let content_type = ContentType::parse(value).ok_or_else(unsupported)?;
        if content_type.range.contains('*') {
            return Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR)
                .because("the `Content-Type` is not a concrete one"));
        }
        let text = if content_type.range == FORM && query.is_none() {
            rebuilt(body).ok_or_else(|| Failure::bad_request().because("the form is malformed"))?
        } else {
            charset::decode(body, content_type.charset).map_err(|_| unsupported())?
        };
        // Parts of a multipart body are nothing that could be encrypted.
        if text.is_empty() || content_type.range.starts_with("multipart/") {
            return Err(missing());
        }
        Ok(Self {
            text,
            is_verbatim: content_type.range == "text/plain" && !content_type.has_parameters,
        })
    }
}

fn unsupported() -> Failure {
    let types = "text/plain, application/json, application/yaml, application/*+json, */*";
    Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE)
        .with(header::ACCEPT, HeaderValue::from_static(types))
}

impl<'h> ContentType<'h> {
    /// `None` for what is no media type, or has a charset that is not known.
    fn parse(value: &'h str) -> Option<Self> {
        let mut parts = value.split(';').map(str::trim);
        let range = parts.next()?.to_ascii_lowercase();
        let (kind, subtype) = range.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) {
            return None;
        }
        let mut parsed = Self {
            range,
            charset: None,
            has_parameters: false,
        };
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            parsed.has_parameters = true;
            let value = value.trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "charset" if charset::is_known(value) => parsed.charset = Some(value),
                "charset" => return None,
                "q" if is_weight(value) => {}
                "q" => return None,
                _ => {}
            }
        }
        Some(parsed)
    }
}

fn is_weight(value: &str) -> bool {
    value.parse().is_ok_and(|q: f32| (0.0..=1.0).contains(&q))
}

/// Names with their values, URL-encoded anew; `None` when one of them is not UTF-8 or not URL-encoded.
fn rebuilt(body: &[u8]) -> Option<String> {
    let mut parameters: IndexMap<String, Vec<String>> = IndexMap::new();
    for pair in std::str::from_utf8(body).ok()?.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (url_decoded(name)?, url_decoded(value)?);
        if !name.is_empty() {
            parameters.entry(name).or_default().push(value);
        }
    }
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pairs: Vec<_> = parameters
        .iter()
        .flat_map(|(name, values)| values.iter().map(move |value| (name, value)))
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    Some(pairs.join("&"))
}

/// Decoded once; `None` when a `%` is not followed by two digits or the bytes are not UTF-8.
fn url_decoded(text: &str) -> Option<String> {
    String::from_utf8(url_decoded_bytes(text)?).ok()
}

/// Decoded once; `None` when a `%` is not followed by two digits.
pub(super) fn url_decoded_bytes(text: &str) -> Option<Vec<u8>> {
    let is_encoded = text.split('%').skip(1).all(|part| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    is_encoded.then(|| percent_decode_str(&text.replace('+', " ")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn received(content_type: &str, query: Option<&str>, body: &[u8]) -> Result<String, u16> {
        let headers = [(header::CONTENT_TYPE, content_type.parse().unwrap())]
            .into_iter()
            .collect();
        Received::of(&headers, query, body)
            .map(|received| received.text)
            .map_err(|failure| failure.status.as_u16())
    }

    #[test]
    fn forms_are_put_together_again() {
        for (body, expected) in [
            (&b"mysecret"[..], Ok("mysecret=")),
            (b"a=b%20c", Ok("a=b+c")),
            (b"a+b", Ok("a+b=")),
            (b"a%2Bb%2Fc%20", Ok("a%2Bb%2Fc+=")),
            (b"a&b", Ok("a=&b=")),
            (b"a=1&b=2&a=3", Ok("a=1&a=3&b=2")),
            ("café".as_bytes(), Ok("caf%C3%A9=")),
            (b"=x", Err(400)),
            (b"&", Err(400)),
            (b"", Err(400)),
            (b"%zz", Err(400)),
            (b"caf%E9", Err(400)),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(received(FORM, None, body), expected, "{body:?}");
        }
        assert_eq!(received(FORM, Some("x=1"), b"a%20b"), Ok("a%20b".into()));
    }

    #[test]
    fn types_are_concrete_and_their_charsets_known() {
        let latin = "text/plain;charset=ISO-8859-1";
        for (content_type, body, expected) in [
            ("text/plain", &b"x"[..], Ok("x")),
            ("application/json", b"x", Ok("x")),
            (latin, b"caf\xe9", Ok("café")),
            ("text/plain;charset", b"x", Ok("x")),
            ("text/plain;charset=nonsense", b"x", Err(415)),
            ("nonsense", b"", Err(415)),
            ("a/b;q=x", b"x", Err(415)),
            ("text/*", b"x", Err(500)),
            ("multipart/form-data; boundary=x", b"x", Err(400)),
            ("", b"x", Err(400)),
            ("text/plain", b"", Err(400)),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(
                received(content_type, None, body),
                expected,
                "{content_type}"
            );
        }
    }
}
