use confbus_protocol::Environment;
use reqwest::{RequestBuilder, Response, StatusCode, header};

pub(crate) use self::http::{http_client, stream_client};
use crate::{
    error::{Attempt, Failure, Unavailable},
    settings::{Coordinates, FailOver, Requests, Server},
};

mod http;

/// The form with origins first; older servers only have the plain one.
const ACCEPT: &str = "application/vnd.spring-cloud.config-server.v2+json, application/json;q=0.9";

/// Asks the servers of the list, one after the other.
pub(crate) struct Fetcher {
    http: reqwest::Client,
    requests: Requests,
    coordinates: Coordinates,
}

/// What a server answered.
pub(crate) enum Answer {
    /// A configuration, maybe the one we have.
    Environment(Box<Environment>, Option<Validator>),
    /// What we have is current (304).
    Same,
}

/// By what a server recognises its own answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Validator {
    server: usize,
    label: usize,
    etag: String,
}

impl Fetcher {
    pub(crate) fn new(http: reqwest::Client, requests: Requests, coordinates: Coordinates) -> Self {
        Self {
            http,
            requests,
            coordinates,
        }
    }

    /// Asks until somebody answers: every server for the first label, then for the next label.
    pub(crate) async fn fetch(
        &self,
        known: Option<&Validator>,
        state: Option<&str>,
    ) -> Result<Answer, Unavailable> {
        let mut attempts = Vec::new();
        for (label_index, label) in self.coordinates.labels.iter().enumerate() {
            let mut unknown_label = false;
            for (server_index, server) in self.requests.servers.iter().enumerate() {
                let known = known
                    .filter(|known| (known.server, known.label) == (server_index, label_index));
                let failure = match self.ask(server, label.as_deref(), known, state).await {
                    Ok((environment, etag)) => {
                        let validator = etag.map(|etag| Validator {
                            server: server_index,
                            label: label_index,
                            etag,
                        });
                        return Ok(environment.map_or(Answer::Same, |environment| {
                            Answer::Environment(environment, validator)
                        }));
                    }
                    Err(failure) => failure,
                };
                unknown_label |= failure == Failure::NotFound;
                let is_final = self.requests.fail_over == FailOver::ConnectionFailure
                    && !failure.is_of_connection();
                attempts.push(Attempt {
                    server: server.to_string(),
                    failure,
                });
                if is_final {
                    break;
                }
            }
            if !unknown_label {
                break;
            }
        }
        Err(Unavailable(attempts))
    }

    async fn ask(
        &self,
        server: &Server,
        label: Option<&str>,
        known: Option<&Validator>,
        state: Option<&str>,
    ) -> Result<(Option<Box<Environment>>, Option<String>), Failure> {
        let response = self
            .request(server, label, known, state)
            .send()
            .await
            .map_err(Failure::of)?;
        if response.status() == StatusCode::NOT_MODIFIED && known.is_some() {
            return Ok((None, None));
        }
        if response.status() != StatusCode::OK {
            return Err(Failure::of_status(response.status()));
        }
        let etag = response
            .headers()
            .get(header::ETAG)
            .and_then(|etag| etag.to_str().ok())
            .map(str::to_owned);
        let body = self.body(response).await?;
        let environment = serde_json::from_slice(&body);
        // The cause may quote a value, so only its place is told.
        let environment = environment.map_err(|error| Failure::NotAnEnvironment {
            line: error.line(),
            column: error.column(),
        })?;
        Ok((Some(Box::new(environment)), etag))
    }

    fn request(
        &self,
        server: &Server,
        label: Option<&str>,
        known: Option<&Validator>,
        state: Option<&str>,
    ) -> RequestBuilder {
        let Coordinates {
            application,
            profiles,
            ..
        } = &self.coordinates;
        let label = label.map(|label| label.replace('/', "(_)"));
        let segments = [
            Some(application.as_str()),
            Some(profiles.as_str()),
            label.as_deref(),
        ];
        // A proxy must not answer an event with what it has stored.
        let mut request = self
            .http
            .get(server.at(segments.into_iter().flatten()))
            .header(header::CACHE_CONTROL, "no-cache");
        request = identified(request, &self.requests, server).header(header::ACCEPT, ACCEPT);
        if let Some(known) = known {
            request = request.header(header::IF_NONE_MATCH, &known.etag);
        }
        if let Some(state) = state.filter(|state| !state.is_empty()) {
            request = request.header("X-Config-State", state);
        }
        request
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let limit = self.requests.max_response_bytes;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Failure::of)? {
            if body.len() + chunk.len() > limit {
                return Err(Failure::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// Adds what says who we are; a header of the settings wins over credentials.
pub(crate) fn identified(
    request: RequestBuilder,
    requests: &Requests,
    server: &Server,
) -> RequestBuilder {
    let request = match server.authorization() {
        Some(value) => request.header(header::AUTHORIZATION, value),
        None => request,
    };
    // Replaces what is there.
    request.headers(requests.headers.clone())
}

impl Failure {
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::Denied {
                status: status.as_u16(),
            },
            StatusCode::NOT_FOUND => Self::NotFound,
            status if status.is_redirection() && status != StatusCode::NOT_MODIFIED => {
                Self::Redirect
            }
            status => Self::Status {
                status: status.as_u16(),
            },
        }
    }

    pub(crate) fn of(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        // The innermost cause says it best ("Connection refused"), and knows no address with a query.
        let error = error.without_url();
        let mut cause: &dyn std::error::Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        Self::Connection(cause.to_string())
    }

    fn is_of_connection(&self) -> bool {
        matches!(self, Self::Connection(_) | Self::Timeout)
    }
}
