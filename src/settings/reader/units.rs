use std::time::Duration;

pub(super) fn parse_duration(text: &str, unit: Duration) -> Option<Duration> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let count: u32 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "" => unit,
        "ms" => Duration::from_millis(1),
        "s" => Duration::from_secs(1),
        "m" => Duration::from_secs(60),
        "h" => Duration::from_secs(3600),
        _ => return None,
    };
    Some(unit * count)
}

/// In the largest unit that leaves nothing over.
pub(super) fn duration_text(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s")];
    let unit = units
        .into_iter()
        .find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit));
    let (unit, name) = unit.unwrap_or((1, "ms"));
    format!("{}{name}", millis / unit)
}

/// In the largest unit that leaves nothing over.
pub(super) fn bytes_text(bytes: usize) -> String {
    let units = [(1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")];
    let unit = units
        .into_iter()
        .find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    let (unit, name) = unit.unwrap_or((1, "B"));
    format!("{}{name}", bytes / unit)
}

pub(super) fn parse_bytes(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let count: usize = text[..digits].parse().ok()?;
    let unit = match &text[digits..] {
        "" | "B" => 1,
        "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        _ => return None,
    };
    count.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        let second = Duration::from_secs(1);
        let cases = [
            ("5", Some(5000)),
            ("500ms", Some(500)),
            ("2m", Some(120_000)),
            ("1h", Some(3_600_000)),
            ("1d", None),
            ("s", None),
            ("-1", None),
        ];
        for (text, milliseconds) in cases {
            assert_eq!(
                parse_duration(text, second).map(|duration| duration.as_millis()),
                milliseconds,
                "{text}"
            );
        }
    }

    #[test]
    fn defaults_are_written_as_they_are_read() {
        for millis in [0, 250, 5000, 120_000, 3_600_000, 90_000] {
            let duration = Duration::from_millis(millis);
            let text = duration_text(duration);
            assert_eq!(
                parse_duration(&text, Duration::ZERO),
                Some(duration),
                "{text}"
            );
        }
        for bytes in [0, 100, 2048, 8 << 20, 1 << 30, 1500] {
            let text = bytes_text(bytes);
            assert_eq!(parse_bytes(&text), Some(bytes), "{text}");
        }
    }

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("2048", Some(2048)),
            ("12B", Some(12)),
            ("2KB", Some(2048)),
            (" 32MB ", Some(32 << 20)),
            ("1GB", Some(1 << 30)),
            ("2kb", None),
            ("KB", None),
            ("-1", None),
            ("99999999999999999GB", None),
        ] {
            assert_eq!(parse_bytes(text), bytes, "{text}");
        }
    }
}
