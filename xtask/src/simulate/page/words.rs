//! Figures as people read them.

/// Milliseconds.
pub(super) fn span(millis: f64) -> String {
    let (number, unit) = match millis {
        0.0 => return "0".to_owned(),
        millis if millis < 0.9995 => (millis * 1e3, "µs"),
        millis if millis < 999.5 => (millis, "ms"),
        millis => (millis / 1e3, "s"),
    };
    format!("{} {unit}", rounded(number))
}

/// CPU time of milliseconds, in seconds.
pub(super) fn spent(millis: f64) -> String {
    match millis {
        0.0 => "–".to_owned(),
        millis => format!("{} s", rounded(millis / 1e3)),
    }
}

/// With three digits at most.
pub(super) fn rounded(number: f64) -> String {
    match number {
        number if number >= 99.95 => count(number.round() as u64),
        number if number >= 9.995 => format!("{number:.1}"),
        number => format!("{number:.2}"),
    }
}

/// `1,000,000`.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub(super) fn kibibytes(number: f64) -> String {
    match number {
        0.0 => "–".to_owned(),
        number => format!("{} KiB", rounded(number)),
    }
}

pub(super) fn bytes(number: u64) -> String {
    let mebibytes = number as f64 / f64::from(1 << 20);
    format!("{} MiB", rounded(mebibytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_a_unit_and_three_digits() {
        assert_eq!(span(0.0065), "6.50 µs");
        assert_eq!(span(0.999), "999 µs");
        assert_eq!(span(1.0), "1.00 ms");
        assert_eq!(span(288.4), "288 ms");
        assert_eq!(span(12_345.0), "12.3 s");
        assert_eq!(span(1_234_567.0), "1,235 s");
        assert_eq!(span(0.0), "0");
        assert_eq!(spent(1_500.0), "1.50 s");
        assert_eq!(spent(0.0), "–");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(count(999), "999");
        assert_eq!(kibibytes(93.41), "93.4 KiB");
        assert_eq!(kibibytes(0.0), "–");
        assert_eq!(bytes(3 << 20), "3.00 MiB");
    }
}
