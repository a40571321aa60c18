//! Scalars in single and double quotes.

use crate::cursor::{Cursor, is_blank_or_end};
use crate::{Error, ErrorKind};

/// Passes a scalar with its quotes.
pub(super) fn scan(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    let double = cursor.at('"');
    let quote = if double { '"' } else { '\'' };
    let start = cursor.mark();
    cursor.advance();
    text_until(cursor, quote, double).map_err(|error| error.begun_at(start))
}

fn text_until(cursor: &mut Cursor<'_>, quote: char, double: bool) -> Result<String, Error> {
    let mut text = Text::default();
    words(cursor, double, &mut text)?;
    while !cursor.at(quote) {
        blanks(cursor, &mut text)?;
        words(cursor, double, &mut text)?;
    }
    cursor.advance();
    Ok(text.finish())
}

/// Java's text is made of halves of characters, and two escapes may make a whole one.
#[derive(Default)]
struct Text {
    finished: String,
    first_half: Option<u16>,
}

impl Text {
    fn push_str(&mut self, text: &str) {
        self.end_half();
        self.finished.push_str(text);
    }

    fn push(&mut self, character: char) {
        self.end_half();
        self.finished.push(character);
    }

    /// Nothing when there is no such character.
    fn push_code(&mut self, code: u32) -> Option<()> {
        if let Some(character) = char::from_u32(code) {
            self.push(character);
            return Some(());
        }
        let half = u16::try_from(code).ok()?;
        let both = self.first_half.map(|first| [first, half]);
        let whole = both.and_then(|both| char::decode_utf16(both).next()?.ok());
        if let Some(whole) = whole {
            self.first_half = None;
            self.push(whole);
        } else {
            self.end_half();
            self.first_half = Some(half);
        }
        Some(())
    }

    fn end_half(&mut self) {
        if self.first_half.take().is_some() {
            self.finished.push(char::REPLACEMENT_CHARACTER);
        }
    }

    fn finish(mut self) -> String {
        self.end_half();
        self.finished
    }
}

/// Passes everything up to a blank or the closing quote.
fn words(cursor: &mut Cursor<'_>, double: bool, text: &mut Text) -> Result<(), Error> {
    loop {
        let ends = |c: char| is_blank_or_end(Some(c)) || matches!(c, '\'' | '"' | '\\');
        let word = cursor.take_until(ends);
        if !word.is_empty() {
            text.push_str(word);
        }
        match cursor.peek() {
            Some('\'') if !double && cursor.peek_at(1) == Some('\'') => {
                text.push('\'');
                cursor.skip(2);
            }
            Some(sign @ '\'') if double => push_sign(cursor, sign, text),
            Some(sign @ ('"' | '\\')) if !double => push_sign(cursor, sign, text),
            Some('\\') => {
                cursor.advance();
                escape(cursor, text)?;
            }
            _ => return Ok(()),
        }
    }
}

fn push_sign(cursor: &mut Cursor<'_>, sign: char, text: &mut Text) {
    text.push(sign);
    cursor.advance();
}

/// What follows a backslash.
fn escape(cursor: &mut Cursor<'_>, text: &mut Text) -> Result<(), Error> {
    let unknown = |cursor: &Cursor<'_>| {
        Error::at(cursor.mark(), "found unknown escape character").of(ErrorKind::Escape)
    };
    let Some(letter) = cursor.peek() else {
        return Err(unknown(cursor));
    };
    if let Some(character) = replacement(letter) {
        text.push(character);
        cursor.advance();
        return Ok(());
    }
    let digits = match letter {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        _ => {
            cursor.line_break().ok_or_else(|| unknown(cursor))?;
            return further_breaks(cursor, text);
        }
    };
    cursor.advance();
    let code = cursor.rest().get(..digits).and_then(hexadecimal);
    if code.and_then(|code| text.push_code(code)).is_none() {
        let problem = "did not find expected hexadecimal number";
        return Err(Error::at(cursor.mark(), problem).of(ErrorKind::Escape));
    }
    cursor.take(digits);
    Ok(())
}

/// The number that these digits are; a sign is none.
fn hexadecimal(digits: &str) -> Option<u32> {
    let only_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    only_digits
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

fn replacement(letter: char) -> Option<char> {
    let character = match letter {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'v' => '\u{B}',
        'f' => '\u{C}',
        'r' => '\r',
        'e' => '\u{1B}',
        ' ' | '"' | '\\' => letter,
        'N' => '\u{85}',
        '_' => '\u{A0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        _ => return None,
    };
    Some(character)
}

/// Passes blanks, which stay unless a line ends with them.
fn blanks(cursor: &mut Cursor<'_>, text: &mut Text) -> Result<(), Error> {
    let blanks = cursor.take_until(|c| !matches!(c, ' ' | '\t'));
    if cursor.peek().is_none() {
        let problem = "found unexpected end of stream while scanning a quoted scalar";
        return Err(Error::at(cursor.mark(), problem).of(ErrorKind::OpenQuote));
    }
    let Some(first) = cursor.line_break() else {
        text.push_str(blanks);
        return Ok(());
    };
    if first != '\n' {
        text.push(first);
    }
    let before = text.finished.len();
    further_breaks(cursor, text)?;
    if first == '\n' && text.finished.len() == before {
        text.push(' ');
    }
    Ok(())
}

/// Passes empty lines; each of them is a line break of the text.
fn further_breaks(cursor: &mut Cursor<'_>, text: &mut Text) -> Result<(), Error> {
    loop {
        if cursor.at_document_indicator() {
            let problem = "found unexpected document indicator while scanning a quoted scalar";
            return Err(Error::at(cursor.mark(), problem).of(ErrorKind::OpenQuote));
        }
        cursor.skip_blanks();
        match cursor.line_break() {
            Some(line_break) => text.push(line_break),
            None => return Ok(()),
        }
    }
}
