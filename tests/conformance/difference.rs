//! Shows where two texts part.

/// Lines of a difference that are shown of each side.
const MOST_LINES: usize = 40;

/// What is expected and what is there instead, without what both begin and end with; nothing when they are equal.
pub(crate) fn difference(expected: &str, actual: &str) -> Vec<String> {
    if expected == actual {
        return Vec::new();
    }
    let (expected, actual) = (visible(expected), visible(actual));
    let same_start = common(expected.iter(), actual.iter());
    let (expected, actual) = (&expected[same_start..], &actual[same_start..]);
    let same_end = common(expected.iter().rev(), actual.iter().rev());
    let side = |sign: char, lines: &[String]| {
        let changed = &lines[..lines.len() - same_end];
        let more = changed.len().saturating_sub(MOST_LINES);
        let mut shown: Vec<_> = changed
            .iter()
            .take(MOST_LINES)
            .map(|line| format!("  {sign}{line}"))
            .collect();
        if more > 0 {
            shown.push(format!("  {sign}… {more} more lines"));
        }
        shown
    };
    let mut lines = vec![format!("body, from line {}:", same_start + 1)];
    lines.extend(side('-', expected));
    lines.extend(side('+', actual));
    lines
}

fn common<'a>(
    one: impl Iterator<Item = &'a String>,
    other: impl Iterator<Item = &'a String>,
) -> usize {
    one.zip(other)
        .take_while(|(one, other)| one == other)
        .count()
}

/// Lines in which ends, tabs and the like can be seen.
fn visible(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text
        .split('\n')
        .map(|line| format!("{}⏎", shown(line)))
        .collect();
    if let Some(last) = lines.last_mut() {
        last.pop();
    }
    lines
}

fn shown(line: &str) -> String {
    line.chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            }
        })
        .collect()
}
