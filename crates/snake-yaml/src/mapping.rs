//! The entries of a mapping: duplicate keys and merge keys.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{Hash, Hasher};

use crate::{Error, ErrorKind, Mark, Node, NodeKind};

/// Collects entries in the order of the file.
#[derive(Debug)]
pub(crate) struct MappingBuilder {
    mark: Mark,
    entries: Vec<(Node, Node)>,
    slots: HashMap<(KeyIdentity, KeyForm), Slot>,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    index: usize,
    origin: SlotOrigin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SlotOrigin {
    Own,
    Merged,
}

/// Spring Boot wraps values to keep their places, and by accident also the keys of a merged mapping that it has not read before.
/// To SnakeYAML a wrapped key and a bare one are different keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum KeyForm {
    Bare,
    Wrapped,
}

impl MappingBuilder {
    pub(crate) fn new(mark: Mark) -> Self {
        Self {
            mark,
            entries: Vec::new(),
            slots: HashMap::new(),
        }
    }

    /// Adds an entry of the mapping itself; it takes the place of a merged one.
    pub(crate) fn insert(&mut self, key: Node, value: Node) -> Result<(), Error> {
        match self.slots.entry((KeyIdentity::of(&key), KeyForm::Bare)) {
            Entry::Occupied(mut slot) => {
                if slot.get().origin == SlotOrigin::Own {
                    return Err(duplicate(&key));
                }
                slot.get_mut().origin = SlotOrigin::Own;
                self.entries[slot.get().index] = (key, value);
            }
            Entry::Vacant(slot) => {
                slot.insert(Slot {
                    index: self.entries.len(),
                    origin: SlotOrigin::Own,
                });
                self.entries.push((key, value));
            }
        }
        Ok(())
    }

    /// Adds what stands behind a `<<`: a mapping, or a list of mappings of which the first has precedence.
    pub(crate) fn merge(&mut self, source: &Node) -> Result<(), Error> {
        let NodeKind::List(sources) = source.kind() else {
            return self.merge_mapping(source);
        };
        sources
            .iter()
            .try_for_each(|source| self.merge_mapping(source))
    }

    fn merge_mapping(&mut self, source: &Node) -> Result<(), Error> {
        let is_read_before = source.mark() < self.mark;
        let form = if is_read_before {
            KeyForm::Bare
        } else {
            KeyForm::Wrapped
        };
        match source.kind() {
            NodeKind::Map(entries) => {
                for (key, value) in entries {
                    self.merge_entry(key, value.clone(), form);
                }
            }
            NodeKind::Set(members) => {
                for member in members {
                    let value = Node::new(member.mark(), NodeKind::Null);
                    self.merge_entry(member, value, form);
                }
            }
            _ => {
                let problem = "expected a mapping or a list of mappings to merge";
                return Err(Error::at(source.mark(), problem).of(ErrorKind::Merge));
            }
        }
        Ok(())
    }

    fn merge_entry(&mut self, key: &Node, value: Node, form: KeyForm) {
        if let Entry::Vacant(slot) = self.slots.entry((KeyIdentity::of(key), form)) {
            slot.insert(Slot {
                index: self.entries.len(),
                origin: SlotOrigin::Merged,
            });
            self.entries.push((key.clone(), value));
        }
    }

    pub(crate) fn finish(self) -> Vec<(Node, Node)> {
        let is_wrapped = |(_, form): &(KeyIdentity, KeyForm)| *form == KeyForm::Wrapped;
        if self.slots.keys().any(is_wrapped) {
            // Spring Boot unwraps the keys and puts them into a map.
            with_unique_keys(self.entries)
        } else {
            self.entries
        }
    }
}

/// The pairs of an `!!omap`.
pub(crate) fn ordered_map(items: &[Node], mark: Mark) -> Result<Vec<(Node, Node)>, Error> {
    Ok(with_unique_keys(single_entries(items, mark)?))
}

