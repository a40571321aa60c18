//! What an untagged plain scalar is: the regular expressions of SnakeYAML's `Resolver`, by hand.

/// The types a plain scalar can have by its looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Implicit {
    Null,
    Bool,
    Integer,
    Float,
    Merge,
    /// Known to the writer only: Spring Boot reads dates as text.
    Timestamp,
    Text,
}

/// SnakeYAML does not match numbers that are longer.
const LONGEST_NUMBER: usize = 1024;

/// SnakeYAML does not match dates that are longer.
const LONGEST_TIMESTAMP: usize = 50;

pub(crate) fn resolve(text: &str) -> Implicit {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Implicit::Null,
        _ if is_plainly_text(text) => Implicit::Text,
        "<<" => Implicit::Merge,
        _ if is_bool(text) => Implicit::Bool,
        _ if text.len() <= LONGEST_NUMBER && is_integer(text) => Implicit::Integer,
        _ if text.len() <= LONGEST_NUMBER && is_float(text) => Implicit::Float,
        _ if text.len() <= LONGEST_TIMESTAMP && is_timestamp(text) => Implicit::Timestamp,
        _ => Implicit::Text,
    }
}

/// Whether the first letter tells that this is none of the others: those are numbers, dates, `<<` and a few short words.
fn is_plainly_text(text: &str) -> bool {
    const LONGEST_WORD: usize = "false".len();
    match text.as_bytes()[0] {
        b'0'..=b'9' | b'+' | b'-' | b'.' | b'<' => false,
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' => {
            text.len() > LONGEST_WORD
        }
        _ => true,
    }
}

#[rustfmt::skip]
fn is_bool(text: &str) -> bool {
    matches!(text,
        "yes" | "Yes" | "YES" | "no" | "No" | "NO"
        | "true" | "True" | "TRUE" | "false" | "False" | "FALSE"
        | "on" | "On" | "ON" | "off" | "Off" | "OFF")
}

fn is_integer(text: &str) -> bool {
    let number = unsigned(text);
    if let Some(digits) = number.strip_prefix("0b") {
        return is_radix(digits, 2);
    }
    if let Some(digits) = number.strip_prefix("0x") {
        return is_radix(digits, 16);
    }
    if let Some(digits) = number.strip_prefix('0') {
        return digits.is_empty() || is_radix(digits, 8);
    }
    match number.split_once(':') {
        Some((first, rest)) => is_decimal(first) && is_sexagesimal(rest),
        None => is_decimal(number),
    }
}

