//! Literal and folded blocks: `|` and `>`.

use super::directives::end_of_line;
use crate::Error;
use crate::cursor::{Cursor, is_space_or_end};
use crate::source::is_break;

/// What becomes of the line breaks at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

struct Header {
    chomping: Chomping,
    /// How much deeper than the collection around it, when that is written.
    increment: Option<usize>,
}

/// Passes a block that stands in a collection at the column `parent`.
pub(super) fn scan(cursor: &mut Cursor<'_>, parent: Option<usize>) -> Result<String, Error> {
    let folded = cursor.at('>');
    cursor.advance();
    let header = header(cursor)?;
    end_of_line(cursor, "a block scalar")?;

    let least = parent.map_or(0, |parent| parent + 1).max(1);
    let (indent, mut breaks) = match header.increment {
        Some(increment) => {
            let indent = least + increment - 1;
            (indent, empty_lines(cursor, indent))
        }
        None => {
            let (deepest, breaks) = first_indentation(cursor);
            (deepest.max(least), breaks)
        }
    };
    let mut text = String::new();
    let mut line_break = None;
    while cursor.column() == indent && cursor.peek().is_some() {
        text.push_str(&breaks);
        let is_word = !begins_with_blank(cursor);
        text.push_str(cursor.take_until(is_break));
        line_break = cursor.line_break();
        breaks = empty_lines(cursor, indent);
        if cursor.column() != indent || cursor.peek().is_none() {
            break;
        }
        let folds = folded && line_break == Some('\n') && is_word && !begins_with_blank(cursor);
        match line_break {
            Some(_) if folds && breaks.is_empty() => text.push(' '),
            Some(line_break) if !folds => text.push(line_break),
            _ => {}
        }
    }
    if header.chomping != Chomping::Strip {
        text.extend(line_break);
    }
    if header.chomping == Chomping::Keep {
        text.push_str(&breaks);
    }
    Ok(text)
}

fn begins_with_blank(cursor: &Cursor<'_>) -> bool {
    cursor.at(' ') || cursor.at('\t')
}

/// A sign and a digit in either order, both optional.
fn header(cursor: &mut Cursor<'_>) -> Result<Header, Error> {
    let mut chomping = chomping(cursor);
    let increment = increment(cursor)?;
    if chomping.is_none() && increment.is_some() {
        chomping = self::chomping(cursor);
    }
    if !is_space_or_end(cursor.peek()) {
        let problem =
            "did not find expected chomping or indentation indicator while scanning a block scalar";
        return Err(Error::at(cursor.mark(), problem));
    }
    Ok(Header {
        chomping: chomping.unwrap_or(Chomping::Clip),
        increment,
    })
}

fn chomping(cursor: &mut Cursor<'_>) -> Option<Chomping> {
    let chomping = match cursor.peek()? {
        '-' => Chomping::Strip,
        '+' => Chomping::Keep,
        _ => return None,
    };
    cursor.advance();
    Some(chomping)
}

fn increment(cursor: &mut Cursor<'_>) -> Result<Option<usize>, Error> {
    let Some(digit) = cursor.peek().and_then(|c| c.to_digit(10)) else {
        return Ok(None);
    };
    if digit == 0 {
        let problem = "found an indentation indicator equal to 0 while scanning a block scalar";
        return Err(Error::at(cursor.mark(), problem));
    }
    cursor.advance();
    Ok(Some(digit as usize))
}

/// Passes the empty lines before the text, and the spaces before its first word.
fn first_indentation(cursor: &mut Cursor<'_>) -> (usize, String) {
    let mut deepest = 0;
    let mut breaks = String::new();
    loop {
        cursor.skip_spaces();
        deepest = deepest.max(cursor.column());
        match cursor.line_break() {
            Some(line_break) => breaks.push(line_break),
            None => return (deepest, breaks),
        }
    }
}

/// Passes empty lines, and spaces up to the indentation.
fn empty_lines(cursor: &mut Cursor<'_>, indent: usize) -> String {
    let mut breaks = String::new();
    loop {
        while cursor.column() < indent && cursor.at(' ') {
            cursor.advance();
        }
        match cursor.line_break() {
            Some(line_break) => breaks.push(line_break),
            None => return breaks,
        }
    }
}
