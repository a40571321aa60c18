//! The flat map as the tree that it stands for.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::names::{Step, canonical, steps};

/// Deeper keys are not bound: no struct is, and a tree is walked and dropped by recursion.
const MAX_DEPTH: usize = 64;

/// A section, a list or a value; one that is written in two sources can be more than one of them.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// The key up to here, as it is first written.
    pub(crate) path: String,
    /// The last step of the path: a key of a map.
    pub(crate) name: String,
    /// Number of the entry that holds the value.
    pub(crate) leaf: Option<Leaf>,
    /// By canonical name.
    pub(crate) named: IndexMap<String, Self>,
    pub(crate) elements: BTreeMap<usize, Self>,
    /// The source that gave the elements; a list comes from one source as a whole.
    elements_from: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leaf {
    /// Index among the entries of the snapshot.
    pub(crate) entry: usize,
    source: usize,
}

impl Node {
    /// Builds a tree of `(key, number of its source)`, where source 0 has the highest precedence.
    pub(crate) fn tree<'a>(keys: impl Iterator<Item = (&'a str, usize)>) -> Self {
        let mut keys: Vec<_> = keys
            .enumerate()
            .map(|(entry, (key, source))| (key, Leaf { entry, source }))
            .collect();
        keys.sort_by_key(|(_, leaf)| leaf.source);
        let mut root = Self::default();
        for (key, leaf) in keys {
            root.insert(key, leaf);
        }
        root
    }

    /// An empty section.
    pub(crate) fn nothing(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..Self::default()
        }
    }

    /// What lies under a key, in any spelling. The empty key is the whole.
    pub(crate) fn find(&self, key: &str) -> Option<&Self> {
        steps(key)
            .into_iter()
            .try_fold(self, |node, step| match step {
                Step::Name(name) => node.named.get(&canonical(name)),
                Step::Literal(name) => node.named.get(&literal(name)),
                Step::Element(index) => node.elements.get(&index),
            })
    }

    /// Whether nothing at all is written here.
    pub(crate) fn is_empty(&self) -> bool {
        self.leaf.is_none() && self.named.is_empty() && self.elements.is_empty()
    }

    /// Whether the elements are hidden by a value of a source with higher precedence (`servers: a,b`).
    pub(crate) fn value_hides_elements(&self) -> bool {
        match (self.leaf, self.elements_from) {
            (Some(leaf), Some(elements)) => leaf.source < elements,
            (leaf, _) => leaf.is_some(),
        }
    }

    /// Whether elements are read here.
    pub(crate) fn is_list(&self) -> bool {
        !self.elements.is_empty() && !self.value_hides_elements()
    }

    /// The entries at and below this node.
    pub(crate) fn entries(&self) -> Vec<usize> {
        let below = self
            .named
            .values()
            .chain(self.elements.values())
            .flat_map(Self::entries);
        self.leaf
            .iter()
            .map(|leaf| leaf.entry)
            .chain(below)
            .collect()
    }

    /// The first source to name a value or a list keeps it: sources come with the highest first.
    fn insert(&mut self, key: &str, leaf: Leaf) {
        let steps = steps(key);
        if steps.len() > MAX_DEPTH {
            return;
        }
        let mut node = self;
        for step in steps {
            let Some(child) = node.child(step, leaf.source) else {
                return;
            };
            node = child;
        }
        node.leaf.get_or_insert(leaf);
    }

    fn child(&mut self, step: Step<'_>, source: usize) -> Option<&mut Self> {
        let path = &self.path;
        let named = |name: &str, text: String| {
            let path = if path.is_empty() {
                text
            } else {
                format!("{path}.{text}")
            };
            Self {
                path,
                name: name.to_owned(),
                ..Self::default()
            }
        };
        Some(match step {
            Step::Name(name) => self
                .named
                .entry(canonical(name))
                .or_insert_with(|| named(name, name.to_owned())),
            Step::Literal(name) => self
                .named
                .entry(literal(name))
                .or_insert_with(|| named(name, format!("[{name}]"))),
            Step::Element(index) => {
                if *self.elements_from.get_or_insert(source) != source {
                    return None;
                }
                let element = || Self {
                    path: format!("{path}[{index}]"),
                    name: index.to_string(),
                    ..Self::default()
                };
                self.elements.entry(index).or_insert_with(element)
            }
        })
    }
}

/// Brackets keep a name from meeting other spellings of it, unless it is plain.
fn literal(name: &str) -> String {
    if name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    {
        name.to_owned()
    } else {
        format!("[{name}]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(keys: &[(&str, usize)]) -> Node {
        Node::tree(keys.iter().copied())
    }

    fn entry(tree: &Node, key: &str) -> Option<usize> {
        tree.find(key)?.leaf.map(|leaf| leaf.entry)
    }

    #[test]
    fn the_highest_source_wins_in_any_spelling() {
        let tree = tree(&[("pool.max-open", 1), ("pool.maxOpen", 0), ("POOL.idle", 1)]);
        assert_eq!(entry(&tree, "pool.max_open"), Some(1));
        assert_eq!(entry(&tree, "pool.idle"), Some(2));
        assert_eq!(tree.find("pool.max-open").unwrap().path, "pool.maxOpen");
    }

    #[test]
    fn a_list_comes_from_one_source() {
        let tree = tree(&[("myHosts[0]", 1), ("myHosts[1]", 1), ("my-hosts[0]", 0)]);
        assert_eq!(entry(&tree, "my-hosts[0]"), Some(2));
        assert!(tree.find("my-hosts[1]").is_none());
    }

    #[test]
    fn a_higher_value_hides_a_lower_list() {
        assert!(
            tree(&[("a[0]", 1), ("a", 0)])
                .find("a")
                .unwrap()
                .value_hides_elements()
        );
        assert!(
            !tree(&[("a[0]", 0), ("a", 1)])
                .find("a")
                .unwrap()
                .value_hides_elements()
        );
    }

    #[test]
    fn endless_keys_are_left_out() {
        let deep = "a.".repeat(100_000);
        assert!(tree(&[(&deep, 0)]).is_empty());
    }
}
