//! Counts how often servers gave an answer again instead of making it anew, so that it shows that the cases reach that, too.

use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::{Event, Metadata, Subscriber, field::Field, level_filters::LevelFilter, span};

use super::wire::Answer;

/// What a server says when it does.
const MESSAGE: &str = "request answered from memory";
/// The room that says it, whichever of its files does.
const SPEAKER: &str = "confbus::http::front";

static GIVEN_AGAIN: AtomicUsize = AtomicUsize::new(0);
static ASKED_AGAIN: AtomicUsize = AtomicUsize::new(0);

/// Listens to the servers of this process.
///
/// # Errors
/// When somebody else does already.
pub(crate) fn listen() -> anyhow::Result<()> {
    Ok(tracing::subscriber::set_global_default(Counter)?)
}

/// A read was answered once more. Only found configuration counts: an error is kept for less than a second.
pub(crate) fn asked_again(answer: &Answer) {
    if answer.status == 200 {
        ASKED_AGAIN.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many reads were asked again and found something, and how often something was answered from memory.
pub(crate) fn counts() -> (usize, usize) {
    let [asked, given] = [&ASKED_AGAIN, &GIVEN_AGAIN].map(|count| count.load(Ordering::Relaxed));
    (asked, given)
}

/// Hears nothing else.
struct Counter;

impl Subscriber for Counter {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with(SPEAKER)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut |field: &Field, value: &dyn std::fmt::Debug| {
            if field.name() == "message" && format!("{value:?}") == MESSAGE {
                GIVEN_AGAIN.fetch_add(1, Ordering::Relaxed);
            }
        });
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