fn is_float(text: &str) -> bool {
    let number = unsigned(text);
    if matches!(number, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (number, None),
    };
    if exponent.is_some_and(|exponent| !is_exponent(exponent)) {
        return false;
    }
    let Some((whole, fraction)) = mantissa.split_once('.') else {
        return exponent.is_some() && is_decimal(mantissa);
    };
    if !only(fraction, |byte| byte.is_ascii_digit() || byte == b'_') {
        return false;
    }
    match whole.split_once(':') {
        Some((first, rest)) => exponent.is_none() && is_decimal(first) && is_sexagesimal(rest),
        None if whole.is_empty() => !fraction.is_empty(),
        None => is_decimal(whole),
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn only(text: &str, allowed: impl Fn(u8) -> bool) -> bool {
    text.bytes().all(allowed)
}

/// `[0-9][0-9_]*`; that an integer does not begin with 0 was seen before.
fn is_decimal(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_digit())
        && only(text, |byte| byte.is_ascii_digit() || byte == b'_')
}

/// Digits and underscores, at least one digit.
fn is_radix(text: &str, radix: u32) -> bool {
    let is_digit = |byte: u8| char::from(byte).is_digit(radix);
    text.bytes().any(is_digit) && only(text, |byte| is_digit(byte) || byte == b'_')
}

/// `[0-5]?[0-9](:[0-5]?[0-9])*`
fn is_sexagesimal(text: &str) -> bool {
    text.split(':').all(|part| match part.as_bytes() {
        [ones] => ones.is_ascii_digit(),
        [tens, ones] => matches!(tens, b'0'..=b'5') && ones.is_ascii_digit(),
        _ => false,
    })
}

fn is_exponent(text: &str) -> bool {
    let digits = unsigned(text);
    !digits.is_empty() && only(digits, |byte| byte.is_ascii_digit())
}

/// `2001-12-14`, or a date of less strict form with a time behind it.
fn is_timestamp(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    if shape == "0000-00-00" {
        return true;
    }
    let Some(rest) = shape.strip_prefix("0000-") else {
        return false;
    };
    after_number(rest)
        .and_then(|rest| rest.strip_prefix('-'))
        .and_then(after_number)
        .and_then(after_date_separator)
        .and_then(after_number)
        .and_then(|rest| rest.strip_prefix(":00:00"))
        .is_some_and(is_end_of_time)
}

/// Steps over one or two digits of a shape.
fn after_number(shape: &str) -> Option<&str> {
    shape.strip_prefix("00").or_else(|| shape.strip_prefix('0'))
}

fn after_date_separator(shape: &str) -> Option<&str> {
    let blanks = shape.trim_start_matches([' ', '\t']);
    if blanks.len() < shape.len() {
        Some(blanks)
    } else {
        shape.strip_prefix(['T', 't'])
    }
}

fn is_end_of_time(shape: &str) -> bool {
    let zone = match shape.strip_prefix('.') {
        Some(fraction) => fraction.trim_start_matches('0'),
        None => shape,
    };
    if zone.is_empty() {
        return true;
    }
    let zone = zone.trim_start_matches([' ', '\t']);
    let offset = zone.strip_prefix(['-', '+']).and_then(after_number);
    zone == "Z" || offset.is_some_and(|minutes| matches!(minutes, "" | ":00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: Implicit, words: &str) {
        for word in words.split(' ') {
            assert_eq!(resolve(word), expected, "{word}");
        }
    }

    #[test]
    fn nulls_and_booleans() {
        assert_eq!(resolve(""), Implicit::Null);
        check(Implicit::Null, "~ null Null NULL");
        check(Implicit::Bool, "yes No ON off True FALSE");
        check(Implicit::Text, "nUll y n Y N tRue yEs");
    }

    #[test]
    fn integers() {
        check(
            Implicit::Integer,
            "0 -0 +12 1_000 1__0 010 0_7 00 12:30 190:20:30",
        );
        check(Implicit::Integer, "0x1F -0xff 0x_1 0b101 +0b_1");
        check(Implicit::Text, "0o17 08 0_ _1 - 0x 0b2 0X1f 1:60 1: 0:30");
    }

    #[test]
    fn floats() {
        check(
            Implicit::Float,
            "1.5 1. .5 +.5 1e3 1.0e+3 12E-03 685_230.15 08.5 1_e3 ._",
        );
        check(Implicit::Float, ".inf -.INF .nan 190:20:30.15 0:0.");
        check(Implicit::Text, "-.nan . 1.5.2 1.e 1:30.5e3 e3 _.5 .e3 inf");
    }

    #[test]
    fn timestamps() {
        check(
            Implicit::Timestamp,
            "2001-12-14 2001-1-1T1:00:00 2001-12-14t21:59:43.10-05:00",
        );
        check(
            Implicit::Timestamp,
            "2001-12-14T21:59:43Z 2001-1-14T21:59:43.+5",
        );
        check(
            Implicit::Text,
            "2001-1-1 201-12-14 2001-12-14T1:0:00 2001-12-14T21:59:43-05:0",
        );
        assert_eq!(resolve("2001-12-14 \t 21:59:43. \t Z"), Implicit::Timestamp);
        assert_eq!(resolve("2001-12-14 21:59:43 "), Implicit::Text);
    }

    #[test]
    fn what_is_too_long_is_text() {
        assert_eq!(resolve(&"1".repeat(1024)), Implicit::Integer);
        assert_eq!(resolve(&"1".repeat(1025)), Implicit::Text);
        let blanks = " ".repeat(40);
        assert_eq!(
            resolve(&format!("2001-12-14{blanks}21:59:43Z")),
            Implicit::Text
        );
    }
}
