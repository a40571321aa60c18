use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, header};
use opentelemetry_proto::{
    tonic::collector::trace::v1::ExportTraceServiceRequest,
    transform::{
        common::tonic::ResourceAttributesWithSchema,
        trace::tonic::group_spans_by_resource_and_scope,
    },
};
use opentelemetry_sdk::{Resource, trace::SpanData};
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::Settings;
use crate::{metrics, tls};

/// Spans of one request.
const MOST: usize = 512;
/// What belongs together comes together.
const SETTLE: Duration = Duration::from_millis(500);
/// Between tries with the same spans; the next pause is twice as long.
const PAUSE: Duration = Duration::from_secs(1);
/// Tries, when the collector is not there or asks for another one.
const TRIES: u32 = 4;
/// In the end, for all that waits.
const LAST: Duration = Duration::from_secs(3);

/// Brings spans to a collector, by OTLP over HTTP.
#[derive(Debug)]
pub(crate) struct Exporter {
    http: reqwest::Client,
    settings: Settings,
    resource: ResourceAttributesWithSchema,
    spans: mpsc::Receiver<SpanData>,
    counted: metrics::Spans,
    /// Taken from the queue.
    batch: Vec<SpanData>,
    /// And on its way.
    parcel: Option<Parcel>,
    is_troubled: bool,
}

/// Spans as they are sent.
#[derive(Debug)]
struct Parcel {
    bytes: Bytes,
    spans: usize,
}

/// Why spans were not taken. None of them names the address or a header.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("{0}")]
    Unreachable(String),
    #[error("no answer in time")]
    Late,
    #[error("the collector answers {0}")]
    Refused(StatusCode),
}

impl Trouble {
    /// As the protocol says.
    fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Late => true,
            Self::Refused(status) => matches!(status.as_u16(), 429 | 502..=504),
        }
    }
}

impl Exporter {
    /// # Errors
    /// When TLS is wanted and this machine trusts nobody.
    pub(super) fn new(
        settings: Settings,
        resource: &Resource,
        spans: mpsc::Receiver<SpanData>,
        counted: metrics::Spans,
    ) -> Result<Self, String> {
        let http = tls::client(settings.endpoint.scheme() == "https")?
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self {
            http,
            settings,
            resource: resource.into(),
            spans,
            counted,
            batch: Vec::new(),
            parcel: None,
            is_troubled: false,
        })
    }

    /// Works until `shutdown`, and then sends once what is left.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        _ = shutdown.run_until_cancelled(self.work()).await;
        self.spans.close();
        _ = tokio::time::timeout(LAST, self.send_rest()).await;
        let left = self.parcel.as_ref().map_or(0, |parcel| parcel.spans);
        self.counted
            .failed(left + self.batch.len() + self.spans.len());
    }

    async fn work(&mut self) {
        while self.gather().await {
            self.deliver().await;
        }
    }

    async fn send_rest(&mut self) {
        while self.parcel.is_some() || self.gather().await {
            let result = self.post().await;
            let is_over = result.is_err();
            self.note(result);
            if is_over {
                return;
            }
        }
    }

    /// Waits for spans, and a moment for more. False when there will be none. A stop meanwhile loses none.
    async fn gather(&mut self) -> bool {
        if self.batch.is_empty() {
            if self.spans.recv_many(&mut self.batch, MOST).await == 0 {
                return false;
            }
            if !self.spans.is_closed() {
                tokio::time::sleep(SETTLE).await;
            }
        }
        while self.batch.len() < MOST
            && let Ok(span) = self.spans.try_recv()
        {
            self.batch.push(span);
        }
        let batch = std::mem::take(&mut self.batch);
        self.parcel = Some(self.pack(batch));
        true
    }

    fn pack(&self, batch: Vec<SpanData>) -> Parcel {
        let spans = batch.len();
        let resource_spans = group_spans_by_resource_and_scope(batch, &self.resource);
        let request = ExportTraceServiceRequest { resource_spans };
        Parcel {
            bytes: request.encode_to_vec().into(),
            spans,
        }
    }

    /// Tries again a few times what may succeed later; meanwhile the queue takes what comes, or counts it.
    async fn deliver(&mut self) {
        let mut pause = PAUSE;
        for _ in 1..TRIES {
            let result = self.post().await;
            let is_over = result
                .as_ref()
                .map_or_else(|trouble| !trouble.may_pass(), |()| true);
            if is_over {
                return self.note(result);
            }
            self.tell(&result);
            tokio::time::sleep(pause.mul_f64(1.0 + fastrand::f64() / 2.0)).await;
            pause *= 2;
        }
        let result = self.post().await;
        self.note(result);
    }

    async fn post(&self) -> Result<(), Trouble> {
        let Some(parcel) = &self.parcel else {
            return Ok(());
        };
        let request = self.http.post(self.settings.endpoint.clone());
        let request = request.headers(self.settings.headers.clone());
        let request = request.header(header::CONTENT_TYPE, "application/x-protobuf");
        let sent = request.body(parcel.bytes.clone()).send();
        let answer = tokio::time::timeout(self.settings.timeout, sent).await;
        let answer = answer.map_err(|_| Trouble::Late)?;
        let answer = answer.map_err(|error| Trouble::Unreachable(tls::cause(error)))?;
        if answer.status().is_success() {
            return Ok(());
        }
        Err(Trouble::Refused(answer.status()))
    }

    /// What becomes of the spans is decided.
    fn note(&mut self, result: Result<(), Trouble>) {
        self.tell(&result);
        let spans = self.parcel.take().map_or(0, |parcel| parcel.spans);
        match result {
            Ok(()) => self.counted.sent(spans),
            Err(_) => self.counted.failed(spans),
        }
    }

    /// Once when it begins and once when it ends.
    fn tell(&mut self, result: &Result<(), Trouble>) {
        match result {
            Err(error) if !self.is_troubled => {
                self.is_troubled = true;
                warn!(event = "traces.unreachable", error.text = %error, "the collector takes no spans; what does not fit into the queue is dropped");
            }
            Ok(()) if self.is_troubled => {
                self.is_troubled = false;
                info!(
                    event = "traces.reachable",
                    "the collector takes spans again"
                );
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        for (status, expected) in [
            (400, false),
            (401, false),
            (404, false),
            (429, true),
            (500, false),
            (503, true),
        ] {
            let trouble = Trouble::Refused(StatusCode::from_u16(status).unwrap());
            assert_eq!(trouble.may_pass(), expected, "{status}");
        }
        assert!(Trouble::Late.may_pass());
    }
}
