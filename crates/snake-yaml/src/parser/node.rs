//! One node: what stands before it, and what it begins with.

use super::{Context, Event, EventKind, Parser, Place, Properties, State, event, nothing};
use crate::token::{Token, TokenKind};
use crate::{Error, ErrorKind, Mark};

impl Parser<'_> {
    /// An alias, a scalar, or the beginning of a collection.
    pub(super) fn node(&mut self, context: Context) -> Result<Event, Error> {
        if matches!(self.scanner.peek()?.kind, TokenKind::Alias(_)) {
            let token = self.scanner.next()?;
            self.leave();
            return Ok(match token.kind {
                TokenKind::Alias(name) => event(token.start, EventKind::Alias(name)),
                _ => nothing(token.start),
            });
        }
        let (properties, mark) = self.properties()?;
        let start = self.scanner.peek()?.start;
        let mark = mark.unwrap_or(start);
        let is_block = context != Context::Flow;
        let state = match self.scanner.peek()?.kind {
            TokenKind::BlockEntry if context == Context::BlockOrIndentless => {
                State::IndentlessSequence
            }
            TokenKind::Scalar { .. } => return self.scalar(properties, mark),
            TokenKind::FlowSequenceStart => State::FlowSequence(Place::First),
            TokenKind::FlowMappingStart => State::FlowMappingKey(Place::First),
            TokenKind::BlockSequenceStart if is_block => State::BlockSequence(Place::First),
            TokenKind::BlockMappingStart if is_block => State::BlockMappingKey(Place::First),
            _ => return self.empty_node(properties, mark, context),
        };
        self.state = state;
        let kind = match state {
            State::FlowMappingKey(_) | State::BlockMappingKey(_) => {
                EventKind::MappingStart(properties)
            }
            _ => EventKind::SequenceStart(properties),
        };
        Ok(event(mark, kind))
    }

    fn scalar(&mut self, properties: Properties, mark: Mark) -> Result<Event, Error> {
        self.leave();
        let token = self.scanner.next()?;
        let TokenKind::Scalar { text, plain } = token.kind else {
            return Ok(nothing(mark));
        };
        let kind = EventKind::Scalar {
            properties,
            text,
            plain,
        };
        Ok(event(mark, kind))
    }

    /// Nothing behind a tag or an anchor is empty text.
    fn empty_node(
        &mut self,
        properties: Properties,
        mark: Mark,
        context: Context,
    ) -> Result<Event, Error> {
        if properties.anchor.is_none() && properties.tag.is_none() {
            return if context == Context::Flow {
                let expected = "node content while parsing a flow node";
                self.unexpected(expected, ErrorKind::OpenBracket)
            } else {
                let expected = "node content while parsing a block node";
                self.unexpected(expected, ErrorKind::Placement)
            };
        }
        self.leave();
        let kind = EventKind::Scalar {
            properties,
            text: String::new(),
            plain: true,
        };
        Ok(event(mark, kind))
    }

    /// An anchor and a tag in either order, and where the first of them stands.
    fn properties(&mut self) -> Result<(Properties, Option<Mark>), Error> {
        let mut properties = Properties::default();
        let mut mark = None;
        loop {
            match &self.scanner.peek()?.kind {
                TokenKind::Anchor(_) if properties.anchor.is_none() => {}
                TokenKind::Tag(_) if properties.tag.is_none() => {}
                _ => return Ok((properties, mark)),
            }
            let Token { start, kind, .. } = self.scanner.next()?;
            mark = mark.or(Some(start));
            match kind {
                TokenKind::Anchor(name) => properties.anchor = Some(name),
                TokenKind::Tag(tag) => properties.tag = Some(self.handles.resolve(tag, start)?),
                _ => {}
            }
        }
    }
}
