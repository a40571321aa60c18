//! Scalars without quotes.

use std::borrow::Cow;

use crate::Mark;
use crate::cursor::{Cursor, is_blank_or_end};

pub(super) struct Plain {
    pub(super) text: String,
    /// Behind the last word; blanks may follow.
    pub(super) end: Mark,
    /// Then a key may begin, on a line of its own.
    pub(super) ends_behind_a_line_break: bool,
}

/// Passes a scalar in a collection at the column `parent`, with the blanks behind it.
pub(super) fn scan(cursor: &mut Cursor<'_>, parent: Option<usize>, in_flow: bool) -> Plain {
    let least = parent.map_or(0, |parent| parent + 1);
    let mut plain = Plain {
        text: String::new(),
        end: cursor.mark(),
        ends_behind_a_line_break: false,
    };
    let mut spaces = Cow::Borrowed("");
    while !cursor.at('#') {
        let words = words(cursor.rest(), in_flow);
        if words == 0 {
            break;
        }
        plain.text.push_str(&spaces);
        plain.text.push_str(cursor.take(words));
        plain.end = cursor.mark();
        let gap = gap(cursor);
        plain.ends_behind_a_line_break = gap.has_line_break;
        spaces = gap.text;
        if spaces.is_empty() || !in_flow && cursor.column() < least {
            break;
        }
    }
    plain
}

/// The length of what has no blank in it.
fn words(text: &str, in_flow: bool) -> usize {
    let mut offset = 0;
    while let Some(ahead) = text.as_bytes()[offset..].iter().position(may_end) {
        offset += ahead;
        let mut characters = text[offset..].chars();
        let (character, next) = (characters.next(), characters.next());
        let ends = match character {
            Some(':') => {
                is_blank_or_end(next) || in_flow && next.is_some_and(|c| ",[]{}".contains(c))
            }
            Some(',' | '?' | '[' | ']' | '{' | '}') => in_flow,
            other => is_blank_or_end(other),
        };
        if ends {
            return offset;
        }
        offset += 1;
    }
    text.len()
}

/// Whether a character that begins with this byte may end a word; most bytes are told by a look at them alone.
fn may_end(byte: &u8) -> bool {
    const LEADS_TO_NEXT_LINE: u8 = 0xC2;
    const LEADS_TO_SEPARATORS: u8 = 0xE2;
    matches!(
        *byte,
        b' ' | b'\t'
            | b'\n'
            | b'\r'
            | b':'
            | b','
            | b'?'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | LEADS_TO_NEXT_LINE
            | LEADS_TO_SEPARATORS
    )
}

struct Gap<'text> {
    /// What stands for the gap when another word follows; nothing when none can.
    text: Cow<'text, str>,
    has_line_break: bool,
}

/// Passes blanks and empty lines; only the first line may have tabs.
fn gap<'text>(cursor: &mut Cursor<'text>) -> Gap<'text> {
    let blanks = cursor.take_until(|c| !matches!(c, ' ' | '\t'));
    let Some(first) = cursor.line_break() else {
        return Gap {
            text: blanks.into(),
            has_line_break: false,
        };
    };
    let text = line_breaks(cursor, first).into();
    Gap {
        text,
        has_line_break: true,
    }
}

/// One line break is a space, several are all but the first.
fn line_breaks(cursor: &mut Cursor<'_>, first: char) -> String {
    let mut breaks = String::new();
    if at_end_of_document(cursor) {
        return breaks;
    }
    loop {
        cursor.skip_spaces();
        let Some(line_break) = cursor.line_break() else {
            break;
        };
        breaks.push(line_break);
        if at_end_of_document(cursor) {
            return String::new();
        }
    }
    match first {
        '\n' if breaks.is_empty() => " ".to_owned(),
        '\n' => breaks,
        _ => format!("{first}{breaks}"),
    }
}

/// SnakeYAML forgets to look behind `---`.
fn at_end_of_document(cursor: &Cursor<'_>) -> bool {
    cursor.rest().starts_with("---") || cursor.at_indicator("...")
}
