//! The config space: every path that is no fixed route.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use confbus_resolution::Conversion;
use http::{HeaderMap, HeaderName, Method};

use super::{
    Settings,
    access::Asking,
    body, encryption, environments,
    error::Failure,
    gate::Plane,
    keep::Keep,
    lagging::{Patience, Wanting},
    methods,
    reader::Reader,
    resources::{self, Judge},
    route::{Ask, Query, Refusal, Route, route},
    target::segments,
};
use crate::{
    environment_repository::{EnvironmentRepository, Reuse},
    ledger::{Answered, Ledger},
    metrics::Asked as Counted,
    vault::Token,
};

/// Opens Vaults.
pub(super) const CONFIG_TOKEN: HeaderName = HeaderName::from_static("x-config-token");

/// Routes by the raw path and answers.
pub(super) async fn find(
    State(settings): State<Arc<Settings>>,
    State(repository): State<EnvironmentRepository>,
    State(ledger): State<Ledger>,
    State(patience): State<Patience>,
    asking: Asking,
    request: Request,
) -> Response {
    let mut counted = Counted::default();
    let rooms = (&*settings, &repository, &ledger, &patience);
    let answer = found(rooms, asking, request, &mut counted).await;
    let mut answer = answer.unwrap_or_else(IntoResponse::into_response);
    answer.extensions_mut().insert(counted);
    answer
}

/// Says on the way what the request is counted as.
async fn found(
    (settings, repository, ledger, patience): (
        &Settings,
        &EnvironmentRepository,
        &Ledger,
        &Patience,
    ),
    asking: Asking,
    request: Request,
    counted: &mut Counted,
) -> Result<Response, Failure> {
    // Before anything is said, be it that there is nothing.
    asking.may_enter()?;
    let (
        http::request::Parts {
            method,
            uri,
            headers,
            extensions,
            ..
        },
        body,
    ) = request.into_parts();
    let below = below(settings, uri.path());
    let segments = segments(below.ok_or_else(Failure::not_found)?);
    if let Some(endpoint) = encryption::endpoint(&segments, &method) {
        *counted = endpoint.route().into();
        if let Some(wanted) = endpoint.wanted(&segments) {
            asking.may(&wanted)?;
        }
        let request = encryption::Request {
            headers: &headers,
            query: uri.query(),
            body: body::read(body, settings.limits.body, &settings.limits).await?,
            asking: &asking,
        };
        return endpoint.answer(settings, &method, &request);
    }
    let plane = extensions.get::<Plane>();
    if plane.is_some_and(|plane| !plane.has_configuration()) {
        return Err(Failure::not_found());
    }
    let query = Query::parse(uri.query());
    let way = route(&segments, &query).ok_or_else(Failure::not_found)?;
    *counted = way.template().into();
    if !matches!(method, Method::GET | Method::HEAD) {
        return methods::other(&method, methods::READ);
    }
    let find = Find {
        settings,
        repository,
        headers: &headers,
        asking: &asking,
    };
    let ask_of = |route: Route| route.ask(&query, &headers, &settings.limits);
    let mut ask = ask_of(way);
    let wanted = ask.as_ref().ok().map(Ask::wanted);
    if let Some(wanted) = &wanted {
        asking.may(wanted)?;
    }
    let mut wanting = Wanting::of(&headers);
    let (answer, mut keep, is_divided) = loop {
        let news = repository.news();
        // What changes from here on begins another generation, in which this answer is not given again.
        let is_divided = ask
            .as_ref()
            .is_ok_and(|ask| repository.is_divided(ask.request()));
        let generation = repository.generation();
        let (answer, keep) = find.answer(ask).await;
        if !wanting.lags(&keep.past, || repository.generation() == generation) {
            break (answer, keep, is_divided);
        }
        if !wanting.waits(patience, &keep.past, news).await {
            return Ok(wanting.sent_away(patience));
        }
        ask = route(&segments, &query)
            .map(ask_of)
            .ok_or_else(Failure::not_found)?;
    };
    // It was made in a later generation than its request came in.
    let has_waited = wanting.has_waited();
    let mut answer = answer.unwrap_or_else(IntoResponse::into_response);
    // Who asks for the head only has not read what stands below it.
    if let (Method::GET, Some(answered)) = (method, &keep.answered) {
        let reader = Reader::of(&headers, &extensions);
        ledger.read(reader.read(Arc::clone(answered), false));
    }
    if repository.reuse() != Reuse::Never && !is_divided && !has_waited {
        let wanted = keep.wanted.take().or(wanted);
        keep.wanted = wanted.filter(|_| asking.access().has_rules());
        answer.extensions_mut().insert(keep);
    }
    Ok(answer)
}

