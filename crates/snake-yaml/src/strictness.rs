//! What libyaml lets pass and SnakeYAML does not: tabs between tokens, and the escape `\/`.

use std::ops::Range;

use crate::Error;
use crate::events::{Parser, TokenKind};
use crate::source::{end_of, is_break};

/// Checks a text that libyaml has already parsed without an error.
pub(crate) fn check(text: &str) -> Result<(), Error> {
    if !text.contains('\t') && !text.contains("\\/") {
        return Ok(());
    }
    let mut parser = Parser::new(text);
    let mut position = 0;
    let mut behind_plain = false;
    loop {
        let token = parser.next_token()?;
        let gap = position..token.start;
        let tab = first_in(text, gap, |gap| {
            misplaced_tab_between_tokens(gap, behind_plain)
        });
        refuse(text, tab, "found a tab where only spaces may stand")?;

        // Tokens without length, such as the end of a block, stand wherever the next one is.
        if token.end > position {
            position = token.end;
            behind_plain = token.kind == TokenKind::PlainScalar;
        }
        let range = token.start..token.end;
        match token.kind {
            TokenKind::StreamEnd => return Ok(()),
            TokenKind::PlainScalar => {
                let tab = first_in(text, range, misplaced_tab_in_plain);
                refuse(text, tab, "found a tab where only spaces may stand")?;
            }
            TokenKind::DoubleQuotedScalar => {
                let escape = first_in(text, range, escaped_slash);
                refuse(text, escape, "found unknown escape character")?;
            }
            TokenKind::Other => {}
        }
    }
}

fn refuse(text: &str, offset: Option<usize>, problem: &str) -> Result<(), Error> {
    match offset {
        Some(offset) => Err(Error::at(end_of(&text[..offset]), problem)),
        None => Ok(()),
    }
}

/// Searches a part of the text for an offset in the whole.
fn first_in(
    text: &str,
    range: Range<usize>,
    search: impl Fn(&str) -> Option<usize>,
) -> Option<usize> {
    let start = range.start;
    search(text.get(range)?).map(|offset| start + offset)
}

/// A tab may stand in a comment, or directly behind a plain scalar, which swallows it.
fn misplaced_tab_between_tokens(gap: &str, mut swallowed: bool) -> Option<usize> {
    let mut in_comment = false;
    for (offset, character) in gap.char_indices() {
        match character {
            '\t' if !in_comment && !swallowed => return Some(offset),
            '#' => in_comment = true,
            _ if is_break(character) => {
                in_comment = false;
                swallowed = false;
            }
            _ => {}
        }
    }
    None
}

/// A tab may stand between two words, but not before the first word of a line.
fn misplaced_tab_in_plain(scalar: &str) -> Option<usize> {
    let mut before_first_word = false;
    for (offset, character) in scalar.char_indices() {
        match character {
            '\t' if before_first_word => return Some(offset),
            ' ' => {}
            _ => before_first_word = is_break(character),
        }
    }
    None
}

fn escaped_slash(scalar: &str) -> Option<usize> {
    let mut characters = scalar.char_indices();
    while let Some((offset, character)) = characters.next() {
        if character == '\\' && characters.next().is_some_and(|(_, next)| next == '/') {
            return Some(offset);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Option<String> {
        check(text).err().map(|error| error.to_string())
    }

    #[test]
    fn tabs_may_stand_in_scalars_and_comments() {
        let texts = [
            "a: 1\t\n",
            "a: 1\t# c\n",
            "a: 'x' # \t\nb: 2\n",
            "a: x\ty\n  z\n",
            "é: 'ü\t'\nb: \"\t\"\n",
            "a: |\n  x\ty\n",
        ];
        for text in texts {
            assert_eq!(problem(text), None, "{text:?}");
        }
    }

    #[test]
    fn other_tabs_are_refused() {
        let cases = [
            ("a:\t1\n", "1:3"),
            ("é: 'ü'\t# c\n", "1:7"),
            ("a: 1\nb: [\n\t1]\n", "3:1"),
            ("x\n \ty\n", "2:2"),
            ("'\u{85}\u{2028}'\t# c\n", "3:2"),
        ];
        for (text, place) in cases {
            let expected = format!("{place}: found a tab where only spaces may stand");
            assert_eq!(problem(text), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn an_escaped_slash_is_refused_in_double_quotes_only() {
        let expected = Some("2:6: found unknown escape character".to_owned());
        assert_eq!(problem("a: '\\/'\nb: \"é\\/\"\n"), expected);
        assert_eq!(problem("a: '\\/'\nb: \"\\\\/\"\nc: \\/\n"), None);
    }
}
