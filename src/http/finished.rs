//! An answer that is made once and given to many: whole, as gzip, without its body, or as "you have it already".

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::BodyExt as _;

use super::{conditional::has_tag, gzip, settings::Compression};

/// What a request says about the form in which it wants an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'r> {
    pub(super) is_head: bool,
    pub(super) gzip: bool,
    pub(super) headers: &'r HeaderMap,
}

/// A finished answer.
#[derive(Debug)]
pub(super) struct Finished {
    status: StatusCode,
    plain: Form,
    packed: Packed,
}

#[derive(Debug)]
struct Form {
    headers: HeaderMap,
    body: Bytes,
}

#[derive(Debug)]
enum Packed {
    /// It is too short or no text.
    Never,
    /// Nobody asked for it yet.
    NotYet,
    Gzip(Form),
}

impl<'r> Wish<'r> {
    pub(super) fn of(method: &Method, headers: &'r HeaderMap) -> Self {
        Self {
            is_head: method == Method::HEAD,
            gzip: gzip::is_wanted(headers),
            headers,
        }
    }

    /// Whether the caller has this already, in whichever form.
    fn has(&self, plain: &Form) -> bool {
        let tag = || plain.headers.get(header::ETAG)?.to_str().ok();
        self.headers.contains_key(header::IF_NONE_MATCH)
            && tag().is_some_and(|tag| has_tag(self.headers, tag))
    }
}

impl Finished {
    /// Takes a response whose body is there as a whole; others, streams for example, come back as they are.
    pub(super) async fn of(
        response: Response<Body>,
        wish: &Wish<'_>,
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
        let form = Form {
            headers: parts.headers,
            body: body.to_bytes(),
        };
        Ok(Self::new(parts.status, form, wish.gzip, compression))
    }

    fn new(status: StatusCode, mut plain: Form, gzip: bool, compression: &Compression) -> Self {
        let packed = if !gzip::is_meant(compression, &plain.headers, plain.body.len()) {
            Packed::Never
        } else {
            let vary = HeaderValue::from_static("Accept-Encoding");
            plain.headers.append(header::VARY, vary);
            if gzip {
                Packed::Gzip(plain.packed())
            } else {
                Packed::NotYet
            }
        };
        Self {
            status,
            plain,
            packed,
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Bytes that this takes, roughly.
    pub(super) fn weight(&self) -> usize {
        /// Of the headers, and of what holds them.
        const HEAD: usize = 1024;
        let packed = match &self.packed {
            Packed::Gzip(form) => form.body.len() + HEAD,
            Packed::Never | Packed::NotYet => 0,
        };
        self.plain.body.len() + packed + HEAD
    }

    /// The answer in the form that is wanted; `None` when that form was not made.
    pub(super) fn answer<B: From<Bytes>>(&self, wish: &Wish<'_>) -> Option<Response<B>> {
        let form = match &self.packed {
            Packed::Gzip(form) if wish.gzip => form,
            Packed::NotYet if wish.gzip => return None,
            _ => &self.plain,
        };
        if wish.has(&self.plain) {
            return Some(form.not_modified());
        }
        let mut headers = form.headers.clone();
        let body = if wish.is_head {
            let length = HeaderValue::from(form.body.len());
            headers.entry(header::CONTENT_LENGTH).or_insert(length);
            Bytes::new()
        } else {
            form.body.clone()
        };
        let mut response = Response::new(body.into());
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        Some(response)
    }
}

impl Form {
    fn packed(&self) -> Self {
        let mut headers = self.headers.clone();
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        if let Some(tag) = headers.get(header::ETAG).and_then(gzip::tag) {
            headers.insert(header::ETAG, tag);
        }
        Self {
            headers,
            body: gzip::compressed(&self.body).into(),
        }
    }

    /// What describes the body stays out.
    fn not_modified<B: From<Bytes>>(&self) -> Response<B> {
        let mut response = Response::new(Bytes::new().into());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        let headers = response.headers_mut();
        headers.reserve(self.headers.len());
        for (name, value) in &self.headers {
            let describes_body = [
                header::CONTENT_TYPE,
                header::CONTENT_ENCODING,
                header::CONTENT_DISPOSITION,
            ]
            .contains(name);
            if !describes_body {
                headers.append(name.clone(), value.clone());
            }
        }
        response
    }
}
