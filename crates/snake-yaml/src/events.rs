//! The parser of libyaml behind a safe interface; the only place with unsafe code.
#![expect(
    unsafe_code,
    reason = "libyaml-rs is a translation of C and keeps its raw pointers"
)]

use std::ffi::{CStr, c_char};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use libyaml_rs::{
    YAML_ALIAS_EVENT, YAML_DOCUMENT_END_EVENT, YAML_DOCUMENT_START_EVENT,
    YAML_DOUBLE_QUOTED_SCALAR_STYLE, YAML_MAPPING_END_EVENT, YAML_MAPPING_START_EVENT,
    YAML_PLAIN_SCALAR_STYLE, YAML_SCALAR_EVENT, YAML_SCALAR_TOKEN, YAML_SEQUENCE_END_EVENT,
    YAML_SEQUENCE_START_EVENT, YAML_STREAM_END_TOKEN, YAML_STREAM_START_EVENT, YAML_UTF8_ENCODING,
    yaml_event_delete, yaml_event_t, yaml_mark_t, yaml_parser_delete, yaml_parser_initialize,
    yaml_parser_parse, yaml_parser_scan, yaml_parser_set_encoding, yaml_parser_set_input_string,
    yaml_parser_t, yaml_token_delete, yaml_token_t,
};

use crate::{Error, Mark};

/// One step of the structure of a stream.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) mark: Mark,
    pub(crate) kind: EventKind,
}

#[derive(Debug)]
pub(crate) enum EventKind {
    StreamStart,
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
#[derive(Debug)]
pub(crate) struct Properties {
    pub(crate) anchor: Option<String>,
    /// In full, `tag:yaml.org,2002:str` for `!!str`.
    pub(crate) tag: Option<String>,
}

/// One lexical unit, and where it is in the text, counted in bytes.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    PlainScalar,
    DoubleQuotedScalar,
    StreamEnd,
    Other,
}

/// A running parser; either events or tokens are taken from it, not both.
#[derive(Debug)]
pub(crate) struct Parser<'text> {
    raw: NonNull<yaml_parser_t>,
    /// libyaml keeps a pointer into the text.
    text: PhantomData<&'text str>,
}

impl<'text> Parser<'text> {
    pub(crate) fn new(text: &'text str) -> Self {
        let parser = Box::new(MaybeUninit::<yaml_parser_t>::uninit());
        let raw = NonNull::from(Box::leak(parser)).cast::<yaml_parser_t>();
        // SAFETY: `raw` points to memory of the right size and alignment, on the heap because libyaml stores its address.
        // It is initialised before anything else; the text outlives the parser through the lifetime.
        unsafe {
            let initialized = yaml_parser_initialize(raw.as_ptr());
            assert!(
                initialized.ok,
                "this holds because libyaml-rs aborts when memory runs out"
            );
            yaml_parser_set_encoding(raw.as_ptr(), YAML_UTF8_ENCODING);
            yaml_parser_set_input_string(raw.as_ptr(), text.as_ptr(), text.len() as u64);
        }
        Self {
            raw,
            text: PhantomData,
        }
    }

    /// The next event; must not be asked for after an error or the end of the stream.
    pub(crate) fn next_event(&mut self) -> Result<Event, Error> {
        let mut event = MaybeUninit::<yaml_event_t>::uninit();
        // SAFETY: the parser is initialised, and libyaml writes the event before it reports success.
        let event = unsafe {
            if yaml_parser_parse(self.raw.as_ptr(), event.as_mut_ptr()).fail {
                return Err(self.error());
            }
            OwnedEvent(event.assume_init())
        };
        Ok(event.to_event())
    }

    /// The next token; must not be asked for after an error or the end of the stream.
    pub(crate) fn next_token(&mut self) -> Result<Token, Error> {
        let mut token = MaybeUninit::<yaml_token_t>::uninit();
        // SAFETY: the parser is initialised, and libyaml writes the token before it reports success.
        let token = unsafe {
            if yaml_parser_scan(self.raw.as_ptr(), token.as_mut_ptr()).fail {
                return Err(self.error());
            }
            OwnedToken(token.assume_init())
        };
        Ok(token.to_token())
    }

    fn error(&self) -> Error {
        // SAFETY: the parser is initialised and nobody else writes to it.
        let parser = unsafe { self.raw.as_ref() };
        // SAFETY: both are null or static strings of libyaml.
        let (problem, context) = unsafe {
            let problem = c_string(parser.problem.cast());
            (problem, c_string(parser.context.cast()))
        };
        let problem = problem.unwrap_or_else(|| "not well-formed".to_owned());
        let problem = match context {
            Some(context) => format!("{problem} {context}"),
            None => problem,
        };
        Error::at(to_mark(parser.problem_mark), problem)
    }
}

