//! From tokens to events.

use crate::scanner::Scanner;
use crate::token::{Token, TokenKind};
use crate::{Error, ErrorKind, Mark};

use tags::TagHandles;

mod block;
mod flow;
mod node;
mod tags;

/// One step of the structure of a stream.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) mark: Mark,
    pub(crate) kind: EventKind,
}

#[derive(Debug)]
pub(crate) enum EventKind {
    StreamEnd,
    DocumentStart,
    DocumentEnd,
    Alias(String),
    Scalar {
        properties: Properties,
        text: String,
        /// Whether the text alone decides the type when there is no tag.
        plain: bool,
    },
    SequenceStart(Properties),
    SequenceEnd,
    MappingStart(Properties),
    MappingEnd,
}

/// What may stand before a node.
#[derive(Debug, Default)]
pub(crate) struct Properties {
    pub(crate) anchor: Option<String>,
    /// In full, `tag:yaml.org,2002:str` for `!!str`.
    pub(crate) tag: Option<String>,
}

/// Hands out one event at a time; keeps a stack of what it is in.
#[derive(Debug)]
pub(crate) struct Parser<'text> {
    scanner: Scanner<'text>,
    state: State,
    outer: Vec<State>,
    handles: TagHandles,
}

/// What comes next.
#[derive(Debug, Clone, Copy)]
enum State {
    FirstDocument,
    /// The root of a document without `---`, which cannot be empty.
    Root,
    Document,
    DocumentContent,
    DocumentEnd,
    BlockSequence(Place),
    /// The entries of a list that stand under their key.
    IndentlessSequence,
    BlockMappingKey(Place),
    BlockMappingValue,
    FlowSequence(Place),
    /// A pair in a flow sequence, which is a mapping by itself.
    PairKey,
    PairValue,
    PairEnd,
    FlowMappingKey(Place),
    FlowMappingValue,
    FlowMappingNoValue,
}

/// Whether a collection has just begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Its first token was seen and not taken.
    First,
    Further,
}

/// Where a node stands, and so what it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Flow,
    Block,
    /// The value or key of a mapping, which a list without indentation may be.
    BlockOrIndentless,
}

impl<'text> Parser<'text> {
    pub(crate) fn new(text: &'text str) -> Self {
        Self {
            scanner: Scanner::new(text),
            state: State::FirstDocument,
            outer: Vec::new(),
            handles: TagHandles::default(),
        }
    }

    /// The next event; must not be asked for after an error or the end of the stream.
    pub(crate) fn next_event(&mut self) -> Result<Event, Error> {
        match self.state {
            State::FirstDocument => self.first_document(),
            State::Root => self.node(Context::Block),
            State::Document => self.document(),
            State::DocumentContent => self.document_content(),
            State::DocumentEnd => self.document_end(),
            State::BlockSequence(place) => self.block_sequence(place),
            State::IndentlessSequence => self.indentless_sequence(),
            State::BlockMappingKey(place) => self.block_mapping_key(place),
            State::BlockMappingValue => self.block_mapping_value(),
            State::FlowSequence(place) => self.flow_sequence(place),
            State::PairKey => self.pair_key(),
            State::PairValue => self.pair_value(),
            State::PairEnd => self.pair_end(),
            State::FlowMappingKey(place) => self.flow_mapping_key(place),
            State::FlowMappingValue => self.flow_mapping_value(),
            State::FlowMappingNoValue => {
                self.state = State::FlowMappingKey(Place::Further);
                self.nothing_here()
            }
        }
    }

    /// The first document may begin without `---`.
    fn first_document(&mut self) -> Result<Event, Error> {
        let token = self.scanner.peek()?;
        let mark = token.start;
        match token.kind {
            TokenKind::Directive(_) | TokenKind::DocumentStart | TokenKind::StreamEnd => {
                self.document()
            }
            _ => {
                self.outer.push(State::DocumentEnd);
                self.state = State::Root;
                Ok(event(mark, EventKind::DocumentStart))
            }
        }
    }

    fn document(&mut self) -> Result<Event, Error> {
        while matches!(self.scanner.peek()?.kind, TokenKind::DocumentEnd) {
            self.scanner.next()?;
        }
        let mark = self.scanner.peek()?.start;
        if matches!(self.scanner.peek()?.kind, TokenKind::StreamEnd) {
            return Ok(event(mark, EventKind::StreamEnd));
        }
        self.handles.read(&mut self.scanner)?;
        match self.scanner.peek()?.kind {
            TokenKind::StreamEnd => Ok(event(mark, EventKind::StreamEnd)),
            TokenKind::DocumentStart => {
                self.scanner.next()?;
                self.outer.push(State::DocumentEnd);
                self.state = State::DocumentContent;
                Ok(event(mark, EventKind::DocumentStart))
            }
            _ => self.unexpected("<document start>", ErrorKind::Placement),
        }
    }

    fn document_content(&mut self) -> Result<Event, Error> {
        match self.scanner.peek()?.kind {
            TokenKind::Directive(_)
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => {
                self.leave();
                self.nothing_here()
            }
            _ => self.node(Context::Block),
        }
    }

    fn document_end(&mut self) -> Result<Event, Error> {
        let token = self.scanner.peek()?;
        let mark = token.start;
        if matches!(token.kind, TokenKind::DocumentEnd) {
            self.scanner.next()?;
        }
        self.state = State::Document;
        Ok(event(mark, EventKind::DocumentEnd))
    }

    fn pass_first(&mut self, place: Place) -> Result<(), Error> {
        if place == Place::First {
            self.scanner.next()?;
        }
        Ok(())
    }

    fn node_then(&mut self, then: State, context: Context) -> Result<Event, Error> {
        self.outer.push(then);
        self.node(context)
    }

    /// Ends a collection with the next token.
    fn end(&mut self, kind: EventKind) -> Result<Event, Error> {
        let token = self.scanner.next()?;
        self.leave();
        Ok(event(token.start, kind))
    }

    fn leave(&mut self) {
        self.state = self.outer.pop().unwrap_or(State::Document);
    }

    fn nothing_behind(&mut self, token: &Token, then: State) -> Event {
        self.state = then;
        nothing(token.end)
    }

    fn nothing_here(&mut self) -> Result<Event, Error> {
        Ok(nothing(self.scanner.peek()?.start))
    }

    fn unexpected<T>(&mut self, expected: &str, kind: ErrorKind) -> Result<T, Error> {
        let mark = self.scanner.peek()?.start;
        Err(Error::at(mark, format!("did not find expected {expected}")).of(kind))
    }
}

fn event(mark: Mark, kind: EventKind) -> Event {
    Event { mark, kind }
}

/// A place where a value could stand and none does.
fn nothing(mark: Mark) -> Event {
    let kind = EventKind::Scalar {
        properties: Properties::default(),
        text: String::new(),
        plain: true,
    };
    Event { mark, kind }
}
