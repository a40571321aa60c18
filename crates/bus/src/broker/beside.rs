//! What travels beside the JSON, and how a message is read, whatever the broker.

use std::time::Duration;

use confbus_protocol::{BusEvent, DecodeError, LONGEST_TRACEPARENT};

use crate::Message;

/// The header that names the commit; Spring's receivers ignore it.
const COMMIT: &str = "confbus-commit";

/// The header that names the labels of the commit.
const LABELS: &str = "confbus-labels";

/// Longer lists are left out, on both ways: then the commit is only a hint.
const LONGEST_LABELS: usize = 4096;

/// The header that says how often the label has moved at the sender.
const GENERATION: &str = "confbus-generation";

/// The header that names the window, in milliseconds.
const WINDOW: &str = "confbus-window";

/// The header that names the trace, as everywhere.
const TRACE: &str = "traceparent";

/// A commit id has 40 or 64 hexadecimal digits.
const LONGEST_COMMIT: usize = 64;

/// A real event has some hundred bytes, one that sets many properties some thousand.
pub(crate) const LARGEST_BODY: usize = 64 * 1024;

/// Why a message is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[cfg(feature = "rabbit")]
    #[error("it is compressed")]
    Compressed,
    #[error("{0} bytes are more than {LARGEST_BODY}")]
    TooLarge(usize),
    #[error("{0}")]
    Malformed(DecodeError),
}

impl Unread {
    /// Without the figures, which differ from message to message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            #[cfg(feature = "rabbit")]
            Self::Compressed => "compressed",
            Self::TooLarge(_) => "too large",
            Self::Malformed(DecodeError::Json(_)) => "not JSON",
            Self::Malformed(_) => "not an event",
        }
    }
}

/// The headers of ours: only those that say something, since a header too many may cost the event.
pub(crate) fn headers(message: &Message) -> impl Iterator<Item = (&'static str, String)> {
    let labels = message.labels.join(" ");
    let fits = (1..=LONGEST_LABELS).contains(&labels.len());
    let window = message.window;
    [
        (COMMIT, message.commit.clone()),
        (LABELS, fits.then_some(labels)),
        (
            GENERATION,
            message.generation.map(|count| count.to_string()),
        ),
        (
            WINDOW,
            (!window.is_zero()).then(|| window.as_millis().to_string()),
        ),
        (TRACE, message.traceparent.clone()),
    ]
    .into_iter()
    .filter_map(|(name, text)| Some((name, text?)))
}

/// Reads a message from whomever; only the body and our own headers count.
pub(crate) fn message<'h>(
    body: &[u8],
    header: impl Fn(&'static str) -> Option<&'h str>,
) -> Result<Message, Unread> {
    if body.len() > LARGEST_BODY {
        return Err(Unread::TooLarge(body.len()));
    }
    let event = BusEvent::from_json(body).map_err(Unread::Malformed)?;
    let commit = header(COMMIT).filter(|commit| commit.chars().count() <= LONGEST_COMMIT);
    let labels = header(LABELS).filter(|list| list.len() <= LONGEST_LABELS);
    let labels = labels.unwrap_or_default().split_whitespace();
    // What is no number of milliseconds is no window.
    let window = header(WINDOW).and_then(|text| text.parse::<u32>().ok());
    let trace = header(TRACE).filter(|text| text.len() <= LONGEST_TRACEPARENT);
    Ok(Message {
        event,
        commit: commit.map(str::to_owned),
        labels: labels.map(str::to_owned).collect(),
        generation: header(GENERATION).and_then(|text| text.parse().ok()),
        window: Duration::from_millis(window.unwrap_or_default().into()),
        traceparent: trace.map(str::to_owned),
    })
}