impl Drop for Parser<'_> {
    fn drop(&mut self) {
        // SAFETY: the parser was initialised in `new`, and its memory comes from a box of the same layout.
        unsafe {
            yaml_parser_delete(self.raw.as_ptr());
            drop(Box::from_raw(
                self.raw.cast::<MaybeUninit<yaml_parser_t>>().as_ptr(),
            ));
        }
    }
}

/// Frees what libyaml allocated for an event.
struct OwnedEvent(yaml_event_t);

impl OwnedEvent {
    fn to_event(&self) -> Event {
        let data = &self.0.data;
        // SAFETY: the type of an event says which field of the union is set;
        // the pointers in it are null or strings that live as long as the event.
        let kind = unsafe {
            match self.0.type_ {
                YAML_STREAM_START_EVENT => EventKind::StreamStart,
                YAML_DOCUMENT_START_EVENT => EventKind::DocumentStart,
                YAML_DOCUMENT_END_EVENT => EventKind::DocumentEnd,
                YAML_ALIAS_EVENT => {
                    EventKind::Alias(c_string(data.alias.anchor).unwrap_or_default())
                }
                YAML_SCALAR_EVENT => EventKind::Scalar {
                    properties: properties(data.scalar.anchor, data.scalar.tag),
                    text: string(data.scalar.value, data.scalar.length),
                    plain: data.scalar.plain_implicit,
                },
                YAML_SEQUENCE_START_EVENT => {
                    let start = data.sequence_start;
                    EventKind::SequenceStart(properties(start.anchor, start.tag))
                }
                YAML_SEQUENCE_END_EVENT => EventKind::SequenceEnd,
                YAML_MAPPING_START_EVENT => {
                    let start = data.mapping_start;
                    EventKind::MappingStart(properties(start.anchor, start.tag))
                }
                YAML_MAPPING_END_EVENT => EventKind::MappingEnd,
                _ => EventKind::StreamEnd,
            }
        };
        Event {
            mark: to_mark(self.0.start_mark),
            kind,
        }
    }
}

impl Drop for OwnedEvent {
    fn drop(&mut self) {
        // SAFETY: the event is initialised and not used afterwards.
        unsafe { yaml_event_delete(&raw mut self.0) }
    }
}

/// Frees what libyaml allocated for a token.
struct OwnedToken(yaml_token_t);

impl OwnedToken {
    fn to_token(&self) -> Token {
        let kind = match self.0.type_ {
            YAML_SCALAR_TOKEN => {
                // SAFETY: the type says that this field of the union is set.
                match unsafe { self.0.data.scalar.style } {
                    YAML_PLAIN_SCALAR_STYLE => TokenKind::PlainScalar,
                    YAML_DOUBLE_QUOTED_SCALAR_STYLE => TokenKind::DoubleQuotedScalar,
                    _ => TokenKind::Other,
                }
            }
            YAML_STREAM_END_TOKEN => TokenKind::StreamEnd,
            _ => TokenKind::Other,
        };
        Token {
            kind,
            start: self.0.start_mark.index as usize,
            end: self.0.end_mark.index as usize,
        }
    }
}

impl Drop for OwnedToken {
    fn drop(&mut self) {
        // SAFETY: the token is initialised and not used afterwards.
        unsafe { yaml_token_delete(&raw mut self.0) }
    }
}

fn to_mark(mark: yaml_mark_t) -> Mark {
    let from_one =
        |from_zero: u64| u32::try_from(from_zero).map_or(u32::MAX, |n| n.saturating_add(1));
    Mark {
        line: from_one(mark.line),
        column: from_one(mark.column),
    }
}

/// # Safety
///
/// Each pointer is null or points to a string that ends with a zero byte.
unsafe fn properties(anchor: *const u8, tag: *const u8) -> Properties {
    // SAFETY: promised by the caller.
    unsafe {
        Properties {
            anchor: c_string(anchor),
            tag: c_string(tag),
        }
    }
}

/// # Safety
///
/// The pointer is null or points to a string that ends with a zero byte.
unsafe fn c_string(pointer: *const u8) -> Option<String> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: promised by the caller.
    let string = unsafe { CStr::from_ptr(pointer.cast::<c_char>()) };
    Some(string.to_string_lossy().into_owned())
}

/// # Safety
///
/// The pointer points to as many bytes as the length says.
unsafe fn string(pointer: *const u8, length: u64) -> String {
    // SAFETY: promised by the caller.
    let bytes = unsafe { std::slice::from_raw_parts(pointer, length as usize) };
    String::from_utf8_lossy(bytes).into_owned()
}
