use std::fmt;
use std::sync::Arc;

use crate::limits::Weight;

/// A place in a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mark {
    /// Counted from 1.
    pub line: u32,
    /// Counted from 1, in characters.
    pub column: u32,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A value and where it begins.
///
/// Cheap to clone. An alias is the very node of its anchor, place included.
/// The depth of the tree is bounded by [`Limits::depth`](crate::Limits::depth), so it may be walked recursively.
#[derive(Debug, Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    mark: Mark,
    kind: NodeKind,
    weight: Weight,
}

/// What a [`Node`] is, in the types SnakeYAML gives to Java.
#[derive(Debug, PartialEq)]
pub enum NodeKind {
    /// Empty, `~` or `null`.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Bool(bool),
    /// A whole number that fits Java's `Long`.
    Integer(i64),
    /// Any other whole number, in decimal digits.
    BigInteger(Box<str>),
    /// A floating point number.
    Float(f64),
    /// Text, dates without a tag included.
    Text(Box<str>),
    /// An explicit `!!timestamp`, in milliseconds since 1970 began.
    Timestamp(i64),
    /// Decoded `!!binary`.
    Binary(Vec<u8>),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping without duplicate keys, in the order of the file, merge keys applied.
    Map(Vec<(Node, Node)>),
    /// The members of a `!!set`, in the order of the file.
    Set(Vec<Node>),
}

impl Node {
    pub(crate) fn new(mark: Mark, kind: NodeKind) -> Self {
        let weight = kind.weight();
        Self {
            inner: Arc::new(Inner { mark, kind, weight }),
        }
    }

    /// Where the value begins; for an alias, where its anchor stands.
    pub fn mark(&self) -> Mark {
        self.inner.mark
    }

    /// The value.
    pub fn kind(&self) -> &NodeKind {
        &self.inner.kind
    }

    pub(crate) fn weight(&self) -> Weight {
        self.inner.weight
    }

    /// The same for two nodes only when one is an alias of the other.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(&self.inner).addr()
    }
}

/// Equal values; places do not matter.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind()
    }
}

impl NodeKind {
    fn weight(&self) -> Weight {
        match self {
            Self::Null | Self::Bool(_) | Self::Integer(_) | Self::Float(_) | Self::Timestamp(_) => {
                Weight::of_scalar(0)
            }
            Self::BigInteger(text) | Self::Text(text) => Weight::of_scalar(text.len()),
            Self::Binary(bytes) => Weight::of_scalar(bytes.len()),
            Self::List(items) | Self::Set(items) => {
                Weight::of_collection(items.iter().map(Node::weight))
            }
            Self::Map(entries) => {
                let nodes = entries.iter().flat_map(|(key, value)| [key, value]);
                Weight::of_collection(nodes.map(Node::weight))
            }
        }
    }
}
