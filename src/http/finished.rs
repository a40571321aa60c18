//! An answer that is made once and given to many: whole, as gzip, without its body, or as "you have it already".

mod wire;

use std::fmt;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::BodyExt as _;

use super::{conditional::has_tag, fields::Fields, gzip, settings::Compression};
pub(super) use wire::{Whole, Wire};

/// What a request says about the form in which it wants an answer.
#[derive(Debug)]
pub(super) struct Wish<'r, F: ?Sized> {
    pub(super) is_head: bool,
    pub(super) gzip: bool,
    /// The caller says what it has already.
    pub(super) is_conditional: bool,
    pub(super) fields: &'r F,
}

/// A finished answer.
#[derive(Debug)]
pub(super) struct Finished {
    status: StatusCode,
    plain: Form,
    packed: Packed,
}

struct Form {
    headers: HeaderMap,
    body: Bytes,
    /// The same as it is sent, unless it is too long for that.
    whole: Option<Whole>,
    /// What is sent to who has it already.
    bare: Whole,
}

#[derive(Debug)]
enum Packed {
    /// It is too short or no text.
    Never,
    /// Nobody asked for it yet.
    NotYet,
    Gzip(Box<Form>),
}

/// An answer in the form that is wanted.
pub(super) struct Chosen<'f> {
    form: &'f Form,
    status: StatusCode,
    is_head: bool,
}

impl<'r> Wish<'r, HeaderMap> {
    pub(super) fn of(method: &Method, headers: &'r HeaderMap) -> Self {
        Self {
            is_head: method == Method::HEAD,
            gzip: gzip::is_wanted(headers),
            is_conditional: headers.contains_key(header::IF_NONE_MATCH),
            fields: headers,
        }
    }
}

impl<F: Fields + ?Sized> Wish<'_, F> {
    /// Whether the answer is wanted whole and as it is.
    pub(super) fn is_plain(&self) -> bool {
        !self.is_head && !self.gzip && !self.is_conditional
    }

    /// Whether the caller has this already, in whichever form.
    fn has(&self, plain: &Form) -> bool {
        let tag = || plain.headers.get(header::ETAG)?.to_str().ok();
        self.is_conditional && tag().is_some_and(|tag| has_tag(self.fields, tag))
    }
}

impl Finished {
    /// Takes a response whose body is there as a whole; others, streams for example, come back as they are.
    pub(super) async fn of(
        response: Response<Body>,
        gzip: bool,
        compression: &Compression,
    ) -> Result<Self, Box<Response<Body>>> {
        if response.body().size_hint().exact().is_none() {
            return Err(Box::new(response));
        }
        let (parts, body) = response.into_parts();
        let Ok(body) = body.collect().await else {
            // A body in memory cannot fail.
            let mut failed = Response::new(Body::empty());
            *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Err(Box::new(failed));
        };
        let (status, headers, body) = (parts.status, parts.headers, body.to_bytes());
        Ok(Self::new(status, headers, body, gzip, compression))
    }

