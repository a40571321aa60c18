//! `GET /confbus/events`: the events of the bus as a stream, for clients that cannot or need not reach the broker.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use confbus_bus::{Bus, Message, Signal, Subscription};
use confbus_protocol::{CommitId, EventKind};
use futures_util::{Stream, StreamExt as _, stream};
use http::{StatusCode, header};
use serde_json::json;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast, broadcast::error::RecvError},
    time::{Instant, MissedTickBehavior, interval_at, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{access::Asking, error::Failure};
use crate::{
    access::{Concern, Kind, Reach},
    environment_repository::EnvironmentRepository,
};

/// Proxies cut connections that are silent for 30 or 60 seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A line that means nothing.
const STILL_HERE: Bytes = Bytes::from_static(b":\n\n");
/// Events that a reader may fall behind before it is told to look again.
const BACKLOG: usize = 256;

/// All streams, and room for so many. Each event is written once, whoever reads.
#[derive(Debug, Clone)]
pub(crate) struct Streams {
    room: Arc<Semaphore>,
    /// With the writer everything ends that it wrote for.
    written: broadcast::WeakSender<Written>,
}

/// Writes what the streams carry.
#[derive(Debug)]
pub(crate) struct Writer {
    events: Subscription,
    written: broadcast::Sender<Written>,
}

/// Some lines, and who may read them.
#[derive(Debug, Clone)]
struct Written {
    lines: Bytes,
    /// Nothing for what everybody may read.
    concern: Option<Arc<Concern>>,
}

impl Streams {
    pub(super) fn new(room: usize, bus: &Bus) -> (Self, Writer) {
        let written = broadcast::Sender::new(BACKLOG);
        let streams = Self {
            room: Arc::new(Semaphore::new(room)),
            written: written.downgrade(),
        };
        let events = bus.subscribe();
        (streams, Writer { events, written })
    }

    /// Streams that are open.
    pub(super) fn open(&self) -> usize {
        let subscribed = self.written.upgrade();
        subscribed.map_or(0, |written| written.receiver_count())
    }
}

impl Writer {
    /// Writes until `shutdown` or the end of the bus.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut tick = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next = tokio::select! {
                () = shutdown.cancelled() => return,
                _ = tick.tick() => Written::to_all(STILL_HERE),
                signal = self.events.next() => match signal {
                    // Of servers, for servers.
                    Some(Signal::Message(message)) if matches!(message.event.kind, EventKind::Ledger { .. }) => continue,
                    Some(signal) => Written::of(&signal),
                    None => return,
                },
            };
            // The only error is that nobody reads.
            _ = self.written.send(next);
        }
    }
}

impl Written {
    fn of(signal: &Signal) -> Self {
        let concern = match signal {
            Signal::Message(message) => Some(Arc::new(Concern::of(&message.event))),
            Signal::LookAgain => None,
        };
        Self {
            lines: event(signal),
            concern,
        }
    }

    fn to_all(lines: Bytes) -> Self {
        Self {
            lines,
            concern: None,
        }
    }

    fn is_for(&self, reach: &Reach) -> bool {
        let concern = self.concern.as_deref();
        concern.is_none_or(|concern| reach.hears(concern))
    }
}

