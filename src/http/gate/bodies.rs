//! Bodies that are being read: nobody is known yet who sends one, and it may come as slowly as it likes.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{
    Error,
    body::{Body, HttpBody},
};
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use crate::{
    http::{
        Limits,
        places::{Place, Places},
    },
    network::Network,
};

/// Bytes that all bodies together may have.
const BYTES: usize = 256 << 20;
/// Bodies at a time, however short they may be at most: far fewer than there may be requests.
const MOST: usize = 256;
/// The part of them that one network may have.
const SHARE: usize = 4;

/// There are too many bodies to be read.
#[derive(Debug, thiserror::Error)]
#[error("too many bodies are being read")]
pub(in crate::http) struct TooMany;

/// A body that takes a place when somebody begins to read it, and keeps it until it is dropped.
struct Bounded {
    body: Body,
    places: Arc<Places>,
    network: Option<Network>,
    place: Option<Place>,
}

pub(super) fn places(limits: &Limits) -> Arc<Places> {
    let longest = limits.webhook.max(limits.body).max(1);
    let all = (BYTES / longest).clamp(1, MOST);
    Places::new(all, all.div_ceil(SHARE))
}

/// The same body, which takes one of these places.
pub(super) fn bounded(body: Body, places: &Arc<Places>, network: Option<Network>) -> Body {
    if body.is_end_stream() {
        return body;
    }
    Body::new(Bounded {
        body,
        places: Arc::clone(places),
        network,
        place: None,
    })
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.place.is_none() {
            self.place = self.places.take(self.network);
        }
        match self.place {
            Some(_) => Pin::new(&mut self.body).poll_frame(cx),
            None => Poll::Ready(Some(Err(Error::new(TooMany)))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{poll, stream};

    use super::*;
    use crate::http::body::read;

    #[tokio::test]
    async fn slow_bodies_leave_room_for_those_of_others() {
        let limits = Limits::default();
        let places = Places::new(3, 2);
        let network = |address: [u8; 4]| Some(Network::of(address.into()));
        let silent = || Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let slow = || {
            read(
                bounded(silent(), &places, network([10, 0, 0, 7])),
                4,
                &limits,
            )
        };
        let quick = |address| read(bounded("x".into(), &places, network(address)), 4, &limits);
        let mut slow = [(); 2].map(|()| Box::pin(slow()));
        for one in &mut slow {
            assert!(poll!(one).is_pending());
        }
        assert_eq!(quick([10, 0, 0, 7]).await.unwrap_err().status, 503);
        assert_eq!(quick([10, 0, 0, 8]).await.unwrap(), "x");
        drop(slow);
        assert_eq!(quick([10, 0, 0, 7]).await.unwrap(), "x");
    }
}
