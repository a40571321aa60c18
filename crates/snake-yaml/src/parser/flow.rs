//! Collections in brackets and braces.

use super::{Context, Event, EventKind, Parser, Place, Properties, State, event};
use crate::token::TokenKind;
use crate::{Error, ErrorKind};

impl Parser<'_> {
    pub(super) fn flow_sequence(&mut self, place: Place) -> Result<Event, Error> {
        self.pass_first(place)?;
        if !matches!(self.scanner.peek()?.kind, TokenKind::FlowSequenceEnd) {
            self.pass_comma(place, "',' or ']' while parsing a flow sequence")?;
        }
        let token = self.scanner.peek()?;
        let mark = token.start;
        match token.kind {
            TokenKind::FlowSequenceEnd => self.end(EventKind::SequenceEnd),
            TokenKind::Key => {
                self.state = State::PairKey;
                Ok(event(mark, EventKind::MappingStart(Properties::default())))
            }
            _ => self.node_then(State::FlowSequence(Place::Further), Context::Flow),
        }
    }

    pub(super) fn pair_key(&mut self) -> Result<Event, Error> {
        let key = self.scanner.next()?;
        match self.scanner.peek()?.kind {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                Ok(self.nothing_behind(&key, State::PairValue))
            }
            _ => self.node_then(State::PairValue, Context::Flow),
        }
    }

    pub(super) fn pair_value(&mut self) -> Result<Event, Error> {
        if !matches!(self.scanner.peek()?.kind, TokenKind::Value) {
            self.state = State::PairEnd;
            return self.nothing_here();
        }
        let sign = self.scanner.next()?;
        match self.scanner.peek()?.kind {
            TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                Ok(self.nothing_behind(&sign, State::PairEnd))
            }
            _ => self.node_then(State::PairEnd, Context::Flow),
        }
    }

    pub(super) fn pair_end(&mut self) -> Result<Event, Error> {
        self.state = State::FlowSequence(Place::Further);
        let mark = self.scanner.peek()?.start;
        Ok(event(mark, EventKind::MappingEnd))
    }

    pub(super) fn flow_mapping_key(&mut self, place: Place) -> Result<Event, Error> {
        self.pass_first(place)?;
        if !matches!(self.scanner.peek()?.kind, TokenKind::FlowMappingEnd) {
            self.pass_comma(place, "',' or '}' while parsing a flow mapping")?;
        }
        match self.scanner.peek()?.kind {
            TokenKind::FlowMappingEnd => self.end(EventKind::MappingEnd),
            TokenKind::Key => {
                let key = self.scanner.next()?;
                match self.scanner.peek()?.kind {
                    TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                        Ok(self.nothing_behind(&key, State::FlowMappingValue))
                    }
                    _ => self.node_then(State::FlowMappingValue, Context::Flow),
                }
            }
            _ => self.node_then(State::FlowMappingNoValue, Context::Flow),
        }
    }

    pub(super) fn flow_mapping_value(&mut self) -> Result<Event, Error> {
        let further = State::FlowMappingKey(Place::Further);
        if !matches!(self.scanner.peek()?.kind, TokenKind::Value) {
            self.state = further;
            return self.nothing_here();
        }
        let sign = self.scanner.next()?;
        match self.scanner.peek()?.kind {
            TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                Ok(self.nothing_behind(&sign, further))
            }
            _ => self.node_then(further, Context::Flow),
        }
    }

    fn pass_comma(&mut self, place: Place, expected: &str) -> Result<(), Error> {
        if place == Place::First {
            return Ok(());
        }
        if !matches!(self.scanner.peek()?.kind, TokenKind::FlowEntry) {
            return self.unexpected(expected, ErrorKind::OpenBracket);
        }
        self.scanner.next()?;
        Ok(())
    }
}
