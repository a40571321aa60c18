//! Anything that another server says on the bus: it is learnt or refused, and what is learnt is bounded and can be told.

use std::sync::Arc;

use confbus_protocol::BusId;
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, oneshot};

use super::{
    book::Book,
    entry::{Entry, RefreshId},
    news::{LONGEST_PART, News, Tell, Untold},
    now,
    records::{MAX_REFRESHES, Records},
    refresh::Refresh,
};

/// What stands around the parts of a message.
const ENVELOPE: &str = r#"{"instances":[],"refreshes":[]}"#;
/// When all that is old is forgotten, in milliseconds from now.
const LATER: i64 = 10 * 24 * 60 * 60 * 1000;

/// Messages, a line each, as they lie in an event. At the end the first refresh comes under more ids than are kept.
///
/// # Panics
/// When more refreshes are kept than may be, or when others could not read what they would be told.
pub fn news(messages: &[u8]) {
    let own = BusId::new("config-server:8888:77aa").expect("an id");
    let mut book = Book::new(own, Records::default());
    book.untold = Some(Untold::default());
    let now = now();
    let mut first = None;
    for message in messages.split(|byte| *byte == b'\n').take(32) {
        let Ok(told) = serde_json::from_slice::<Value>(message) else {
            continue;
        };
        if let Ok(news) = News::of(&told) {
            first = first.or_else(|| news.refreshes.first().cloned());
            learn(&mut book, news, now);
        }
    }
    assert_is_told(&mut book, now);
    if let Some(refresh) = first {
        learn(&mut book, more_than_are_kept(&refresh), now);
        assert_is_told(&mut book, now);
    }
    assert!(book.records().refreshes.len() <= MAX_REFRESHES);
    book.forget(now + LATER);
}

fn learn(book: &mut Book, news: News, now: i64) {
    let place = Arc::new(Semaphore::new(1)).try_acquire_owned();
    let place = place.expect("one place");
    book.write(Entry::Learnt(Box::new(news), place), now);
}

fn more_than_are_kept(refresh: &Refresh) -> News {
    let copies = (0..=MAX_REFRESHES).map(|number| {
        let mut copy = refresh.clone();
        copy.id = made_up(number);
        // By which it would be known.
        copy.events.clear();
        copy
    });
    News {
        instances: Vec::new(),
        refreshes: copies.collect(),
    }
}

fn made_up(number: usize) -> RefreshId {
    RefreshId::deserialize(json!(format!("r-{number:012x}"))).expect("an id")
}

fn assert_is_told(book: &mut Book, now: i64) {
    let (reply, mut told) = oneshot::channel();
    book.write(Entry::Tell(Tell::All, reply), now);
    for part in told.try_recv().expect("an answer").parts(now) {
        assert!(part.to_string().len() <= LONGEST_PART + ENVELOPE.len());
        assert!(News::of(&part).is_ok(), "{part}");
    }
}
