//! Texts of others on a line of ours: they neither end it, nor drive a terminal, nor let it run the other way.

use std::borrow::Cow;

/// The text as one line: what is no part of a text is written as `\n`, `\u{1b}` or `\u{202e}`.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_disguise) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_disguise(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown.into()
}

/// What ends a line, moves the cursor, or lets text run the other way.
pub(crate) fn is_disguise(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_forges_a_line_or_drives_a_terminal() {
        assert_eq!(printable("größe 'a\\b'"), "größe 'a\\b'");
        assert_eq!(printable("a\nb\t\x1b[2J\u{9b}c"), r"a\nb\t\u{1b}[2J\u{9b}c");
        assert_eq!(
            printable("a\u{202e}b\u{2066}c\u{200f}"),
            r"a\u{202e}b\u{2066}c\u{200f}"
        );
    }
}
