//! Errors as Spring Boot tells them.
//!
//! A handler returns a [`Failure`]; [`super::edge`], which knows the request, writes it out. Our own faults and those of a
//! configuration's author carry a `message`; others have none unless settings ask for it, as in Spring.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use confbus_protocol::InvalidName;
use confbus_resolution::{ConvertError, Problem};
use http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    accept::{Accept, ErrorForm, V2},
    denials::Denial,
    route::Refusal,
};
use crate::{
    environment_repository::FindError,
    metrics::{Asked, Denied, Unmatched},
    vault::VaultError,
};

/// An error on its way out.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    /// For people; never a property value.
    pub(super) message: Option<String>,
    /// Whether the message is shown in any case.
    explained: bool,
    headers: Vec<(HeaderName, HeaderValue)>,
    page: Page,
    /// For the log: who may not have what.
    pub(super) denial: Option<Arc<Denial>>,
    /// Of what there is nothing.
    unmatched: Option<Unmatched>,
}

/// What the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    /// Boot's error body, in a form that the caller accepts.
    Boot,
    /// Tomcat's page, for what never reaches the application.
    Container,
    Empty,
}

#[derive(Serialize)]
struct Envelope<'a> {
    timestamp: String,
    status: u16,
    error: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    path: &'a str,
}

impl Failure {
    pub(super) fn new(status: StatusCode) -> Self {
        Self {
            status,
            message: None,
            explained: false,
            headers: Vec::new(),
            page: Page::Boot,
            denial: None,
            unmatched: None,
        }
    }

    /// An error without a body.
    pub(super) fn empty(status: StatusCode) -> Self {
        Self {
            page: Page::Empty,
            ..Self::new(status)
        }
    }

    /// What a servlet container says by itself.
    pub(super) fn container(status: StatusCode) -> Self {
        Self {
            page: Page::Container,
            ..Self::new(status)
        }
    }

    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND)
    }

    pub(super) fn bad_request() -> Self {
        Self::new(StatusCode::BAD_REQUEST)
    }

    /// The caller has used up what it may, and is to wait.
    pub(super) fn too_often(wait: Duration) -> Self {
        let seconds = whole_seconds(wait);
        Self::later(StatusCode::TOO_MANY_REQUESTS, wait)
            .explained(format!("asked for too often; ask again in {seconds} s"))
    }

    /// The caller is to come again after a while.
    pub(super) fn later(status: StatusCode, wait: Duration) -> Self {
        Self::new(status).with(header::RETRY_AFTER, whole_seconds(wait).into())
    }

    /// There is too much to do; soon there may be less.
    pub(super) fn busy() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE)
            .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
            .explained("the server has more to do than it can; ask again")
    }

    /// With `Allow` as given.
    pub(super) fn method_not_allowed(allow: &'static str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED)
            .with(header::ALLOW, HeaderValue::from_static(allow))
    }

    /// Adds a message that is shown when settings ask for messages.
    pub(super) fn because(self, message: impl Into<String>) -> Self {
        Self {
            message: Some(message.into()),
            ..self
        }
    }

    /// Adds a message that is always shown.
    pub(super) fn explained(self, message: impl Into<String>) -> Self {
        Self {
            explained: true,
            ..self.because(message)
        }
    }

    /// How a request is counted that is answered so. What somebody may not have is not told apart from what is not there.
    pub(super) fn asked(&self, asked: Asked) -> Asked {
        let denied = self.denial.as_ref().map(|_| match self.status {
            StatusCode::UNAUTHORIZED => Denied::Unknown,
            StatusCode::TOO_MANY_REQUESTS => Denied::TooOften,
            _ => Denied::Rule,
        });
        Asked {
            denied,
            unmatched: self.unmatched.filter(|_| denied.is_none()),
            ..asked
        }
    }

    /// The same, counted as one of those.
    fn without(self, unmatched: Unmatched) -> Self {
        Self {
            unmatched: Some(unmatched),
            ..self
        }
    }

    /// The same, to be logged as this.
    pub(super) fn denying(self, denial: Denial) -> Self {
        Self {
            denial: Some(Arc::new(denial)),
            ..self
        }
    }

    /// The same, to be logged as another one would be.
    pub(super) fn denied_as(self, other: Self) -> Self {
        Self {
            denial: other.denial,
            ..self
        }
    }

    /// The same with another status.
    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// What is wrong for a plain file, where Spring answers some errors without a body and others harder.
    pub(super) fn of_a_file(error: FindError) -> Self {
        match error {
            FindError::NoSuchLabel | FindError::NotFound | FindError::Empty => {
                Self::empty(StatusCode::NOT_FOUND).because("no such label or file")
            }
            FindError::NoRepository => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR).because("the repository is not there")
            }
            FindError::Vault(error) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR).explained(error.to_string())
            }
            FindError::NoSuchCommit
            | FindError::Broken(_)
            | FindError::Wildcard(_)
            | FindError::TooLarge
            | FindError::NotYet
            | FindError::Busy
            | FindError::Lookup(_)
            | FindError::Pinned(_)
            | FindError::Staged(_) => error.into(),
        }
    }

    /// The message, if it is shown in any case.
    pub(super) fn told(&self) -> Option<&str> {
        self.message.as_deref().filter(|_| self.explained)
    }

    /// The whole response, for a request with this path that accepts this.
    pub(super) fn write(&self, path: &str, accept: &Accept, include_message: bool) -> Response {
        let (content_type, body) = match self.page {
            Page::Empty => (None, String::new()),
            Page::Container => (
                Some("text/html;charset=utf-8".into()),
                self.container_page(),
            ),
            Page::Boot => self.boot_page(path, accept, include_message),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers.clone());
        if let Some(content_type) =
            content_type.and_then(|text: String| HeaderValue::try_from(text).ok())
        {
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, content_type);
        }
        response
    }

    fn boot_page(
        &self,
        path: &str,
        accept: &Accept,
        include_message: bool,
    ) -> (Option<String>, String) {
        let envelope = Envelope {
            timestamp: now(),
            status: self.status.as_u16(),
            error: self.reason(),
            message: self
                .message
                .as_deref()
                .filter(|_| self.explained || include_message),
            path,
        };
        match accept.error() {
            ErrorForm::Json(content_type) => (Some(content_type), to_json(&envelope)),
            ErrorForm::Yaml => (Some("application/yaml".into()), envelope.to_yaml()),
            ErrorForm::Html => (
                Some("text/html;charset=UTF-8".into()),
                self.html_page(&envelope),
            ),
            ErrorForm::Nothing => (None, String::new()),
        }
    }

    fn html_page(&self, envelope: &Envelope<'_>) -> String {
        let message = envelope
            .message
            .map(|message| format!("<div>{}</div>", escaped(message)))
            .unwrap_or_default();
        format!(
            "<html><body><h1>Whitelabel Error Page</h1><p>This application has no explicit mapping for /error, so you are seeing this as a fallback.</p>\
             <div id='created'>{}</div><div>There was an unexpected error (type={}, status={}).</div>{message}</body></html>",
            envelope.timestamp, envelope.error, envelope.status
        )
    }

    fn container_page(&self) -> String {
        let title = format!("HTTP Status {} – {}", self.status.as_u16(), self.reason());
        format!(
            "<!doctype html><html lang=\"en\"><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"
        )
    }

    fn reason(&self) -> &'static str {
        self.status.canonical_reason().unwrap_or("None")
    }
}

