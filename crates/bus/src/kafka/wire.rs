//! Records as Spring's binder writes and reads them.

use rdkafka::{
    Message as Record,
    message::{Header, Headers as _, OwnedHeaders},
};

use crate::{
    Message,
    broker::{self, Unread},
};

/// Spring's name for the media type.
const CONTENT_TYPE: &str = "contentType";

/// Spring's list of the headers that it may read as what they are: ours are not among them, so they stay bytes there.
const TYPES: &str = "spring_json_header_types";

/// The first byte of a value that has its headers inside, as Spring Cloud Stream 1 wrote it.
const EMBEDDED: u8 = 0xff;

/// What Spring writes, and what is ours.
pub(super) fn headers(message: &Message) -> OwnedHeaders {
    let springs = [
        (CONTENT_TYPE, "application/json".to_owned()),
        (TYPES, r#"{"contentType":"java.lang.String"}"#.to_owned()),
    ];
    let all = springs.into_iter().chain(broker::headers(message));
    all.fold(OwnedHeaders::new(), |headers, (key, value)| {
        headers.insert(Header {
            key,
            value: Some(value.as_bytes()),
        })
    })
}

/// Reads a record from whomever; only the value and our own headers count. One without a value is no event.
pub(super) fn read(record: &impl Record) -> Result<Message, Unread> {
    let value = record.payload().unwrap_or_default();
    let mut headers: Vec<_> = record
        .headers()
        .into_iter()
        .flat_map(|headers| headers.iter())
        .filter_map(|header| Some((header.key, header.value?)))
        .collect();
    let body = match embedded(value) {
        Some((inside, body)) => {
            headers.extend(inside);
            body
        }
        None => value,
    };
    let texts: Vec<_> = headers
        .into_iter()
        .filter_map(|(name, value)| Some((name, text(value)?)))
        .collect();
    broker::message(body, |name| {
        // As Spring does it: of several the last one.
        let found = texts.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, text)| text.as_str())
    })
}

/// Raw, or as a JSON string, which older lines write.
fn text(value: &[u8]) -> Option<String> {
    if value.first() == Some(&b'"') {
        return serde_json::from_slice(value).ok();
    }
    str::from_utf8(value).ok().map(str::to_owned)
}

type Inside<'v> = (Vec<(&'v str, &'v [u8])>, &'v [u8]);

/// Headers and value of a value that has its headers inside: a count, then of each the length of its name in one byte, the
/// name, the length of its value in four, and the value as JSON.
fn embedded(value: &[u8]) -> Option<Inside<'_>> {
    let (&EMBEDDED, rest) = value.split_first()? else {
        return None;
    };
    let (&count, mut rest) = rest.split_first()?;
    let mut headers = Vec::with_capacity(count.into());
    for _ in 0..count {
        let (&length, after) = rest.split_first()?;
        let (name, after) = after.split_at_checked(length.into())?;
        let (length, after) = after.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (value, after) = after.split_at_checked(length)?;
        headers.push((str::from_utf8(name).ok()?, value));
        rest = after;
    }
    Some((headers, rest))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use confbus_protocol::{BusEvent, BusId, Destination};
    use rdkafka::{Timestamp, message::OwnedMessage};

    use super::*;

    fn message() -> Message {
        let origin = BusId::new("server:8888:cd34").unwrap();
        let event = BusEvent::refresh("e1".into(), 1, &origin, &Destination::everyone());
        Message::of(event)
    }

    fn record(value: Option<&[u8]>, headers: Option<OwnedHeaders>) -> OwnedMessage {
        let value = value.map(<[u8]>::to_vec);
        let now = Timestamp::CreateTime(1);
        OwnedMessage::new(value, None, "springCloudBus".into(), now, 0, 7, headers)
    }

    fn written(headers: &OwnedHeaders) -> Vec<(&str, &str)> {
        let headers = headers.iter();
        headers
            .map(|header| (header.key, str::from_utf8(header.value.unwrap()).unwrap()))
            .collect()
    }

    #[test]
    fn springs_headers_are_springs_and_ours_stand_apart() {
        let plain = headers(&message());
        let springs = [
            ("contentType", "application/json"),
            (
                "spring_json_header_types",
                r#"{"contentType":"java.lang.String"}"#,
            ),
        ];
        assert_eq!(written(&plain), springs);
        let full = Message {
            commit: Some("3f9c1e2".into()),
            labels: vec!["main".into(), "next".into()],
            generation: Some(7),
            window: Duration::from_millis(40),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
            ..message()
        };
        let headers = headers(&full);
        assert_eq!(written(&headers)[..2], springs);
        assert_eq!(written(&headers)[2], ("confbus-commit", "3f9c1e2"));
        let body = full.event.to_json();
        assert_eq!(read(&record(Some(&body), Some(headers))).unwrap(), full);
    }

    #[test]
    fn headers_may_be_quoted_missing_and_there_twice() {
        let body = message().event.to_json();
        assert_eq!(read(&record(Some(&body), None)).unwrap(), message());
        let mut headers = OwnedHeaders::new();
        for (key, value) in [
            ("contentType", Some(&b"\"application/json\""[..])),
            ("confbus-commit", Some(b"old")),
            ("confbus-commit", Some(b"\"3f9c1e2\"")),
            ("confbus-labels", None),
            ("confbus-window", Some(b"\xff")),
            ("b3", Some(b"\"not closed")),
        ] {
            headers = headers.insert(Header { key, value });
        }
        let heard = read(&record(Some(&body), Some(headers))).unwrap();
        let expected = Message {
            commit: Some("3f9c1e2".into()),
            ..message()
        };
        assert_eq!(heard, expected);
    }

    #[test]
    fn headers_inside_of_the_value_are_read() {
        let mut value = vec![EMBEDDED, 2];
        for (name, text) in [
            ("contentType", "\"text/plain\""),
            ("confbus-commit", "\"3f9c1e2\""),
        ] {
            value.push(u8::try_from(name.len()).unwrap());
            value.extend(name.as_bytes());
            value.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
            value.extend(text.as_bytes());
        }
        let cut_off = value.clone();
        value.extend(message().event.to_json());
        let heard = read(&record(Some(&value), None)).unwrap();
        assert_eq!(heard.commit.as_deref(), Some("3f9c1e2"));
        assert_eq!(heard.event, message().event);
        for end in 0..=cut_off.len() {
            let unread = read(&record(Some(&cut_off[..end]), None)).unwrap_err();
            assert!(matches!(unread, Unread::Malformed(_)), "{end}: {unread}");
        }
    }

    #[test]
    fn tombstones_and_junk_are_no_events() {
        for value in [None, Some(&b""[..]), Some(b"s3cret"), Some(b"[]")] {
            let unread = read(&record(value, None)).unwrap_err();
            assert!(!unread.to_string().contains("s3cret"), "{unread}");
        }
        let large = vec![b'x'; 64 * 1024 + 1];
        assert!(matches!(
            read(&record(Some(&large), None)),
            Err(Unread::TooLarge(_))
        ));
    }
}
