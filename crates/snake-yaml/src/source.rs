//! From bytes to text: encoding, size, and what is refused before the parser sees it.

use crate::{Error, ErrorKind, Limits, Mark};

/// The text of a stream without its byte order mark.
///
/// UTF-8, or UTF-16 when a byte order mark says so.
pub(crate) fn decode(bytes: &[u8], limits: &Limits) -> Result<String, Error> {
    if bytes.len() > limits.bytes {
        let problem = format!("longer than {} bytes", limits.bytes);
        return Err(Error::without_place(problem).of(ErrorKind::Limit));
    }
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf_8(rest)?,
        [0xFE, 0xFF, rest @ ..] => utf_16(rest, u16::from_be_bytes)?,
        [0xFF, 0xFE, rest @ ..] => utf_16(rest, u16::from_le_bytes)?,
        _ => utf_8(bytes)?,
    };
    check(&text)?;
    Ok(text)
}

fn utf_8(bytes: &[u8]) -> Result<String, Error> {
    match str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            Err(Error::at(end_of(&valid), "not UTF-8").of(ErrorKind::Encoding))
        }
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, Error> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let units = pairs.iter().map(|pair| unit(*pair));
    let text = char::decode_utf16(units).collect::<Result<String, _>>();
    match text {
        Ok(text) if rest.is_empty() => Ok(text),
        _ => Err(Error::without_place("not UTF-16").of(ErrorKind::Encoding)),
    }
}

fn check(text: &str) -> Result<(), Error> {
    // Most files are nothing but these, and bytes are compared many at once.
    let is_plain = |byte: &u8| matches!(*byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    if text.as_bytes().iter().all(is_plain) {
        return Ok(());
    }
    match text.char_indices().find(|(_, c)| !is_printable(*c)) {
        Some((offset, _)) => {
            let problem = "control characters are not allowed";
            Err(Error::at(end_of(&text[..offset]), problem).of(ErrorKind::Encoding))
        }
        None => Ok(()),
    }
}

/// What SnakeYAML lets through its reader.
pub(crate) fn is_printable(character: char) -> bool {
    matches!(character,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..)
}

/// What ends a line when reading.
pub(crate) fn is_break(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// The place just behind a text.
pub(crate) fn end_of(text: &str) -> Mark {
    let mut mark = Mark { line: 1, column: 1 };
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let half_break = character == '\r' && characters.peek() == Some(&'\n');
        if is_break(character) && !half_break {
            mark.line += 1;
            mark.column = 1;
        } else {
            mark.column += 1;
        }
    }
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> Result<String, String> {
        decode(bytes, &Limits::default()).map_err(|error| error.to_string())
    }

    #[test]
    fn byte_order_marks_choose_the_encoding() {
        assert_eq!(decoded(b"\xEF\xBB\xBFa"), Ok("a".to_owned()));
        assert_eq!(decoded(b"\xFE\xFF\x00a"), Ok("a".to_owned()));
        assert_eq!(decoded(b"\xFF\xFEa\x00"), Ok("a".to_owned()));
        assert_eq!(decoded(b"\xFF\xFEa"), Err("not UTF-16".to_owned()));
    }

    #[test]
    fn a_wrong_character_is_placed() {
        assert_eq!(
            decoded(b"a: 1\r\nb: \xE9"),
            Err("2:4: not UTF-8".to_owned())
        );
        assert_eq!(
            decoded("é: \u{7}".as_bytes()),
            Err("1:4: control characters are not allowed".to_owned())
        );
    }

    #[test]
    fn length_is_checked_first() {
        let limits = Limits {
            bytes: 3,
            ..Limits::default()
        };
        let error = decode(b"\xFF\xFF\xFF\xFF", &limits).unwrap_err();
        assert_eq!(error.to_string(), "longer than 3 bytes");
        assert_eq!(error.mark(), None);
    }
}
