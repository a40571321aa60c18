//! `!!timestamp`, as SnakeYAML reads it with Java's forgiving calendar: February 30 is March 1.

const MINUTE: i64 = 60 * 1000;

/// Milliseconds since 1970 began; nothing when the text does not look like a moment.
pub(crate) fn millis(text: &str) -> Option<i64> {
    let (date, rest) = split_date(text)?;
    let mut parts = date.split('-');
    let mut next = || number(parts.next()?);
    let (year, month, day) = (next()?, next()?, next()?);
    let midnight = (days(year, month) + day - 1) * 24 * 60 * MINUTE;
    if rest.is_empty() {
        return Some(midnight);
    }
    let (time, zone) = split_time(rest.trim_start_matches([' ', '\t', 'T', 't']));
    let (clock, fraction) = time.split_once('.').unwrap_or((time, ""));
    let mut parts = clock.split(':');
    let mut next = || number(parts.next()?);
    let (hour, minute, second) = (next()?, next()?, next()?);
    let time = (hour * 60 + minute) * MINUTE + second * 1000 + thousandths(fraction)?;
    Some(midnight + time - offset(zone)?)
}

/// The shape was checked: a date is what stands before the first sign that is none of its own.
fn split_date(text: &str) -> Option<(&str, &str)> {
    use crate::resolver::{Implicit, resolve};
    let is_loose_date = || {
        let parts: Vec<&str> = text.split('-').collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        let only_digits = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'-');
        only_digits && matches!(lengths[..], [4, 1..=2, 1..=2])
    };
    if resolve(text) != Implicit::Timestamp && !is_loose_date() {
        return None;
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '-');
    Some(text.split_at(end.unwrap_or(text.len())))
}

fn split_time(text: &str) -> (&str, &str) {
    let is_of_time = |c: char| c.is_ascii_digit() || matches!(c, ':' | '.');
    let end = text.find(|c| !is_of_time(c)).unwrap_or(text.len());
    let (time, zone) = text.split_at(end);
    (time, zone.trim_start_matches([' ', '\t']))
}

fn number(digits: &str) -> Option<i64> {
    digits.parse().ok()
}

/// From 1970 to the first of a month; months beyond twelve are of the next years.
fn days(year: i64, month: i64) -> i64 {
    let year = year + (month - 1).div_euclid(12);
    let month = (month - 1).rem_euclid(12) + 1;
    let march_year = if month < 3 { year - 1 } else { year };
    let march_month = (month + 9) % 12;
    365 * march_year + march_year.div_euclid(4) - march_year.div_euclid(100)
        + march_year.div_euclid(400)
        + (153 * march_month + 2) / 5
        - 719_468
}

/// Digits behind the point, rounded.
fn thousandths(digits: &str) -> Option<i64> {
    if digits.is_empty() {
        return Some(0);
    }
    let fraction: f64 = format!("0.{digits}").parse().ok()?;
    Some((fraction * 1000.0).round() as i64)
}

/// `Z`, nothing, or `+05:30`; Java takes what no clock shows for none.
fn offset(zone: &str) -> Option<i64> {
    let Some(sign) = zone.chars().next().filter(|sign| matches!(sign, '+' | '-')) else {
        return Some(0);
    };
    let clock = &zone[1..];
    let (hours, minutes) = clock.split_once(':').unwrap_or((clock, "00"));
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let known = hours < 24 && minutes < 60;
    let offset = if known {
        (hours * 60 + minutes) * MINUTE
    } else {
        0
    };
    Some(if sign == '-' { -offset } else { offset })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_of_every_shape() {
        for (text, expected) in [
            ("1970-01-01", Some(0)),
            ("2001-12-14", Some(1_008_288_000_000)),
            ("2001-12-14t21:59:43.10-05:00", Some(1_008_385_183_100)),
            ("2001-12-15 2:59:43.10", Some(1_008_385_183_100)),
            ("2001-12-14 21:59:43.10 -5", Some(1_008_385_183_100)),
            ("2001-12-15T02:59:43.1Z", Some(1_008_385_183_100)),
            ("2001-12-15T02:59:43.", Some(1_008_385_183_000)),
            ("2024-02-30", Some(1_709_251_200_000)),
            ("2023-13-1", Some(1_704_067_200_000)),
            ("1970-01-01T00:00:00+99:00", Some(0)),
            ("2001-12", None),
            ("nope", None),
            ("", None),
        ] {
            assert_eq!(millis(text), expected, "{text}");
        }
    }
}