/// What a path says to the config space.
fn below<'p>(settings: &Settings, path: &'p str) -> Option<&'p str> {
    let below = settings.context_path.below(path)?;
    settings.prefix.below(below)
}

/// Whether it is an environment that is read here, and little is to be read for it.
pub(super) fn is_small(
    settings: &Settings,
    repository: &EnvironmentRepository,
    target: &str,
    headers: &HeaderMap,
) -> bool {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Some(segments) = below(settings, path).map(segments) else {
        return false;
    };
    // Below these are also others than applications.
    if segments
        .first()
        .is_some_and(|first| matches!(first.as_str(), "actuator" | "confbus"))
    {
        return false;
    }
    let query = Query::parse(Some(query));
    let route = route(&segments, &query);
    match route.map(|route| route.ask(&query, headers, &settings.limits)) {
        Some(Ok(Ask::Environment { request, .. } | Ask::Converted { request, .. })) => {
            repository.is_small(&request)
        }
        _ => false,
    }
}

/// How an ask is answered.
struct Find<'r> {
    settings: &'r Settings,
    repository: &'r EnvironmentRepository,
    headers: &'r HeaderMap,
    asking: &'r Asking,
}

impl Find<'_> {
    /// The answer, and what there is to know to give it again.
    async fn answer(&self, ask: Result<Ask, Refusal>) -> (Result<Response, Failure>, Keep) {
        let mut keep = Keep::default();
        let answer = match ask {
            Ok(ask) => self.asked(ask, &mut keep).await,
            Err(refusal) => Err(refusal.into()),
        };
        (answer, keep)
    }

    async fn asked(&self, ask: Ask, keep: &mut Keep) -> Result<Response, Failure> {
        let repository = self.repository;
        if repository.reuse() == Reuse::Sure {
            keep.sure_of = Some(ask.read());
        }
        let answered = |request, version, is_environment| {
            Some(Arc::new(Answered {
                request,
                version,
                is_environment,
            }))
        };
        match ask {
            Ask::Environment {
                request,
                representation,
                content_type,
            } => {
                let told = environments::find(
                    repository,
                    &request,
                    representation,
                    &content_type,
                    self.headers,
                )
                .await?;
                keep.answered = answered(request, told.version, true);
                keep.past = told.past;
                Ok(told.answer)
            }
            Ask::Converted {
                request,
                format,
                placeholders,
            } => {
                let conversion = Conversion {
                    format,
                    placeholders,
                    strip_document: self.settings.strip_document,
                };
                let told =
                    environments::convert(repository, &request, conversion, self.headers).await?;
                keep.answered = answered(request, told.version, false);
                keep.past = told.past;
                Ok(told.answer)
            }
            Ask::Resource { .. } if !repository.has_files() => Err(Failure::not_found()),
            Ask::Resource {
                request,
                path,
                form,
            } => {
                let mut judge = Judge::new(self.asking, &request, &path);
                let answer =
                    resources::find(repository, &mut judge, &request, &path, form, self.headers)
                        .await;
                keep.wanted = Some(judge.into_wanted());
                answer
            }
        }
    }
}

/// The token that a request brings along for Vaults.
pub(super) fn config_token(headers: &HeaderMap) -> Option<Token> {
    Token::of_header(headers.get(CONFIG_TOKEN)?)
}
