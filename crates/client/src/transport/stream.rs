use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use confbus_bus::Message;
use confbus_protocol::BusEvent;
use futures_util::{Stream, StreamExt};
use reqwest::{Response, StatusCode, header};
use sse_stream::{Sse, SseByteStream};
use tracing::debug;

use super::Listener;
use crate::{
    error::{Failure, innermost},
    fetch::identified,
    health::BusHealth,
    jitter,
    servers::{Known, Servers},
    settings::Requests,
};

/// A server says something every 15 s; after three times that, it or the way to it is gone.
pub(crate) const SILENCE: Duration = Duration::from_secs(45);

/// A server that has no stream may be replaced by one that has.
const UNTIL_ASKED_AGAIN: Duration = Duration::from_secs(300);

/// Between two events; Spring's are below 1 kB.
const MAX_EVENT_BYTES: usize = 1 << 20;

/// Hears events over HTTP until it is dropped.
pub(crate) struct EventStream {
    pub(crate) http: reqwest::Client,
    pub(crate) requests: Requests,
    pub(crate) servers: Arc<Servers>,
    pub(crate) listener: Listener,
}

/// What is said before a message, since that is Spring's.
#[derive(Default)]
struct Beside {
    labels: Vec<String>,
    window: Duration,
}

/// Why a stream is over.
enum End {
    Unsupported,
    Failed(String),
    /// It worked, and then it ended.
    Broken(String),
}

impl EventStream {
    /// Goes from server to server for ever.
    pub(crate) async fn run(self) {
        self.listener.report(BusHealth::Connecting);
        let mut failures = 0_u32;
        let mut unsupported = 0;
        let mut last = None;
        loop {
            let Some(known) = self.servers.behind(last) else {
                // A registry has named nobody yet.
                tokio::time::sleep(jitter::backoff(1)).await;
                continue;
            };
            last = Some(known.id);
            let server = &known.server;
            let pause = match self.follow(&known).await {
                End::Unsupported => {
                    unsupported += 1;
                    if unsupported < self.servers.all().len() {
                        continue;
                    }
                    self.listener.report(BusHealth::Unsupported);
                    jitter::around(UNTIL_ASKED_AGAIN)
                }
                End::Failed(reason) => {
                    failures = failures.saturating_add(1);
                    self.listener.report(BusHealth::Disconnected {
                        reason: format!("{server}: {reason}"),
                    });
                    jitter::backoff(failures)
                }
                End::Broken(reason) => {
                    failures = 1;
                    self.listener.report(BusHealth::Disconnected {
                        reason: format!("{server}: {reason}"),
                    });
                    jitter::backoff(failures)
                }
            };
            unsupported = 0;
            tokio::time::sleep(pause).await;
        }
    }

    /// Hears one stream to its end.
    async fn follow(&self, known: &Known) -> End {
        let server = &known.server;
        let request = self
            .http
            .get(server.at(["confbus", "events"]))
            .header(header::ACCEPT, "text/event-stream");
        let response = match identified(request, &self.requests, server).send().await {
            Ok(response) => response,
            Err(error) => return End::Failed(Failure::of(error).to_string()),
        };
        if let Some(end) = refusal(&response) {
            return end;
        }
        let unread = Arc::new(AtomicUsize::new(0));
        let mut events = pin!(SseByteStream::new(bounded(response, Arc::clone(&unread))));
        let mut greeted = false;
        let mut beside = Beside::default();
        let reason = loop {
            match events.next().await {
                Some(Ok(event)) => {
                    unread.store(0, Ordering::Relaxed);
                    greeted |= self.hear(event, &mut beside).await;
                }
                Some(Err(error)) => break innermost(&error),
                None => break "the stream ended".to_owned(),
            }
        };
        if greeted {
            End::Broken(reason)
        } else {
            End::Failed(reason)
        }
    }

    /// Returns whether the event was the greeting. What is said beside a message holds for the one that follows it.
    async fn hear(&self, event: Sse, beside: &mut Beside) -> bool {
        let Sse {
            event: name,
            data,
            id,
            ..
        } = event;
        match name.as_deref() {
            Some("hello") => {
                self.listener.look_again();
                self.listener.report(BusHealth::Connected);
                return true;
            }
            None | Some("message") => {}
            Some("window") => {
                let millis = data.and_then(|data| data.parse::<u32>().ok());
                beside.window = Duration::from_millis(millis.unwrap_or_default().into());
                return false;
            }
            Some("labels") => {
                let labels = data.unwrap_or_default();
                beside.labels = labels.split_whitespace().map(str::to_owned).collect();
                return false;
            }
            Some(_) => return false,
        }
        let Beside { labels, window } = std::mem::take(beside);
        let Some(data) = data else { return false };
        match BusEvent::from_json(data.as_bytes()) {
            Ok(event) => {
                let commit = id.filter(|id| !id.is_empty());
                // Nothing carries an ack from here.
                let message = Message {
                    commit,
                    labels,
                    window,
                    ..Message::of(event)
                };
                self.listener.hear(&message).await;
            }
            Err(error) => debug!(%error, "skipped what is no bus event"),
        }
        false
    }
}

/// Why an answer is no stream.
fn refusal(response: &Response) -> Option<End> {
    let content_type = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match response.status() {
        StatusCode::OK if content_type.starts_with("text/event-stream") => None,
        // Spring's server takes the path for an application called `confbus`, and answers with JSON.
        StatusCode::OK
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED
        | StatusCode::NOT_ACCEPTABLE => Some(End::Unsupported),
        status => Some(End::Failed(Failure::of_status(status).to_string())),
    }
}

/// The body, ended when too much of it makes no event: the decoder itself would collect without end.
fn bounded(
    response: Response,
    unread: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<bytes::Bytes, std::io::Error>> {
    response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|error| std::io::Error::other(Failure::of(error).to_string()))?;
        if unread.fetch_add(chunk.len(), Ordering::Relaxed) + chunk.len() > MAX_EVENT_BYTES {
            return Err(std::io::Error::other("an event is too large"));
        }
        Ok(chunk)
    })
}
