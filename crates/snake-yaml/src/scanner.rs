//! From text to tokens.
//!
//! Follows SnakeYAML's scanner decision by decision, oddities included: what is a file there must be one here.

use std::collections::VecDeque;

use crate::cursor::{Cursor, is_blank_or_end};
use crate::source::is_break;
use crate::token::{Token, TokenKind};
use crate::{Error, ErrorKind, Mark};

use keys::PossibleKey;

mod block;
mod directives;
mod fetch;
mod keys;
mod plain;
mod properties;
mod quoted;

/// Hands out one token at a time and looks ahead no further than a key may reach.
#[derive(Debug)]
pub(crate) struct Scanner<'text> {
    cursor: Cursor<'text>,
    tokens: VecDeque<Token>,
    /// How many tokens were handed out.
    taken: usize,
    is_done: bool,
    /// How many `[` and `{` are open.
    flow_level: usize,
    /// The column of the innermost block collection.
    indent: Option<usize>,
    outer_indents: Vec<Option<usize>>,
    /// Whether a key without `?` may begin here.
    allows_simple_key: bool,
    /// What turns out to be a key if a `:` follows, one at most for each level of flow collections.
    possible_keys: Vec<PossibleKey>,
}

impl<'text> Scanner<'text> {
    pub(crate) fn new(text: &'text str) -> Self {
        let mut cursor = Cursor::new(text);
        if cursor.at('\u{FEFF}') {
            cursor.advance();
        }
        Self {
            cursor,
            tokens: VecDeque::new(),
            taken: 0,
            is_done: false,
            flow_level: 0,
            indent: None,
            outer_indents: Vec::new(),
            allows_simple_key: true,
            possible_keys: Vec::new(),
        }
    }

    /// The next token; the last one is [`TokenKind::StreamEnd`] and stays.
    pub(crate) fn peek(&mut self) -> Result<&Token, Error> {
        while self.needs_more()? {
            self.fetch()?;
        }
        Ok(self
            .tokens
            .front()
            .expect("this holds because the end of the stream is never handed out"))
    }

    /// Takes the next token.
    pub(crate) fn next(&mut self) -> Result<Token, Error> {
        let (start, end) = {
            let token = self.peek()?;
            (token.start, token.end)
        };
        if self.tokens.len() == 1 && self.is_done {
            let kind = TokenKind::StreamEnd;
            return Ok(Token { start, end, kind });
        }
        self.taken += 1;
        Ok(self
            .tokens
            .pop_front()
            .expect("this holds because there was one to peek at"))
    }

    /// A possible key before the next token would put another token before it.
    fn needs_more(&mut self) -> Result<bool, Error> {
        if self.is_done {
            return Ok(false);
        }
        if self.tokens.is_empty() {
            return Ok(true);
        }
        if self.possible_keys.is_empty() {
            return Ok(false);
        }
        self.drop_stale_keys()?;
        Ok(self
            .possible_keys
            .first()
            .is_some_and(|key| key.token == self.taken))
    }

    fn fetch(&mut self) -> Result<(), Error> {
        self.skip_to_next_token();
        self.drop_stale_keys()?;
        self.unwind_indent(Some(self.cursor.column()));
        let Some(character) = self.cursor.peek() else {
            return self.fetch_stream_end();
        };
        let at_line_start = self.cursor.column() == 0;
        let in_block = self.flow_level == 0;
        match character {
            '%' if at_line_start => self.fetch_directive(),
            '-' if at_line_start && self.cursor.at_indicator("---") => {
                self.fetch_document_indicator(TokenKind::DocumentStart)
            }
            '.' if at_line_start && self.cursor.at_indicator("...") => {
                self.fetch_document_indicator(TokenKind::DocumentEnd)
            }
            '-' if self.cursor.at_indicator("-") => self.fetch_block_entry(),
            '[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            '{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            ']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            '}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            ',' => self.fetch_flow_entry(),
            '?' if !in_block || self.cursor.at_indicator("?") => self.fetch_key(),
            ':' if !in_block || self.cursor.at_indicator(":") => self.fetch_value(),
            '*' | '&' | '!' => self.fetch_property(character),
            '|' | '>' if in_block => self.fetch_block_scalar(),
            '\'' | '"' => self.fetch_quoted_scalar(),
            _ if self.may_begin_plain(character) => self.fetch_plain_scalar(),
            '\t' => Err(self
                .error("found a tab where only spaces may stand")
                .of(ErrorKind::Tab)),
            _ => {
                let problem =
                    "found character that cannot start any token while scanning for the next token";
                Err(self.error(problem).of(ErrorKind::Sign))
            }
        }
    }

    fn may_begin_plain(&self, character: char) -> bool {
        let is_indicator = matches!(
            character,
            '-' | '?'
                | ':'
                | ','
                | '['
                | ']'
                | '{'
                | '}'
                | '#'
                | '&'
                | '*'
                | '!'
                | '|'
                | '>'
                | '\''
                | '"'
                | '%'
                | '@'
                | '`'
        );
        let may_continue = || !is_blank_or_end(self.cursor.peek_at(1));
        match character {
            '\t' => false,
            '-' => may_continue(),
            '?' | ':' => self.flow_level == 0 && may_continue(),
            _ => !is_indicator,
        }
    }

    fn skip_to_next_token(&mut self) {
        loop {
            self.cursor.skip_spaces();
            if self.cursor.at('#') {
                self.cursor.take_until(is_break);
            }
            if self.cursor.line_break().is_none() {
                return;
            }
            if self.flow_level == 0 {
                self.allows_simple_key = true;
            }
        }
    }

    fn push_here(&mut self, kind: TokenKind) {
        self.push_from(self.cursor.mark(), kind);
    }

    fn push_signs(&mut self, signs: usize, kind: TokenKind) {
        let start = self.cursor.mark();
        self.cursor.skip(signs);
        self.push_from(start, kind);
    }

    fn push_from(&mut self, start: Mark, kind: TokenKind) {
        let end = self.cursor.mark();
        self.tokens.push_back(Token { start, end, kind });
    }

    /// Ends the block collections that stand further to the right than the column; all of them when there is none.
    fn unwind_indent(&mut self, column: Option<usize>) {
        if self.flow_level > 0 {
            return;
        }
        while self.indent > column {
            self.indent = self.outer_indents.pop().flatten();
            self.push_here(TokenKind::BlockEnd);
        }
    }

    /// Whether a collection begins at this column.
    fn add_indent(&mut self, column: usize) -> bool {
        let is_deeper = self.indent < Some(column);
        if is_deeper {
            self.outer_indents.push(self.indent);
            self.indent = Some(column);
        }
        is_deeper
    }

    fn error(&self, problem: &str) -> Error {
        Error::at(self.cursor.mark(), problem)
    }
}