/// What `/error` itself says when nothing went wrong.
pub(super) async fn error_page() -> Response {
    let body = to_json(&serde_json::json!({ "timestamp": now(), "status": 999, "error": "None" }));
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        [(header::CONTENT_TYPE, "application/json")],
        body,
    )
        .into_response()
}

impl Envelope<'_> {
    fn to_yaml(&self) -> String {
        let mut yaml = format!(
            "---\ntimestamp: \"{}\"\nstatus: {}\nerror: \"{}\"\n",
            self.timestamp, self.status, self.error
        );
        for (key, text) in [("message", self.message), ("path", Some(self.path))] {
            if let Some(text) = text {
                // A JSON text is a YAML text.
                _ = writeln!(yaml, "{key}: {}", to_json(&text));
            }
        }
        yaml
    }
}

/// Carries the failure to the edge, which writes it.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<FindError> for Failure {
    fn from(error: FindError) -> Self {
        match error {
            FindError::NoSuchLabel => Self::not_found()
                .because("no such label")
                .without(Unmatched::Label),
            FindError::NoSuchCommit => Self::new(StatusCode::INTERNAL_SERVER_ERROR)
                .because("no such commit")
                .without(Unmatched::Label),
            FindError::Wildcard(location) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR).because(format!(
                    "`*` may stand only as the last directory of a search location: {location}"
                ))
            }
            FindError::NoRepository => Self::not_found().because("the repository is not there"),
            FindError::Empty => Self::not_found()
                .because("nothing is configured under this name")
                .without(Unmatched::Application),
            FindError::NotFound => Self::not_found(),
            FindError::Broken(problems) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR).explained(told(&problems))
            }
            FindError::TooLarge => Self::new(StatusCode::INTERNAL_SERVER_ERROR)
                .explained("this is larger than what is served"),
            FindError::NotYet | FindError::Busy => {
                Self::try_again("the git repository has not answered yet; try again")
            }
            FindError::Pinned(commit) => Self::try_again(format!(
                "this is pinned to commit {}, which is not here; try again, or let it go",
                commit.short()
            )),
            FindError::Staged(commit) => Self::try_again(format!(
                "this is still given commit {}, which is not at hand yet; try again",
                commit.short()
            )),
            FindError::Vault(error @ VaultError::NoToken) => {
                Self::bad_request().explained(error.to_string())
            }
            FindError::Vault(error) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR).explained(error.to_string())
            }
            FindError::Lookup(error) if error.is_of_caller() => {
                Self::bad_request().explained(error.to_string())
            }
            FindError::Lookup(error) => Self::try_again(error.to_string()),
        }
    }
}

