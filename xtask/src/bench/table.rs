//! Records as lines for people.

use super::record::{Line, Outcome, Record};

/// As many digits as say something.
pub(super) fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 0.1 => 2,
        0.0 => 0,
        _ => 4,
    };
    let text = format!("{value:.digits$}");
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let (sign, whole) = whole.split_at(usize::from(whole.starts_with('-')));
    format!("{sign}{}{}", grouped(whole), rest)
}

/// `1234567` as `1,234,567`.
fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1.31 × [1.28 … 1.34]`, or what there is instead of a figure.
pub(super) fn figure(record: &Record) -> String {
    let (Some(figure), Some(min), Some(max)) = (record.figure, record.min, record.max) else {
        return match record.outcome {
            Outcome::Absent => "absent".to_owned(),
            Outcome::Void | Outcome::Measured => "void".to_owned(),
        };
    };
    let unit = &record.unit;
    if record.values.len() < 2 {
        return format!("{} {unit}", number(figure));
    }
    let (figure, min, max) = (number(figure), number(min), number(max));
    format!("{figure} {unit} [{min} … {max}]")
}

/// `≥ 1.25 ×`
pub(super) fn target(record: &Record) -> String {
    let Some(bound) = record.bound else {
        return "–".to_owned();
    };
    let beyond = if record.beyond { " (beyond)" } else { "" };
    format!("{bound} {}{beyond}", record.unit)
}

pub(super) fn verdict(line: &Line) -> &'static str {
    match line.record.met {
        Some(true) => "met",
        Some(false) => "missed",
        None if line.record.outcome == Outcome::Void => "void",
        None if line.record.bound.is_some() => "not judged",
        None => "–",
    }
}

/// Missed lines first, otherwise as they came.
pub(super) fn sorted(lines: &[Line]) -> Vec<&Line> {
    let mut lines: Vec<_> = lines.iter().collect();
    lines.sort_by_key(|line| !line.record.is_missed());
    lines
}

/// What is shown at the end of a run.
pub(super) fn text(lines: &[Line]) -> String {
    let row = |line: &&Line| {
        let Record {
            workload,
            variant,
            measure,
            ..
        } = &line.record;
        [
            verdict(line).to_owned(),
            format!("{workload} {variant}"),
            measure.clone(),
            target(&line.record),
            figure(&line.record),
            line.record.note.clone(),
        ]
    };
    aligned(&sorted(lines).iter().map(row).collect::<Vec<_>>())
}

/// Columns as wide as their widest cell; the last one ends where it ends.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<_> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &[String; N]| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_say_something() {
        let cases = [
            (1_234_567.8, "1,234,568"),
            (133_200.0, "133,200"),
            (12.345, "12.3"),
            (1.314, "1.31"),
            (0.8, "0.80"),
            (0.0123, "0.0123"),
            (-1234.0, "-1,234"),
            (0.0, "0"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [
            ["a".to_owned(), "b".to_owned()],
            ["…long".to_owned(), String::new()],
        ];
        assert_eq!(aligned(&rows), "a      b\n…long\n");
    }
}
