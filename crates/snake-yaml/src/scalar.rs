//! From the text of a scalar to its value: SnakeYAML's `SafeConstructor`.

use crate::base64;
use crate::timestamp;
use crate::{Error, ErrorKind, Mark, NodeKind};

pub(crate) fn bool(text: &str) -> NodeKind {
    match text.to_lowercase().as_str() {
        "yes" | "true" | "on" => NodeKind::Bool(true),
        "no" | "false" | "off" => NodeKind::Bool(false),
        // Java looks the word up in a map and takes the missing entry for the value.
        _ => NodeKind::Null,
    }
}

pub(crate) fn integer(text: &str, mark: Mark) -> Result<NodeKind, Error> {
    let digits = text.replace('_', "");
    let (negative, number) = split_sign(&digits);
    let integer = if number == "0" {
        Some(NodeKind::Integer(0))
    } else if let Some(digits) = number.strip_prefix("0b") {
        in_radix(negative, digits, 2)
    } else if let Some(digits) = number.strip_prefix("0x") {
        in_radix(negative, digits, 16)
    } else if let Some(digits) = number.strip_prefix('0') {
        in_radix(negative, digits, 8)
    } else if number.contains(':') {
        sexagesimal_integer(negative, number)
    } else {
        in_radix(negative, number, 10)
    };
    integer.ok_or_else(|| Error::at(mark, "not an integer").of(ErrorKind::Number))
}

pub(crate) fn float(text: &str, mark: Mark) -> Result<NodeKind, Error> {
    let digits = text.replace('_', "");
    let (negative, number) = split_sign(&digits);
    let magnitude = match number.to_lowercase().as_str() {
        ".inf" => Some(f64::INFINITY),
        ".nan" => Some(f64::NAN),
        _ if number.contains(':') => sexagesimal_float(number),
        _ => decimal_float(number),
    };
    let magnitude = magnitude
        .ok_or_else(|| Error::at(mark, "not a floating point number").of(ErrorKind::Number))?;
    Ok(NodeKind::Float(if negative {
        -magnitude
    } else {
        magnitude
    }))
}

pub(crate) fn binary(text: &str, mark: Mark) -> Result<NodeKind, Error> {
    let java_space = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0B' | '\x0C');
    let digits = text.replace(java_space, "");
    let bytes = base64::decode(&digits)
        .ok_or_else(|| Error::at(mark, "not Base64").of(ErrorKind::Number))?;
    Ok(NodeKind::Binary(bytes))
}

pub(crate) fn timestamp(text: &str, mark: Mark) -> Result<NodeKind, Error> {
    let millis = timestamp::millis(text)
        .ok_or_else(|| Error::at(mark, "not a timestamp").of(ErrorKind::Number))?;
    Ok(NodeKind::Timestamp(millis))
}

fn split_sign(number: &str) -> (bool, &str) {
    match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number.strip_prefix('+').unwrap_or(number)),
    }
}

fn in_radix(negative: bool, digits: &str, radix: u32) -> Option<NodeKind> {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    let integer = match i64::from_str_radix(&format!("{sign}{digits}"), radix) {
        Ok(integer) => NodeKind::Integer(integer),
        Err(_) => NodeKind::BigInteger(format!("{sign}{}", decimal_digits(digits, radix)).into()),
    };
    Some(integer)
}

/// Any number of digits in any radix, rewritten in radix ten.
fn decimal_digits(digits: &str, radix: u32) -> String {
    // Nine decimal digits to a limb, the least significant first.
    const LIMB: u64 = 1_000_000_000;
    let mut limbs = vec![0_u64];
    for digit in digits.chars().filter_map(|digit| digit.to_digit(radix)) {
        let mut carry = u64::from(digit);
        for limb in &mut limbs {
            let value = *limb * u64::from(radix) + carry;
            *limb = value % LIMB;
            carry = value / LIMB;
        }
        if carry > 0 {
            limbs.push(carry);
        }
    }
    let padded: String = limbs
        .iter()
        .rev()
        .map(|limb| format!("{limb:09}"))
        .collect();
    padded.trim_start_matches('0').to_owned()
}