/// The coordinate that no repository can have.
fn unmatched(name: &InvalidName) -> Unmatched {
    match name {
        InvalidName::Profile => Unmatched::Profile,
        InvalidName::Location { what } | InvalidName::Wildcard { what } if *what == "label" => {
            Unmatched::Label
        }
        _ => Unmatched::Application,
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Name(name) => Self::bad_request()
                .because(name.to_string())
                .without(unmatched(&name)),
            Refusal::NothingThere(name) => Self::not_found()
                .because(name.to_string())
                .without(unmatched(&name)),
            Refusal::TooMany(what) => Self::bad_request()
                .explained(format!("these are more {what} than may be asked for")),
            Refusal::NoFile => Self::empty(StatusCode::NOT_FOUND),
            Refusal::NoBoolean => {
                Self::bad_request().because("`resolvePlaceholders` is neither true nor false")
            }
            Refusal::NotAcceptable => Self::not_acceptable(&format!("application/json, {V2}")),
        }
    }
}

impl Failure {
    fn try_again(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE)
            .explained(message)
            .with(header::RETRY_AFTER, HeaderValue::from_static("1"))
    }

    /// With `Accept` as the list of what could be had.
    pub(super) fn not_acceptable(producible: &str) -> Self {
        let failure = Self::new(StatusCode::NOT_ACCEPTABLE);
        match HeaderValue::try_from(producible) {
            Ok(producible) => failure.with(header::ACCEPT, producible),
            Err(_) => failure,
        }
    }
}

impl From<ConvertError> for Failure {
    fn from(error: ConvertError) -> Self {
        let status = match error {
            ConvertError::Key { .. } | ConvertError::Circular { .. } => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status).because(error.to_string())
    }
}

/// All problems, one a line, each with its place and how to mend it.
fn told(problems: &[Problem]) -> String {
    let told = |problem: &Problem| match &problem.hint {
        Some(hint) => format!("{problem} (hint: {hint})"),
        None => problem.to_string(),
    };
    problems.iter().map(told).collect::<Vec<_>>().join("\n")
}

/// `2026-11-21T14:25:10.178Z`.
fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers always serialise")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Not less than what is waited for.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn body(
        failure: &Failure,
        accept: &str,
        include_message: bool,
    ) -> (Option<String>, String) {
        let headers = [(header::ACCEPT, accept.parse().unwrap())]
            .into_iter()
            .collect();
        let response = failure.write("/foo/dev", &Accept::of(&headers), include_message);
        let content_type = response
            .headers()
            .get(header::CONTENT_TYPE)
            .map(|value| value.to_str().unwrap().to_owned());
        let bytes = axum::body::to_bytes(response.into_body(), 10_000)
            .await
            .unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let time = |text: &str| text.find("20").map(|at| text[at..at + 24].to_owned());
        let text = time(&text).map_or_else(|| text.clone(), |time| text.replace(&time, "NOW"));
        (content_type, text)
    }

    #[tokio::test]
    async fn errors_look_like_boots() {
        let failure = Failure::not_found().because("no such label");
        let json = |text: &str| (Some("application/json".to_owned()), text.to_owned());
        assert_eq!(
            body(&failure, "*/*", false).await,
            json(r#"{"timestamp":"NOW","status":404,"error":"Not Found","path":"/foo/dev"}"#)
        );
        assert_eq!(
            body(&failure, "*/*", true).await,
            json(
                r#"{"timestamp":"NOW","status":404,"error":"Not Found","message":"no such label","path":"/foo/dev"}"#
            )
        );
        assert_eq!(
            body(&failure, "application/yaml", false).await,
            (
                Some("application/yaml".into()),
                "---\ntimestamp: \"NOW\"\nstatus: 404\nerror: \"Not Found\"\npath: \"/foo/dev\"\n"
                    .into()
            )
        );
        assert_eq!(
            body(&failure, "application/xml", false).await,
            (None, String::new())
        );
        let (content_type, page) = body(&failure.explained("<b>"), "text/html", false).await;
        assert_eq!(content_type.as_deref(), Some("text/html;charset=UTF-8"));
        assert!(
            page.contains("type=Not Found, status=404") && page.contains("&lt;b&gt;"),
            "{page}"
        );
    }

    #[tokio::test]
    async fn containers_and_missing_files_speak_for_themselves() {
        let (content_type, page) = body(
            &Failure::container(StatusCode::BAD_REQUEST),
            "application/json",
            false,
        )
        .await;
        assert_eq!(content_type.as_deref(), Some("text/html;charset=utf-8"));
        assert!(page.contains("400 – Bad Request"), "{page}");
        assert_eq!(
            body(&Failure::empty(StatusCode::NOT_FOUND), "*/*", true).await,
            (None, String::new())
        );
    }
}
