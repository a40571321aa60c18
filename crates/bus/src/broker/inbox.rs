use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use confbus_protocol::EventKind;
use tokio::sync::broadcast;
use tracing::{debug, trace, warn};

use super::{Tally, Unread, count};
use crate::{Message, Signal};

/// One line for each kind of trouble and sender; beyond that many different ones none at all.
const MOST_COMPLAINTS: usize = 64;

/// Hands what is delivered to the subscribers, counts it, and complains of what is no event.
pub(crate) struct Inbox {
    signals: broadcast::Sender<Signal>,
    tally: Arc<Tally>,
    /// Hashes of what was complained of.
    complaints: HashSet<u64>,
}

impl Inbox {
    pub(crate) fn new(signals: broadcast::Sender<Signal>, tally: Arc<Tally>) -> Self {
        Self {
            signals,
            tally,
            complaints: HashSet::new(),
        }
    }

    /// What was read of so many bytes, and who says that they sent them.
    pub(crate) fn take(
        &mut self,
        read: Result<Message, Unread>,
        bytes: usize,
        sender: impl FnOnce() -> String,
    ) {
        match read {
            Ok(message) => self.hear(message),
            Err(unread) => self.complain(&unread, bytes, &sender()),
        }
    }

    /// Events may have been lost.
    pub(crate) fn look_again(&self) {
        self.pass_on(Signal::LookAgain);
    }

    fn hear(&mut self, message: Message) {
        let event = &message.event;
        trace!(
            event.id,
            event.r#type = event.type_name(),
            event.origin_service,
            event.destination_service,
            version = message.commit,
            "event"
        );
        count(&self.tally.heard);
        if matches!(event.kind, EventKind::Unknown { .. }) {
            count(&self.tally.unknown);
            if self.is_new("unknown type", event.type_name()) {
                debug!(
                    event.r#type = event.type_name(),
                    event.origin_service, "events of a type that is not known are passed over"
                );
            }
        }
        self.pass_on(Signal::Message(message));
    }

    fn complain(&mut self, unread: &Unread, bytes: usize, sender: &str) {
        let counter = match unread {
            #[cfg(feature = "rabbit")]
            Unread::Compressed => &self.tally.compressed,
            Unread::TooLarge(_) => &self.tally.oversized,
            Unread::Malformed(_) => &self.tally.malformed,
        };
        count(counter);
        if self.is_new(unread.kind(), sender) {
            warn!(reason = %unread, sender, bytes, "a message on the bus cannot be read; others like it are only counted");
        }
        // A hint that we cannot read is still a hint.
        #[cfg(feature = "rabbit")]
        if matches!(unread, Unread::Compressed) {
            self.look_again();
        }
    }

    fn is_new(&mut self, kind: &str, of: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        (kind, of).hash(&mut hasher);
        self.complaints.len() < MOST_COMPLAINTS && self.complaints.insert(hasher.finish())
    }

    fn pass_on(&self, signal: Signal) {
        // The only error is that nobody listens, which is no error on a bus.
        _ = self.signals.send(signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_is_made_once_for_each_kind_and_sender_and_not_without_end() {
        let mut inbox = Inbox::new(broadcast::Sender::new(1), Arc::default());
        assert!(inbox.is_new("not JSON", "orders"));
        assert!(!inbox.is_new("not JSON", "orders"));
        assert!(inbox.is_new("too large", "orders"));
        assert!(inbox.is_new("not JSON", "payments"));
        let further = (0..1000).filter(|number| inbox.is_new("not JSON", &number.to_string()));
        assert_eq!(further.count(), MOST_COMPLAINTS - 3);
    }
}
