//! `GET /confbus/events`: the events of the bus as a stream, for clients that cannot or need not reach the broker.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    response::{
        IntoResponse as _, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use confbus_bus::{Bus, Message, Signal, Subscription};
use confbus_protocol::CommitId;
use futures_util::{Stream, StreamExt as _, stream};
use http::StatusCode;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::{access::Allowed, error::Failure};
use crate::environment_repository::EnvironmentRepository;

/// Proxies cut connections that are silent for 30 or 60 seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Room for so many streams.
#[derive(Debug, Clone)]
pub(super) struct Streams(Arc<Semaphore>);

impl Streams {
    pub(super) fn new(room: usize) -> Self {
        Self(Arc::new(Semaphore::new(room)))
    }
}

/// `hello` first, then `message` for each event and `look-again` when some may have been lost.
pub(super) async fn stream(
    State(bus): State<Bus>,
    State(repository): State<EnvironmentRepository>,
    State(Streams(room)): State<Streams>,
    State(shutdown): State<CancellationToken>,
    _: Allowed,
) -> Result<Response, Failure> {
    let full = |_| {
        Failure::new(StatusCode::SERVICE_UNAVAILABLE)
            .explained("too many streams of events are open")
    };
    let permit = room.try_acquire_owned().map_err(full)?;
    // Subscribed before the version is looked up, so that nothing falls between the two.
    let listener = Listener {
        subscription: bus.subscribe(),
        _permit: permit,
    };
    let version = repository.version().map(|version| version.to_string());
    let hello = named("hello", &json!({ "version": version }).to_string());
    let events = stream::iter([hello])
        .chain(listener.events())
        .map(Ok::<_, Infallible>)
        .take_until(shutdown.cancelled_owned());
    Ok(Sse::new(events)
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response())
}

struct Listener {
    subscription: Subscription,
    _permit: OwnedSemaphorePermit,
}

impl Listener {
    fn events(self) -> impl Stream<Item = Event> {
        stream::unfold(self, |mut listener| async move {
            let signal = listener.subscription.next().await?;
            Some((event(&signal), listener))
        })
    }
}

fn event(signal: &Signal) -> Event {
    match signal {
        Signal::LookAgain => named("look-again", "{}"),
        Signal::Message(Message { event, commit }) => {
            let told = named("message", &String::from_utf8_lossy(&event.to_json()));
            // Others on the bus may put anything into that header, and line breaks would end the field.
            match commit.as_deref().and_then(CommitId::parse) {
                Some(commit) => told.id(commit.to_string()),
                None => told,
            }
        }
    }
}

fn named(name: &str, data: &str) -> Event {
    Event::default().event(name).data(data)
}

#[cfg(test)]
mod tests {
    use confbus_protocol::{BusEvent, BusId, Destination};

    use super::*;

    async fn written(signal: Signal) -> String {
        let events = Sse::new(stream::iter([Ok::<_, Infallible>(event(&signal))]));
        let body = axum::body::to_bytes(events.into_response().into_body(), 10_000)
            .await
            .unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn events_are_written_with_their_commit() {
        let origin = BusId::new("configserver:8888:5f2b").unwrap();
        let event = BusEvent::refresh("e1".into(), 5, &origin, &Destination::everyone());
        let json = r#"{"type":"RefreshRemoteApplicationEvent","destinationService":"**","id":"e1","originService":"configserver:8888:5f2b","timestamp":5}"#;
        let message = |commit: Option<String>| {
            Signal::Message(Message {
                event: event.clone(),
                commit,
            })
        };

        assert_eq!(
            written(message(Some("ab".repeat(20)))).await,
            format!("event: message\ndata: {json}\nid: {}\n\n", "ab".repeat(20))
        );
        for other in [None, Some("x\nevent: forged".to_owned())] {
            assert_eq!(
                written(message(other)).await,
                format!("event: message\ndata: {json}\n\n")
            );
        }
        assert_eq!(
            written(Signal::LookAgain).await,
            "event: look-again\ndata: {}\n\n"
        );
    }
}
