use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanProcessor},
};
use tokio::sync::mpsc;

use crate::metrics;

/// Spans that may wait for the collector, as many as OpenTelemetry has by default; some hundred bytes each.
const MOST: usize = 2048;

/// Takes spans that are over and holds nobody up: one too many is dropped and counted. The processors that come with
/// OpenTelemetry do not tell how many they dropped.
#[derive(Debug)]
pub(super) struct Queue {
    spans: mpsc::Sender<SpanData>,
    counted: metrics::Spans,
}

impl Queue {
    pub(super) fn new(counted: metrics::Spans) -> (Self, mpsc::Receiver<SpanData>) {
        let (spans, waiting) = mpsc::channel(MOST);
        (Self { spans, counted }, waiting)
    }
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if self.spans.try_send(span).is_err() {
            self.counted.dropped(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;
    use crate::metrics::{Form, Metrics};

    #[test]
    fn one_too_many_is_dropped_and_counted() {
        let metrics = Metrics::default();
        let (queue, waiting) = Queue::new(metrics.spans.clone());
        let provider = SdkTracerProvider::builder();
        let provider = provider.with_span_processor(queue).build();
        let tracer = provider.tracer("test");
        for _ in 0..MOST + 3 {
            drop(tracer.start("part"));
        }
        assert_eq!(waiting.len(), MOST);
        let page = metrics.page().written(Form::of(""));
        let line = "confbus_trace_spans_total{result=\"dropped\"} 3";
        assert!(page.contains(line), "{page}");
    }
}