/// `!!pairs`, each a list of two; Java has an array there, which nobody can flatten.
pub(crate) fn pairs(items: &[Node], mark: Mark) -> Result<NodeKind, Error> {
    let pairs = single_entries(items, mark)?
        .into_iter()
        .map(|(key, value)| Node::new(key.mark(), NodeKind::List(vec![key, value])));
    Ok(NodeKind::List(pairs.collect()))
}

fn single_entries(items: &[Node], mark: Mark) -> Result<Vec<(Node, Node)>, Error> {
    let mut entries = Vec::with_capacity(items.len());
    for item in items {
        let NodeKind::Map(pair) = item.kind() else {
            return Err(Error::at(
                mark,
                "expected a list of mappings with one entry",
            ));
        };
        let [entry] = pair.as_slice() else {
            return Err(Error::at(item.mark(), "expected a mapping with one entry"));
        };
        entries.push(entry.clone());
    }
    Ok(entries)
}

/// As Java's `LinkedHashMap` has it: the place of the first entry with a key, the value of the last.
fn with_unique_keys(entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
    let mut unique: Vec<(Node, Node)> = Vec::with_capacity(entries.len());
    let mut indexes: HashMap<KeyIdentity, usize> = HashMap::new();
    for (key, value) in entries {
        match indexes.entry(KeyIdentity::of(&key)) {
            Entry::Occupied(index) => unique[*index.get()].1 = value,
            Entry::Vacant(index) => {
                index.insert(unique.len());
                unique.push((key, value));
            }
        }
    }
    unique
}

fn duplicate(key: &Node) -> Error {
    const LONGEST_NAME: usize = 100;
    let name = match key.kind() {
        NodeKind::Text(text) => text.chars().take(LONGEST_NAME).collect(),
        NodeKind::Null => "null".to_owned(),
        NodeKind::Bool(value) => value.to_string(),
        NodeKind::Integer(value) => value.to_string(),
        _ => {
            return Error::at(key.mark(), "found a duplicate key").of(ErrorKind::DuplicateKey);
        }
    };
    // A message is one line, whatever the key holds.
    Error::at(
        key.mark(),
        format!("found duplicate key {}", name.escape_debug()),
    )
    .of(ErrorKind::DuplicateKey)
}

/// When two keys are the same to Java's `equals`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum KeyIdentity {
    Null,
    Bool(bool),
    Integer(i64),
    BigInteger(Box<str>),
    /// The bits, as `Double.equals` compares them.
    Float(u64),
    Text(TextKey),
    Timestamp(i64),
    /// Java compares arrays by address.
    Binary(usize),
    List(Vec<Self>),
    /// Sorted, since the order of entries does not matter.
    Map(Vec<(Self, Self)>),
    Set(Vec<Self>),
}

/// A node that is text, by which it is told from others: most keys are, and a node costs nothing to hold.
#[derive(Debug)]
struct TextKey(Node);

impl TextKey {
    fn text(&self) -> &str {
        match self.0.kind() {
            NodeKind::Text(text) => text,
            _ => "",
        }
    }
}

impl PartialEq for TextKey {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for TextKey {}

impl PartialOrd for TextKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TextKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text().cmp(other.text())
    }
}

impl Hash for TextKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl KeyIdentity {
    fn of(node: &Node) -> Self {
        match node.kind() {
            NodeKind::Null => Self::Null,
            NodeKind::Bool(value) => Self::Bool(*value),
            NodeKind::Integer(value) => Self::Integer(*value),
            NodeKind::BigInteger(digits) => Self::BigInteger(digits.clone()),
            NodeKind::Float(value) if value.is_nan() => Self::Float(f64::NAN.to_bits()),
            NodeKind::Float(value) => Self::Float(value.to_bits()),
            NodeKind::Text(_) => Self::Text(TextKey(node.clone())),
            NodeKind::Timestamp(millis) => Self::Timestamp(*millis),
            NodeKind::Binary(_) => Self::Binary(node.address()),
            NodeKind::List(items) => Self::List(items.iter().map(Self::of).collect()),
            NodeKind::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| (Self::of(key), Self::of(value)));
                Self::Map(sorted(entries))
            }
            NodeKind::Set(members) => Self::Set(sorted(members.iter().map(Self::of))),
        }
    }
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort();
    items
}
