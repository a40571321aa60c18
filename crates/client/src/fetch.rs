use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use confbus_protocol::{
    BusId, Environment, INSTANCE_HEADER, LAGGING_HEADER, MIN_VERSION_HEADER, Minimum, NO_LABEL,
    RUNNING_HEADER, SINCE_HEADER, SINCE_NOW,
};
use reqwest::{
    RequestBuilder, Response, StatusCode,
    header::{self, HeaderValue},
};

#[cfg(any(feature = "consul", feature = "eureka"))]
pub(crate) use self::http::registry_client;
pub(crate) use self::http::{http_client, stream_client};
use self::marks::Marks;
use crate::{
    discovery::Finder,
    error::{Attempt, Failure, Unavailable, innermost, is_refused},
    servers::{Known as KnownServer, Servers},
    settings::{Coordinates, FailOver, Requests, Server},
    store::lock,
};

mod http;
mod marks;

/// The form with origins first; older servers only have the plain one.
const ACCEPT: &str = "application/vnd.spring-cloud.config-server.v2+json, application/json;q=0.9";

/// Bytes that a server gets on its word that so many will come.
const MOST_AT_ONCE: usize = 1 << 20;

/// Asks the servers, one after the other.
pub(crate) struct Fetcher {
    http: reqwest::Client,
    requests: Requests,
    coordinates: Coordinates,
    servers: Arc<Servers>,
    /// Who says which servers there are, if that may change.
    finder: Option<Arc<Finder>>,
    /// By what this instance names itself, unless it is to stay unnamed.
    instance: Option<HeaderValue>,
    /// By server, what it said of the moment when it lagged first since anything was taken.
    marks: Mutex<HashMap<usize, Marks>>,
}

/// What we have already.
#[derive(Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    pub(crate) validator: Option<&'a Validator>,
    /// Of which most is expected again; the server wants to hear its state.
    pub(crate) environment: Option<&'a Environment>,
    /// The version that runs.
    pub(crate) running: Option<&'a str>,
    /// What an answer must not be older than.
    pub(crate) minimum: Option<&'a Minimum>,
    /// The answer must be no older than what the repository has now.
    pub(crate) since_now: bool,
}

/// What a server answered.
pub(crate) struct Answer {
    pub(crate) place: Place,
    /// A configuration, maybe the one we have; `None` when what we have is current (304).
    pub(crate) news: Option<(Box<Environment>, Option<Validator>)>,
}

/// Where an answer came from: the number of the server and the index of the label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) server: usize,
    pub(crate) label: usize,
}

/// By what a server recognises its own answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Validator {
    place: Place,
    etag: String,
}

impl Fetcher {
    pub(crate) fn new(
        http: reqwest::Client,
        requests: Requests,
        coordinates: Coordinates,
        servers: Arc<Servers>,
        finder: Option<Arc<Finder>>,
        instance: Option<&BusId>,
    ) -> Self {
        Self {
            http,
            servers,
            finder,
            requests,
            coordinates,
            instance: instance.and_then(|id| carried(id.as_str())),
            marks: Mutex::default(),
        }
    }

    /// The address of a server, for people.
    pub(crate) fn address(&self, place: Place) -> String {
        let known = self.servers.get(place.server);
        known.map_or_else(String::new, |known| known.server.to_string())
    }

    /// Whether a label of an event may answer here: the one that answers now, or one that is asked for before it.
    pub(crate) fn reads(&self, now: Option<Place>, label: &str) -> bool {
        let labels = &self.coordinates.labels;
        let end = now.map_or(labels.len(), |now| now.label + 1);
        let mut asked = labels.iter().take(end);
        asked.any(|asked| asked.as_deref().unwrap_or(NO_LABEL) == label)
    }

    /// All servers failed alike.
    pub(crate) fn unavailable(&self, failure: &Failure) -> Unavailable {
        let attempt = |known: &Arc<KnownServer>| Attempt {
            server: known.server.to_string(),
            failure: failure.clone(),
        };
        Unavailable(self.servers.all().iter().map(attempt).collect())
    }

    /// Asks until somebody answers. When nobody does, and a registry names others by now, those are asked as well.
    pub(crate) async fn fetch(&self, known: Known<'_>) -> Result<Answer, Unavailable> {
        let Some(finder) = &self.finder else {
            return self.ask_all(known).await;
        };
        if self.servers.is_empty() {
            finder.look().await;
        }
        if self.servers.is_empty() {
            return Err(finder.nobody());
        }
        match self.ask_all(known).await {
            Err(unavailable) if unavailable.is_of_connections() && finder.look().await => {
                self.ask_all(known).await
            }
            asked => asked,
        }
    }

