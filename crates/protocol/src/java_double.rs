/// Writes a double as Java's `Double.toString` does since Java 19: `1.0`, `1.0E10`, `Infinity`.
///
/// The shortest digits that read back as the number, but at least two.
#[must_use]
pub fn java_double(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    let magnitude = number.abs();
    if magnitude.is_infinite() {
        return format!("{sign}Infinity");
    }
    if magnitude == 0.0 {
        return format!("{sign}0.0");
    }
    let (digits, exponent) = shortest_digits(magnitude);
    // Java writes 10^-3 <= x < 10^7 without an exponent.
    match exponent {
        0..7 => format!("{sign}{}", with_point(&digits, exponent as usize + 1)),
        -3..0 => format!("{sign}0.{}{digits}", "0".repeat(-exponent as usize - 1)),
        _ => format!("{sign}{}E{exponent}", with_point(&digits, 1)),
    }
}

/// Digits without a point, and the power of ten of the first one.
fn shortest_digits(magnitude: f64) -> (String, i32) {
    let scientific = shortest_scientific(magnitude);
    let (mantissa, exponent) = scientific
        .split_once('e')
        .expect("this holds because `{:e}` always writes an exponent");
    let digits = mantissa.replace('.', "");
    let digits = digits.strip_suffix('0').unwrap_or(&digits).to_owned();
    let exponent = exponent
        .parse()
        .expect("this holds because `{:e}` writes the exponent in decimal");
    (digits, exponent)
}

/// Of all numbers of that length that read back, Java takes the nearest, and the even one of two; Rust does not care.
fn shortest_scientific(magnitude: f64) -> String {
    let shortest = format!("{magnitude:e}");
    let (mantissa, _) = shortest.split_once('e').unwrap_or((&shortest, ""));
    let decimals = mantissa.len().saturating_sub("1.".len()).max(1);
    let nearest = format!("{magnitude:.decimals$e}");
    if nearest.parse() == Ok(magnitude) {
        nearest
    } else {
        shortest
    }
}

fn with_point(digits: &str, whole: usize) -> String {
    let padded = format!("{digits:0<whole$}");
    let (whole, fraction) = padded.split_at(whole);
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    format!("{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_as_java_does() {
        let cases = [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (123.456, "123.456"),
            (0.001, "0.001"),
            (0.00123, "0.00123"),
            (0.1, "0.1"),
            (0.00099, "9.9E-4"),
            (1e-5, "1.0E-5"),
            (9_999_999.0, "9999999.0"),
            (1e7, "1.0E7"),
            (1e10, "1.0E10"),
            (123_456_789.123, "1.23456789123E8"),
            (-1.5e300, "-1.5E300"),
            (2e23, "2.0E23"),
            (f64::MAX, "1.7976931348623157E308"),
            (5e-324, "4.9E-324"),
            (1e-323, "9.9E-324"),
            (174_550_057_687_099.62, "1.7455005768709962E14"),
            (9_007_199_254_740_992.0, "9.007199254740992E15"),
            (f64::NEG_INFINITY, "-Infinity"),
            (f64::NAN, "NaN"),
        ];
        for (number, text) in cases {
            assert_eq!(java_double(number), text);
        }
    }
}