/// `1:30` is 90; overflows as Java's `int` does.
fn sexagesimal_integer(negative: bool, number: &str) -> Option<NodeKind> {
    let mut sum = 0_i32;
    let mut base = 1_i32;
    for part in sexagesimal_parts(number) {
        let part = part.parse::<i64>().ok()?.wrapping_mul(i64::from(base));
        sum = i64::from(sum).wrapping_add(part) as i32;
        base = base.wrapping_mul(60);
    }
    match (negative, sum) {
        // Java puts a second sign before it and fails.
        (true, ..0) => None,
        (true, _) => Some(NodeKind::Integer(i64::from(-sum))),
        (false, _) => Some(NodeKind::Integer(i64::from(sum))),
    }
}

fn sexagesimal_float(number: &str) -> Option<f64> {
    let mut sum = 0.0;
    let mut base = 1_i32;
    for part in sexagesimal_parts(number) {
        sum += decimal_float(part)? * f64::from(base);
        base = base.wrapping_mul(60);
    }
    Some(sum)
}

/// The least significant part first.
fn sexagesimal_parts(number: &str) -> impl Iterator<Item = &str> {
    number.trim_end_matches(':').rsplit(':')
}

fn decimal_float(number: &str) -> Option<f64> {
    let numeric = |byte: u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+');
    // Rust also knows `inf` and `nan`, Java does not.
    number.bytes().all(numeric).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: Mark = Mark { line: 1, column: 1 };

    #[test]
    fn integers_of_every_radix() {
        let cases = [
            ("0", 0),
            ("-0", 0),
            ("+12", 12),
            ("1_000", 1000),
            ("010", 8),
            ("00", 0),
            ("0_7", 7),
            ("0x1F", 31),
            ("-0xff", -255),
            ("0b101", 5),
            ("1:30:00", 5400),
            ("-1:30", -90),
            ("9223372036854775807", i64::MAX),
            ("-9223372036854775808", i64::MIN),
            ("99999:59:59", 359_999_999 - 3600 + 3600),
        ];
        for (text, integer) in cases {
            assert_eq!(
                super::integer(text, MARK),
                Ok(NodeKind::Integer(integer)),
                "{text}"
            );
        }
    }

    #[test]
    fn integers_of_any_size() {
        let cases = [
            ("9223372036854775808", "9223372036854775808"),
            (
                "-123456789012345678901234567890",
                "-123456789012345678901234567890",
            ),
            ("0xFFFFFFFFFFFFFFFFFF", "4722366482869645213695"),
            ("-0x8000000000000001", "-9223372036854775809"),
            (
                "0b1000000000000000000000000000000000000000000000000000000000000000000",
                "73786976294838206464",
            ),
        ];
        for (text, digits) in cases {
            assert_eq!(
                integer(text, MARK),
                Ok(NodeKind::BigInteger(digits.into())),
                "{text}"
            );
        }
    }

    #[test]
    fn floats() {
        let cases = [
            ("1.", 1.0),
            (".5", 0.5),
            ("-.5", -0.5),
            ("1e3", 1000.0),
            ("685_230.15", 685_230.15),
            ("190:20:30.15", 685_230.15),
            ("1e400", f64::INFINITY),
            ("-.INF", f64::NEG_INFINITY),
        ];
        for (text, float) in cases {
            assert_eq!(
                super::float(text, MARK),
                Ok(NodeKind::Float(float)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_only_looks_like_a_number_is_an_error() {
        for text in ["", "_", "abc", "08", "0x", "99999999999999999999:00"] {
            assert!(integer(text, MARK).is_err(), "{text}");
        }
        for text in ["", ".", "._", "inf", "NaN", "1.5.2"] {
            assert!(float(text, MARK).is_err(), "{text}");
        }
    }
}
