//! A place in a text and the steps forward from it.

use crate::Mark;
use crate::source::is_break;

/// Reads a text from the front and counts lines and columns as SnakeYAML does.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'text> {
    rest: &'text str,
    /// Characters passed; marks are counted from 1, these three from 0.
    index: usize,
    line: u32,
    column: usize,
}

impl<'text> Cursor<'text> {
    pub(crate) fn new(text: &'text str) -> Self {
        Self {
            rest: text,
            index: 0,
            line: 0,
            column: 0,
        }
    }

    pub(crate) fn rest(&self) -> &'text str {
        self.rest
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn line(&self) -> u32 {
        self.line
    }

    pub(crate) fn column(&self) -> usize {
        self.column
    }

    pub(crate) fn mark(&self) -> Mark {
        let column = u32::try_from(self.column).unwrap_or(u32::MAX);
        Mark {
            line: self.line.saturating_add(1),
            column: column.saturating_add(1),
        }
    }

    /// The next character; nothing at the end.
    pub(crate) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// The character so many places behind the next one.
    pub(crate) fn peek_at(&self, places: usize) -> Option<char> {
        self.rest.chars().nth(places)
    }

    pub(crate) fn at(&self, character: char) -> bool {
        self.rest.starts_with(character)
    }

    /// Passes one character, whatever it is.
    pub(crate) fn advance(&mut self) {
        let mut characters = self.rest.chars();
        let Some(character) = characters.next() else {
            return;
        };
        self.rest = characters.as_str();
        self.index += 1;
        let half_break = character == '\r' && (self.rest.is_empty() || self.at('\n'));
        if is_break(character) && !half_break {
            self.line += 1;
            self.column = 0;
        } else if character != '\u{FEFF}' {
            self.column += 1;
        }
    }

    /// Passes so many characters.
    pub(crate) fn skip(&mut self, characters: usize) {
        (0..characters).for_each(|_| self.advance());
    }

    /// Passes the characters before the first that `stop` holds for; none of them may be a line break.
    pub(crate) fn take_until(&mut self, stop: impl FnMut(char) -> bool) -> &'text str {
        let length = self.rest.find(stop).unwrap_or(self.rest.len());
        self.take(length)
    }

    /// Passes so many bytes, which hold no line break.
    pub(crate) fn take(&mut self, length: usize) -> &'text str {
        let (taken, rest) = self.rest.split_at(length);
        let characters = taken.chars().count();
        self.rest = rest;
        self.index += characters;
        self.column += characters;
        taken
    }

    pub(crate) fn skip_spaces(&mut self) {
        self.take_until(|c| c != ' ');
    }

    pub(crate) fn skip_blanks(&mut self) {
        self.take_until(|c| !matches!(c, ' ' | '\t'));
    }

    /// Passes one line break, if there is one, and answers with what it means.
    pub(crate) fn line_break(&mut self) -> Option<char> {
        let character = self.peek().filter(|c| is_break(*c))?;
        if self.rest.starts_with("\r\n") {
            self.advance();
        }
        self.advance();
        match character {
            '\u{2028}' | '\u{2029}' => Some(character),
            _ => Some('\n'),
        }
    }

    /// Whether `---` or `...` stands here by itself; the caller knows that this is the start of a line.
    pub(crate) fn at_document_indicator(&self) -> bool {
        self.at_indicator("---") || self.at_indicator("...")
    }

    /// Whether these signs stand here and a blank, a line break or the end behind them.
    pub(crate) fn at_indicator(&self, signs: &str) -> bool {
        self.rest
            .strip_prefix(signs)
            .is_some_and(|rest| is_blank_or_end(rest.chars().next()))
    }
}

/// A space, a tab, a line break, or the end.
pub(crate) fn is_blank_or_end(character: Option<char>) -> bool {
    character.is_none_or(|c| matches!(c, ' ' | '\t') || is_break(c))
}

/// As [`is_blank_or_end`], without the tab.
pub(crate) fn is_space_or_end(character: Option<char>) -> bool {
    character.is_none_or(|c| c == ' ' || is_break(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted() {
        let mut cursor = Cursor::new("é\r\n\ra\u{FEFF}b\u{2028}c\r");
        let mut marks = Vec::new();
        while cursor.peek().is_some() {
            marks.push(cursor.mark().to_string());
            cursor.advance();
        }
        assert_eq!(marks.join(" "), "1:1 1:2 1:3 2:1 3:1 3:2 3:2 3:3 4:1 4:2");
        // A return at the very end is no line.
        assert_eq!(cursor.mark().to_string(), "4:3");
        assert_eq!(cursor.index(), 10);
    }

    #[test]
    fn line_breaks_are_made_alike() {
        for (text, expected) in [
            ("\r\nx", Some('\n')),
            ("\rx", Some('\n')),
            ("\u{85}x", Some('\n')),
            ("\u{2029}x", Some('\u{2029}')),
            ("x", None),
        ] {
            let mut cursor = Cursor::new(text);
            assert_eq!(cursor.line_break(), expected, "{text:?}");
            assert_eq!(cursor.rest(), "x");
        }
    }
}
