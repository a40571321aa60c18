use crate::Mark;

/// One lexical unit of a stream.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) start: Mark,
    /// Just behind it.
    pub(crate) end: Mark,
    pub(crate) kind: TokenKind,
}

#[derive(Debug)]
pub(crate) enum TokenKind {
    StreamEnd,
    Directive(Directive),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(String),
    Anchor(String),
    Tag(Tag),
    Scalar {
        text: String,
        /// Without quotes, and no block.
        plain: bool,
    },
}

/// A line that begins with `%`.
#[derive(Debug)]
pub(crate) enum Directive {
    /// `%YAML`, with its major version.
    Yaml(u32),
    /// `%TAG`
    Tag {
        handle: String,
        prefix: String,
    },
    Unknown,
}

/// A tag as it is written.
#[derive(Debug)]
pub(crate) struct Tag {
    /// `!`, `!!` or `!name!`; nothing when the tag is given in full.
    pub(crate) handle: Option<String>,
    pub(crate) suffix: String,
}