    fn new(
        status: StatusCode,
        mut headers: HeaderMap,
        body: Bytes,
        gzip: bool,
        compression: &Compression,
    ) -> Self {
        let mut packed = Packed::Never;
        if gzip::is_meant(compression, &headers, body.len()) {
            let vary = HeaderValue::from_static("Accept-Encoding");
            // Behind the length, where the server would say it.
            set_length(&mut headers, &body);
            headers.append(header::VARY, vary);
            packed = if gzip {
                Packed::Gzip(Box::new(Form::packed(status, headers.clone(), &body)))
            } else {
                Packed::NotYet
            };
        }
        Self {
            status,
            plain: Form::new(status, headers, body),
            packed,
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The plain answer as it is sent, if it is short enough for that.
    pub(super) fn whole(&self) -> Option<Whole> {
        self.plain.whole.clone()
    }

    /// Bytes that this takes, roughly.
    pub(super) fn weight(&self) -> usize {
        match &self.packed {
            Packed::Gzip(form) => self.plain.weight() + form.weight(),
            Packed::Never | Packed::NotYet => self.plain.weight(),
        }
    }

    /// The form that is wanted; `None` when it was not made.
    pub(super) fn choose<F>(&self, wish: &Wish<'_, F>) -> Option<Chosen<'_>>
    where
        F: Fields + ?Sized,
    {
        let form = match &self.packed {
            Packed::Gzip(form) if wish.gzip => form,
            Packed::NotYet if wish.gzip => return None,
            _ => &self.plain,
        };
        let status = if wish.has(&self.plain) {
            StatusCode::NOT_MODIFIED
        } else {
            self.status
        };
        Some(Chosen {
            form,
            status,
            is_head: wish.is_head,
        })
    }
}

impl<'f> Chosen<'f> {
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn answer<B: From<Bytes>>(&self) -> Response<B> {
        let is_bare = self.status == StatusCode::NOT_MODIFIED;
        let body = if self.is_head || is_bare {
            Bytes::new()
        } else {
            self.form.body.clone()
        };
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status;
        *response.headers_mut() = if is_bare {
            not_modified(&self.form.headers)
        } else {
            self.form.headers.clone()
        };
        response
    }

    /// The same as bytes; `None` when the server has more to do for it than to send them.
    pub(super) fn wire(&self) -> Option<Wire<'f>> {
        let whole = match self.status {
            _ if self.is_head => None,
            StatusCode::NOT_MODIFIED => Some(&self.form.bare),
            _ => self.form.whole.as_ref(),
        };
        whole.map(Whole::wire)
    }
}

impl Form {
    fn new(status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Self {
        set_length(&mut headers, &body);
        let whole = Whole::of(status, &headers, &body);
        Self {
            body: whole.as_ref().map_or(body, Whole::body),
            whole,
            bare: Whole::bare(&not_modified(&headers)),
            headers,
        }
    }

    fn packed(status: StatusCode, mut headers: HeaderMap, plain: &Bytes) -> Self {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some(tag) = headers.get(header::ETAG).and_then(gzip::tag) {
            headers.insert(header::ETAG, tag);
        }
        headers.remove(header::CONTENT_LENGTH);
        Self::new(status, headers, gzip::compressed(plain).into())
    }

    fn weight(&self) -> usize {
        /// Of the headers, and of what holds them.
        const HEAD: usize = 1024;
        let whole = self.whole.as_ref().map_or(self.body.len(), Whole::len);
        HEAD + whole + self.bare.len()
    }
}

/// Configuration is nobody's business.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Form")
            .field("length", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Said here and not by whoever sends it, so that it always stands at the same place. A body that was left out already
/// has its length said.
fn set_length(headers: &mut HeaderMap, body: &Bytes) {
    let length = HeaderValue::from(body.len());
    headers.entry(header::CONTENT_LENGTH).or_insert(length);
}

/// What describes the body stays out.
fn not_modified(headers: &HeaderMap) -> HeaderMap {
    let describes_body = [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
        header::CONTENT_DISPOSITION,
    ];
    let mut rest = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        if !describes_body.contains(name) {
            rest.append(name.clone(), value.clone());
        }
    }
    // As the router says it, which knows of no body; only to HEAD it is sent.
    rest.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn finished(length: usize, gzip: bool) -> Finished {
        let response = Response::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ETAG, "\"ab\"")
            .header("x-config-version", "c1")
            .body(Body::from("x".repeat(length)))
            .unwrap();
        let compression = Compression::default();
        Finished::of(response, gzip, &compression).await.unwrap()
    }

    fn given(finished: &Finished, is_head: bool, gzip: bool, known: &str) -> Option<String> {
        let headers = [(header::IF_NONE_MATCH, known.parse().unwrap())];
        let wish: Wish<'_, HeaderMap> = Wish {
            is_head,
            gzip,
            is_conditional: true,
            fields: &headers.into_iter().collect(),
        };
        let answer: Response<Bytes> = finished.choose(&wish)?.answer();
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .map_or("-", |value| value.to_str().unwrap())
        };
        let shown = [
            "etag",
            "content-type",
            "content-encoding",
            "content-length",
            "vary",
        ];
        let shown = shown.map(header).join(" ");
        Some(format!(
            "{} {} {shown}",
            answer.status().as_u16(),
            answer.body().len()
        ))
    }

    #[tokio::test]
    async fn one_answer_is_given_in_many_forms() {
        let short = finished(5, true).await;
        for (is_head, gzip, known, expected) in [
            (false, false, "", "200 5 \"ab\" application/json - 5 -"),
            (false, true, "", "200 5 \"ab\" application/json - 5 -"),
            (true, false, "", "200 0 \"ab\" application/json - 5 -"),
            (false, false, "\"ab\"", "304 0 \"ab\" - - 0 -"),
            (true, false, "W/\"ab\"", "304 0 \"ab\" - - 0 -"),
        ] {
            assert_eq!(given(&short, is_head, gzip, known).unwrap(), expected);
        }
        let long = finished(4000, true).await;
        let packed = gzip::compressed(&[b'x'; 4000]).len();
        for (is_head, gzip, known, expected) in [
            (
                false,
                false,
                "",
                "200 4000 \"ab\" application/json - 4000 Accept-Encoding".to_owned(),
            ),
            (
                false,
                true,
                "",
                format!("200 {packed} \"ab-gzip\" application/json gzip {packed} Accept-Encoding"),
            ),
            (
                true,
                true,
                "",
                format!("200 0 \"ab-gzip\" application/json gzip {packed} Accept-Encoding"),
            ),
            (
                false,
                true,
                "\"ab\"",
                "304 0 \"ab-gzip\" - - 0 Accept-Encoding".to_owned(),
            ),
            (
                false,
                false,
                "\"ab-gzip\"",
                "304 0 \"ab\" - - 0 Accept-Encoding".to_owned(),
            ),
        ] {
            assert_eq!(given(&long, is_head, gzip, known).unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_form_that_was_not_made_is_not_given() {
        let long = finished(4000, false).await;
        assert!(given(&long, false, false, "").is_some());
        assert_eq!(given(&long, false, true, ""), None);
        assert!(finished(4000, true).await.weight() > long.weight());
    }

    #[tokio::test]
    async fn a_stream_stays_one() {
        let body = Body::from_stream(futures_util::stream::pending::<Result<Bytes, axum::Error>>());
        let (stream, compression) = (Response::new(body), Compression::default());
        let finished = Finished::of(stream, true, &compression).await;
        assert!(finished.is_err());
    }
}
