//! Conditional requests: entity tags for environments, dates for plain files.

use aws_lc_rs::digest;
use http::{HeaderMap, HeaderName, StatusCode, header};
use jiff::{Timestamp, fmt::rfc2822};

use super::fields::Fields;

/// A strong entity tag from the bytes of an answer.
pub(super) fn entity_tag(body: &[u8]) -> String {
    // Half of the digest is more than enough to tell two answers apart.
    let digest = digest::digest(&digest::SHA256, body);
    format!("\"{}\"", crate::hex::encoded(&digest.as_ref()[..16]))
}

/// What the tag of an answer's gzip has behind that of the answer.
pub(super) const GZIP: &str = "-gzip";

/// Whether the caller already has the answer with this tag, be it as gzip.
pub(super) fn has_tag(fields: &(impl Fields + ?Sized), tag: &str) -> bool {
    let is_it = |known: &str| {
        let packed = || known.strip_suffix('"')?.strip_suffix(GZIP);
        known == tag || packed().is_some_and(|known| Some(known) == tag.strip_suffix('"'))
    };
    fields
        .texts("if-none-match")
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || is_it(known.strip_prefix("W/").unwrap_or(known)))
}

/// What to answer instead of a file that was modified then, in seconds since 1970: the caller has it, or wanted an older
/// one. A date that cannot be read does not count.
pub(super) fn instead(headers: &HeaderMap, modified: i64) -> Option<StatusCode> {
    if let Some(limit) = date(headers, &header::IF_UNMODIFIED_SINCE) {
        return (modified > limit).then_some(StatusCode::PRECONDITION_FAILED);
    }
    let known = date(headers, &header::IF_MODIFIED_SINCE)?;
    (modified <= known).then_some(StatusCode::NOT_MODIFIED)
}

/// `Sat, 21 Nov 2026 14:25:10 GMT`.
pub(super) fn http_date(seconds: i64) -> Option<String> {
    let timestamp = Timestamp::from_second(seconds).ok()?;
    rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&timestamp)
        .ok()
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<i64> {
    let text = headers.get(name)?.to_str().ok()?;
    rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
        .map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn tags_come_from_the_bytes() {
        let tag = entity_tag(b"body");
        assert_eq!(tag.len(), 34);
        assert_ne!(tag, entity_tag(b"another"));
        for (given, expected) in [
            (tag.clone(), true),
            (format!("W/{tag}"), true),
            (format!("{}-gzip\"", &tag[..33]), true),
            (format!("{}-br\"", &tag[..33]), false),
            ("-gzip".into(), false),
            (format!("\"x\", {tag}"), true),
            ("*".into(), true),
            ("\"x\"".into(), false),
        ] {
            assert_eq!(
                has_tag(&headers(&[(header::IF_NONE_MATCH, &given)]), &tag),
                expected,
                "{given}"
            );
        }
    }

    #[test]
    fn dates_are_compared_by_the_second() {
        let modified = 1_700_000_000;
        let date = |seconds| http_date(seconds).unwrap();
        assert_eq!(date(modified), "Tue, 14 Nov 2023 22:13:20 GMT");
        let (same, earlier) = (date(modified), date(modified - 1));
        for (name, value, expected) in [
            (
                header::IF_MODIFIED_SINCE,
                same.as_str(),
                Some(StatusCode::NOT_MODIFIED),
            ),
            (header::IF_MODIFIED_SINCE, &earlier, None),
            (header::IF_MODIFIED_SINCE, "yesterday", None),
            (header::IF_UNMODIFIED_SINCE, &same, None),
            (
                header::IF_UNMODIFIED_SINCE,
                &earlier,
                Some(StatusCode::PRECONDITION_FAILED),
            ),
        ] {
            assert_eq!(
                instead(&headers(&[(name.clone(), value)]), modified),
                expected,
                "{name} {value}"
            );
        }
    }
}
