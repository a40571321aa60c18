//! Scalars: the choice of a style, and one writer for each.

use std::borrow::Cow;

use super::Context;
use super::analysis::{Analysis, is_break, utf_16_length};
use super::writer::Writer;
use crate::resolver::{self, Implicit};

/// SnakeYAML counts the tag of a key, written or not.
const LONGEST_SIMPLE_KEY: usize = 127;

#[derive(Debug)]
pub(super) struct Scalar<'text> {
    tag: Tag,
    text: Cow<'text, str>,
    analysis: Analysis,
    prefers_literal: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Standard(Implicit),
    Binary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

impl<'text> Scalar<'text> {
    pub(super) fn plain(tag: Implicit, text: &'text str) -> Self {
        Self::new(Tag::Standard(tag), text.into(), false)
    }

    pub(super) fn literal(text: &'text str) -> Self {
        Self::new(Tag::Standard(Implicit::Text), text.into(), true)
    }

    pub(super) fn binary(digits: String) -> Self {
        Self::new(Tag::Binary, digits.into(), true)
    }

    fn new(tag: Tag, text: Cow<'text, str>, prefers_literal: bool) -> Self {
        let analysis = Analysis::of(&text);
        Self {
            tag,
            text,
            analysis,
            prefers_literal,
        }
    }

    /// Whether the text may stand on one line with its colon.
    pub(super) fn fits_simple_key(&self) -> bool {
        let length = self.tag.name().len() + utf_16_length(&self.text);
        length <= LONGEST_SIMPLE_KEY && !self.text.is_empty() && !self.analysis.multiline
    }

    pub(super) fn write(&self, writer: &mut Writer, context: Context) {
        let style = self.style(context);
        if !self.may_omit_tag(style) {
            writer.spaced_indicator(self.tag.name());
        }
        let outer = writer.enter_scalar();
        let may_fold = context != Context::SimpleKey;
        match style {
            Style::Plain => write_plain(writer, &self.text, may_fold),
            Style::SingleQuoted => write_single_quoted(writer, &self.text, may_fold),
            Style::DoubleQuoted => write_double_quoted(writer, &self.text, may_fold),
            Style::Literal => write_literal(writer, &self.text),
        }
        writer.restore_indent(outer);
    }

    fn style(&self, context: Context) -> Style {
        if self.prefers_literal {
            let literal = context != Context::SimpleKey && self.analysis.block;
            return if literal {
                Style::Literal
            } else {
                Style::DoubleQuoted
            };
        }
        if self.reads_back_plain() && self.analysis.plain {
            Style::Plain
        } else if self.analysis.single_quoted {
            Style::SingleQuoted
        } else {
            Style::DoubleQuoted
        }
    }

    fn may_omit_tag(&self, style: Style) -> bool {
        match style {
            Style::Plain => true,
            _ => self.tag == Tag::Standard(Implicit::Text),
        }
    }

    fn reads_back_plain(&self) -> bool {
        self.tag == Tag::Standard(resolver::resolve(&self.text))
    }
}

impl Tag {
    fn name(self) -> &'static str {
        match self {
            Self::Binary => "!!binary",
            Self::Standard(Implicit::Null) => "!!null",
            Self::Standard(Implicit::Bool) => "!!bool",
            Self::Standard(Implicit::Integer) => "!!int",
            Self::Standard(Implicit::Float) => "!!float",
            Self::Standard(Implicit::Merge) => "!!merge",
            Self::Standard(Implicit::Timestamp) => "!!timestamp",
            Self::Standard(Implicit::Text) => "!!str",
        }
    }
}

fn write_plain(writer: &mut Writer, text: &str, may_fold: bool) {
    writer.begin_plain();
    for (_, piece) in pieces(text) {
        if piece == " " && may_fold && writer.is_beyond_width() {
            writer.fold();
        } else {
            writer.text(piece);
        }
    }
}

fn write_single_quoted(writer: &mut Writer, text: &str, may_fold: bool) {
    writer.spaced_indicator("'");
    for (offset, piece) in pieces(text) {
        let at_edge = offset == 0 || offset + piece.len() == text.len();
        if piece == " " && may_fold && !at_edge && writer.is_beyond_width() {
            writer.indent_line();
        } else {
            writer.text(&piece.replace('\'', "''"));
        }
    }
    writer.indicator("'");
}

/// Runs of spaces and runs of anything else, alternately, with their offsets.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    std::iter::from_fn(move || {
        let rest = &text[offset..];
        let spaces = rest.starts_with(' ');
        let length = rest.find(|c| (c == ' ') != spaces).unwrap_or(rest.len());
        let piece = (offset, &rest[..length]);
        offset += length;
        (length > 0).then_some(piece)
    })
}

/// Folds with a backslash at the end of the line.
fn write_double_quoted(writer: &mut Writer, text: &str, may_fold: bool) {
    writer.spaced_indicator("\"");
    // What needs no escape and is not yet written.
    let mut pending = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((offset, character)) = characters.next() {
        let escape = escape(character);
        if let Some(escape) = &escape {
            writer.text(&std::mem::take(&mut pending));
            writer.text(escape);
        }
        let next = characters.peek().map(|(_, next)| *next);
        // Java counts surrogates, so it takes one half of a first emoji for the inside.
        let is_inside = (offset > 0 || character.len_utf16() > 1) && next.is_some();
        let is_foldable = character == ' ' || pending.is_empty();
        let is_beyond_width = || match escape {
            // SnakeYAML subtracts one column behind an escape.
            Some(_) => writer.is_beyond_width_by(1),
            None => writer.is_beyond_width_with(&pending),
        };
        if may_fold && is_inside && is_foldable && is_beyond_width() {
            pending.push('\\');
            writer.text(&std::mem::take(&mut pending));
            writer.fold();
            let first_of_line = if escape.is_some() {
                next
            } else {
                Some(character)
            };
            if first_of_line == Some(' ') {
                writer.text("\\");
            }
        }
        if escape.is_none() {
            pending.push(character);
        }
    }
    writer.text(&pending);
    writer.indicator("\"");
}

/// How a character is written in double quotes when it is not plain ASCII.
fn escape(character: char) -> Option<String> {
    let escape = match character {
        '"' => "\\\"",
        '\\' => "\\\\",
        '\t' => "\\t",
        '\n' => "\\n",
        '\r' => "\\r",
        '\u{85}' => "\\N",
        '\u{A0}' => "\\_",
        '\u{2028}' => "\\L",
        '\u{2029}' => "\\P",
        ' '..='~' => return None,
        _ => return Some(character.to_string()),
    };
    Some(escape.to_owned())
}

fn write_literal(writer: &mut Writer, text: &str) {
    writer.spaced_indicator(&format!("|{}", block_hints(text)));
    writer.line_break('\n');
    for line in text.split_inclusive(is_break) {
        let content = line.trim_end_matches(is_break);
        if !content.is_empty() {
            writer.indent_line();
            writer.literal_line(content);
        }
        let end = line[content.len()..].chars().next();
        writer.line_break(end.unwrap_or('\n'));
    }
}

/// The indentation, when it cannot be seen, and what becomes of the last line breaks.
fn block_hints(text: &str) -> String {
    let mut from_end = text.chars().rev();
    let chomping = match (from_end.next(), from_end.next()) {
        (Some(last), _) if !is_break(last) => "-",
        (_, Some(before)) if !is_break(before) => "",
        _ => "+",
    };
    let indentation = if text.starts_with(|c| c == ' ' || is_break(c)) {
        "2"
    } else {
        ""
    };
    format!("{indentation}{chomping}")
}
