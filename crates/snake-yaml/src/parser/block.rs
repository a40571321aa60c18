//! Collections in block style.

use super::{Context, Event, EventKind, Parser, Place, State, event};
use crate::token::{Token, TokenKind};
use crate::{Error, ErrorKind};

impl Parser<'_> {
    pub(super) fn block_sequence(&mut self, place: Place) -> Result<Event, Error> {
        self.pass_first(place)?;
        let token = self.scanner.peek()?;
        match token.kind {
            TokenKind::BlockEntry => {}
            TokenKind::BlockEnd => return self.end(EventKind::SequenceEnd),
            _ => {
                let expected = "'-' indicator while parsing a block collection";
                return self.unexpected(expected, ErrorKind::Placement);
            }
        }
        let entry = self.scanner.next()?;
        let further = State::BlockSequence(Place::Further);
        match self.scanner.peek()?.kind {
            TokenKind::BlockEntry | TokenKind::BlockEnd => Ok(self.nothing_behind(&entry, further)),
            _ => self.node_then(further, Context::Block),
        }
    }

    pub(super) fn indentless_sequence(&mut self) -> Result<Event, Error> {
        let token = self.scanner.peek()?;
        if !matches!(token.kind, TokenKind::BlockEntry) {
            let mark = token.start;
            self.leave();
            return Ok(event(mark, EventKind::SequenceEnd));
        }
        let entry = self.scanner.next()?;
        match self.scanner.peek()?.kind {
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                Ok(self.nothing_behind(&entry, State::IndentlessSequence))
            }
            _ => self.node_then(State::IndentlessSequence, Context::Block),
        }
    }

    pub(super) fn block_mapping_key(&mut self, place: Place) -> Result<Event, Error> {
        self.pass_first(place)?;
        match self.scanner.peek()?.kind {
            TokenKind::Key => {
                let key = self.scanner.next()?;
                self.block_mapping_node(&key, State::BlockMappingValue)
            }
            TokenKind::BlockEnd => self.end(EventKind::MappingEnd),
            _ => self.unexpected("key while parsing a block mapping", ErrorKind::Placement),
        }
    }

    pub(super) fn block_mapping_value(&mut self) -> Result<Event, Error> {
        let further = State::BlockMappingKey(Place::Further);
        match self.scanner.peek()?.kind {
            TokenKind::Value => {
                let sign = self.scanner.next()?;
                self.block_mapping_node(&sign, further)
            }
            TokenKind::Scalar { .. } => self.node_then(further, Context::BlockOrIndentless),
            _ => {
                self.state = further;
                self.nothing_here()
            }
        }
    }

    /// What stands behind `?` or `:`.
    fn block_mapping_node(&mut self, sign: &Token, then: State) -> Result<Event, Error> {
        match self.scanner.peek()?.kind {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                Ok(self.nothing_behind(sign, then))
            }
            _ => self.node_then(then, Context::BlockOrIndentless),
        }
    }
}
