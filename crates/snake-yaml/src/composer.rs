//! From events to nodes: tags, anchors, aliases and limits.

use std::collections::HashMap;

use crate::limits::{Budget, Limits, Weight};
use crate::mapping::{self, MappingBuilder};
use crate::parser::{Event, EventKind, Parser, Properties};
use crate::resolver::{self, Implicit};
use crate::{Error, ErrorKind, Mark, Node, NodeKind};
use crate::{scalar, source};

/// All documents of a stream in order.
///
/// An empty stream has none; an explicit empty document (`---` alone) is [`NodeKind::Null`].
///
/// # Errors
///
/// When the stream is not YAML that SnakeYAML would take, or asks for more than the limits allow.
pub fn load_all(bytes: &[u8], limits: &Limits) -> Result<Vec<Node>, Error> {
    let text = source::decode(bytes, limits)?;
    Composer::new(&text, limits).documents()
}

struct Composer<'a> {
    parser: Parser<'a>,
    budget: Budget<'a>,
    anchors: HashMap<String, Anchor>,
}

enum Anchor {
    /// The collection is not complete; an alias to it would be recursive.
    Open(Mark),
    Closed(Node),
}

/// A key of a mapping.
enum Key {
    Merge,
    Node(Node),
}

impl<'a> Composer<'a> {
    fn new(text: &'a str, limits: &'a Limits) -> Self {
        Self {
            parser: Parser::new(text),
            budget: Budget::new(limits),
            anchors: HashMap::new(),
        }
    }

