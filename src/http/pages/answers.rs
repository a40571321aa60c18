use askama::Template;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;

use super::super::{Settings, conditional::entity_tag, error::Failure, gateways::Outside};
use crate::pages::{FailurePage, Frame, Framed, Moment, Place};

/// All that a page may load is here, and nothing else may show it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// As the edge knows it: no file name is put beside it.
const HTML: &str = "text/html;charset=utf-8";

/// What is around a page.
pub(super) fn frame(settings: &Settings, outside: &Outside, place: Place, caller: String) -> Frame {
    Frame {
        base: format!("{}/_", outside.base(settings)),
        settings: settings.pages.clone(),
        place,
        caller,
        held: 0,
        pinned: 0,
        time: Moment::of_millis(Timestamp::now().as_millisecond()),
    }
}

/// A page that is to be asked for again each time, and is sent only when something else stands in it than before.
pub(super) fn page(page: &impl Framed) -> Result<Response, Failure> {
    // The time that stands in it is no reason to read it again.
    let time = page.frame().time.to_string();
    let body = page.render().map_err(|_| {
        Failure::new(StatusCode::INTERNAL_SERVER_ERROR).explained("the page could not be written")
    })?;
    let tag = entity_tag(body.replacen(&time, "", 1).as_bytes());
    let headers = [
        (header::CONTENT_TYPE, HTML.to_owned()),
        (header::CACHE_CONTROL, "private, no-cache".to_owned()),
        (header::ETAG, tag),
    ];
    let mut response = (headers, body).into_response();
    guard(&mut response);
    Ok(response)
}

/// What browsers must not do with a page.
fn guard(response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Whether a path is that of a page, of one that is not there, or of something that belongs to pages.
pub(in super::super) fn has(settings: &Settings, path: &str) -> bool {
    let below = settings.context_path.below(path);
    let below = below.and_then(|path| path.strip_prefix("/_"));
    settings.pages.enabled
        && below.is_some_and(|rest| {
            (rest.is_empty() || rest.starts_with('/')) && !rest.starts_with("/api/")
        })
}

/// The error as a page, instead of how others are told it; what its headers say stays.
pub(in super::super) fn failure(
    settings: &Settings,
    outside: &Outside,
    failure: &Failure,
    written: Response,
) -> Response {
    let (mut parts, _) = written.into_parts();
    let page = FailurePage {
        frame: frame(settings, outside, Place::Elsewhere, String::new()),
        status: failure.status.as_u16(),
        error: failure
            .status
            .canonical_reason()
            .unwrap_or("Error")
            .to_owned(),
        message: failure.told().map(str::to_owned),
    };
    let body = page.render().unwrap_or_default();
    let html = HeaderValue::from_static(HTML);
    parts.headers.insert(header::CONTENT_TYPE, html);
    let mut response = Response::from_parts(parts, body.into());
    guard(&mut response);
    response
}
