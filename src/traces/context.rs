use std::collections::HashMap;

use confbus_protocol::LONGEST_TRACEPARENT;
use opentelemetry::{
    Context,
    propagation::TextMapPropagator as _,
    trace::{SpanContext, TraceContextExt as _, TraceFlags},
};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// Where in which trace something happens; nowhere where nothing is traced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TraceContext(Option<SpanContext>);

impl TraceContext {
    pub(super) fn of(span: &SpanContext) -> Self {
        Self(Some(span.clone()).filter(SpanContext::is_valid))
    }

    /// What somebody else wrote, or nowhere.
    pub(super) fn of_traceparent(text: &str) -> Self {
        if text.len() > LONGEST_TRACEPARENT {
            return Self::default();
        }
        let headers = HashMap::from([("traceparent".to_owned(), text.to_owned())]);
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &headers);
        Self::of(context.span().span_context())
    }

    /// As the W3C has it written, for whoever goes on elsewhere.
    pub(crate) fn traceparent(&self) -> Option<String> {
        let span = self.0.as_ref()?;
        let flags = span.trace_flags() & TraceFlags::SAMPLED;
        let (trace, span) = (span.trace_id(), span.span_id());
        Some(format!("00-{trace}-{span}-{flags:02x}"))
    }

    pub(crate) fn is_nowhere(&self) -> bool {
        self.0.is_none()
    }

    /// Whether its spans are kept at all.
    pub(super) fn is_sampled(&self) -> bool {
        self.0.as_ref().is_some_and(SpanContext::is_sampled)
    }

    pub(super) fn span(&self) -> Option<&SpanContext> {
        self.0.as_ref()
    }

    /// For the parent of a span; without one it begins a trace.
    pub(super) fn as_parent(&self) -> Context {
        match &self.0 {
            Some(span) => Context::new().with_remote_span_context(span.clone()),
            None => Context::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        let written = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let read = TraceContext::of_traceparent(written);
        assert_eq!(read.traceparent().as_deref(), Some(written));
        assert!(read.is_sampled());
        let unsampled = TraceContext::of_traceparent(&written.replace("-01", "-00"));
        assert!(!unsampled.is_sampled() && !unsampled.is_nowhere());
    }

    #[test]
    fn what_is_no_traceparent_is_nowhere() {
        let zeros = format!("00-{}-b7ad6b7169203331-01", "0".repeat(32));
        let long = format!(
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-{}",
            "x".repeat(LONGEST_TRACEPARENT)
        );
        for text in [
            "",
            "00",
            "hello",
            "00-äöü-b7ad6b7169203331-01",
            &zeros,
            &long,
        ] {
            assert!(TraceContext::of_traceparent(text).is_nowhere(), "{text}");
        }
    }
}
