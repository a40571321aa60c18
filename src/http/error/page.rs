use std::fmt::Write as _;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;

use super::{
    super::accept::{Accept, ErrorForm},
    Failure,
};

/// What the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
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
    /// The whole response, for a request with this path that accepts this.
    pub(in crate::http) fn write(
        &self,
        path: &str,
        accept: &Accept,
        include_message: bool,
    ) -> Response {
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
pub(in crate::http) async fn error_page() -> Response {
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

/// `2026-11-21T14:25:10.178Z`.
fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

pub(in crate::http) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("texts and numbers always serialise")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
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
