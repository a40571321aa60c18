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
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

use super::super::{
    Settings,
    access::Asking,
    error::Failure,
    events::end,
    places::{Place, Places},
};
use crate::{ledger::Ledger, network::Network};

/// Streams at a time: each tab that is looked at has one.
const ROOM: usize = 128;
/// Those of one caller: more windows than anybody looks at, and few enough that others find room.
const ROOM_EACH: usize = 16;
/// When whoever found no room may look again.
const LATER: Duration = Duration::from_secs(10);
/// A page that hears nothing for longer than that says so.
const BEAT: Duration = Duration::from_secs(4);
/// A page is not told more often.
const REST: Duration = Duration::from_millis(250);

/// Room for streams, and by what one start of the server is told from another.
#[derive(Debug, Clone)]
pub(in super::super) struct Changes {
    room: Arc<Places<Whose>>,
    start: Arc<str>,
}

/// Whose share of the room a stream takes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Whose {
    Principal(Box<str>),
    /// Nobody has to be known.
    Network(Network),
}

impl Whose {
    /// Nobody's where no name is proved and the address stands for many.
    fn of(asking: &Asking, settings: &Settings) -> Option<Self> {
        if asking.caller.proved().is_some() {
            return Some(Self::Principal(asking.name().into()));
        }
        let network = asking.network()?;
        let counts = settings.limits.this_machine || !network.is_this_machine();
        counts.then_some(Self::Network(network))
    }
}

impl Default for Changes {
    fn default() -> Self {
        let start = uuid::Uuid::new_v4().simple().to_string();
        Self {
            room: Places::new(ROOM, ROOM_EACH),
            start: start[..8].into(),
        }
    }
}

impl Changes {
    fn place(&self, whose: Option<Whose>) -> Result<Place<Whose>, Failure> {
        let place = self.room.take(whose);
        place.ok_or_else(|| {
            let (status, text) = if self.room.are_taken() {
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "too many pages are followed",
                )
            } else {
                (
                    StatusCode::TOO_MANY_REQUESTS,
                    "you follow too many pages already; close some of them",
                )
            };
            Failure::later(status, LATER).explained(text)
        })
    }
}

/// `hello`, then `changed` whenever something did, and `beat` in between, each with the number of the last change. Whoever
/// comes back with another number than `hello` says has missed something.
pub(in super::super) async fn stream(
    asking: Asking,
    State(settings): State<Arc<Settings>>,
    State(changes): State<Changes>,
    State(ledger): State<Ledger>,
    State(shutdown): State<CancellationToken>,
) -> Result<Response, Failure> {
    let place = changes.place(Whose::of(&asking, &settings))?;
    let mut moves = ledger.moves();
    let hello = event("hello", &changes.start, *moves.borrow_and_update());
    let mut beat = interval_at(Instant::now() + BEAT, BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let follower = Follower {
        moves,
        beat,
        start: changes.start,
        _place: place,
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
    _place: Place<Whose>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_follows_many_pages_leaves_room_for_others() {
        let changes = Changes::default();
        let of = |name: &str| changes.place(Some(Whose::Principal(name.into())));
        let network = |last| Whose::Network(Network::of([10, 0, 0, last].into()));
        let anas: Vec<_> = (0..ROOM_EACH).map(|_| of("ana").unwrap()).collect();
        assert_eq!(of("ana").unwrap_err().status, 429);
        let mut others: Vec<_> = (1..ROOM / ROOM_EACH)
            .flat_map(|caller| (0..ROOM_EACH).map(move |_| caller))
            .map(|caller| changes.place(Some(network(caller as u8))).unwrap())
            .collect();
        assert_eq!(of("jo").unwrap_err().status, 503);
        others.pop();
        assert!(of("jo").is_ok());
        drop(anas);
        assert!(of("ana").is_ok());
    }
}