    /// Every server for the first label, then for the next label.
    async fn ask_all(&self, known: Known<'_>) -> Result<Answer, Unavailable> {
        let mut attempts = Vec::new();
        for label in 0..self.coordinates.labels.len() {
            let (mut unknown_label, mut lagging) = (false, false);
            for server in self.servers.in_turn() {
                let place = Place {
                    server: server.id,
                    label,
                };
                let asked = self.ask(&server, place, known).await;
                self.servers.note(&server, asked.as_ref().err());
                let failure = match asked {
                    Ok(news) => {
                        // What is taken now may be newer than they are.
                        lock(&self.marks).clear();
                        return Ok(Answer { place, news });
                    }
                    Err(failure) => failure,
                };
                unknown_label |= failure == Failure::NotFound;
                lagging |= failure == Failure::Lagging;
                // Who lags has not given an answer that another server's would replace.
                let is_final = self.requests.fail_over == FailOver::ConnectionFailure
                    && !failure.is_of_connection()
                    && failure != Failure::Lagging;
                attempts.push(Attempt {
                    server: server.server.to_string(),
                    failure,
                });
                if is_final {
                    break;
                }
            }
            // Who knows the label and lags says more of it than who does not know it: that may be behind as well.
            if !unknown_label || lagging {
                break;
            }
        }
        Err(Unavailable(attempts))
    }

    async fn ask(
        &self,
        server: &KnownServer,
        place: Place,
        known: Known<'_>,
    ) -> Result<Option<(Box<Environment>, Option<Validator>)>, Failure> {
        let validator = known.validator.filter(|known| known.place == place);
        let _outstanding = server.asked();
        let request = self.request(&server.server, place, Known { validator, ..known });
        let response = request.send().await.map_err(Failure::of)?;
        if let Some(mark) = response.headers().get(LAGGING_HEADER) {
            let mut marks = lock(&self.marks);
            marks.retain(|id, _| self.servers.get(*id).is_some());
            marks.entry(place.server).or_default().add(mark);
            return Err(Failure::Lagging);
        }
        if response.status() == StatusCode::NOT_MODIFIED && validator.is_some() {
            return Ok(None);
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
        let environment = match known.environment {
            Some(earlier) => Environment::from_json_after(&body, earlier),
            None => serde_json::from_slice(&body),
        };
        // The cause may quote a value, so only its place is told.
        let environment = environment.map_err(|error| Failure::NotAnEnvironment {
            line: error.line(),
            column: error.column(),
        })?;
        let validator = etag.map(|etag| Validator { place, etag });
        Ok(Some((Box::new(environment), validator)))
    }

    fn request(&self, server: &Server, place: Place, known: Known<'_>) -> RequestBuilder {
        let Coordinates {
            application,
            profiles,
            labels,
        } = &self.coordinates;
        let label = labels[place.label].as_deref();
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
        if let Some(instance) = &self.instance {
            request = request.header(INSTANCE_HEADER, instance);
            if let Some(running) = known.running.and_then(carried) {
                request = request.header(RUNNING_HEADER, running);
            }
        }
        request = identified(request, &self.requests, server).header(header::ACCEPT, ACCEPT);
        if let Some(known) = known.validator {
            request = request.header(header::IF_NONE_MATCH, &known.etag);
        }
        if let Some(minimum) = known.minimum.filter(|minimum| !minimum.is_empty()) {
            request = request.header(MIN_VERSION_HEADER, minimum.to_string());
        }
        if known.since_now {
            let marks = lock(&self.marks).get(&place.server).map(Marks::all);
            request = request.header(SINCE_HEADER, marks.as_deref().unwrap_or(SINCE_NOW));
        }
        let state = known.environment.and_then(|known| known.state.as_deref());
        if let Some(state) = state.and_then(carried) {
            request = request.header("X-Config-State", state);
        }
        request
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let limit = self.requests.max_response_bytes;
        // Once for the whole, where the server tells the truth.
        let length = usize::try_from(response.content_length().unwrap_or_default());
        let room = length.unwrap_or(limit).min(limit).min(MOST_AT_ONCE);
        let mut body = Vec::with_capacity(room);
        while let Some(chunk) = response.chunk().await.map_err(Failure::of)? {
            if body.len() + chunk.len() > limit {
                return Err(Failure::TooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// A text of a server as a header, unless it is empty or none that HTTP can carry.
fn carried(text: &str) -> Option<HeaderValue> {
    let value = (!text.is_empty()).then(|| HeaderValue::from_bytes(text.as_bytes()))?;
    value.ok()
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
        if is_refused(&error) {
            return Self::Refused;
        }
        // The innermost cause says it best ("Connection reset by peer"), and knows no address with a query.
        Self::Connection(innermost(&error.without_url()))
    }

    /// Whether the server is broken rather than of another mind.
    pub(crate) fn is_of_server(&self) -> bool {
        self.is_of_connection() || matches!(self, Self::Status { status: 500.. })
    }

    pub(crate) fn is_of_connection(&self) -> bool {
        matches!(self, Self::Connection(_) | Self::Refused | Self::Timeout)
    }
}
