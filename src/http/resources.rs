//! Plain files: as text with placeholders filled in, or as bytes.

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use confbus_protocol::BusId;
use confbus_resolution::{EnvironmentRequest, Placeholders, RepoPath, resolve_text};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    access::Asking,
    charset::{self, IllegalCharset},
    conditional::{http_date, instead},
    configuration::config_token,
    error::Failure,
    reader::instance,
    route::{Form, Text},
    versions::Provenance,
};
use crate::{
    access::Wanted,
    environment_repository::{EnvironmentRepository, Found, Resource},
    vault::Token,
};

/// Whether somebody may have a plain file that was found.
pub(super) struct Judge<'a> {
    asking: &'a Asking,
    wanted: Wanted,
}

impl<'a> Judge<'a> {
    pub(super) fn new(asking: &'a Asking, request: &EnvironmentRequest, path: &RepoPath) -> Self {
        let wanted = Wanted::file(request, path);
        Self { asking, wanted }
    }

    /// What it took, to ask of others who are given the same.
    pub(super) fn into_wanted(self) -> Wanted {
        self.wanted
    }

    fn judge(&mut self, file: &Resource) -> Result<(), Failure> {
        self.wanted = self.wanted.clone().found_at(&file.path);
        self.asking.may(&self.wanted)
    }
}

/// A plain file in the form that is wanted, for those who may have what was found.
pub(super) async fn find(
    repository: &EnvironmentRepository,
    judge: &mut Judge<'_>,
    request: &EnvironmentRequest,
    path: &RepoPath,
    form: Form,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let Found {
        value: file,
        commits,
        held,
        past,
    } = repository
        .find_resource(request, path, instance(headers).as_ref())
        .await
        .map_err(Failure::of_a_file)?;
    judge.judge(&file)?;
    if let Some(status) = instead(headers, file.modified) {
        return Ok(dated(status.into_response(), file.modified));
    }
    let provenance = Provenance {
        commits,
        held,
        past,
    };
    let answer = match form {
        Form::Bytes => Ok(body(file.bytes, "application/octet-stream", &provenance)),
        Form::Text(wanted) => {
            let source = Source {
                repository,
                request,
                path,
                token: config_token(headers),
                instance: instance(headers),
                wanted,
            };
            source.answer(file.bytes, provenance, judge).await
        }
    };
    match answer {
        Ok(answer) => Ok(dated(answer, file.modified)),
        // Spring has set the date by the time that this fails.
        Err(failure) => Err(match last_modified(file.modified) {
            Some(date) => failure.with(header::LAST_MODIFIED, date),
            None => failure,
        }),
    }
}

/// A file on its way to text.
struct Source<'a> {
    repository: &'a EnvironmentRepository,
    request: &'a EnvironmentRequest,
    path: &'a RepoPath,
    token: Option<Token>,
    instance: Option<BusId>,
    wanted: Text,
}

impl Source<'_> {
    async fn answer(
        &self,
        bytes: Bytes,
        provenance: Provenance,
        judge: &mut Judge<'_>,
    ) -> Result<Response, Failure> {
        let (text, provenance) = self.text(&bytes, provenance, judge).await?;
        let content_type = self.wanted.content_type.as_deref();
        let content_type =
            content_type.ok_or_else(|| Failure::not_acceptable("text/plain, */*"))?;
        Ok(body(Bytes::from(text), content_type, &provenance))
    }

    /// The text. Only a file with placeholders needs the environment, and then both come from one commit.
    async fn text(
        &self,
        bytes: &[u8],
        provenance: Provenance,
        judge: &mut Judge<'_>,
    ) -> Result<(String, Provenance), Failure> {
        let text = self.decode(bytes)?;
        if self.wanted.placeholders == Placeholders::Keep || !text.contains("${") {
            return Ok((text, provenance));
        }
        let found = self
            .repository
            .find_text(
                self.request,
                self.path,
                self.token.as_ref(),
                self.instance.as_ref(),
            )
            .await;
        let Found {
            value,
            commits,
            held,
            past,
        } = found.map_err(Failure::of_a_file)?;
        // Of another commit, it may lie elsewhere.
        judge.judge(&value.resource)?;
        let text = resolve_text(&self.decode(&value.resource.bytes)?, &value.environment)
            .map_err(|error| internal(error.to_string()))?;
        let provenance = Provenance {
            commits,
            held,
            past,
        };
        Ok((text, provenance))
    }

    fn decode(&self, bytes: &[u8]) -> Result<String, Failure> {
        charset::decode(bytes, self.wanted.charset.as_deref())
            .map_err(|IllegalCharset| internal("`Accept-Charset` is not the name of one charset"))
    }
}

fn internal(message: impl Into<String>) -> Failure {
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR).because(message)
}

fn body(bytes: Bytes, content_type: &str, provenance: &Provenance) -> Response {
    let mut response = Response::new(Body::from(bytes));
    if let Ok(content_type) = HeaderValue::try_from(content_type) {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
    }
    provenance.describe(response.headers_mut());
    response
}

fn dated(mut response: Response, modified: i64) -> Response {
    if let Some(date) = last_modified(modified) {
        response.headers_mut().insert(header::LAST_MODIFIED, date);
    }
    response
}

fn last_modified(modified: i64) -> Option<HeaderValue> {
    http_date(modified).and_then(|date| HeaderValue::try_from(date).ok())
}