/// `hello` first, then `message` for each event that may concern applications of the caller, and `look-again` when some may have
/// been lost. It ends when what the caller showed is good no longer.
pub(super) async fn stream(
    asking: Asking,
    State(repository): State<EnvironmentRepository>,
    State(Streams { room, written }): State<Streams>,
    State(shutdown): State<CancellationToken>,
) -> Result<Response, Failure> {
    let full = |_| {
        Failure::new(StatusCode::SERVICE_UNAVAILABLE)
            .explained("too many streams of events are open")
    };
    let permit = room.try_acquire_owned().map_err(full)?;
    // Subscribed before the version is looked up, so that nothing falls between the two.
    let ended = || {
        Failure::new(StatusCode::SERVICE_UNAVAILABLE).explained("the stream of events has ended")
    };
    let reader = Reader {
        written: written.upgrade().ok_or_else(ended)?.subscribe(),
        reach: asking.reach(Kind::Events),
        _permit: permit,
    };
    let version = repository.version().map(|version| version.to_string());
    let hello = named("hello", &json!({ "version": version }).to_string());
    let events = stream::iter([hello.into()])
        .chain(reader.events())
        .map(Ok::<_, Infallible>)
        .take_until(end(asking.until(), shutdown));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// Comes with `until` or `shutdown`.
pub(super) async fn end(until: Option<std::time::Instant>, shutdown: CancellationToken) {
    match until {
        Some(until) => {
            let run_out = sleep_until(until.into());
            shutdown.run_until_cancelled(run_out).await;
        }
        None => shutdown.cancelled().await,
    }
}

struct Reader {
    written: broadcast::Receiver<Written>,
    reach: Reach,
    _permit: OwnedSemaphorePermit,
}

impl Reader {
    fn events(self) -> impl Stream<Item = Bytes> {
        stream::unfold(self, |mut reader| async move {
            loop {
                let next = match reader.written.recv().await {
                    Ok(written) if written.is_for(&reader.reach) => written.lines,
                    Ok(_) => continue,
                    Err(RecvError::Lagged(_)) => event(&Signal::LookAgain),
                    Err(RecvError::Closed) => return None,
                };
                return Some((next, reader));
            }
        })
    }
}

fn event(signal: &Signal) -> Bytes {
    let Signal::Message(Message {
        event,
        commit,
        labels,
        window,
        ..
    }) = signal
    else {
        return named("look-again", "{}").into();
    };
    let mut text = String::new();
    if !window.is_zero() {
        text = named("window", &window.as_millis().to_string());
    }
    if !labels.is_empty() {
        // None holds a blank, nor a line break.
        text += &named("labels", &labels.join(" "));
    }
    text += "event: message\ndata: ";
    text += &String::from_utf8_lossy(&event.to_json());
    // Others on the bus may put anything into that header, and line breaks would end the field.
    if let Some(commit) = commit.as_deref().and_then(CommitId::parse) {
        text += &format!("\nid: {commit}");
    }
    text += "\n\n";
    text.into()
}

/// `data` is a single line.
fn named(name: &str, data: &str) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

#[cfg(test)]
mod tests {
    use confbus_protocol::{BusEvent, BusId, Destination};

    use super::*;
    use crate::access::Caller;

    fn written(signal: &Signal) -> String {
        String::from_utf8(event(signal).to_vec()).unwrap()
    }

    #[test]
    fn events_are_written_with_their_commit_and_window() {
        let origin = BusId::new("configserver:8888:5f2b").unwrap();
        let event = BusEvent::refresh("e1".into(), 5, &origin, &Destination::everyone());
        let json = r#"{"type":"RefreshRemoteApplicationEvent","destinationService":"**","id":"e1","originService":"configserver:8888:5f2b","timestamp":5}"#;
        let message = |commit: Option<String>, window| {
            Signal::Message(Message {
                commit,
                window,
                ..Message::of(event.clone())
            })
        };
        let none = Duration::ZERO;

        assert_eq!(
            written(&message(Some("ab".repeat(20)), none)),
            format!("event: message\ndata: {json}\nid: {}\n\n", "ab".repeat(20))
        );
        for other in [None, Some("x\nevent: forged".to_owned())] {
            assert_eq!(
                written(&message(other, none)),
                format!("event: message\ndata: {json}\n\n")
            );
        }
        assert_eq!(
            written(&message(None, Duration::from_millis(40))),
            format!("event: window\ndata: 40\n\nevent: message\ndata: {json}\n\n")
        );
        let labelled = Message {
            labels: vec!["main".to_owned(), "*".to_owned()],
            ..Message::of(event.clone())
        };
        assert_eq!(
            written(&Signal::Message(labelled)),
            format!("event: labels\ndata: main *\n\nevent: message\ndata: {json}\n\n")
        );
        assert_eq!(
            written(&Signal::LookAgain),
            "event: look-again\ndata: {}\n\n"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn every_reader_gets_what_is_written_and_hears_when_it_fell_behind() {
        let bus = Bus::local();
        let (streams, writer) = Streams::new(2, &bus);
        let stop = CancellationToken::new();
        let reader = || Reader {
            written: streams.written.upgrade().unwrap().subscribe(),
            reach: Caller::Anyone.reach(Kind::Events),
            _permit: Arc::clone(&streams.room).try_acquire_owned().unwrap(),
        };
        let (mut one, mut slow) = (Box::pin(reader().events()), Box::pin(reader().events()));
        let running = tokio::spawn(writer.run(stop.clone()));

        // Time passes when nothing else happens.
        for _ in 0..=BACKLOG {
            assert_eq!(one.next().await, Some(STILL_HERE));
        }
        assert_eq!(slow.next().await, Some(event(&Signal::LookAgain)));
        assert_eq!(slow.next().await, Some(STILL_HERE));
        stop.cancel();
        running.await.unwrap();
        // What was written before is still read.
        let rest = tokio::time::timeout(KEEP_ALIVE, one.count());
        assert!(rest.await.is_ok(), "the stream goes on");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_with_the_proof_or_the_server() {
        let soon = Instant::now() + KEEP_ALIVE;
        end(Some(soon.into_std()), CancellationToken::new()).await;
        assert!(Instant::now() >= soon);
        let stop = CancellationToken::new();
        for until in [None, Some((soon + KEEP_ALIVE).into_std())] {
            let mut ending = Box::pin(end(until, stop.clone()));
            assert!(futures_util::poll!(&mut ending).is_pending());
        }
        stop.cancel();
        end(None, stop.clone()).await;
        end(Some((soon + KEEP_ALIVE).into_std()), stop).await;
        assert!(Instant::now() < soon + KEEP_ALIVE);
    }
}
