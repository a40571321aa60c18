//! Anything that another server says on the bus: it is learnt or refused, and what is learnt is bounded and can be told.

use std::sync::Arc;

use confbus_protocol::BusId;
use serde_json::Value;
use tokio::sync::{Semaphore, oneshot};

use super::{
    book::Book,
    entry::Entry,
    news::{News, Tell, Untold},
    now,
    records::{MAX_KEPT, MAX_REFRESHES, Records},
};

/// Bytes that the bus takes of one message.
const LONGEST: usize = 64 << 10;
/// When all that is old is forgotten, in milliseconds from now.
const LATER: i64 = 10 * 24 * 60 * 60 * 1000;

/// Messages, a line each, as they lie in an event.
///
/// # Panics
/// When more is kept than may be, or when others could not read what they would be told of it.
pub fn news(messages: &[u8]) {
    let own = BusId::new("config-server:8888:77aa").expect("an id");
    let mut book = Book::new(own, Records::default());
    book.untold = Some(Untold::default());
    let now = now();
    for message in messages.split(|byte| *byte == b'\n').take(32) {
        let Ok(told) = serde_json::from_slice::<Value>(message) else {
            continue;
        };
        if let Ok(news) = News::of(&told) {
            let place = Arc::new(Semaphore::new(1)).try_acquire_owned();
            let place = place.expect("one place");
            book.write(Entry::Learnt(Box::new(news), place), now);
        }
    }
    assert!(book.instances() <= MAX_KEPT);
    assert!(book.records().refreshes.len() <= MAX_REFRESHES);
    let (reply, mut told) = oneshot::channel();
    book.write(Entry::Tell(Tell::All, reply), now);
    for part in told.try_recv().expect("an answer").parts(now) {
        assert!(part.to_string().len() <= LONGEST);
        assert!(News::of(&part).is_ok(), "{part}");
    }
    book.forget(now + LATER);
}
