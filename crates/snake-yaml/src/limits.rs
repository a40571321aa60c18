use crate::{Error, ErrorKind, Mark};

/// How much a stream may ask for.
///
/// Aliases are shared in memory, but whoever flattens a document visits them again and again.
/// The limits on nodes and expanded bytes therefore count the target of an alias each time it is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Collections inside collections, aliases followed; 50, as in SnakeYAML.
    pub depth: usize,
    /// Values and keys of all documents together, aliases followed; 100 000.
    pub nodes: usize,
    /// Length of the stream; 3 MiB, after SnakeYAML's limit of code points.
    pub bytes: usize,
    /// Length of all texts together, aliases followed; 16 MiB.
    pub expanded_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 50,
            nodes: 100_000,
            bytes: 3 * 1024 * 1024,
            expanded_bytes: 16 * 1024 * 1024,
        }
    }
}

/// What one node costs with everything below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) height: usize,
    pub(crate) nodes: usize,
    pub(crate) bytes: usize,
}

impl Weight {
    pub(crate) fn of_scalar(bytes: usize) -> Self {
        Self {
            height: 1,
            nodes: 1,
            bytes,
        }
    }

    pub(crate) fn of_collection(children: impl Iterator<Item = Self>) -> Self {
        let empty = Self::of_scalar(0);
        children.fold(empty, |sum, child| Self {
            height: sum.height.max(child.height.saturating_add(1)),
            nodes: sum.nodes.saturating_add(child.nodes),
            bytes: sum.bytes.saturating_add(child.bytes),
        })
    }
}

/// What is left of the [`Limits`] while a stream is read.
#[derive(Debug)]
pub(crate) struct Budget<'limits> {
    limits: &'limits Limits,
    depth: usize,
    nodes: usize,
    bytes: usize,
}

impl<'limits> Budget<'limits> {
    pub(crate) fn new(limits: &'limits Limits) -> Self {
        Self {
            limits,
            depth: 0,
            nodes: limits.nodes,
            bytes: limits.expanded_bytes,
        }
    }

    /// Pays for a node at the current depth, be it new or the target of an alias.
    pub(crate) fn spend(&mut self, weight: Weight, mark: Mark) -> Result<(), Error> {
        // SnakeYAML compares before it counts, hence one level more than its limit says.
        if self.depth.saturating_add(weight.height) > self.limits.depth.saturating_add(1) {
            let problem = format!("nested deeper than {} levels", self.limits.depth);
            return Err(Error::at(mark, problem).of(ErrorKind::Limit));
        }
        self.nodes = self.nodes.checked_sub(weight.nodes).ok_or_else(|| {
            let nodes = self.limits.nodes;
            let problem = format!("more than {nodes} values, counting aliases");
            Error::at(mark, problem).of(ErrorKind::Limit)
        })?;
        self.bytes = self.bytes.checked_sub(weight.bytes).ok_or_else(|| {
            let bytes = self.limits.expanded_bytes;
            let problem = format!("more than {bytes} bytes of text, counting aliases");
            Error::at(mark, problem).of(ErrorKind::Limit)
        })?;
        Ok(())
    }

    pub(crate) fn enter(&mut self) {
        self.depth += 1;
    }

    pub(crate) fn leave(&mut self) {
        self.depth -= 1;
    }
}