    fn documents(&mut self) -> Result<Vec<Node>, Error> {
        let mut documents = Vec::new();
        loop {
            match self.parser.next_event()?.kind {
                EventKind::StreamEnd => return Ok(documents),
                EventKind::DocumentStart => {
                    self.anchors.clear();
                    let root = self.parser.next_event()?;
                    documents.push(self.node(root)?);
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, event: Event) -> Result<Node, Error> {
        let mark = event.mark;
        match event.kind {
            EventKind::Alias(name) => self.alias(&name, mark),
            EventKind::Scalar {
                properties,
                text,
                plain,
            } => match self.scalar(properties, text, plain, mark)? {
                Key::Node(node) => Ok(node),
                Key::Merge => {
                    Err(Error::at(mark, "<< is only allowed as a key").of(ErrorKind::Merge))
                }
            },
            EventKind::SequenceStart(properties) => self.collection(properties, mark, Self::list),
            EventKind::MappingStart(properties) => self.collection(properties, mark, Self::mapping),
            _ => Err(Error::at(mark, "expected a value")),
        }
    }

    fn key(&mut self, event: Event) -> Result<Key, Error> {
        match event.kind {
            EventKind::Scalar {
                properties,
                text,
                plain,
            } => self.scalar(properties, text, plain, event.mark),
            _ => self.node(event).map(Key::Node),
        }
    }

    fn alias(&mut self, name: &str, mark: Mark) -> Result<Node, Error> {
        let node = match self.anchors.get(name) {
            Some(Anchor::Closed(node)) => node.clone(),
            Some(Anchor::Open(_)) => {
                let problem = "found an alias inside of what it stands for";
                return Err(Error::at(mark, problem).of(ErrorKind::Alias));
            }
            // The name is not told: it may be a value whose author forgot the quotes.
            None => {
                let problem = "found undefined alias; text that begins with * needs quotes";
                return Err(Error::at(mark, problem).of(ErrorKind::Alias));
            }
        };
        self.budget.spend(node.weight(), mark)?;
        Ok(node)
    }

    fn scalar(
        &mut self,
        properties: Properties,
        text: String,
        plain: bool,
        mark: Mark,
    ) -> Result<Key, Error> {
        self.budget.spend(Weight::of_scalar(text.len()), mark)?;
        let kind = match explicit_tag(&properties, mark)? {
            Some(tag) => tagged_scalar(tag, text, mark)?,
            None if plain || properties.tag.is_some() => plain_scalar(text, mark)?,
            None => Some(NodeKind::Text(text.into())),
        };
        let Some(kind) = kind else {
            return Ok(Key::Merge);
        };
        let node = Node::new(mark, kind);
        if let Some(name) = properties.anchor {
            self.anchors.insert(name, Anchor::Closed(node.clone()));
        }
        Ok(Key::Node(node))
    }

    fn collection(
        &mut self,
        properties: Properties,
        mark: Mark,
        content: fn(&mut Self, Option<&str>, Mark) -> Result<NodeKind, Error>,
    ) -> Result<Node, Error> {
        self.budget.spend(Weight::of_scalar(0), mark)?;
        let tag = explicit_tag(&properties, mark)?;
        if let Some(name) = &properties.anchor {
            self.anchors.insert(name.clone(), Anchor::Open(mark));
        }
        self.budget.enter();
        let kind = content(self, tag, mark)?;
        self.budget.leave();
        let node = Node::new(mark, kind);
        if let Some(name) = properties.anchor {
            self.close(name, &node);
        }
        Ok(node)
    }

    /// Completes an anchor, unless the same name was given again inside of the collection.
    fn close(&mut self, name: String, node: &Node) {
        if matches!(self.anchors.get(&name), Some(Anchor::Open(mark)) if *mark == node.mark()) {
            self.anchors.insert(name, Anchor::Closed(node.clone()));
        }
    }

    fn list(&mut self, tag: Option<&str>, mark: Mark) -> Result<NodeKind, Error> {
        let mut items = Vec::new();
        loop {
            let event = self.parser.next_event()?;
            if matches!(event.kind, EventKind::SequenceEnd) {
                break;
            }
            items.push(self.node(event)?);
        }
        match tag {
            None | Some("seq") => Ok(NodeKind::List(items)),
            Some("pairs") => mapping::pairs(&items, mark),
            Some("omap") => Ok(NodeKind::Map(mapping::ordered_map(&items, mark)?)),
            Some(_) => Err(unknown_tag(mark)),
        }
    }

    fn mapping(&mut self, tag: Option<&str>, mark: Mark) -> Result<NodeKind, Error> {
        let mut builder = MappingBuilder::new(mark);
        loop {
            let event = self.parser.next_event()?;
            if matches!(event.kind, EventKind::MappingEnd) {
                break;
            }
            let key = self.key(event)?;
            let value = self.parser.next_event()?;
            let value = self.node(value)?;
            match key {
                Key::Node(key) => builder.insert(key, value)?,
                Key::Merge => builder.merge(&value)?,
            }
        }
        let entries = builder.finish();
        match tag {
            None | Some("map") => Ok(NodeKind::Map(entries)),
            Some("set") => Ok(NodeKind::Set(
                entries.into_iter().map(|(key, _)| key).collect(),
            )),
            Some(_) => Err(unknown_tag(mark)),
        }
    }
}

/// The short name of a standard tag; `!` alone counts as none.
fn explicit_tag(properties: &Properties, mark: Mark) -> Result<Option<&str>, Error> {
    match properties.tag.as_deref() {
        None | Some("!") => Ok(None),
        Some(tag) => match tag.strip_prefix("tag:yaml.org,2002:") {
            Some(name) => Ok(Some(name)),
            None => Err(unknown_tag(mark)),
        },
    }
}

/// The name is not told: it may be a value whose author forgot the quotes.
fn unknown_tag(mark: Mark) -> Error {
    let problem = "found a tag that is not allowed here; text that begins with ! needs quotes";
    Error::at(mark, problem).of(ErrorKind::Tag)
}

/// Nothing stands for a merge key.
fn plain_scalar(text: String, mark: Mark) -> Result<Option<NodeKind>, Error> {
    let kind = match resolver::resolve(&text) {
        Implicit::Null => NodeKind::Null,
        Implicit::Bool => scalar::bool(&text),
        Implicit::Integer => scalar::integer(&text, mark)?,
        Implicit::Float => scalar::float(&text, mark)?,
        Implicit::Merge => return Ok(None),
        Implicit::Timestamp | Implicit::Text => NodeKind::Text(text.into()),
    };
    Ok(Some(kind))
}

/// Nothing stands for a merge key.
fn tagged_scalar(tag: &str, text: String, mark: Mark) -> Result<Option<NodeKind>, Error> {
    let kind = match tag {
        "null" => NodeKind::Null,
        "bool" => scalar::bool(&text),
        "int" => scalar::integer(&text, mark)?,
        "float" => scalar::float(&text, mark)?,
        "binary" => scalar::binary(&text, mark)?,
        "timestamp" => scalar::timestamp(&text, mark)?,
        "str" => NodeKind::Text(text.into()),
        "merge" => return Ok(None),
        _ => return Err(unknown_tag(mark)),
    };
    Ok(Some(kind))
}
