//! Lines that begin with `%`.

use super::properties::{tag_handle, tag_uri};
use crate::Error;
use crate::cursor::{Cursor, is_space_or_end};
use crate::source::is_break;
use crate::token::Directive;

const LONGEST_VERSION: usize = 3;

/// Passes a directive with its line.
pub(super) fn scan(cursor: &mut Cursor<'_>) -> Result<Directive, Error> {
    cursor.advance();
    let directive = match name(cursor)? {
        "YAML" => version(cursor)?,
        "TAG" => tag(cursor)?,
        _ => {
            cursor.take_until(is_break);
            Directive::Unknown
        }
    };
    end_of_line(cursor, "a directive")?;
    Ok(directive)
}

fn name<'text>(cursor: &mut Cursor<'text>) -> Result<&'text str, Error> {
    let name = cursor.take_until(|c| !is_word(c));
    if name.is_empty() || !is_space_or_end(cursor.peek()) {
        return Err(unexpected(cursor, "alphabetic or numeric character"));
    }
    Ok(name)
}

/// What names of directives and handles of tags are made of.
pub(super) fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

fn version(cursor: &mut Cursor<'_>) -> Result<Directive, Error> {
    cursor.skip_spaces();
    let major = number(cursor)?;
    if !cursor.at('.') {
        return Err(unexpected(cursor, "digit or '.' character"));
    }
    cursor.advance();
    number(cursor)?;
    if !is_space_or_end(cursor.peek()) {
        return Err(unexpected(cursor, "digit or ' ' character"));
    }
    Ok(Directive::Yaml(major))
}

fn number(cursor: &mut Cursor<'_>) -> Result<u32, Error> {
    let digits = cursor.take_until(|c| !c.is_ascii_digit());
    if digits.len() > LONGEST_VERSION {
        return Err(Error::at(
            cursor.mark(),
            "found extremely long version number",
        ));
    }
    digits
        .parse()
        .map_err(|_| unexpected(cursor, "version number"))
}

fn tag(cursor: &mut Cursor<'_>) -> Result<Directive, Error> {
    cursor.skip_spaces();
    let handle = tag_handle(cursor)?.to_owned();
    if !cursor.at(' ') {
        return Err(unexpected(cursor, "' '"));
    }
    cursor.skip_spaces();
    let prefix = tag_uri(cursor)?;
    if !is_space_or_end(cursor.peek()) {
        return Err(unexpected(cursor, "' '"));
    }
    Ok(Directive::Tag { handle, prefix })
}

fn unexpected(cursor: &Cursor<'_>, expected: &str) -> Error {
    let problem = format!("did not find expected {expected} while scanning a directive");
    Error::at(cursor.mark(), problem)
}

/// Passes spaces, a comment and the line break.
pub(super) fn end_of_line(cursor: &mut Cursor<'_>, context: &str) -> Result<(), Error> {
    cursor.skip_spaces();
    if cursor.at('#') {
        cursor.take_until(is_break);
    }
    if cursor.line_break().is_none() && cursor.peek().is_some() {
        let problem =
            format!("did not find expected comment or line break while scanning {context}");
        return Err(Error::at(cursor.mark(), problem));
    }
    Ok(())
}
