//! How long to wait before a status is tried again.

use std::time::Duration;

use http::{HeaderMap, HeaderName, header};
use jiff::fmt::rfc2822;

/// After a first failure; twice as long after each further one.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// However long a host asks for.
const LONGEST_WISH: Duration = Duration::from_secs(3600);

/// Tries of one status; with these pauses some four minutes.
pub(super) const MAX_TRIES: u32 = 10;

/// GitHub's: how many requests are left, and when there are more, in seconds since 1970.
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// After so many failures, a fifth more or less.
pub(super) fn after(failures: u32) -> Duration {
    let pause = FIRST.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)));
    pause.min(LONGEST).mul_f64(0.8 + 0.4 * fastrand::f64())
}

/// What a host asks for in its answer; `now` in seconds since 1970.
pub(super) fn wished(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let until = |second: i64| u64::try_from(second - now).unwrap_or(0);
    let seconds = match text(header::RETRY_AFTER) {
        Some(wish) => wish.parse().ok().or_else(|| date(wish).map(until))?,
        None if text(REMAINING) == Some("0") => until(text(RESET)?.parse().ok()?),
        None => return None,
    };
    Some(LONGEST_WISH.min(Duration::from_secs(seconds)))
}

/// In seconds since 1970.
fn date(text: &str) -> Option<i64> {
    let date = rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    Some(date.as_second())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn pauses_grow_up_to_a_bound() {
        for (failures, seconds) in [(1, 1.0), (2, 2.0), (5, 16.0), (7, 60.0), (40, 60.0)] {
            let pause = after(failures).as_secs_f64() / seconds;
            assert!((0.8..=1.2).contains(&pause), "{failures}: {pause}");
        }
    }

    #[test]
    fn a_host_may_ask_to_be_left_alone() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            });
            pairs.collect::<HeaderMap>()
        };
        let limit = |left| {
            [
                ("x-ratelimit-remaining", left),
                ("x-ratelimit-reset", "1060"),
            ]
        };
        for (headers, expected) in [
            (headers(&[]), None),
            (headers(&[("retry-after", "7")]), Some(7)),
            (headers(&[("retry-after", "999999")]), Some(3600)),
            (headers(&[("retry-after", "soon")]), None),
            (
                headers(&[("retry-after", "Thu, 01 Jan 1970 00:17:00 GMT")]),
                Some(20),
            ),
            (headers(&limit("0")), Some(60)),
            (headers(&limit("4")), None),
        ] {
            let wished = wished(&headers, 1000).map(|pause| pause.as_secs());
            assert_eq!(wished, expected, "{headers:?}");
        }
    }
}
