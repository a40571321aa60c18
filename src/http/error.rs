//! Errors as Spring Boot tells them.
//!
//! A handler returns a [`Failure`]; [`super::edge`], which knows the request, writes it out. Our own faults and those of a
//! configuration's author carry a `message`; others have none unless settings ask for it, as in Spring.

mod causes;
mod page;

use std::{sync::Arc, time::Duration};

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

use page::Page;
pub(super) use page::{error_page, to_json};

use super::denials::Denial;
use crate::metrics::{Asked, Denied, Unmatched};

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

    /// With `Accept` as the list of what could be had.
    pub(super) fn not_acceptable(producible: &str) -> Self {
        let failure = Self::new(StatusCode::NOT_ACCEPTABLE);
        match HeaderValue::try_from(producible) {
            Ok(producible) => failure.with(header::ACCEPT, producible),
            Err(_) => failure,
        }
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

    /// The message, if it is shown in any case.
    pub(super) fn told(&self) -> Option<&str> {
        self.message.as_deref().filter(|_| self.explained)
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

/// Not less than what is waited for.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
