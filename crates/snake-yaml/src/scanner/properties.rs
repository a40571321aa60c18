//! What may stand before a node: anchors and tags; and aliases, which look alike.

use super::directives::is_word;
use crate::cursor::{Cursor, is_blank_or_end, is_space_or_end};
use crate::token::Tag;
use crate::{Error, ErrorKind};

/// Passes `&name` or `*name`.
pub(super) fn anchor(cursor: &mut Cursor<'_>, context: &str) -> Result<String, Error> {
    cursor.advance();
    let name = cursor.take_until(|c| is_blank_or_end(Some(c)) || ":,[]{}/.*&".contains(c));
    let is_end = |c: char| "?:,]}%@`".contains(c);
    if name.is_empty() || !(is_blank_or_end(cursor.peek()) || cursor.peek().is_some_and(is_end)) {
        let problem = format!(
            "did not find expected alphabetic or numeric character while scanning {context}"
        );
        return Err(Error::at(cursor.mark(), problem).of(ErrorKind::Alias));
    }
    Ok(name.to_owned())
}

/// Passes `!`, `!local`, `!!standard`, `!handle!suffix` or `!<in full>`.
pub(super) fn tag(cursor: &mut Cursor<'_>) -> Result<Tag, Error> {
    let next = cursor.peek_at(1);
    let tag = if next == Some('<') {
        tag_in_full(cursor)?
    } else if is_blank_or_end(next) {
        cursor.advance();
        Tag {
            handle: None,
            suffix: "!".to_owned(),
        }
    } else {
        short_tag(cursor)?
    };
    if is_space_or_end(cursor.peek()) {
        Ok(tag)
    } else {
        let problem = "did not find expected whitespace or line break while scanning a tag";
        Err(Error::at(cursor.mark(), problem).of(ErrorKind::Tag))
    }
}

fn tag_in_full(cursor: &mut Cursor<'_>) -> Result<Tag, Error> {
    cursor.skip(2);
    let suffix = tag_uri(cursor)?;
    if !cursor.at('>') {
        let problem = "did not find the expected '>' while scanning a tag";
        return Err(Error::at(cursor.mark(), problem));
    }
    cursor.advance();
    let handle = None;
    Ok(Tag { handle, suffix })
}

fn short_tag(cursor: &mut Cursor<'_>) -> Result<Tag, Error> {
    let word = cursor.rest().split(|c| is_space_or_end(Some(c))).next();
    let has_handle = word.is_some_and(|word| word[1..].contains('!'));
    let handle = if has_handle {
        tag_handle(cursor)?
    } else {
        cursor.take("!".len())
    };
    Ok(Tag {
        handle: Some(handle.to_owned()),
        suffix: tag_uri(cursor)?,
    })
}

/// `!`, `!!` or `!name!`
pub(super) fn tag_handle<'text>(cursor: &mut Cursor<'text>) -> Result<&'text str, Error> {
    let unexpected = |cursor: &Cursor<'_>| {
        let problem = "did not find expected '!' while scanning a tag handle";
        Error::at(cursor.mark(), problem)
    };
    let Some(behind) = cursor.rest().strip_prefix('!') else {
        return Err(unexpected(cursor));
    };
    if behind.starts_with(' ') {
        return Ok(cursor.take(1));
    }
    let name = behind.find(|c| !is_word(c)).unwrap_or(behind.len());
    if behind[name..].starts_with('!') {
        return Ok(cursor.take(name + 2));
    }
    cursor.take(name + 1);
    Err(unexpected(cursor))
}

/// The characters that a URI may have, `%41` decoded.
pub(super) fn tag_uri(cursor: &mut Cursor<'_>) -> Result<String, Error> {
    let mut bytes = Vec::new();
    let start = cursor.mark();
    loop {
        let plain = cursor.take_until(|c| c == '%' || !is_of_uri(c));
        bytes.extend_from_slice(plain.as_bytes());
        if !cursor.at('%') {
            break;
        }
        cursor.advance();
        bytes.push(escaped_byte(cursor)?);
    }
    if bytes.is_empty() {
        let problem = "did not find expected tag URI while parsing a tag";
        return Err(Error::at(cursor.mark(), problem));
    }
    String::from_utf8(bytes).map_err(|_| Error::at(start, "found a tag URI that is not UTF-8"))
}

fn is_of_uri(character: char) -> bool {
    is_word(character) || ";/?:@&=+$,.!~*'()[]%".contains(character)
}

/// Two digits; Java also takes a sign and one digit.
fn escaped_byte(cursor: &mut Cursor<'_>) -> Result<u8, Error> {
    let digits = cursor.rest().get(..2);
    let byte = digits.and_then(hexadecimal_byte);
    let Some(byte) = byte else {
        let problem = "did not find URI escaped octet while parsing a tag";
        return Err(Error::at(cursor.mark(), problem));
    };
    cursor.take(2);
    Ok(byte)
}

fn hexadecimal_byte(digits: &str) -> Option<u8> {
    u8::from_str_radix(digits, 16)
        .ok()
        .or_else(|| i8::from_str_radix(digits, 16).ok().map(i8::cast_unsigned))
}
