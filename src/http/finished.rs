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
        let wish = Wish {
            is_head: false,
            gzip,
            headers: &HeaderMap::new(),
        };
        let compression = Compression::default();
        Finished::of(response, &wish, &compression).await.unwrap()
    }

    fn given(finished: &Finished, is_head: bool, gzip: bool, known: &str) -> Option<String> {
        let headers = [(header::IF_NONE_MATCH, known.parse().unwrap())];
        let wish = Wish {
            is_head,
            gzip,
            headers: &headers.into_iter().collect(),
        };
        let answer: Response<Bytes> = finished.answer(&wish)?;
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
            (false, false, "", "200 5 \"ab\" application/json - - -"),
            (false, true, "", "200 5 \"ab\" application/json - - -"),
            (true, false, "", "200 0 \"ab\" application/json - 5 -"),
            (false, false, "\"ab\"", "304 0 \"ab\" - - - -"),
            (true, false, "W/\"ab\"", "304 0 \"ab\" - - - -"),
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
                "200 4000 \"ab\" application/json - - Accept-Encoding".to_owned(),
            ),
            (
                false,
                true,
                "",
                format!("200 {packed} \"ab-gzip\" application/json gzip - Accept-Encoding"),
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
                "304 0 \"ab-gzip\" - - - Accept-Encoding".to_owned(),
            ),
            (
                false,
                false,
                "\"ab-gzip\"",
                "304 0 \"ab\" - - - Accept-Encoding".to_owned(),
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
        let wish = Wish {
            is_head: false,
            gzip: true,
            headers: &HeaderMap::new(),
        };
        let (stream, compression) = (Response::new(body), Compression::default());
        let finished = Finished::of(stream, &wish, &compression).await;
        assert!(finished.is_err());
    }
}
