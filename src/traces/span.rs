use std::{borrow::Cow, time::SystemTime};

use opentelemetry::{
    KeyValue, Value,
    trace::{Span as _, Status},
};

use super::TraceContext;

/// A part of a story that is not over; it is with its drop. Nothing where nothing is traced.
#[derive(Debug, Default)]
pub(crate) struct Span(Option<opentelemetry_sdk::trace::Span>);

impl Span {
    pub(super) fn of(span: opentelemetry_sdk::trace::Span) -> Self {
        Self(Some(span))
    }

    /// For what follows from it.
    pub(crate) fn context(&self) -> TraceContext {
        let span = self.0.as_ref();
        span.map_or_else(TraceContext::default, |span| {
            TraceContext::of(span.span_context())
        })
    }

    /// Never a key or a value of a configuration, never an address with credentials.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        if let Some(span) = &mut self.0 {
            span.set_attribute(KeyValue::new(name, value));
        }
        self
    }

    /// It came to nothing, in a word or two of ours.
    pub(crate) fn failed(mut self, why: impl Into<Cow<'static, str>>) -> Self {
        if let Some(span) = &mut self.0 {
            span.set_status(Status::error(why));
        }
        self
    }

    pub(crate) fn end(self) {}

    /// It was over before it was told.
    pub(crate) fn end_at(mut self, at: SystemTime) {
        if let Some(span) = &mut self.0 {
            span.end_with_timestamp(at);
        }
    }
}
