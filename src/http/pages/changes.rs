//! `GET /_/api/changes`: tells pages that something changed, and never what; they ask for themselves again, as whoever
//! looks at them.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::{StatusCode, header};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{Instant, MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use super::super::{access::Asking, error::Failure, events::end};
use crate::ledger::Ledger;

/// Streams at a time: each tab that is looked at has one.
const ROOM: usize = 128;
/// A page that hears nothing for longer than that says so.
const BEAT: Duration = Duration::from_secs(4);
/// A page is not told more often.
const REST: Duration = Duration::from_millis(250);

/// Room for streams, and by what one start of the server is told from another.
#[derive(Debug, Clone)]
pub(in super::super) struct Changes {
    room: Arc<Semaphore>,
    start: Arc<str>,
}

impl Default for Changes {
    fn default() -> Self {
        let start = uuid::Uuid::new_v4().simple().to_string();
        Self {
            room: Arc::new(Semaphore::new(ROOM)),
            start: start[..8].into(),
        }
    }
}

/// `hello`, then `changed` whenever something did, and `beat` in between, each with the number of the last change. Whoever
/// comes back with another number than `hello` says has missed something.
pub(in super::super) async fn stream(
    asking: Asking,
    State(changes): State<Changes>,
    State(ledger): State<Ledger>,
    State(shutdown): State<CancellationToken>,
) -> Result<Response, Failure> {
    let full =
        |_| Failure::new(StatusCode::SERVICE_UNAVAILABLE).explained("too many pages are followed");
    let permit = changes.room.try_acquire_owned().map_err(full)?;
    let mut moves = ledger.moves();
    let hello = event("hello", &changes.start, *moves.borrow_and_update());
    let mut beat = interval_at(Instant::now() + BEAT, BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let follower = Follower {
        moves,
        beat,
        start: changes.start,
        _permit: permit,
    };
    let events = stream::iter([hello])
        .chain(follower.events())
        .map(Ok::<_, Infallible>)
        .take_until(end(asking.until(), shutdown));
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

struct Follower {
    moves: watch::Receiver<u64>,
    beat: tokio::time::Interval,
    start: Arc<str>,
    _permit: OwnedSemaphorePermit,
}

impl Follower {
    fn events(self) -> impl Stream<Item = Bytes> {
        stream::unfold(self, |mut follower| async move {
            let name = tokio::select! {
                changed = follower.moves.changed() => {
                    changed.ok()?;
                    // What comes at once is told at once.
                    tokio::time::sleep(REST).await;
                    "changed"
                }
                _ = follower.beat.tick() => "beat",
            };
            let number = *follower.moves.borrow_and_update();
            Some((event(name, &follower.start, number), follower))
        })
    }
}

fn event(name: &str, start: &str, number: u64) -> Bytes {
    format!("event: {name}\nid: {start}-{number}\ndata: {{}}\n\n").into()
}
