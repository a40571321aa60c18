//! Keys without `?`, which only the `:` behind them tells from other values.

use super::Scanner;
use crate::token::{Token, TokenKind};
use crate::{Error, ErrorKind, Mark};

/// A key without `?` stands on one line and is at most so long.
const LONGEST_SIMPLE_KEY: usize = 1024;

#[derive(Debug, Clone, Copy)]
pub(super) struct PossibleKey {
    flow_level: usize,
    /// The number of its first token, counting all tokens before.
    pub(super) token: usize,
    /// Nothing else can stand there.
    is_required: bool,
    index: usize,
    line: u32,
    column: usize,
    mark: Mark,
}

impl Scanner<'_> {
    pub(super) fn save_possible_key(&mut self) -> Result<(), Error> {
        let column = self.cursor.column();
        let is_required = self.flow_level == 0 && self.indent == Some(column);
        if !self.allows_simple_key {
            let problem = "a key must be the first on its line";
            return if is_required {
                Err(self.error(problem).of(ErrorKind::Placement))
            } else {
                Ok(())
            };
        }
        self.drop_possible_key()?;
        self.possible_keys.push(PossibleKey {
            flow_level: self.flow_level,
            token: self.taken + self.tokens.len(),
            is_required,
            index: self.cursor.index(),
            line: self.cursor.line(),
            column,
            mark: self.cursor.mark(),
        });
        Ok(())
    }

    pub(super) fn take_possible_key(&mut self) -> Option<PossibleKey> {
        let level = self.flow_level;
        self.possible_keys.pop_if(|key| key.flow_level == level)
    }

    pub(super) fn drop_possible_key(&mut self) -> Result<(), Error> {
        match self.take_possible_key() {
            Some(key) if key.is_required => Err(missing_colon(&key)),
            _ => Ok(()),
        }
    }

    pub(super) fn drop_stale_keys(&mut self) -> Result<(), Error> {
        let (line, index) = (self.cursor.line(), self.cursor.index());
        let is_stale =
            |key: &PossibleKey| key.line != line || index - key.index > LONGEST_SIMPLE_KEY;
        let required = |key: &&PossibleKey| is_stale(key) && key.is_required;
        if let Some(key) = self.possible_keys.iter().find(required) {
            return Err(missing_colon(key));
        }
        self.possible_keys.retain(|key| !is_stale(key));
        Ok(())
    }

    /// Puts what marks a key before the tokens of the key.
    pub(super) fn insert_key(&mut self, key: PossibleKey) {
        let token = |kind| Token {
            start: key.mark,
            end: key.mark,
            kind,
        };
        let index = key.token - self.taken;
        self.tokens.insert(index, token(TokenKind::Key));
        if self.flow_level == 0 && self.add_indent(key.column) {
            self.tokens
                .insert(index, token(TokenKind::BlockMappingStart));
        }
    }
}

/// Told at the key: its line is the one to mend.
fn missing_colon(key: &PossibleKey) -> Error {
    Error::at(key.mark, "could not find expected ':' behind a key").of(ErrorKind::MissingColon)
}
