use std::time::{Duration, SystemTime};

use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, ShortString},
};
use uuid::Uuid;

use crate::{
    Message,
    broker::{self, Unread},
};

/// As `MessageDeliveryMode.PERSISTENT`.
const PERSISTENT: u8 = 2;

/// The properties that Spring sets, no more and no fewer: a missing content type or a header too many costs the event.
pub(super) fn properties(message: &Message, now: SystemTime) -> BasicProperties {
    let since_1970 = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    let mut headers = FieldTable::default();
    for (name, text) in broker::headers(message) {
        headers.insert(name.into(), AMQPValue::LongString(text.into()));
    }
    BasicProperties::default()
        .with_content_type("application/json".into())
        .with_headers(headers)
        .with_delivery_mode(PERSISTENT)
        .with_priority(0)
        .with_message_id(Uuid::new_v4().to_string().into())
        .with_timestamp(since_1970.as_secs())
}

/// Reads a message from whomever; only body, encoding and our own headers count.
pub(super) fn read(properties: &BasicProperties, body: &[u8]) -> Result<Message, Unread> {
    if is_compressed(properties) {
        return Err(Unread::Compressed);
    }
    broker::message(body, |name| header(properties, name))
}

/// Some Java senders name the character set here.
fn is_compressed(properties: &BasicProperties) -> bool {
    let encoding = properties
        .content_encoding()
        .as_ref()
        .map_or("", ShortString::as_str);
    !["", "identity", "utf-8"]
        .iter()
        .any(|plain| encoding.eq_ignore_ascii_case(plain))
}

/// The text of a header of ours.
fn header<'p>(properties: &'p BasicProperties, name: &str) -> Option<&'p str> {
    match properties.headers().as_ref()?.inner().get(name)? {
        AMQPValue::LongString(text) => str::from_utf8(text.as_bytes()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use confbus_protocol::{BusEvent, BusId, Destination, NO_LABEL};

    use super::*;
    use crate::broker::LARGEST_BODY;

    const COMMIT_HEADER: &str = "confbus-commit";
    const TRACE_HEADER: &str = "traceparent";
    const WINDOW_HEADER: &str = "confbus-window";
    const LONGEST_LABELS: usize = 4096;
    const LONGEST_TRACE: usize = 128;
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn message(commit: Option<&str>) -> Message {
        let event = BusEvent::refresh(
            "e1".into(),
            1_705_329_000_123,
            &BusId::new("server:8888:cd34").unwrap(),
            &Destination::everyone(),
        );
        Message {
            commit: commit.map(str::to_owned),
            ..Message::of(event)
        }
    }

    fn with_header(name: &str, value: AMQPValue) -> BasicProperties {
        let mut headers = FieldTable::default();
        headers.insert(name.into(), value);
        BasicProperties::default().with_headers(headers)
    }

    #[test]
    fn what_we_send_we_read() {
        for (commit, generation, labels) in [
            (None, None, &[][..]),
            (Some("3f9c1e2"), Some(u64::MAX), &["main", NO_LABEL]),
        ] {
            let message = Message {
                labels: labels.iter().map(|label| (*label).to_owned()).collect(),
                generation,
                traceparent: generation.map(|_| TRACE.to_owned()),
                ..message(commit)
            };
            let properties = properties(&message, SystemTime::now());
            assert_eq!(
                read(&properties, &message.event.to_json()).unwrap(),
                message
            );
        }
    }

    #[test]
    fn a_list_of_labels_that_is_too_long_is_left_out() {
        let many = Message {
            labels: vec!["l".repeat(LONGEST_LABELS), NO_LABEL.to_owned()],
            ..message(Some("3f9c1e2"))
        };
        let properties = properties(&many, SystemTime::now());
        let heard = read(&properties, &many.event.to_json()).unwrap();
        assert_eq!(heard, message(Some("3f9c1e2")));
    }

    #[test]
    fn the_timestamp_counts_seconds() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_705_329_000_999);
        assert_eq!(
            *properties(&message(None), now).timestamp(),
            Some(1_705_329_000)
        );
    }

    #[test]
    fn no_property_is_needed() {
        let body = message(None).event.to_json();
        assert_eq!(
            read(&BasicProperties::default(), &body).unwrap(),
            message(None)
        );
        let utf8 = BasicProperties::default().with_content_encoding("UTF-8".into());
        assert_eq!(read(&utf8, &body).unwrap(), message(None));
    }

    #[test]
    fn a_commit_that_is_none_is_left_out() {
        let body = message(None).event.to_json();
        let commit_of = |value| {
            read(&with_header(COMMIT_HEADER, value), &body)
                .unwrap()
                .commit
        };
        assert_eq!(
            commit_of(AMQPValue::LongString("f".repeat(64).into())),
            Some("f".repeat(64))
        );
        for value in [
            AMQPValue::LongString("f".repeat(65).into()),
            AMQPValue::LongString(vec![0xff].into()),
            AMQPValue::LongInt(7),
        ] {
            assert_eq!(commit_of(value), None);
        }
    }

    #[test]
    fn a_trace_travels_beside_the_event_and_never_in_it() {
        let traced = Message {
            traceparent: Some(TRACE.to_owned()),
            ..message(None)
        };
        let properties = properties(&traced, SystemTime::now());
        assert_eq!(header(&properties, "traceparent"), Some(TRACE));
        assert_eq!(traced.event.to_json(), message(None).event.to_json());
        let long = AMQPValue::LongString("0".repeat(LONGEST_TRACE + 1).into());
        let heard = read(&with_header(TRACE_HEADER, long), &traced.event.to_json());
        assert_eq!(heard.unwrap(), message(None));
    }

    #[test]
    fn a_window_is_a_number_of_milliseconds_or_none() {
        let long_string = |text: &str| AMQPValue::LongString(text.into());
        let body = message(None).event.to_json();
        for (value, millis) in [
            (long_string("40"), 40),
            (long_string("-1"), 0),
            (long_string("99999999999"), 0),
            (AMQPValue::LongInt(7), 0),
        ] {
            let heard = read(&with_header(WINDOW_HEADER, value), &body).unwrap();
            assert_eq!(heard.window, Duration::from_millis(millis));
        }
        let spread = Message {
            window: Duration::from_millis(40),
            ..message(None)
        };
        let properties = properties(&spread, SystemTime::now());
        assert_eq!(read(&properties, &body).unwrap(), spread);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_not_shown() {
        let gzip = BasicProperties::default().with_content_encoding("gzip".into());
        assert!(matches!(read(&gzip, b"\x1f\x8b"), Err(Unread::Compressed)));
        let plain = BasicProperties::default();
        assert!(matches!(
            read(&plain, &vec![b' '; LARGEST_BODY + 1]),
            Err(Unread::TooLarge(_))
        ));
        for body in [
            &b""[..],
            b"s3cret",
            b"[\"s3cret\"]",
            b"{\"s3cret\":1}",
            &[0xff, 0xfe],
            "[".repeat(60_000).as_bytes(),
        ] {
            let unread = read(&plain, body).unwrap_err();
            assert!(
                matches!(unread, Unread::Malformed(_)) && !unread.to_string().contains("s3cret"),
                "{unread}"
            );
        }
    }
}
