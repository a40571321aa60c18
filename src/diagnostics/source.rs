//! The lines of a file, as its author sees them, and what of them may be shown.

use confbus_protocol::{looks_secret, userinfo};

/// Characters of a line that are shown.
const LONGEST: usize = 200;
/// What stands for a character of a secret.
const MASK: char = '•';
/// Lines above one that may say what it belongs to.
const FAR: usize = 200;

/// A file as lines.
pub(super) struct Source {
    lines: Vec<String>,
}

impl Source {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let text = text(bytes);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        Self {
            lines: lines.split('\n').map(str::to_owned).collect(),
        }
    }

    /// A line by its number.
    pub(super) fn line(&self, number: u32) -> Option<&str> {
        let index = (number as usize).checked_sub(1)?;
        self.lines.get(index).map(String::as_str)
    }

    /// The lines above one, the nearest first, without comments and empty ones.
    pub(super) fn above(&self, number: u32) -> impl Iterator<Item = (u32, &str)> {
        let before = (number as usize).saturating_sub(1).min(self.lines.len());
        let lines = self.lines[..before].iter().enumerate().rev().take(FAR);
        lines
            .map(|(index, line)| (u32::try_from(index + 1).unwrap_or(u32::MAX), line.as_str()))
            .filter(|(_, line)| {
                let text = line.trim_start();
                !text.is_empty() && !text.starts_with('#')
            })
    }

    /// A line and the one before, as far as they may be shown.
    pub(super) fn excerpt(&self, number: u32) -> Vec<(u32, String)> {
        let numbers = [number.saturating_sub(1), number];
        let shown = numbers
            .iter()
            .filter_map(|number| Some((*number, self.shown(*number)?)));
        shown.collect()
    }

    /// A line with everything masked that may be a secret; each character keeps its place.
    fn shown(&self, number: u32) -> Option<String> {
        let line = self.line(number)?;
        let from = self.secret_from(number, line);
        let credentials = userinfo(line);
        // Blanks before a secret are none of it; those within would tell its words.
        let mut is_begun = false;
        let characters = line.char_indices().take(LONGEST).map(|(at, character)| {
            let is_secret = from.is_some_and(|from| at >= from)
                || credentials.iter().any(|range| range.contains(&at));
            match character {
                '\t' => ' ',
                ' ' if !is_secret || !is_begun => ' ',
                _ if is_secret => {
                    is_begun = true;
                    MASK
                }
                _ if character.is_control() => ' ',
                _ => character,
            }
        });
        Some(characters.collect())
    }

    /// Where a secret begins, to the end of the line.
    fn secret_from(&self, number: u32, line: &str) -> Option<usize> {
        let cipher = line.find("{cipher}").map(|at| at + "{cipher}".len());
        let named = separators(line)
            .find(|at| looks_secret(last_word(&line[..*at])))
            .map(|at| at + 1);
        let own = [cipher, named].into_iter().flatten().min();
        own.or_else(|| self.is_in_secret(number, line).then_some(0))
    }

    /// Whether the line goes on with, or is below, what is written under a secret name.
    fn is_in_secret(&self, number: u32, line: &str) -> bool {
        let (mut depth, mut has_key) = (indent(line), key(line).is_some());
        for (_, above) in self.above(number) {
            let is_outer = indent(above) < depth || (!has_key && indent(above) <= depth);
            if let Some(name) = key(above).filter(|_| is_outer) {
                if looks_secret(name) || above.contains("{cipher}") && !has_key {
                    return true;
                }
                (depth, has_key) = (indent(above), true);
            }
            if depth == 0 && has_key {
                return false;
            }
        }
        false
    }
}

/// UTF-8, or UTF-16 with a mark; what is neither becomes replacement characters.
fn text(bytes: &[u8]) -> String {
    let pairs = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<_> = rest
            .chunks_exact(2)
            .map(|pair| unit([pair[0], pair[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xfe, 0xff, rest @ ..] => pairs(rest, u16::from_be_bytes),
        [0xff, 0xfe, rest @ ..] => pairs(rest, u16::from_le_bytes),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

fn separators(line: &str) -> impl Iterator<Item = usize> {
    line.match_indices([':', '=']).map(|(at, _)| at)
}

fn last_word(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches(['"', '\'']);
    let start = text.rfind([' ', '{', ',', '"', '\'', '\t']);
    start.map_or(text, |start| &text[start + 1..])
}

/// Spaces before the text of a line.
pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The key of a line in YAML or `.properties`: `pool` in `  pool: 1`, `- pool: 1`, `pool=1`.
pub(super) fn key(line: &str) -> Option<&str> {
    let text = line.trim_start_matches([' ', '-', '\t']);
    let ends = |at: &usize| {
        let rest = &text[*at + 1..];
        rest.is_empty() || rest.starts_with([' ', '\t']) || text[*at..].starts_with('=')
    };
    let end = separators(text).find(ends)?;
    let key = text[..end].trim().trim_matches(['"', '\'']);
    (!key.is_empty()).then_some(key)
}

/// What stands behind the key of a line, without a comment.
pub(super) fn value(line: &str) -> Option<&str> {
    let name = key(line)?;
    let behind = &line[line.find(name)? + name.len()..];
    let behind = behind.trim_start_matches(['"', '\'', ' ', ':', '=']);
    let end = behind.find(" #").unwrap_or(behind.len());
    Some(behind[..end].trim()).filter(|text| !text.is_empty() && !text.starts_with('#'))
}

/// How many characters a value has that begins here.
pub(super) fn token(rest: &[char]) -> usize {
    let is_end = |at: usize| match rest[at] {
        '#' => at > 0 && rest[at - 1] == ' ',
        ',' | ']' | '}' => rest[0] != '"' && rest[0] != '\'',
        _ => false,
    };
    let end = (0..rest.len()).find(|at| is_end(*at));
    let mut end = end.unwrap_or(rest.len());
    while end > 0 && rest[end - 1] == ' ' {
        end -= 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, number: u32, expected: &str) {
        let source = Source::new(file.as_bytes());
        assert_eq!(source.shown(number).unwrap(), expected);
    }

    #[test]
    fn secrets_are_masked_and_keep_their_width() {
        check(
            "db:\n  password: hunter2 # mine",
            2,
            "  password: ••••••••••••••",
        );
        check("db.password=hunter2", 1, "db.password=•••••••");
        check("a: '{cipher}00ff'", 1, "a: '{cipher}•••••");
        check("a: {user: ana, token: x1}", 1, "a: {user: ana, token: •••");
        check(
            "url: https://ana:pw@host/x",
            1,
            "url: https://••••••@host/x",
        );
        check("password: >\n  hun\n  ter2", 3, "  ••••");
        check("password:\n  - hunter2", 2, "  •••••••••");
        check("secrets:\n  a:\n    b: x", 3, "    ••••");
    }

    #[test]
    fn everything_else_is_shown() {
        check("pool:\n  max: 40", 2, "  max: 40");
        check("password: x\npool:\n  max: 40", 3, "  max: 40");
        check("pool:\n\tmax: 40", 2, " max: 40");
    }
}
